//! Whether the effects that a workspace's ledger names have anything to go by in the package that they are named for.
//!
//! A name in `effects` makes no effect do anything: each goes by what packages ship, by a table of packages that somebody has
//! modelled, or by what the entry declares. So it can only tell what does the work, and that may be wrong.

use super::{Ledger, LedgerError, SCRIPTS, script};
use crate::debian::Package;
use crate::effects::paths;

/// Holds what `ledger` says of `package` against what the effects would find there.
///
/// # Errors
/// An effect that would find nothing.
pub fn check_claims(package: &Package, ledger: &Ledger) -> Result<(), LedgerError> {
    let name = script::ledger_name(&package.name);
    for script in SCRIPTS.iter().filter(|script| package.control.contains_key(**script)) {
        let text = package.control_text(script).unwrap_or_default();
        for effect in ledger.effects_of(&name, script) {
            if !ledger.declares(&name, script, effect)
                && let Some(wants) = lacks(effect, package, text)
            {
                return Err(LedgerError::Idle { package: name.clone(), effect: effect.to_owned(), wants });
            }
        }
    }
    Ok(())
}

/// What the effect would need and does not find; none if it has work to do.
fn lacks(effect: &str, package: &Package, script: &str) -> Option<&'static str> {
    let ships = |dir: &str| package.members.iter().any(|member| member.path.starts_with(dir) && !member.node.is_dir());
    let says = |words: &str| script.contains(words);
    let (works, wants) = match effect {
        "accounts" => (
            ships("usr/lib/sysusers.d/"),
            "accounts come from files in /usr/lib/sysusers.d, and this package ships none",
        ),
        "alternatives" => {
            (says("update-alternatives"), "it reads `update-alternatives --install`, which this script does not call")
        }
        "ca-certificates" => (
            ships("usr/share/ca-certificates/") || ships("usr/local/share/ca-certificates/"),
            "it reads certificates, and this package ships none",
        ),
        "image" | "modules" => (
            ships("usr/lib/modules/") || ships("lib/modules/") || ships("boot/"),
            "it is about kernels and their modules, and this package ships none",
        ),
        "ldconfig" => (
            package.members.iter().any(|member| member.path.contains(".so")),
            "it is about shared libraries, and this package ships none",
        ),
        "pam" => (ships("usr/share/pam-configs/"), "it reads /usr/share/pam-configs, where this package has nothing"),
        "tmpfiles" => (ships("usr/lib/tmpfiles.d/"), "it reads /usr/lib/tmpfiles.d, where this package has nothing"),
        "units" => (
            says("systemctl enable") || says("systemctl --no-reload enable") || says("deb-systemd-helper"),
            "it reads `systemctl enable` with a unit's name, which this script does not call",
        ),
        _ => (
            paths::has_script(&package.name),
            "it knows the packages that somebody has modelled, and this is none of them",
        ),
    };
    (!works).then_some(wants)
}
