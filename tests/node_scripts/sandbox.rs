//! A place that looks like a node to a script: `/usr/lib` with what the image installs, and `/etc`, `/run`,
//! `/sys/class`, `/sys/firmware` and parts of `/proc` that the test decides on.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, UNIX_EPOCH};

use imgbuild::image::node;
use imgbuild::tree::{Kind, Tree};
use uuid::Uuid;

/// What the image's clock never goes below.
pub const EPOCH: u64 = 1_700_000_000;

/// Mounts the test's directories where a node has its own. `$0` is the sandbox.
const ENTER: &str = r#"set -e
mount -t overlay -o "lowerdir=$0/usr/lib:/usr/lib" overlay /usr/lib
mount -t overlay -o "lowerdir=$0/etc:/etc" overlay /etc
mount -t overlay -o "lowerdir=$0/var/lib:/var/lib" overlay /var/lib
mount --bind "$0/etc/imgbuild" /etc/imgbuild
mount --bind "$0/run" /run
mount --bind "$0/class" /sys/class
mount --bind "$0/firmware" /sys/firmware
mount --bind "$0/uptime" /proc/uptime
mount --bind "$0/cmdline" /proc/cmdline
mount --bind "$0/pressure" /proc/pressure/cpu
[ -e /dev/console ] || : >/dev/console
mount --bind "$0/console" /dev/console
"#;

/// Stand-ins for what reaches out of the sandbox. All that they are told is kept in `/run`.
const STANDINS: &[(&str, &str)] = &[
    ("agetty", "echo \"$*\" >>/run/agetty"),
    ("hostname", "echo fallback"),
    ("logger", "while [ \"$1\" != -- ]; do shift; done; shift; echo \"$*\" >>/run/journal-lines"),
    ("modprobe", "exit 0"),
    ("systemctl", "echo \"$*\" >>/run/systemctl; [ \"$2\" != is-active ] || [ -e \"/run/active-${3}\" ]"),
];

/// A node to run scripts on.
pub struct Sandbox {
    directory: tempfile::TempDir,
}

impl Sandbox {
    /// A node with the profile "storage" that has been on for 100 seconds.
    pub fn new() -> Self {
        let sandbox = Self { directory: tempfile::tempdir().expect("a directory") };
        for directory in ["bin", "class/net", "etc/imgbuild", "firmware", "run", "usr/lib", "var/lib"] {
            fs::create_dir_all(sandbox.path(directory)).expect("our own directory");
        }
        for (path, node) in image().iter() {
            if let (Some(path), Kind::File(content)) = (path.strip_prefix("usr/"), &node.kind) {
                sandbox.write(&format!("usr/{path}"), &content.text().expect("scripts and units are text"));
                sandbox.permit(&format!("usr/{path}"), u32::from(node.mode));
            }
        }
        let epoch = File::open(sandbox.path("usr/lib/clock-epoch")).expect("the image has it");
        epoch.set_modified(UNIX_EPOCH + Duration::from_secs(EPOCH)).expect("our own file");
        sandbox.write("usr/lib/os-release", "ID=debian\nIMAGE_ID=imgbuild\nVARIANT_ID=storage\n");
        sandbox.write("cmdline", "roothash=00 console=tty0 imgbuild.image=0123456789abcdef\n");
        sandbox.write("uptime", "100.25 150.00\n");
        sandbox.write("console", "");
        sandbox.write("pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
        for (name, text) in STANDINS {
            sandbox.standin(name, text);
        }
        sandbox
    }

    /// Where `path` of the sandbox is on this machine.
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a path has a parent")).expect("our own directory");
        fs::write(path, text).expect("our own file");
    }

    /// The text of a file, empty if there is none.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// Takes the place of a program.
    pub fn standin(&self, name: &str, text: &str) {
        self.write(&format!("bin/{name}"), &format!("#!/bin/bash\n{text}\n"));
        self.permit(&format!("bin/{name}"), 0o755);
    }

    /// The seed's facts, one `KEY='value'` a line.
    pub fn seed(&self, facts: &str) {
        self.write("etc/imgbuild/node.env", facts);
    }

    /// Runs a piece of bash on the node, after `before` was done to it.
    pub fn run(&self, before: &str, script: &str) -> Output {
        let path =
            format!("{}:{}:/usr/sbin:/sbin", self.path("bin").display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private"]);
        if !is_root() {
            command.arg("--map-root-user");
        }
        command
            .args(["bash", "-c", &format!("{ENTER}{before}\nset +e\n{script}")])
            .arg(self.directory.path())
            .env("PATH", path)
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("unshare runs")
    }

    /// What the node says of itself.
    pub fn status(&self) -> serde_json::Value {
        status(&self.path("run/imgbuild/status.json"))
    }

    fn permit(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).expect("our own file");
    }
}

/// Reads a status file.
pub fn status(path: &Path) -> serde_json::Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What every image gets from the program itself.
pub fn image() -> Tree {
    let mut tree = Tree::new();
    node::install(&mut tree, Uuid::nil(), None).expect("an empty tree takes all");
    tree
}

/// Whether this may make mount namespaces without a user namespace.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout == b"0\n"
}

/// Standard output and standard error, for what a failed assertion shows.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
