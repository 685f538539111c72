//! deb-systemd-helper(1) of init-system-helpers 1.69: what debhelper's sections and a few scripts enable.
//!
//! Its records in `/var/lib/systemd` only serve upgrades and are not made; which units have one is kept beside the tree, since
//! scripts ask (`debian-installed`, `was-enabled`).

use super::options;
use super::unit::{self, Instance, State};
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

const NAME: &str = "deb-systemd-helper";

/// deb-systemd-helper(1)
pub(super) fn deb_systemd_helper(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read(NAME, call.args, &["quiet", "user", "system"])?;
    let instance = if given.has("user") { Instance::User } else { Instance::System };
    let Some((action, units)) = given.operands.split_first() else { return Ok(0) };
    // A question is answered with yes if that holds of one of the units.
    let mut status = u8::from(["is-enabled", "was-enabled", "debian-installed"].contains(&action.as_str()));
    for unit in units {
        let unit = unit.rsplit('/').next().unwrap_or(unit);
        match action.as_str() {
            "is-enabled" | "was-enabled" => {
                // Without a record there is no link that could be missing.
                let enabled = (action == "was-enabled" && !is_recorded(debian, instance, unit))
                    || unit::state(call, &debian.requests, instance, unit)? == State::Enabled;
                if !given.has("quiet") {
                    call.complain(if enabled { "enabled" } else { "disabled" });
                }
                if enabled {
                    status = 0;
                }
            }
            "debian-installed" => {
                if is_recorded(debian, instance, unit) {
                    status = 0;
                }
            }
            "update-state" | "enable" | "reenable" => {
                let found = unit::path(call, instance, unit)?;
                if found.is_none() {
                    call.complain(&format!("{NAME}: error: unable to read {unit}"));
                    return Ok(1);
                }
                if action != "update-state" {
                    enable(debian, call, instance, unit);
                }
                debian.requests.recorded.insert(key(instance, unit));
            }
            "disable" | "purge" => {
                // Only links that a record names are removed.
                if is_recorded(debian, instance, unit) {
                    let (preset, enable) = debian.requests.of_mut(instance == Instance::User);
                    if preset.remove(unit) | enable.remove(unit) {
                        call.files.note(format!("no longer enables {unit}"));
                    }
                }
                if action == "purge" {
                    debian.requests.recorded.remove(&key(instance, unit));
                }
            }
            "mask" => match unit::mask(call, instance, unit) {
                Ok(true) => {
                    debian.requests.masked.insert(key(instance, unit));
                }
                Ok(false) => {}
                Err(error) => return call.failed(NAME, unit, error),
            },
            "unmask" => {
                if debian.requests.masked.remove(&key(instance, unit))
                    && unit::is_masked(call, instance, unit)?
                    && let Err(error) = call.files.unlink(&unit::mask_path(instance, unit))
                {
                    return call.failed(NAME, unit, error);
                }
            }
            other => return Err(Reason::unsupported(NAME, format!("`{other}`"))),
        }
    }
    Ok(status)
}

/// Records hold the units of both managers.
fn key(instance: Instance, unit: &str) -> String {
    format!("{}/{unit}", instance.name())
}

fn is_recorded(debian: &Debian<'_>, instance: Instance, unit: &str) -> bool {
    debian.requests.recorded.contains(&key(instance, unit))
}

/// `systemctl --preset-mode=enable-only preset`, unless there is a record: then links stay as they are.
fn enable(debian: &mut Debian<'_>, call: &mut Call<'_>, instance: Instance, unit: &str) {
    if is_recorded(debian, instance, unit) {
        return;
    }
    if instance == Instance::System {
        debian.requests.disable.remove(unit);
    }
    debian.requests.of_mut(instance == Instance::User).0.insert(unit.to_owned());
    call.files.note(format!("enables {unit}, as far as presets allow"));
}

/// An error of the tree as a reason, where a link has no exit status of its own.
pub(super) fn refuse(name: &str, error: FileError) -> Reason {
    match error {
        FileError::Reason(reason) => reason,
        error => Reason::Refused(format!("{name}: {error}")),
    }
}
