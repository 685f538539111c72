//! A workspace with a cluster, as a user makes one, whose nodes are machines that QEMU can be.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use imgbuild::cmd::boot::host;

use crate::network;
use crate::postgres::Postgres;
use crate::standin;

/// Size of a stick.
const STICK: u64 = 4 << 30;
/// Downloads of all test runs.
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");
/// Images, sticks and what machines said, kept until the next run.
const PLACE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/reflash");

/// Opens a root shell on the serial line.
const AUTOLOGIN: &str = "[Service]\nExecStart=\nExecStart=-agetty --autologin root --keep-baud 115200 - $TERM\n";

/// Emulation on a busy machine may take minutes for what a stick's own machine does in a second. Units of systemd's own have
/// limits of their own (systemd-modules-load: 90 s), so a default is not enough.
const PATIENCE: &str = "[Service]\nTimeoutStartSec=15min\n";
/// K3s's unit has none, and keeps it: of files of one name the unit's own counts (systemd.unit(5)).
const ENDLESS: &str = "[Service]\nTimeoutStartSec=0\n";
const PATIENT: &str = "systemd.default_device_timeout_sec=900\", \"systemd.default_timeout_start_sec=900";

/// login(1) ends after a minute by itself, and leaves a session that failed. In seconds (login.defs(5)).
const LOGIN: &str = "LOGIN_TIMEOUT 900\n";

/// Prints every socket that waits for somebody, as the kernel shows it. It opens nothing.
const LISTENING: &str = "\
[Unit]
After=ssh.service iscsid.service imgbuild-gate.service network-online.target
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=/bin/sh -c '{ ss -Hltun | while read -r what; do echo \"listening: $$what\"; done; echo \"listening: no more\"; } >/dev/console'

[Install]
WantedBy=multi-user.target
";

/// Name, profile that it extends, board, overlays.
const PROFILES: [(&str, &str, &str, &str); 4] = [
    ("pc", "control", "uefi-amd64", "overlays = [\"patience\", \"autologin\"]"),
    ("arm", "control", "uefi-arm64", "overlays = [\"patience\", \"autologin\"]"),
    ("worker", "storage", "uefi-amd64", "overlays = [\"patience\", \"autologin\"]"),
    // As it would be published.
    ("closed", "storage", "uefi-amd64", "overlays = [\"patience\", \"listening\"]"),
];

/// The workspace and what was built in it.
pub struct Workspace {
    directory: PathBuf,
}

impl Workspace {
    /// A new one called `name` with its secrets made: nodes join at `server`, and `cluster` is the rest of the file.
    pub fn new(name: &str, server: &str, cluster: &str) -> Self {
        let directory = Path::new(PLACE).join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory).expect("our own directory");
        }
        let workspace = Self { directory };
        for (name, extends, board, overlays) in PROFILES {
            // The time server is this machine, as QEMU's user network shows it.
            let profile = format!(
                "schema = 1\nextends = \"{extends}\"\ndescription = \"Boots in QEMU\"\nboard = \"{board}\"\nserial = true\n\
                 {overlays}\nntp = [\"10.0.2.2\"]\n\n[kernel]\ncmdline = [\"{PATIENT}\"]\n"
            );
            workspace.write(&format!("profiles/{name}.toml"), &profile);
        }
        workspace.write("overlays/patience/overlay.toml", "schema = 1\n");
        for (units, limit) in [("service", PATIENCE), ("k3s.service", ENDLESS), ("k3s-agent.service", ENDLESS)] {
            workspace.write(&format!("overlays/patience/files/etc/systemd/system/{units}.d/patience.conf"), limit);
        }
        workspace.write("overlays/patience/files/etc/login.defs", LOGIN);
        let autologin = "overlays/autologin/files/etc/systemd/system/serial-getty@.service.d/autologin.conf";
        workspace.write("overlays/autologin/overlay.toml", "schema = 1\n");
        workspace.write(autologin, AUTOLOGIN);
        workspace.write("overlays/listening/overlay.toml", "schema = 1\n\n[units]\nenable = [\"listening.service\"]\n");
        workspace.write("overlays/listening/files/usr/lib/systemd/system/listening.service", LISTENING);
        let head = "schema = 1\nname = \"home\"\nssh_keys = [\"ssh-ed25519 \
                    AAAAC3NzaC1lZDI1NTE5AAAAIDmXDIuIjVdLpLW53FZRbvXcBFpEVkVTBPzxZAJcSXpr you\"]";
        workspace.write("cluster.toml", &format!("{head}\nserver = \"{server}\"\n{cluster}"));
        workspace.imgbuild(&["secrets", "init"]).assert().success();
        workspace
    }

    /// Makes `postgres` the cluster's datastore, under a name or address of its host.
    pub fn keep_state_in(&self, postgres: &Postgres, host: &str) {
        let cluster = fs::read_to_string(self.path("cluster.toml")).expect("we wrote it");
        self.write("cluster.toml", &(cluster + "\n[datastore]\nca = \"datastore-ca.pem\"\n"));
        let ca = fs::read_to_string(postgres.ca()).expect("the CA's certificate");
        self.write("datastore-ca.pem", &ca);
        let url = postgres.url(host);
        self.imgbuild(&["secrets", "set", "datastore-url"]).write_stdin(url).assert().success();
    }

    /// Says anew where nodes join.
    pub fn join_at(&self, server: &str) {
        self.change_cluster("\nserver = \"https://10.0.2.2:6443\"\n", &format!("\nserver = \"{server}\"\n"));
    }

    /// Gives the cluster's nodes of one profile another one.
    pub fn move_nodes(&self, from: &str, to: &str) {
        self.change_cluster(&format!("profile = \"{from}\""), &format!("profile = \"{to}\""));
    }

    fn change_cluster(&self, from: &str, to: &str) {
        let cluster = fs::read_to_string(self.path("cluster.toml")).expect("we wrote it");
        let changed = cluster.replace(from, to);
        assert_ne!(changed, cluster, "nothing to replace");
        self.write("cluster.toml", &changed);
    }

    /// The value of a secret.
    pub fn secret(&self, name: &str) -> String {
        let file = fs::read_to_string(self.path("secrets.toml")).expect("it was made");
        let file: toml::Table = file.parse().expect("it is TOML");
        file["secrets"][name].as_str().expect("a value").to_owned()
    }

    /// A file of the workspace.
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a path below the workspace")).expect("a directory");
        fs::write(path, text).expect("a file of the workspace");
    }

    fn imgbuild(&self, args: &[&str]) -> Command {
        let mut command = network::outside(env!("CARGO_BIN_EXE_imgbuild"));
        command.args(args).arg("--cache-dir").arg(CACHE).arg("--workspace").arg(&self.directory);
        command
    }

    fn build(&self, what: [&str; 2], secrets: &[(&str, &str)]) {
        let mut command = self.imgbuild(&["build", what[0], what[1]]);
        command.arg("--k3s-dir").arg(standin::release()).envs(secrets.iter().copied()).assert().success();
    }

    /// A new stick called `name`, with the image of `node` made anew for it.
    pub fn flash(&self, node: &str, name: &str) -> PathBuf {
        self.flash_with(node, name, &[])
    }

    /// As [`Self::flash`], with other values for some secrets, given by the environment.
    pub fn flash_with(&self, node: &str, name: &str, secrets: &[(&str, &str)]) -> PathBuf {
        self.build(["--node", node], secrets);
        self.stick(&format!("build/nodes/{node}/{node}.img"), name)
    }

    /// A new stick with a profile's image: what anybody may have.
    pub fn flash_profile(&self, profile: &str, name: &str) -> PathBuf {
        self.build(["--profile", profile], &[]);
        self.stick(&format!("build/{profile}/{profile}.img"), name)
    }

    /// A new stick with an image that was built before.
    pub fn stick(&self, image: &str, name: &str) -> PathBuf {
        let stick = self.path(name);
        host::write_stick(&self.path(image), &stick, STICK).expect("room for a stick");
        stick
    }
}
