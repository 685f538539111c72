//! The machines of `tests/fixtures/devices`, for the program itself: in a name space of its own, it finds what their kernel
//! tells in `/sys`, and their disks as empty files in `/dev`.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::kernel;

/// Lays `$1` over `/sys` and `/dev`, and runs the rest. What is opened by then stays open.
const ENTER: &str = r#"
cd "$1" && shift || exit 99
for device in null tty urandom; do
    : > dev/$device && mount --bind /dev/$device dev/$device || exit 99
done
mount --rbind dev /dev && mount --bind sys /sys && cd "$1" && shift && exec "$@"
exit 99
"#;

pub struct Machine(TempDir);

impl Machine {
    /// One with the disks of these.
    pub fn of(names: &[&str]) -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for name in names {
            kernel::lay_out(name, dir.path());
        }
        let machine = Self(dir);
        for disk in fs::read_dir(machine.0.path().join("sys/block")).unwrap() {
            fs::write(machine.device(disk.unwrap().file_name().to_str().unwrap()), b"").unwrap();
        }
        machine
    }

    fn device(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join("dev").join(name)
    }

    /// What was written to the disk of this name.
    pub fn written(&self, name: &str) -> Vec<u8> {
        fs::read(self.device(name)).unwrap()
    }

    /// `program`, run there.
    pub fn command(&self, program: &Command) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", ENTER, "sh"]).arg(self.0.path()).arg(program.get_current_dir().unwrap());
        command.arg(program.get_program()).args(program.get_args()).current_dir(program.get_current_dir().unwrap());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }
}
