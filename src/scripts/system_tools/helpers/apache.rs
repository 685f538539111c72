//! a2enmod(8), a2ensite(8), a2enconf(8), their opposites, and a2query(1) of Debian's Apache 2.4.
//!
//! Who enabled what is marked below `/var/lib/apache2`, as there: a maintainer script (`-m`) or an administrator.

use super::links::{Link, check, refuse};
use super::options::{self, Given};
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

const CONF: &str = "/etc/apache2";
const STATE: &str = "/var/lib/apache2";

/// What is enabled: modules, sites or pieces of configuration.
struct Kind {
    /// `module`, `site` or `conf`.
    object: &'static str,
    /// `mods`, `sites` or `conf`.
    dir: &'static str,
    suffix: &'static str,
}

const MODULE: Kind = Kind { object: "module", dir: "mods", suffix: ".load" };
const SITE: Kind = Kind { object: "site", dir: "sites", suffix: ".conf" };
const PIECE: Kind = Kind { object: "conf", dir: "conf", suffix: ".conf" };

/// Modules that are not disabled without a question.
const ESSENTIAL: [&str; 17] = [
    "alias",
    "auth_basic",
    "authn_file",
    "authz_host",
    "authz_user",
    "autoindex",
    "deflate",
    "dir",
    "env",
    "filter",
    "logio",
    "mime",
    "negotiation",
    "setenvif",
    "unixd",
    "version",
    "watchdog",
];

/// a2enmod(8)
pub(super) fn a2enmod(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    run(call, "a2enmod", &MODULE, true)
}

/// a2dismod(8)
pub(super) fn a2dismod(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    run(call, "a2dismod", &MODULE, false)
}

/// a2ensite(8)
pub(super) fn a2ensite(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    run(call, "a2ensite", &SITE, true)
}

/// a2dissite(8)
pub(super) fn a2dissite(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    run(call, "a2dissite", &SITE, false)
}

/// a2enconf(8)
pub(super) fn a2enconf(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    run(call, "a2enconf", &PIECE, true)
}

/// a2disconf(8)
pub(super) fn a2disconf(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    run(call, "a2disconf", &PIECE, false)
}

/// What all of one call has in common.
struct Job<'a> {
    command: &'a str,
    kind: &'a Kind,
    enable: bool,
    given: &'a Given,
}

fn run(call: &mut Call<'_>, command: &str, kind: &Kind, enable: bool) -> Answer {
    let given = options::read(command, call.args, &["q|quiet", "f|force", "m|maintmode", "p|purge"])?;
    if given.operands.is_empty() || given.has("purge") {
        return Err(Reason::unsupported(command, "names that it asks for, or `--purge`"));
    }
    let job = Job { command, kind, enable, given: &given };
    let mut status = 0;
    for name in &given.operands {
        let name = name.strip_suffix(kind.suffix).unwrap_or(name);
        if name.contains(['*', '?', '[', '/']) {
            return Err(Reason::unsupported(command, format!("the pattern `{name}`")));
        }
        if !job.carry_out(call, name, 0)? {
            status = 1;
        }
    }
    Ok(status)
}

impl Job<'_> {
    fn available(&self, name: &str, suffix: &str) -> String {
        format!("{CONF}/{}-available/{name}{suffix}", self.kind.dir)
    }

    fn enabled(&self, name: &str, suffix: &str) -> String {
        format!("{CONF}/{}-enabled/{name}{suffix}", self.kind.dir)
    }

    /// Enables or disables one; says whether it is so now.
    fn carry_out(&self, call: &mut Call<'_>, name: &str, depth: usize) -> Result<bool, Reason> {
        if depth > 20 {
            return Err(Reason::Limit("20 modules that need each other"));
        }
        if name == "cache_disk" || (name == "cgi" && self.enable && self.kind.object == "module") {
            // They ask the server which kind it is, or enable another service.
            return Err(Reason::unsupported(self.command, format!("`{name}`")));
        }
        let target = self.available(name, self.kind.suffix);
        if !call.files.exists(&target)? {
            return Ok(fail(call, &format!("{} {name} does not exist!", self.kind.object)));
        }
        if self.enable { self.turn_on(call, name, depth) } else { self.turn_off(call, name) }
    }

    fn turn_on(&self, call: &mut Call<'_>, name: &str, depth: usize) -> Result<bool, Reason> {
        let target = self.available(name, self.kind.suffix);
        let is_module = self.kind.object == "module";
        for other in listed(call, &target, "Depends")? {
            if is_module {
                if !self.carry_out(call, &other, depth + 1)? {
                    return Ok(fail(call, &format!("Could not enable dependency {other} for {name}, aborting")));
                }
            } else if !call.files.exists(&format!("{CONF}/mods-enabled/{other}.load"))? {
                return Ok(fail(call, &format!("Module {other} is not enabled, but {name} depends on it")));
            }
        }
        for other in if is_module { listed(call, &target, "Conflicts")? } else { Vec::new() } {
            let (link, file) = (self.enabled(&other, ".load"), self.available(&other, ".load"));
            if check(call, &link, &file).map_err(refuse)? == Link::There {
                return Ok(fail(call, &format!("Module {other} is enabled - cannot proceed due to conflicts.")));
            }
        }
        let mut pairs = vec![(target, self.enabled(name, self.kind.suffix))];
        let conf = self.available(name, ".conf");
        if is_module && call.files.exists(&conf)? {
            pairs.push((conf, self.enabled(name, ".conf")));
        }
        let mut new = false;
        for (file, link) in pairs {
            match check(call, &link, &file).map_err(refuse)? {
                Link::There => {}
                Link::Other => return Ok(fail(call, &format!("{link} exists, not touching it"))),
                Link::Missing => {
                    let base = file.rsplit('/').next().unwrap_or_default();
                    let to = format!("../{}-available/{base}", self.kind.dir);
                    call.files.symlink(&to, &link).map_err(refuse)?;
                    new |= link.ends_with(self.kind.suffix);
                }
            }
        }
        if new {
            call.print(&format!("Enabling {} {name}.\n", self.kind.object));
            self.mark(call, name)?;
        }
        Ok(true)
    }

    fn turn_off(&self, call: &mut Call<'_>, name: &str) -> Result<bool, Reason> {
        let is_module = self.kind.object == "module";
        let link = self.enabled(name, self.kind.suffix);
        if is_module {
            for other in names(call, &format!("{CONF}/mods-enabled"), ".load")? {
                if listed(call, &self.enabled(&other, ".load"), "Depends")?.iter().any(|needed| needed == name) {
                    return Ok(fail(call, &format!("The following modules depend on {name}: {other}")));
                }
            }
            if ESSENTIAL.contains(&name) && !self.given.has("force") {
                return Err(Reason::unsupported(self.command, format!("`{name}`, for which it asks")));
            }
        }
        let mut gone = false;
        for link in [link, self.enabled(name, ".conf")] {
            match call.files.unlink(&link) {
                Ok(()) => gone = true,
                Err(FileError::Missing) => {}
                Err(error) => return Err(refuse(error)),
            }
        }
        if gone {
            self.mark(call, name)?;
            call.print(&format!("{} {name} disabled.\n", self.kind.object));
        }
        Ok(true)
    }

    /// Notes who did it, in place of what was noted before.
    fn mark(&self, call: &mut Call<'_>, name: &str) -> Result<(), Reason> {
        let object = self.kind.object;
        for what in ["enabled", "disabled"] {
            for who in ["maint", "admin"] {
                match call.files.unlink(&format!("{STATE}/{object}/{what}_by_{who}/{name}")) {
                    Ok(()) | Err(FileError::Missing | FileError::NotDirectory) => {}
                    Err(error) => return Err(refuse(error)),
                }
            }
        }
        let what = if self.enable { "enabled" } else { "disabled" };
        let who = if self.given.has("maintmode") { "maint" } else { "admin" };
        let mut dir = String::new();
        for part in STATE.trim_start_matches('/').split('/').chain([object, &format!("{what}_by_{who}")]) {
            dir = format!("{dir}/{part}");
            if !call.files.is_dir(&dir)? {
                call.files.mkdir(&dir, 0o755).map_err(refuse)?;
            }
        }
        call.files.write(&format!("{dir}/{name}"), b"").map_err(refuse)
    }
}

fn fail(call: &mut Call<'_>, text: &str) -> bool {
    call.complain(&format!("ERROR: {text}"));
    false
}

/// What a comment at the head of a module names: `# Depends: a b`.
fn listed(call: &Call<'_>, file: &str, field: &str) -> Result<Vec<String>, Reason> {
    let text = call.files.read_text(file).map_err(refuse)?;
    let start = format!("# {field}:");
    let mut head = text.lines().take_while(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    let list = head.find_map(|line| line.strip_prefix(&start)).unwrap_or_default();
    Ok(list.split_whitespace().map(str::to_owned).collect())
}

/// The names of a directory that end so, without that.
fn names(call: &Call<'_>, dir: &str, suffix: &str) -> Result<Vec<String>, Reason> {
    match call.files.list(dir) {
        Ok(names) => Ok(names.iter().filter_map(|name| name.strip_suffix(suffix)).map(str::to_owned).collect()),
        Err(FileError::Reason(reason)) => Err(reason),
        Err(_) => Ok(Vec::new()),
    }
}

/// a2query(1) with `-m`, `-s`, `-c` and `-M`. Without a name it lists all, which it does in the order of the directory, ours by name.
pub(super) fn a2query(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let mut args = call.args.to_vec();
    // Perl's Getopt::Std: an option at the end is without its value.
    if args.last().is_some_and(|last| ["-m", "-s", "-c"].contains(&last.as_str())) {
        args.push(String::new());
    }
    let given = options::read("a2query", &args, &["m=", "s=", "c=", "M", "q"])?;
    let (kind, pattern) = match given.options().find(|(name, _)| *name != "q") {
        Some(("m", pattern)) => (&MODULE, pattern),
        Some(("s", pattern)) => (&SITE, pattern),
        Some(("c", pattern)) => (&PIECE, pattern),
        Some(("M", _)) => {
            let modules = names(call, &format!("{CONF}/mods-enabled"), ".load")?;
            let found: Vec<&str> = modules.iter().filter_map(|name| name.strip_prefix("mpm_")).collect();
            let [name] = found.as_slice() else {
                call.complain("There is no MPM loaded, or more than one");
                return Ok(1);
            };
            call.print(&format!("{name}\n"));
            return Ok(0);
        }
        _ => return Err(Reason::unsupported("a2query", call.args.join(" "))),
    };
    let pattern = pattern.unwrap_or_default();
    let pattern = pattern.strip_prefix("mod").unwrap_or(pattern);
    let pattern = pattern.replacen(".conf", "", 1).replacen(".load", "", 1);
    let enabled = names(call, &format!("{CONF}/{}-enabled", kind.dir), kind.suffix)?;
    let marked = |call: &Call<'_>, what: &str, name: &str| -> Result<Option<&'static str>, Reason> {
        for who in ["maint", "admin"] {
            if call.files.exists(&format!("{STATE}/{}/{what}_by_{who}/{name}", kind.object))? {
                return Ok(Some(who));
            }
        }
        Ok(None)
    };
    let found: Vec<&String> = enabled.iter().filter(|name| pattern.is_empty() || **name == pattern).collect();
    for name in &found {
        let who = match marked(call, "enabled", name)? {
            Some("maint") => "maintainer script",
            Some(_) => "site administrator",
            None => "unknown",
        };
        if !given.has("q") {
            call.print(&format!("{name} (enabled by {who})\n"));
        }
    }
    if !found.is_empty() {
        return Ok(0);
    }
    if !given.has("q") {
        call.complain(&format!("No {} matches {pattern}", kind.object));
    }
    Ok(match marked(call, "disabled", &pattern)? {
        Some("maint") => 33,
        Some(_) => 32,
        None => 1,
    })
}
