//! update-rc.d(8) of init-system-helpers 1.69 on a system with systemd and without insserv.
//!
//! Links in `/etc/rc?.d` are made for scripts without a unit alone, which systemd-sysv-generator(8) goes by: it passes over a script
//! that has a unit of its name, and an image goes without those.

use super::unit::{self, Instance};
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

const LEVELS: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "S"];

/// update-rc.d(8)
pub(super) fn update_rc_d(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let words: Vec<String> = call.args.iter().filter(|arg| *arg != "-f").cloned().collect();
    if let Some(option) = words.first().filter(|word| word.starts_with('-')) {
        return Err(Reason::unsupported("update-rc.d", format!("the option `{option}`")));
    }
    let [script, action, ..] = words.as_slice() else {
        call.complain("update-rc.d: error: not enough arguments");
        return Ok(1);
    };
    let service = format!("{script}.service");
    let native = unit::path(call, Instance::System, &service)?.is_some();
    match action.as_str() {
        "remove" => {
            links(call, script)?.into_iter().try_for_each(|link| call.files.unlink(&link)).map(|()| 0).or_else(fail)
        }
        "defaults" | "start" | "stop" | "defaults-disabled" => {
            let path = format!("/etc/init.d/{script}");
            let text = match call.files.read_text(&path) {
                Ok(text) => text,
                Err(FileError::Reason(reason)) => return Err(reason),
                Err(_) if !links(call, script)?.is_empty() => return Ok(0),
                Err(_) => {
                    call.complain(&format!("update-rc.d: error: unable to read {path}"));
                    return Ok(1);
                }
            };
            if native || !links(call, script)?.is_empty() {
                return Ok(0);
            }
            let letter = if action == "defaults-disabled" { 'K' } else { 'S' };
            make(call, script, &text, letter).map(|()| 0).or_else(fail)
        }
        "enable" | "disable" => {
            let enable = action == "enable";
            if native {
                toggle(debian, call, &service, enable);
            }
            flip(call, script, enable).map(|()| 0).or_else(fail)
        }
        other => {
            call.complain(&format!("update-rc.d: error: unknown action {other}"));
            Ok(1)
        }
    }
}

/// What the tree does not allow has no exit status of its own.
fn fail(error: FileError) -> Answer {
    Err(super::helper::refuse("update-rc.d", error))
}

/// The links of a script.
fn links(call: &Call<'_>, script: &str) -> Result<Vec<String>, Reason> {
    let mut found = Vec::new();
    for level in LEVELS {
        let dir = format!("/etc/rc{level}.d");
        let names = match call.files.list(&dir) {
            Ok(names) => names,
            Err(FileError::Reason(reason)) => return Err(reason),
            Err(_) => continue,
        };
        for name in names {
            let rest = name.strip_prefix(['S', 'K']).filter(|rest| rest.is_char_boundary(2));
            let of_script = rest
                .map(|rest| rest.split_at(2))
                .is_some_and(|(number, of)| number.bytes().all(|byte| byte.is_ascii_digit()) && of == script);
            if of_script {
                found.push(format!("{dir}/{name}"));
            }
        }
    }
    Ok(found)
}

/// Links for the run levels of a script's heading (`Default-Start`, `Default-Stop` of the Linux Standard Base).
fn make(call: &mut Call<'_>, script: &str, text: &str, letter: char) -> Result<(), FileError> {
    let heading = text.lines().skip_while(|line| line.trim_end() != "### BEGIN INIT INFO").skip(1);
    let heading: Vec<&str> = heading.take_while(|line| line.trim_end() != "### END INIT INFO").collect();
    for (field, letter) in [("# Default-Start:", letter), ("# Default-Stop:", 'K')] {
        for level in heading.iter().filter_map(|line| line.strip_prefix(field)).flat_map(str::split_whitespace) {
            if !LEVELS.contains(&level) {
                continue;
            }
            let dir = format!("/etc/rc{level}.d");
            if !call.files.exists(&dir)? {
                call.files.mkdir(&dir, 0o755)?;
            }
            match call.files.symlink(&format!("../init.d/{script}"), &format!("{dir}/{letter}01{script}")) {
                Ok(()) | Err(FileError::Exists) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Turns the links that start a script into such that stop it, or back.
fn flip(call: &mut Call<'_>, script: &str, enable: bool) -> Result<(), FileError> {
    let (from, to) = if enable { ("/K", "/S") } else { ("/S", "/K") };
    for link in links(call, script)? {
        let starts = ["2", "3", "4", "5", "S"].iter().any(|level| link.starts_with(&format!("/etc/rc{level}.d")));
        if starts && link.contains(from) {
            call.files.rename(&link, &link.replacen(from, to, 1))?;
        }
    }
    Ok(())
}

fn toggle(debian: &mut Debian<'_>, call: &mut Call<'_>, service: &str, enable: bool) {
    let requests = &mut debian.requests;
    if enable {
        requests.disable.remove(service);
        requests.enable.insert(service.to_owned());
    } else {
        requests.preset.remove(service);
        requests.enable.remove(service);
        requests.disable.insert(service.to_owned());
    }
    call.files.note(format!("{} {service}", if enable { "enables" } else { "disables" }));
}
