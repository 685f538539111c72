//! systemctl(1) in a chroot: what changes which units are enabled or masked is done, what would talk to a running service manager is
//! not ("Running in chroot, ignoring command", exit status 0; `VERB_ONLINE_ONLY` in systemd's `systemctl.c`).

use std::fmt::Write as _;

use globset::Glob;

use super::helper::refuse;
use super::options::{self, Given};
use super::unit::{self, Instance, State};
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

const NAME: &str = "systemctl";

const OPTIONS: [&str; 16] = [
    "q|quiet",
    "f|force",
    "now",
    "no-reload",
    "no-block",
    "no-ask-password",
    "no-pager",
    "no-legend",
    "system",
    "user",
    "global",
    "root=",
    "preset-mode=",
    "p|property=",
    "value",
    "l|full",
];

/// Verbs that only a running manager could carry out.
const ONLINE: [&str; 33] = [
    "start",
    "stop",
    "reload",
    "restart",
    "try-restart",
    "condrestart",
    "reload-or-restart",
    "try-reload-or-restart",
    "reload-or-try-restart",
    "force-reload",
    "isolate",
    "kill",
    "clean",
    "freeze",
    "thaw",
    "is-active",
    "check",
    "is-failed",
    "show",
    "status",
    "cat",
    "help",
    "reset-failed",
    "list-units",
    "list-sockets",
    "list-timers",
    "list-jobs",
    "list-dependencies",
    "daemon-reload",
    "daemon-reexec",
    "set-environment",
    "unset-environment",
    "import-environment",
];

/// systemctl(1)
pub(super) fn systemctl(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    // `kill` has more options; none matters, since it does nothing.
    if call.args.iter().any(|arg| arg == "kill") {
        return Ok(offline(call, "kill"));
    }
    let given = options::read(NAME, call.args, &OPTIONS)?;
    if given.value("root").is_some_and(|root| !root.is_empty() && root != "/") {
        return Err(Reason::unsupported(NAME, "another root directory"));
    }
    let instance = if given.has("user") || given.has("global") { Instance::User } else { Instance::System };
    let Some((verb, units)) = given.operands.split_first() else { return Ok(offline(call, "list-units")) };
    if ONLINE.contains(&verb.as_str()) {
        return Ok(offline(call, verb));
    }
    let units: Vec<String> = units.iter().map(|unit| unit::full_name(unit)).collect();
    if !matches!(verb.as_str(), "is-system-running" | "get-default" | "list-unit-files") && units.is_empty() {
        return Ok(fail(call, "Too few arguments."));
    }
    match verb.as_str() {
        "enable" | "reenable" | "preset" => enable(debian, call, &given, instance, verb, &units),
        "disable" => disable(debian, call, instance, &units),
        "mask" => {
            for unit in &units {
                if !unit::mask(call, instance, unit).map_err(|error| refuse(NAME, error))?
                    && !unit::is_masked(call, instance, unit)?
                {
                    return Ok(fail(call, &format!("File /etc/systemd/system/{unit} already exists.")));
                }
            }
            Ok(0)
        }
        "unmask" => {
            for unit in &units {
                if unit::is_masked(call, instance, unit)? {
                    let path = unit::mask_path(instance, unit);
                    call.files.unlink(&path).map_err(|error| refuse(NAME, error))?;
                }
            }
            Ok(0)
        }
        "is-enabled" => is_enabled(debian, call, &given, instance, &units),
        "list-unit-files" => list(debian, call, instance, &given),
        "is-system-running" => {
            call.print("offline\n");
            Ok(1)
        }
        other => Err(Reason::unsupported(NAME, format!("`{other}`"))),
    }
}

/// `list-unit-files`, with patterns as fnmatch(3) has them.
fn list(debian: &Debian<'_>, call: &mut Call<'_>, instance: Instance, given: &Given) -> Answer {
    let mut globs = Vec::new();
    for pattern in given.operands.iter().skip(1) {
        let glob = Glob::new(pattern).map_err(|_| Reason::unsupported(NAME, format!("the pattern `{pattern}`")))?;
        globs.push(glob.compile_matcher());
    }
    let units = unit::all(call, instance)?;
    let units = units.iter().filter(|unit| globs.is_empty() || globs.iter().any(|glob| glob.is_match(unit.as_str())));
    let mut text = String::new();
    for unit in units {
        let state = word(unit::state(call, &debian.requests, instance, unit)?).0;
        let _ = writeln!(text, "{unit:<50} {state:<10} -");
    }
    if !given.has("no-legend") {
        text = format!(
            "{:<50} {:<10} PRESET\n{text}\n{} unit files listed.\n",
            "UNIT FILE",
            "STATE",
            text.lines().count()
        );
    }
    call.print(&text);
    Ok(0)
}

/// The word for a state, and the exit status of `is-enabled`.
fn word(state: State) -> (&'static str, u8) {
    match state {
        State::Enabled => ("enabled", 0),
        State::Static => ("static", 0),
        State::Disabled => ("disabled", 1),
        State::Masked => ("masked", 1),
        State::Missing => ("not-found", 4),
    }
}

fn offline(call: &mut Call<'_>, verb: &str) -> u8 {
    call.complain(&format!("Running in chroot, ignoring command '{verb}'"));
    0
}

fn fail(call: &mut Call<'_>, text: &str) -> u8 {
    call.complain(text);
    1
}

fn enable(
    debian: &mut Debian<'_>,
    call: &mut Call<'_>,
    given: &Given,
    instance: Instance,
    verb: &str,
    units: &[String],
) -> Answer {
    if verb == "preset" && given.value("preset-mode").is_none_or(|mode| mode != "enable-only") {
        // It would disable as well, what others enabled too.
        return Err(Reason::unsupported(NAME, "`preset` without `--preset-mode=enable-only`"));
    }
    for unit in units {
        if unit::path(call, instance, unit)?.is_none() {
            return Ok(fail(call, &format!("Failed to {verb} unit: Unit {unit} does not exist")));
        }
    }
    for unit in units {
        if instance == Instance::System {
            debian.requests.disable.remove(unit);
        }
        let (preset, enable) = debian.requests.of_mut(instance == Instance::User);
        let how = if verb == "preset" { ", as far as presets allow" } else { "" };
        if verb == "preset" {
            preset.insert(unit.clone())
        } else {
            enable.insert(unit.clone())
        };
        call.files.note(format!("enables {unit}{how}"));
    }
    Ok(0)
}

fn disable(debian: &mut Debian<'_>, call: &mut Call<'_>, instance: Instance, units: &[String]) -> Answer {
    for unit in units {
        if unit::path(call, instance, unit)?.is_none() {
            return Ok(fail(call, &format!("Failed to disable unit: Unit {unit} does not exist")));
        }
    }
    for unit in units {
        let (preset, enable) = debian.requests.of_mut(instance == Instance::User);
        preset.remove(unit);
        enable.remove(unit);
        if instance == Instance::System {
            debian.requests.disable.insert(unit.clone());
        }
        call.files.note(format!("disables {unit}"));
    }
    Ok(0)
}

fn is_enabled(debian: &Debian<'_>, call: &mut Call<'_>, given: &Given, instance: Instance, units: &[String]) -> Answer {
    let mut status = 1;
    for unit in units {
        let (text, found) = word(unit::state(call, &debian.requests, instance, unit)?);
        if !given.has("quiet") {
            call.print(&format!("{text}\n"));
        }
        // One that is enabled is enough.
        status = if status == 0 || found == 0 { 0 } else { found };
    }
    Ok(status)
}
