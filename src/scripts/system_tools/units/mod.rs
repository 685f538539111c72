//! Units and services: nothing runs while an image is made, so these commands say what is to be enabled, and start nothing.
//!
//! What is enabled is kept in [`Requests`](crate::scripts::Requests), and the effect `units` makes the links; masks are links in the
//! tree at once. Debian's `policy-rc.d`, as mmdebstrap has it while packages are configured, denies every start (exit status 101).

mod files;
mod helper;
mod services;
mod systemctl;
mod sysv;
mod unit;

use super::options;
use crate::scripts::debian::Tool;

/// The command of this name, if it is one of these.
pub(super) fn find(name: &str) -> Option<Tool> {
    Some(match name {
        "deb-systemd-helper" => helper::deb_systemd_helper,
        "deb-systemd-invoke" => services::deb_systemd_invoke,
        "systemctl" => systemctl::systemctl,
        "invoke-rc.d" => services::invoke_rc_d,
        "update-rc.d" => sysv::update_rc_d,
        "start-stop-daemon" => services::start_stop_daemon,
        "systemd-sysusers" => files::systemd_sysusers,
        "systemd-tmpfiles" => files::systemd_tmpfiles,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
