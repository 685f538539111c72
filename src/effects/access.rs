//! Who may come in: SSH keys, `sudo` for whom the profile says so, and host keys that are no part of an image.

use std::fmt::Write as _;

use super::{Context, EffectError};
use crate::tree::{Node, Tree, TreeError};

const ORIGIN: &str = "effect:access";

/// Keys are looked up in `/etc` alone: homes lie on the state partition, which outlives an image, and whoever an image
/// no longer names must not come in. One host key, which the seed brings.
const SSHD: &str = "\
AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u
HostKey /etc/ssh/ssh_host_ed25519_key
";

/// The package's unit makes keys on a first boot, which a node with a lasting machine-id never counts. Here it makes
/// the key whenever the seed brought none, so that an unseeded node can be reached too (under a new key each boot).
const KEYGEN: &str = "\
[Unit]
ConditionFirstBoot=
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
ExecStart=
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N \"\" -f /etc/ssh/ssh_host_ed25519_key
";

/// Writes the rules for the profile's people. Comes after accounts and paths.
///
/// # Errors
/// A user with `sudo` or SSH keys without the package that serves them.
pub fn access(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let mut put = |path: &str, mode: u16, text: &str| -> Result<(), TreeError> {
        tree.put(path, Node::file(mode, text).from(ORIGIN))
    };
    let users = &context.profile.users;
    let need = |package: &str, user: &str, what: &str| {
        EffectError::refused(format!("user `{user}` of the profile"), format!("{what} needs the package {package}"))
            .with_hint(format!("add `{package}` to `packages`"))
            .at(context.profile, "user", user)
    };
    if context.has("openssh-server") {
        put("etc/ssh/sshd_config.d/10-imgbuild.conf", 0o644, SSHD)?;
        put("usr/lib/systemd/system/sshd-keygen.service.d/imgbuild.conf", 0o644, KEYGEN)?;
        for user in users.iter().filter(|user| !user.ssh_keys.is_empty()) {
            let keys = user.ssh_keys.iter().fold(String::new(), |all, key| all + key.trim() + "\n");
            put(&format!("etc/ssh/authorized_keys.d/{}", user.name), 0o644, &keys)?;
        }
    } else if let Some(user) = users.iter().find(|user| !user.ssh_keys.is_empty()) {
        return Err(need("openssh-server", &user.name, "an SSH key"));
    }
    let mut rules = String::new();
    for user in users.iter().filter(|user| user.sudo) {
        if !context.has("sudo") {
            return Err(need("sudo", &user.name, "`sudo`"));
        }
        let _ = writeln!(rules, "{} ALL=(ALL:ALL) NOPASSWD: ALL", user.name);
    }
    if !rules.is_empty() {
        put("etc/sudoers.d/imgbuild", 0o440, &rules)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
