//! Programs that see another machine than this one: in a mount namespace of their own, with other files over its files.
//! The machine itself stays as it is.

use std::process::Command;

use crate::rights::NOBODY;

/// A command for `script`, a shell's, which makes the mounts and ends by running what it is for. Its arguments follow.
pub fn private(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-e", "-c", script, "sh"]).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// The same program with the same arguments and environment, as nobody, after `mounts`.
pub fn nobody_after(mounts: &str, program: &Command) -> Command {
    let mut command = private(&format!("{mounts}\nexec \"$@\""));
    command.args(["setpriv", &format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]);
    // Root's tools are found above; from here on the program's own path counts.
    command.args(["env", "--ignore-environment"]);
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            command.arg(format!("{}={}", name.to_str().unwrap(), value.to_str().unwrap()));
        }
    }
    command.arg(program.get_program()).args(program.get_args());
    command.current_dir(program.get_current_dir().unwrap());
    command
}
