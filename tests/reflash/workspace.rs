//! A workspace with a cluster, as a user makes one, whose control node is a PC that QEMU can be.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use imgbuild::cmd::boot::host;

use crate::postgres::Postgres;
use crate::standin;

/// Size of a stick.
const STICK: u64 = 4 << 30;
/// Downloads of all test runs.
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");
/// Images, sticks and what machines said, kept until the next run.
const PLACE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/reflash");

const AUTOLOGIN: &str = "[Service]\nExecStart=\nExecStart=-agetty --autologin root --keep-baud 115200 - $TERM\n";

const PROFILE: &str = "\
schema = 1
extends = \"control\"
description = \"The control node as a PC with a shell on its serial line\"
board = \"uefi-amd64\"
serial = true
overlays = [\"autologin\"]
# This machine, as QEMU's user network shows it.
ntp = [\"10.0.2.2\"]

[kernel]
cmdline = [\"systemd.default_device_timeout_sec=300\"]
";

const CLUSTER: &str = "\
schema = 1
name = \"home\"
server = \"https://control:6443\"
ssh_keys = [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDmXDIuIjVdLpLW53FZRbvXcBFpEVkVTBPzxZAJcSXpr you\"]

[datastore]
ca = \"datastore-ca.pem\"

[node.control]
profile = \"pc\"
";

/// The workspace and what was built in it.
pub struct Workspace {
    directory: PathBuf,
}

impl Workspace {
    /// A new one, its secrets made, its datastore `postgres`.
    pub fn new(postgres: &Postgres) -> Self {
        let directory = PathBuf::from(PLACE);
        if directory.exists() {
            fs::remove_dir_all(&directory).expect("our own directory");
        }
        let workspace = Self { directory };
        workspace.write("profiles/pc.toml", PROFILE);
        workspace.write("overlays/autologin/overlay.toml", "schema = 1\n");
        workspace
            .write("overlays/autologin/files/etc/systemd/system/serial-getty@.service.d/autologin.conf", AUTOLOGIN);
        workspace.write("cluster.toml", CLUSTER);
        let ca = fs::read_to_string(postgres.ca()).expect("the CA's certificate");
        workspace.write("datastore-ca.pem", &ca);
        workspace.imgbuild(&["secrets", "init"]).assert().success();
        let url = postgres.url("10.0.2.2");
        workspace.imgbuild(&["secrets", "set", "datastore-url"]).write_stdin(url).assert().success();
        workspace
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.directory.join(path);
        fs::create_dir_all(path.parent().expect("a path below the workspace")).expect("a directory");
        fs::write(path, text).expect("a file of the workspace");
    }

    fn imgbuild(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("imgbuild").expect("the binary is built");
        command.args(args).arg("--cache-dir").arg(CACHE).arg("--workspace").arg(&self.directory);
        command
    }

    /// Builds the image of a node.
    pub fn build(&self, node: &str) {
        self.imgbuild(&["build", "--node", node]).arg("--k3s-dir").arg(standin::release()).assert().success();
    }

    /// A new stick with the image of `node` on it.
    pub fn stick(&self, node: &str, name: &str) -> PathBuf {
        let image = self.directory.join("build/nodes").join(node).join(format!("{node}.img"));
        let stick = Path::new(PLACE).join(name);
        host::write_stick(&image, &stick, STICK).expect("room for a stick");
        stick
    }
}
