//! dpkg-divert(1), after src/divert/main.c: a package takes the place of other packages' files.
//!
//! All packages are unpacked before the first script runs, those whose `preinst` diverts included: a file of the package's own
//! at the diverted path is not what is moved, and what unpacking has diverted already stays where it is. Paths are compared
//! as they are written, as dpkg does: on a system with merged `/usr` it takes `/lib/x` and `/usr/lib/x` for two files.

use super::diversions::{self, Diversion};
use super::options::{self, Given, Known, plain, valued};
use super::packages::owns;
use super::patterns::pattern;
use crate::effects::unpack::Diverted;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

const NAME: &str = "dpkg-divert";

const OPTIONS: [Known; 11] = [
    plain("add", None),
    plain("remove", None),
    plain("list", None),
    plain("listpackage", None),
    plain("truename", None),
    valued("divert", None),
    valued("package", None),
    plain("local", None),
    plain("quiet", None),
    plain("rename", None),
    plain("no-rename", None),
];

pub(super) fn dpkg_divert(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read(NAME, call.args, &OPTIONS)?;
    let actions = ["add", "remove", "list", "listpackage", "truename"];
    let mut asked = given.options.iter().map(|(name, _)| *name).filter(|name| actions.contains(name));
    let action = asked.next().unwrap_or("add");
    if asked.any(|other| other != action) {
        return Ok(fail(call, "two commands specified"));
    }
    if action == "list" {
        return list(call, given.operands);
    }
    let [path] = given.operands else { return Ok(fail(call, &format!("--{action} needs a single argument"))) };
    if !path.starts_with('/') || path.contains('\n') {
        return Ok(fail(call, &format!("filename '{path}' is not absolute or has a line break")));
    }
    let diversions = diversions::read(call)?;
    match action {
        "listpackage" => {
            if let Some(diversion) = diversions.iter().find(|diversion| diversion.from == *path) {
                call.print(&format!("{}\n", diversion.package.as_deref().unwrap_or("LOCAL")));
            }
            Ok(0)
        }
        "truename" => {
            let diversion = diversions.iter().find(|diversion| diversion.from == *path);
            call.print(&format!("{}\n", diversion.map_or(path, |diversion| &diversion.to)));
            Ok(0)
        }
        "remove" => {
            let request = Request::of(call, &given, path);
            request.remove(debian, call, diversions)
        }
        _ => {
            let request = Request::of(call, &given, path);
            request.add(debian, call, diversions)
        }
    }
}

fn fail(call: &mut Call<'_>, text: &str) -> u8 {
    call.complain(&format!("{NAME}: error: {text}"));
    2
}

/// `--list`: all diversions that one of the patterns matches, by either path or by package.
fn list(call: &mut Call<'_>, patterns: &[String]) -> Answer {
    let all = ["*".to_owned()];
    let patterns = if patterns.is_empty() { &all[..] } else { patterns };
    let mut text = String::new();
    for diversion in diversions::read(call)? {
        let names = [Some(&diversion.from), Some(&diversion.to), diversion.package.as_ref()];
        if patterns
            .iter()
            .map(|word| pattern(word))
            .any(|pattern| names.into_iter().flatten().any(|name| pattern.matches(name)))
        {
            text.push_str(&diversion.described());
            text.push('\n');
        }
    }
    call.print(&text);
    Ok(0)
}

/// What `--add` and `--remove` are asked for.
struct Request<'a> {
    given: &'a Given<'a>,
    path: &'a str,
    to: Option<&'a str>,
    /// None for a local one.
    package: Option<String>,
    /// Whether `--remove` takes whatever package's diversion it is.
    any_package: bool,
    moves: bool,
}

impl<'a> Request<'a> {
    /// The script's own package is meant unless another one is, or none.
    fn of(call: &Call<'_>, given: &'a Given<'a>, path: &'a str) -> Self {
        let scripts = call.variables.get("DPKG_MAINTSCRIPT_PACKAGE").filter(|name| !name.is_empty());
        let said = given.options.iter().rev().find(|(name, _)| ["package", "local"].contains(name));
        let package = match said {
            Some(("local", _)) => None,
            Some((_, package)) => Some((*package).to_owned()),
            None => scripts.map(str::to_owned),
        };
        let moves = given.options.iter().rev().find(|(name, _)| ["rename", "no-rename"].contains(name));
        Self {
            given,
            path,
            to: given.value("divert"),
            any_package: said.is_none() && package.is_none(),
            package,
            moves: moves.is_some_and(|(name, _)| *name == "rename"),
        }
    }

    fn say(&self, call: &mut Call<'_>, text: &str) {
        if !self.given.has("quiet") {
            call.print(&format!("{text}\n"));
        }
    }

    fn add(&self, debian: &mut Debian<'_>, call: &mut Call<'_>, mut diversions: Vec<Diversion>) -> Answer {
        let to = self.to.map_or_else(|| format!("{}.distrib", self.path), str::to_owned);
        let new = Diversion { from: self.path.to_owned(), to, package: self.package.clone() };
        if let Ok((_, node)) = call.files.stat(&new.from, false)
            && node.is_dir()
        {
            return Ok(fail(call, "cannot divert directories"));
        }
        if new.from == new.to {
            return Ok(fail(call, &format!("cannot divert file '{}' to itself", new.from)));
        }
        if !new.to.starts_with('/') || new.to.contains('\n') {
            return Ok(fail(call, &format!("filename '{}' is not absolute or has a line break", new.to)));
        }
        if diversions.contains(&new) {
            self.say(call, &format!("Leaving '{}'", new.described()));
            return Ok(0);
        }
        let both = [&new.from, &new.to];
        if let Some(other) = diversions.iter().find(|other| both.contains(&&other.from) || both.contains(&&other.to)) {
            let text = format!("'{}' clashes with '{}'", new.described(), other.described());
            return Ok(fail(call, &text));
        }
        self.say(call, &format!("Adding '{}'", new.described()));
        let own = debian.packages.iter().find(|package| Some(&package.name) == new.package.as_ref());
        let is_own = own.is_some_and(|package| owns(package, &new.from));
        let mut others = debian.packages.iter().filter(|package| Some(&package.name) != new.package.as_ref());
        let other = others.find(|package| owns(package, &new.from));
        if self.moves && is_own {
            // In its `preinst` the package's own file is not there yet, and another one's is moved out of its way.
            if debian.script != "preinst" {
                let text = format!("Ignoring request to rename file '{}' owned by diverting package", new.from);
                self.say(call, &text);
            } else if let Some(member) = other.and_then(|package| member(package, &new.from))
                && !exists(call, &new.to)?
                && let Err(error) = call.files.place(&new.to, member.node.clone())
            {
                return failed(call, &new.to, error);
            }
        } else if self.moves
            && let Some(status) = rename(call, &new.from, &new.to)?
        {
            return Ok(status);
        } else if !self.moves
            && let Some(other) = other
            && !exists(call, &new.to)?
        {
            // Whether its file is diverted hangs on which of the two is unpacked first.
            return Err(Reason::unsupported(NAME, format!("--no-rename of `{}`, a file of {}", new.from, other.name)));
        }
        call.files.note(format!("recorded the {}", new.described()));
        if let Some(package) = &new.package
            && other.is_some()
        {
            let clean = |path: &str| path.trim_start_matches('/').to_owned();
            debian.requests.diverted.push(Diverted {
                package: package.clone(),
                path: clean(&new.from),
                to: clean(&new.to),
            });
        }
        diversions.push(new);
        write(call, diversions)
    }

    fn remove(&self, debian: &mut Debian<'_>, call: &mut Call<'_>, mut diversions: Vec<Diversion>) -> Answer {
        let Some(at) = diversions.iter().position(|diversion| diversion.from == self.path) else {
            let what = match self.to {
                Some(to) => format!("diversion of {} to {to}", self.path),
                None => format!("diversion of {}", self.path),
            };
            let whose = match &self.package {
                None if self.any_package => format!("any {what}"),
                None => format!("local {what}"),
                Some(package) => format!("{what} by {package}"),
            };
            self.say(call, &format!("No diversion '{whose}', none removed."));
            return Ok(0);
        };
        let old = diversions.remove(at);
        if self.to.is_some_and(|to| to != old.to) {
            let text = format!("mismatch on divert-to when removing '{}': found '{}'", self.path, old.described());
            return Ok(fail(call, &text));
        }
        if !self.any_package && self.package != old.package {
            let text = format!("mismatch on package when removing '{}': found '{}'", self.path, old.described());
            return Ok(fail(call, &text));
        }
        self.say(call, &format!("Removing '{}'", old.described()));
        let own = debian.packages.iter().find(|package| Some(&package.name) == old.package.as_ref());
        if self.moves && own.is_some_and(|package| owns(package, &old.from)) {
            let text = format!("Ignoring request to rename file '{}' owned by diverting package", old.from);
            self.say(call, &text);
        } else if self.moves
            && let Some(status) = rename(call, &old.to, &old.from)?
        {
            return Ok(status);
        }
        call.files.note(format!("took back the {}", old.described()));
        let clean = old.from.trim_start_matches('/');
        debian.requests.diverted.retain(|diverted| diverted.path != clean);
        write(call, diversions)
    }
}

fn member<'p>(package: &'p crate::debian::Package, path: &str) -> Option<&'p crate::debian::Member> {
    let path = path.strip_prefix('/')?;
    package.members.iter().find(|member| member.path == path)
}

/// Whether there is anything, a link that leads nowhere included.
fn exists(call: &Call<'_>, path: &str) -> Result<bool, Reason> {
    match call.files.stat(path, false) {
        Ok(_) => Ok(true),
        Err(FileError::Reason(reason)) => Err(reason),
        Err(_) => Ok(false),
    }
}

/// Moves a file that is there to where nothing is; an exit status if that cannot be (`check_rename` and `file_rename`).
fn rename(call: &mut Call<'_>, from: &str, to: &str) -> Result<Option<u8>, Reason> {
    if !exists(call, from)? {
        return Ok(None);
    }
    if exists(call, to)? {
        let same = match (call.files.stat(from, false), call.files.stat(to, false)) {
            (Ok((one, _)), Ok((other, _))) => one == other,
            _ => false,
        };
        if !same {
            return Ok(Some(fail(
                call,
                &format!("rename involves overwriting '{to}' with different file '{from}', not allowed"),
            )));
        }
        return match call.files.unlink(from) {
            Ok(()) => Ok(None),
            Err(error) => failed(call, from, error).map(Some),
        };
    }
    match call.files.rename(from, to) {
        Ok(()) => Ok(None),
        Err(error) => failed(call, to, error).map(Some),
    }
}

fn failed(call: &mut Call<'_>, path: &str, error: FileError) -> Answer {
    call.failed(NAME, path, error).map(|_| 2)
}

fn write(call: &mut Call<'_>, diversions: Vec<Diversion>) -> Answer {
    match diversions::write(call, diversions) {
        Ok(()) => Ok(0),
        Err(error) => failed(call, diversions::FILE, error),
    }
}

#[cfg(test)]
mod tests;
