//! Files that would let somebody in: accounts have no password, root is locked, keys come from `[[user]]` and the seed. A file
//! of a profile or overlay over the files that decide this takes their place, so its text is looked at.
//!
//! Followed are passwd(5), shadow(5), group(5), gshadow(5), sudoers(5), doas.conf(5), `sshd_config`(5), sshd(8), pam.conf(5),
//! sysusers.d(5), tmpfiles.d(5), polkit(8) and ld.so(8). This is a net for mistakes, no proof: a file may hold a program that
//! does the same.
//!
//! What only somebody with a keyboard or a cable at the node can use is told and not refused ([`at_the_console`]): tests and
//! repairs live by it.

mod root;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use self::root::{BY_SUDO, POLKIT_RULES, RUNNERS, doas, polkit, preload, sudoers, sysusers};
use super::{Marks, Profile, ProfileError, ProfileFile, User};
use crate::diagnostic::{Diagnostic, SourceText};

/// A line that lets somebody in.
#[derive(Debug, PartialEq, Eq)]
struct Opening {
    /// Its bytes in the file.
    line: Range<usize>,
    /// What it does, after "this line …".
    what: String,
    cure: &'static str,
}

/// A rule for the lines of one file: the line, without spaces around it, and what of the profile it may know.
type Rule = fn(&str, &Known<'_>) -> Option<(String, &'static str)>;

/// Whom the profile lets in.
struct Known<'a> {
    /// All of its people.
    people: BTreeSet<&'a str>,
    /// Those who may become root.
    admins: BTreeSet<&'a str>,
    /// The last part of the file's path.
    file: &'a str,
    /// All of the file.
    text: &'a str,
    /// Aliases of commands that make root, in whichever of sudo's files they are defined.
    aliases: BTreeSet<&'a str>,
}

const LOCKED: &str = "write `!` or `*` there; people come in with a key: [[user]] with `ssh_keys`";
const BY_KEY: &str = "take it out; people come in with a key: [[user]] with `ssh_keys`, or the cluster's `ssh_keys`";

/// Refuses files that let somebody in who is none of `users`, or in another way than these come in.
///
/// # Errors
/// The first such line, at its place in the overlay's file, or at the `path` of the profile's [[file]].
pub(super) fn refuse<'f>(
    files: impl IntoIterator<Item = (&'f String, &'f ProfileFile), IntoIter: Clone>,
    users: &[User],
    marks: &Marks,
) -> Result<(), ProfileError> {
    let files = files.into_iter();
    let of_sudo = files.clone().filter(|(path, _)| *path == "etc/sudoers" || path.starts_with("etc/sudoers.d/"));
    let of_sudo: Vec<String> = of_sudo.filter_map(|(_, file)| file.content.text().ok()).collect();
    let of_sudo = of_sudo.join("\n").replace("\\\n", " ");
    for (path, file) in files {
        let Some(rule) = rule_of(path).filter(|_| !file.directory) else { continue };
        // Bytes that are no text are no line of any of these files.
        let text = if file.symlink.is_some() { Ok(String::new()) } else { file.content.text() };
        let known = Known {
            text: text.as_deref().unwrap_or_default(),
            people: users.iter().map(|user| user.name.as_str()).collect(),
            admins: users.iter().filter(|user| user.sudo).map(|user| user.name.as_str()).collect(),
            file: path.rsplit('/').next().unwrap_or(path),
            aliases: root::aliases(&of_sudo),
        };
        if let Some(target) = &file.symlink {
            let message = format!("`/{path}` decides who comes in or becomes root, and would be a link to `{target}`");
            return Err(at_path(path, file, marks, None, message, "write the file itself, so that it can be checked"));
        }
        let Ok(text) = &text else { continue };
        if let Some(Opening { line, what, cure }) = opening(text, rule, &known) {
            let number = text[..line.start].lines().count() + 1;
            let message = format!("line {number} of `/{path}` {what}");
            return Err(at_path(path, file, marks, Some((text.clone(), line)), message, cure));
        }
    }
    Ok(())
}

/// Whether the file at this clean path decides who comes in or becomes root, so that its text has to be known.
pub(super) fn decides(path: &str) -> bool {
    rule_of(path).is_some()
}

/// The mistake at the line of an overlay's file, or where a profile names the file.
fn at_path(
    path: &str,
    file: &ProfileFile,
    marks: &Marks,
    line: Option<(String, Range<usize>)>,
    message: String,
    cure: &str,
) -> ProfileError {
    place_of(path, file, marks, line, message).hint(cure).into()
}

fn place_of(
    path: &str,
    file: &ProfileFile,
    marks: &Marks,
    line: Option<(String, Range<usize>)>,
    message: String,
) -> Diagnostic {
    if let Some(mistake) = marks.mistake("file.path", path, message.clone()) {
        return mistake;
    }
    let overlay = file.origin.name();
    let (text, span) = line.map_or((String::new(), None), |(text, span)| (text, Some(span)));
    let source = Arc::new(SourceText { path: format!("overlays/{overlay}/files/{path}"), text });
    Diagnostic::new(&source, span, message)
}

/// The rule for a clean path; none if the file lets nobody in.
fn rule_of(path: &str) -> Option<Rule> {
    let below = |dir: &str| path.strip_prefix(dir).is_some_and(|rest| !rest.contains('/'));
    match path {
        "etc/shadow" | "etc/shadow-" => Some(shadow),
        "etc/passwd" | "etc/passwd-" => Some(passwd),
        "etc/group" | "etc/group-" | "etc/gshadow" | "etc/gshadow-" => Some(group),
        "etc/sudoers" => Some(sudoers),
        "etc/ssh/sshd_config" => Some(sshd),
        "etc/pam.conf" => Some(pam),
        "etc/hosts.equiv" | "etc/ssh/shosts.equiv" => Some(trusted_hosts),
        _ if path.ends_with("/.rhosts") || path.ends_with("/.shosts") => Some(trusted_hosts),
        _ if path.contains("/.ssh/authorized_keys") => Some(home_key),
        _ if below("etc/ssh/authorized_keys.d/") => Some(listed_key),
        _ if below("etc/sudoers.d/") => Some(sudoers),
        _ if below("etc/ssh/sshd_config.d/") => Some(sshd),
        _ if below("etc/pam.d/") || below("usr/lib/pam.d/") => Some(pam),
        "etc/doas.conf" => Some(doas),
        "etc/ld.so.preload" => Some(preload),
        _ if below("etc/doas.d/") => Some(doas),
        _ if POLKIT_RULES.iter().any(|dir| below(dir)) => Some(polkit),
        _ if below("etc/tmpfiles.d/") || below("usr/lib/tmpfiles.d/") => Some(tmpfiles),
        _ if below("etc/sysusers.d/") || below("usr/lib/sysusers.d/") => Some(sysusers),
        _ => None,
    }
}

/// The first line that `rule` finds. A line that ends in `\` goes on in the next.
fn opening(text: &str, rule: Rule, known: &Known<'_>) -> Option<Opening> {
    let mut start = 0;
    let mut joined = String::new();
    let mut begun = 0;
    for line in text.split_inclusive('\n') {
        let range = start..start + line.trim_end().len();
        start += line.len();
        if joined.is_empty() {
            begun = range.start;
        }
        if let Some(part) = line.trim_end().strip_suffix('\\') {
            joined = joined + part + " ";
            continue;
        }
        joined += line.trim();
        let whole = std::mem::take(&mut joined);
        if whole.is_empty() || whole.starts_with('#') {
            continue;
        }
        if let Some((what, cure)) = rule(whole.trim(), known) {
            return Some(Opening { line: begun..range.end, what, cure });
        }
    }
    None
}

/// A password's field: empty lets in whoever asks, a hash whoever knows the password.
fn password(field: &str) -> Option<&'static str> {
    match field {
        "" => Some("without a password"),
        "x" => None,
        locked if locked.starts_with(['!', '*']) => None,
        _ => Some("with a password"),
    }
}

fn shadow(line: &str, _: &Known<'_>) -> Option<(String, &'static str)> {
    let (name, rest) = line.split_once(':')?;
    let how = password(rest.split(':').next()?)?;
    Some((format!("opens the account `{name}` {how}"), LOCKED))
}

fn passwd(line: &str, known: &Known<'_>) -> Option<(String, &'static str)> {
    let fields: Vec<&str> = line.split(':').collect();
    // A number as C reads it: `00` is 0 too.
    if let [name, _, number, ..] = fields[..]
        && number.trim().parse() == Ok(0_u32)
        && name != "root"
    {
        return Some((
            format!("makes `{name}` a second root (number 0)"),
            "give it a number of its own, or leave it out",
        ));
    }
    shadow(line, known)
}

/// An empty field of a group means that only its members are in it.
fn group(line: &str, _: &Known<'_>) -> Option<(String, &'static str)> {
    let (name, rest) = line.split_once(':')?;
    let field = rest.split(':').next().filter(|field| !field.is_empty())?;
    password(field)?;
    Some((
        format!("opens the group `{name}` to whoever knows its password"),
        "write `!` or `*` there; members need none",
    ))
}

/// A line that writes one of the files that decide who comes in, when the node starts.
fn tmpfiles(line: &str, _: &Known<'_>) -> Option<(String, &'static str)> {
    let mut words = line.split_whitespace();
    let (kind, path) = (words.next()?, words.next()?.trim_matches('"'));
    let writes = kind.starts_with(['f', 'F', 'w', 'L', 'C']);
    let decides = rule_of(path.trim_start_matches('/')).is_some();
    (writes && decides).then(|| (format!("writes `{path}` when the node starts, which decides who comes in"), BY_KEY))
}

/// Keyword and value of a line of `sshd_config`(5), the keyword in small letters.
fn setting(line: &str) -> Option<(String, String)> {
    let (keyword, value) = line.split_once([' ', '\t', '='])?;
    let value = value.trim_start_matches([' ', '\t', '=']).replace('"', "");
    Some((keyword.to_ascii_lowercase(), value.trim().to_owned()))
}

/// Where sshd looks for keys in every image.
const OWN_KEYS: &str = "/etc/ssh/authorized_keys.d/%u";

fn sshd(line: &str, _: &Known<'_>) -> Option<(String, &'static str)> {
    let (keyword, value) = setting(line)?;
    let is_own = value == OWN_KEYS;
    let value = value.to_ascii_lowercase();
    let is_off = matches!(value.as_str(), "no" | "none");
    let what = match keyword.as_str() {
        "permitrootlogin" if !is_off => "lets root log in",
        "permitemptypasswords" if !is_off => "lets accounts without a password in",
        "passwordauthentication" if !is_off => "lets people in by password",
        "kbdinteractiveauthentication" | "challengeresponseauthentication" | "gssapiauthentication" if !is_off => {
            "lets people in by another way than a key"
        }
        "hostbasedauthentication" if !is_off => "lets in whom another machine vouches for",
        "authenticationmethods" if value.split([' ', ',']).any(|method| method == "none") => {
            "lets people in without a key"
        }
        "authorizedkeyscommand" | "authorizedprincipalscommand" | "trustedusercakeys" if !is_off => {
            "lets in keys that neither profile nor seed names"
        }
        "authorizedkeysfile" if !is_off && !is_own => {
            "looks for keys elsewhere, where one may be left that no image names any more"
        }
        _ => return None,
    };
    Some((what.to_owned(), BY_KEY))
}

#[expect(clippy::unnecessary_wraps, reason = "every line is one, in the form of a rule")]
fn home_key(line: &str, _: &Known<'_>) -> Option<(String, &'static str)> {
    let first: String = line.chars().take(24).collect();
    Some((format!("lets a key in (`{first}…`) from a home, which outlives the image"), BY_KEY))
}

/// `/etc/ssh/authorized_keys.d/NAME`, where sshd looks for the keys of NAME.
fn listed_key(_: &str, known: &Known<'_>) -> Option<(String, &'static str)> {
    let name = known.file;
    (!known.people.contains(name))
        .then(|| (format!("lets a key in as `{name}`, who is no [[user]] of the profile"), BY_KEY))
}

#[expect(clippy::unnecessary_wraps, reason = "every line is one, in the form of a rule")]
fn trusted_hosts(_: &str, _: &Known<'_>) -> Option<(String, &'static str)> {
    Some(("lets in whom another machine vouches for".to_owned(), BY_KEY))
}

fn pam(line: &str, known: &Known<'_>) -> Option<(String, &'static str)> {
    // What stands behind `auth`; pam.conf has the service in front of it.
    let words: Vec<&str> =
        line.split_whitespace().skip_while(|word| !matches!(*word, "auth" | "-auth")).skip(1).collect();
    let modules = |name: &str| words.iter().any(|word| word.rsplit('/').next() == Some(name));
    let control = *words.first()?;
    let is_enough = control == "sufficient" || (control.starts_with('[') && line.contains("success=done"));
    if is_enough && modules("pam_permit.so") {
        return Some(("lets everybody in without a password".to_owned(), BY_KEY));
    }
    if modules("pam_permit.so") && !asks(known.text) {
        return Some(("lets everybody in without a password".to_owned(), BY_KEY));
    }
    let trusts = modules("pam_wheel.so") && words.contains(&"trust");
    trusts.then(|| ("lets members of a group become root without a password".to_owned(), BY_SUDO))
}

/// Modules that ask for nothing that says who somebody is.
const NOT_ASKING: [&str; 7] = [
    "pam_env.so",
    "pam_faildelay.so",
    "pam_nologin.so",
    "pam_permit.so",
    "pam_securetty.so",
    "pam_shells.so",
    "pam_warn.so",
];

/// Whether one line of a service's file asks who somebody is: a module, or another file that has one.
fn asks(text: &str) -> bool {
    text.lines().map(str::trim).any(|line| {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("@include") => true,
            Some("auth" | "-auth") => {
                let module = line.split_whitespace().find(|word| word.strip_suffix(".so").is_some());
                // `auth include common-auth` names no module.
                module.is_none_or(|module| !NOT_ASKING.contains(&module.rsplit('/').next().unwrap_or(module)))
            }
            _ => false,
        }
    })
}

/// What lets in whoever sits at the node's console: for tests and repairs it is meant, on a node that others can reach it is
/// not.
#[must_use]
pub fn at_the_console(profile: &Profile) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (path, file) in profile.files.iter().filter(|(path, _)| is_getty(path)) {
        let Ok(text) = file.content.text() else { continue };
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let words: Vec<&str> = line.split_whitespace().collect();
            let logs_in = words.iter().any(|word| word.starts_with("--autologin") || *word == "-a");
            if line.trim_start().starts_with("ExecStart=") && line.contains("getty") && logs_in {
                let message = format!("`/{path}` logs in whoever sits at the console, without a password");
                let span = start..start + line.trim_end().len();
                let cure = "leave it out of a node that is not for trying";
                found.push(place_of(path, file, &profile.marks, Some((text.clone(), span)), message).hint(cure));
            }
            start += line.len();
        }
    }
    for option in profile.kernel.cmdline.iter().filter(|option| is_shell(option)) {
        let message = format!("`{option}` opens a root shell at the console, without a password");
        let mistake = profile.marks.mistake("kernel.cmdline", option, message);
        found.extend(mistake.map(|mistake| mistake.hint("leave it out of a node that is not for trying")));
    }
    found
}

/// A unit of systemd that asks for a login at a console, or what adds to it.
fn is_getty(path: &str) -> bool {
    let unit = ["etc/systemd/system/", "usr/lib/systemd/system/"].iter().find_map(|dir| path.strip_prefix(dir));
    let names = ["getty@", "serial-getty@", "console-getty.", "container-getty@", "autovt@"];
    unit.is_some_and(|unit| names.iter().any(|name| unit.starts_with(name)))
}

/// systemd-debug-generator(8), and what the kernel runs in place of an init.
fn is_shell(option: &str) -> bool {
    let plain = option.replace(['"', '\''], "").replace('-', "_");
    let (key, value) = plain.split_once('=').unwrap_or((&plain, ""));
    let key = key.strip_prefix("rd.").unwrap_or(key);
    match key {
        "systemd.debug_shell" => !["0", "no", "n", "false", "f", "off"].contains(&value),
        "init" => value.rsplit('/').next().is_some_and(|name| RUNNERS.contains(&name)),
        _ => false,
    }
}
