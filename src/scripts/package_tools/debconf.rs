//! debconf's shell library and commands: `/usr/share/debconf/confmodule`, whose functions `db_*` send a line each and put its
//! reply into `RET` (debconf-devel(7)); debconf-communicate(1), debconf-set-selections(1), debconf-escape(1), debconf-show(1).

use super::super::debconf::{Breakdown, Environment, Reply, unescape};
use super::super::debian::{Debian, Tool};
use crate::shell::{Answer, Call, Reason};

/// The library's two names. The older one differs in what it prints, and in keeping less of `RET`.
const LIBRARIES: [&str; 2] = ["/usr/share/debconf/confmodule", "/usr/share/debconf/confmodule.sh"];

/// The function or command of this name.
pub(super) fn find(name: &str) -> Option<Tool> {
    Some(match name {
        "db_beginblock" => |debian, call| ask(debian, call, "BEGINBLOCK"),
        "db_capb" => |debian, call| ask(debian, call, "CAPB"),
        "db_clear" => |debian, call| ask(debian, call, "CLEAR"),
        "db_data" => |debian, call| ask(debian, call, "DATA"),
        "db_endblock" => |debian, call| ask(debian, call, "ENDBLOCK"),
        "db_fget" => |debian, call| ask(debian, call, "FGET"),
        "db_fset" => |debian, call| ask(debian, call, "FSET"),
        "db_get" => |debian, call| ask(debian, call, "GET"),
        "db_go" => |debian, call| ask(debian, call, "GO"),
        "db_info" => |debian, call| ask(debian, call, "INFO"),
        // `db_text` is the library's old name for it.
        "db_input" | "db_text" => |debian, call| ask(debian, call, "INPUT"),
        "db_metaget" => |debian, call| ask(debian, call, "METAGET"),
        "db_progress" => |debian, call| ask(debian, call, "PROGRESS"),
        "db_purge" => |debian, call| ask(debian, call, "PURGE"),
        "db_register" => |debian, call| ask(debian, call, "REGISTER"),
        "db_reset" => |debian, call| ask(debian, call, "RESET"),
        "db_set" => |debian, call| ask(debian, call, "SET"),
        "db_settitle" => |debian, call| ask(debian, call, "SETTITLE"),
        "db_subst" => |debian, call| ask(debian, call, "SUBST"),
        "db_title" => |debian, call| ask(debian, call, "TITLE"),
        "db_unregister" => |debian, call| ask(debian, call, "UNREGISTER"),
        "db_version" => |debian, call| ask(debian, call, "VERSION"),
        "db_x_loadtemplatefile" => load_templates,
        "db_stop" => |debian, _| {
            debian.debconf.finish();
            Ok(0)
        },
        "debconf-communicate" => communicate,
        "debconf-escape" => escape,
        "debconf-set-selections" => set_selections,
        _ => return None,
    })
}

/// Begins to talk to debconf if `path` is its library. The original starts the script anew below debconf's `frontend`, which
/// also runs the package's `config` before; whoever runs the scripts sees to that.
pub(super) fn sourced(debian: &mut Debian<'_>, path: &str, call: &mut Call<'_>) -> Option<Answer> {
    if !LIBRARIES.contains(&path) {
        return None;
    }
    match call.files.is_file(path) {
        Ok(true) => {}
        // The shell says that there is no such file.
        Ok(false) => return None,
        Err(reason) => return Some(Err(reason)),
    }
    if call.variables.get("DEBIAN_HAS_FRONTEND").is_none_or(str::is_empty) {
        if debian.debconf.begin(&debian.package.name).is_err() {
            return Some(Err(Reason::Unreadable(format!("the templates of {}", debian.package.name))));
        }
        for (name, value) in [("DEBIAN_HAS_FRONTEND", "1"), ("PERL_DL_NONLAZY", "1")] {
            call.variables.set(name, value);
            call.variables.export(name);
        }
    }
    for (name, value) in [("DEBCONF_REDIR", "1"), ("DEBCONF_OLD_FD_BASE", "4")] {
        call.variables.set(name, value);
        call.variables.export(name);
    }
    call.variables.set("_DEBCONF_IMPL", "debconf");
    Some(Ok(0))
}

fn breakdown(verb: &str, how: Breakdown) -> Reason {
    let function = format!("db_{}", verb.to_ascii_lowercase());
    match how {
        Breakdown::Stopped => {
            Reason::unsupported(&function, "nobody who answers: debconf is not there yet, or was stopped")
        }
        Breakdown::Dies => Reason::unsupported(&function, "what debconf itself dies of"),
    }
}

/// Sends a request and takes its reply: `_db_cmd` of the library.
fn ask(debian: &mut Debian<'_>, call: &mut Call<'_>, verb: &str) -> Answer {
    let line = std::iter::once(verb).chain(call.args.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    if !debian.debconf.listens() {
        return Err(breakdown(verb, Breakdown::Stopped));
    }
    if line.contains('\n') {
        // It would be a request of its own, and replies would not fit requests any more.
        return Err(Reason::unsupported(&format!("db_{}", verb.to_ascii_lowercase()), "a text of several lines"));
    }
    let reply = debian.debconf.request(&line, environment(call)).map_err(|how| breakdown(verb, how))?;
    Ok(take(call, &reply))
}

fn environment<'c>(call: &'c Call<'_>) -> Environment<'c> {
    let exported = |name: &str| call.variables.get(name).filter(|_| call.variables.is_exported(name));
    Environment {
        priority: exported("DEBIAN_PRIORITY"),
        marks_seen: exported("DEBCONF_NONINTERACTIVE_SEEN") == Some("true"),
    }
}

/// What the library makes of a reply: `RET` and the exit status. A code of one digit is taken off `RET`, a longer one is
/// not.
fn take(call: &mut Call<'_>, reply: &Reply) -> u8 {
    let line = reply.line();
    let mut chars = line.chars();
    let text = match (chars.next(), chars.next()) {
        (Some(code), Some(' ' | '\t')) if ![' ', '\t'].contains(&code) => chars.as_str(),
        _ => line.as_str(),
    };
    match reply.code {
        1 => {
            let text = unescape(text);
            // A command substitution drops the line ends at its end.
            call.variables.set("RET", text.trim_end_matches('\n'));
            0
        }
        code => {
            call.variables.set("RET", text);
            code
        }
    }
}

fn load_templates(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    if !debian.debconf.listens() {
        return Err(breakdown("X_LOADTEMPLATEFILE", Breakdown::Stopped));
    }
    let reply = match call.args {
        [path] | [path, _] => {
            let text = match control_file(debian, path) {
                Some(text) => Some(text),
                None => call.files.read_text(path).ok(),
            };
            match text {
                Some(text) => debian.debconf.load_templates(&text, call.args.get(1).map(String::as_str)),
                None => Reply { code: 10, text: Some(format!("failed to open {path}: No such file or directory")) },
            }
        }
        _ => Reply { code: 20, text: Some("Incorrect number of arguments".to_owned()) },
    };
    Ok(take(call, &reply))
}

/// A control file of an installed package by its path in dpkg's database, which is written last.
fn control_file(debian: &Debian<'_>, path: &str) -> Option<String> {
    let (stem, member) = path.strip_prefix("/var/lib/dpkg/info/")?.rsplit_once('.')?;
    let name = stem.split(':').next()?;
    let package = debian.packages.iter().find(|package| package.name == name)?;
    package.control_text(member).map(str::to_owned)
}

/// debconf-communicate(1): each line of input is a request, each of output its reply.
fn communicate(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    const NAME: &str = "debconf-communicate";
    let owner = match call.args {
        [] => "unknown",
        [owner] if !owner.starts_with('-') => owner,
        _ => return Err(Reason::unsupported(NAME, "these arguments")),
    };
    // It would wait for debconf's lock.
    if debian.debconf.listens() {
        return Err(Reason::unsupported(NAME, "debconf in use already"));
    }
    let input = call.input()?.to_owned();
    let environment = environment(call);
    debian.debconf.listen(owner);
    let mut code = 127;
    let mut replies = String::new();
    for line in input.lines() {
        match debian.debconf.request(line, environment) {
            Ok(reply) => {
                code = reply.code;
                replies.push_str(&reply.line());
                replies.push('\n');
            }
            Err(_) => return Err(Reason::unsupported(NAME, format!("the request `{line}`"))),
        }
    }
    debian.debconf.finish();
    call.print(&replies);
    Ok(code)
}

/// debconf-escape(1)
fn escape(_debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let input = call.input()?;
    let text = match call.args {
        [option] if ["-e", "--escape"].contains(&option.as_str()) => input.replace('\\', "\\\\").replace('\n', "\\n"),
        [option] if ["-u", "--unescape"].contains(&option.as_str()) => unescape(input),
        _ => {
            call.complain("Usage: debconf-escape -e|-u < input-text");
            return Ok(1);
        }
    };
    call.print(&text);
    Ok(0)
}

/// debconf-set-selections(1): lines `OWNER QUESTION TYPE ANSWER`.
fn set_selections(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    const NAME: &str = "debconf-set-selections";
    const TYPES: [&str; 8] = ["select", "boolean", "string", "multiselect", "note", "password", "text", "title"];
    let (mut only_check, mut seen) = (false, true);
    let mut input = Vec::new();
    let mut from_files = false;
    for arg in call.args {
        match arg.as_str() {
            "-c" | "--checkonly" => only_check = true,
            "-u" | "--unseen" => seen = false,
            "-v" | "--verbose" => {}
            option if option.starts_with('-') && option != "-" => {
                return Err(Reason::unsupported(NAME, format!("option {option}")));
            }
            "-" => {
                from_files = true;
                input.extend_from_slice(&call.stdin);
            }
            path => {
                from_files = true;
                match call.files.read(path) {
                    Ok(bytes) => input.extend_from_slice(&bytes),
                    Err(error) => return call.failed(NAME, path, error),
                }
            }
        }
    }
    if !from_files {
        input.extend_from_slice(&call.stdin);
    }
    let text = String::from_utf8(input).map_err(|_| Reason::NotText)?.replace("\r\n", "\n").replace("\\\n", "");
    let mut status = 0;
    for line in text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut rest = line;
        let (owner, question, kind) = (next_field(&mut rest), next_field(&mut rest), next_field(&mut rest));
        // One white space separates the answer, which may begin with more.
        let mut answer = rest.chars();
        answer.next();
        let answer = answer.as_str();
        match kind {
            "" => {
                call.complain(&format!("error: parse error: '{line}'"));
                status = 1;
            }
            _ if only_check => {}
            "seen" => {
                if !debian.debconf.flag(question, "seen", answer) {
                    call.complain(&format!("error: Cannot find a question for {question}"));
                    status = 1;
                }
            }
            kind if TYPES.contains(&kind) => debian.debconf.select(owner, question, kind, answer, seen),
            kind => call.complain(&format!("warning: Unknown type {kind}, skipping line")),
        }
    }
    Ok(status)
}

/// The next word of a line, which is taken off it.
fn next_field<'l>(rest: &mut &'l str) -> &'l str {
    let line = rest.trim_start();
    let (field, tail) = line.split_at(line.find(char::is_whitespace).unwrap_or(line.len()));
    *rest = tail;
    field
}

#[cfg(test)]
mod tests;
