//! Commands that start and stop services by way of Debian's policy layer, which denies it while an image is made.

use super::options;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

/// What `policy-rc.d` answers: not allowed (`invoke-rc.d` of init-system-helpers, "101 = action forbidden by policy").
const DENIED: u8 = 101;
const SYNTAX: u8 = 103;

/// invoke-rc.d(8): denied, which is no failure unless it is asked to be one.
pub(super) fn invoke_rc_d(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let (mut disclose, mut force, mut words) = (false, false, 0);
    for arg in call.args {
        match arg.as_str() {
            "--disclose-deny" | "--query" => disclose = true,
            "--force" => force = true,
            "--quiet" | "--try-anyway" | "--no-fallback" | "--skip-systemd-native" => {}
            option if option.starts_with("--") && words < 2 => return Ok(SYNTAX),
            _ => words += 1,
        }
    }
    if words < 2 {
        return Ok(SYNTAX);
    }
    if force {
        return Err(Reason::unsupported("invoke-rc.d", "`--force`, which starts what policy denies"));
    }
    call.complain("invoke-rc.d: policy-rc.d denied execution");
    Ok(if disclose { DENIED } else { 0 })
}

/// deb-systemd-invoke(1): denied, which is no failure.
pub(super) fn deb_systemd_invoke(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("deb-systemd-invoke", call.args, &["user", "system", "no-dbus"])?;
    if call.args.len() < 2 || given.operands.is_empty() {
        call.complain("Syntax: deb-systemd-invoke <action> [<unit file> ...]");
        return Ok(1);
    }
    Ok(0)
}

/// start-stop-daemon(8) as mmdebstrap replaces it while packages are configured: it says so and does nothing.
#[expect(clippy::unnecessary_wraps, reason = "tools have one type")]
pub(super) fn start_stop_daemon(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    call.print("\n");
    call.complain("Warning: Fake start-stop-daemon called, doing nothing");
    Ok(0)
}
