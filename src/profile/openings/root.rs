//! Lines that make somebody root, or have every program run what somebody may change.

use std::collections::BTreeSet;

use super::Known;

pub(super) const BY_SUDO: &str = "take it out; who may become root is said by `sudo = true` of [[user]]";

pub(super) fn sudoers(line: &str, known: &Known<'_>) -> Option<(String, &'static str)> {
    let mut words = line.split_whitespace();
    let who = words.next()?;
    if who.starts_with("Defaults") {
        let asks = line.split([' ', '\t', ',']).all(|word| word != "!authenticate");
        let whom = who.strip_prefix("Defaults:").map_or("everybody".to_owned(), |users| format!("`{users}`"));
        return (!asks).then(|| (format!("lets {whom} use sudo without a password"), BY_SUDO));
    }
    // `%sudo ALL=(ALL:ALL) ALL` asks for a password, which no account has. A tag holds until its opposite.
    let is_root = line.split("NOPASSWD").skip(1).any(|commands| {
        let free = commands.split_once("PASSWD:").map_or(commands, |(free, _)| free);
        makes_root(free, &known.aliases)
    });
    (is_root && !known.admins.contains(who)).then(|| (format!("makes `{who}` root without a password"), BY_SUDO))
}

/// Programs that run whatever they are told to: who may run one as root is root.
pub(super) const RUNNERS: [&str; 14] = [
    "ash",
    "bash",
    "busybox",
    "chroot",
    "dash",
    "env",
    "nsenter",
    "sh",
    "su",
    "sudo",
    "sudoedit",
    "systemd-run",
    "unshare",
    "zsh",
];

/// Whether a list of commands has one that makes root: `ALL`, an alias of such, or a program of [`RUNNERS`] with no argument
/// or any. With arguments sudo allows just these.
fn makes_root(commands: &str, aliases: &BTreeSet<&str>) -> bool {
    let mut words = commands.split(|char: char| !(char.is_ascii_alphanumeric() || "_!/-".contains(char)));
    let named = words.any(|word| word == "ALL" || aliases.contains(word));
    let runs = commands.split(',').any(|command| {
        // Other tags and who to run it as stand before it.
        let command = command.rsplit([':', ')']).next().unwrap_or(command).trim();
        let (program, arguments) = command.split_once(' ').unwrap_or((command, ""));
        let name = program.strip_prefix('/').and_then(|path| path.rsplit('/').next());
        name.is_some_and(|name| RUNNERS.contains(&name)) && matches!(arguments.trim(), "" | "*" | "\"\"")
    });
    named || runs
}

/// The aliases of commands in the text of sudo's files that make root. One that is defined of others may stand before them.
pub(super) fn aliases(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter_map(|line| {
        let line = line.trim();
        line.strip_prefix("Cmnd_Alias").or_else(|| line.strip_prefix("Cmd_Alias"))
    });
    let definitions: Vec<(&str, &str)> =
        lines.flat_map(|line| line.split(':')).filter_map(|definition| definition.split_once('=')).collect();
    let mut aliases = BTreeSet::new();
    loop {
        let known = aliases.len();
        for (name, commands) in &definitions {
            if makes_root(commands, &aliases) {
                aliases.insert(name.trim());
            }
        }
        if aliases.len() == known {
            return aliases;
        }
    }
}

/// `permit nopass NAME`, with what it may run behind `cmd`.
pub(super) fn doas(line: &str, known: &Known<'_>) -> Option<(String, &'static str)> {
    let rest = line.strip_prefix("permit ")?;
    let mut words =
        rest.split_whitespace().skip_while(|word| matches!(*word, "nopass" | "nolog" | "persist" | "keepenv"));
    let is_free =
        rest.split_whitespace().take_while(|word| *word != "as" && *word != "cmd").any(|word| word == "nopass");
    let who = words.next()?;
    let command = rest.split_once(" cmd ").map(|(_, command)| command);
    let is_root = command.is_none_or(|command| makes_root(command, &BTreeSet::new()));
    (is_free && is_root && !known.admins.contains(who))
        .then(|| (format!("makes `{who}` root without a password"), BY_SUDO))
}

/// Where polkitd looks for rules, but for `/run`, which is no place in an image.
pub(super) const POLKIT_RULES: [&str; 3] =
    ["etc/polkit-1/rules.d/", "usr/local/share/polkit-1/rules.d/", "usr/share/polkit-1/rules.d/"];

/// A rule that says yes and asks for no action says yes to all of them, one of which runs any program as root.
pub(super) fn polkit(line: &str, known: &Known<'_>) -> Option<(String, &'static str)> {
    let is_yes = ["polkit.Result.YES", "\"yes\"", "'yes'"].iter().any(|yes| line.contains(yes));
    let is_any = !known.text.contains("action.id") || known.text.contains("org.freedesktop.policykit.exec");
    (is_yes && is_any && !line.starts_with("//")).then(|| {
        let what = "lets programs be run as root without a password".to_owned();
        (what, "ask for the `action.id` that is meant; who may become root is said by `sudo = true` of [[user]]")
    })
}

/// A library that every program loads from where the node's state is, which outlives the image.
pub(super) fn preload(line: &str, _: &Known<'_>) -> Option<(String, &'static str)> {
    let is_fixed = |library: &str| {
        // One without a slash is looked for where the image has its libraries.
        let is_of_image = ["/usr/", "/lib/", "/lib64/"].iter().any(|dir| library.starts_with(dir));
        !library.contains('/') || (is_of_image && !library.contains("/../"))
    };
    let library = line.split([' ', '\t', ':']).find(|library| !library.is_empty() && !is_fixed(library))?;
    let what = format!("loads `{library}` into every program, root's too, from where it may be replaced");
    Some((what, "name a library below `/usr`, which only another image changes"))
}

/// `u NAME 0`, also with a group's number behind it.
pub(super) fn sysusers(line: &str, _: &Known<'_>) -> Option<(String, &'static str)> {
    let mut words = line.split_whitespace();
    let (kind, name, id) = (words.next()?, words.next()?, words.next()?.trim_matches('"'));
    let is_root = kind.starts_with('u') && id.split(':').next() == Some("0") && name.trim_matches('"') != "root";
    is_root
        .then(|| (format!("makes `{name}` a second root (number 0)"), "give it a number of its own, or leave it out"))
}
