//! Which account a unit runs as, and whether the image has it: systemd ends a service whose `User=` it does not find with
//! status 217 (systemd.exec(5)), long after whoever accepted a maintainer script unread has forgotten it.

use crate::effects::accounts::Owners;
use crate::effects::declared::{Declared, Fault};
use crate::effects::{EffectError, words};
use crate::tree::Tree;

/// What the `[Service]` section of a unit and of its drop-ins says of accounts.
#[derive(Debug, Default)]
struct RunsAs {
    user: String,
    group: String,
    dynamic: bool,
}

/// Refuses an enabled unit whose account nothing makes; `find` gives the text of a unit by name. One that is `declared` is shown
/// where it is.
pub(super) fn check<'a>(
    tree: &Tree,
    declared: &Declared,
    enabled: impl Iterator<Item = &'a String>,
    find: impl Fn(&str) -> Option<String>,
) -> Result<(), EffectError> {
    let mut owners = None;
    for unit in enabled {
        let service = started_by(unit, &find);
        let Some(text) = find(&service) else { continue };
        let runs_as = RunsAs::parse(&(text + &drop_ins(tree, &service)));
        if runs_as.dynamic {
            continue;
        }
        for (kind, name) in [("user", runs_as.user), ("group", runs_as.group)] {
            // A number needs no account, a specifier is known on the node only.
            if name.is_empty() || name.contains('%') || name.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            let owners: &Owners = match &mut owners {
                Some(owners) => owners,
                none => none.insert(Owners::read(tree)?),
            };
            let id = if kind == "user" { owners.user(&name) } else { owners.group(&name) };
            if id.is_none() {
                return Err(lacking(declared, unit, &service, kind, &name));
            }
        }
    }
    Ok(())
}

fn lacking(declared: &Declared, unit: &str, service: &str, kind: &str, name: &str) -> EffectError {
    let cause = if unit == service {
        format!("it is enabled and runs as {kind} `{name}`, which the image does not have")
    } else {
        format!("it is enabled and starts `{service}`, which runs as {kind} `{name}`, which the image does not have")
    };
    let (letter, table) = if kind == "user" { ("u", "account") } else { ("g", "group") };
    let entry = format!("`[[script.{table}]]` with `name = \"{name}\"`");
    let mut units = declared.each(|effects| &effects.units);
    if let Some((by, at)) = units.find(|(_, declared)| declared.get_ref().0 == unit) {
        return by.refuse(at, format!("unit `{unit}`"), Fault::new(cause, format!("declare it too, {entry}")));
    }
    EffectError::refused(format!("unit `{unit}`"), cause).with_hint(format!(
        "declare it in an overlay, `files/usr/lib/sysusers.d/{name}.conf` with the line `{letter} {name} -`; or, if ledger.toml \
         accepts the script that makes it, below that entry: {entry}; or leave the unit out: `disable = [\"{unit}\"]` in [units] of the profile"
    ))
}

/// The unit itself, or the service that a socket, timer or path starts.
fn started_by(unit: &str, find: &impl Fn(&str) -> Option<String>) -> String {
    let Some((stem, kind)) = unit.rsplit_once('.') else { return unit.to_owned() };
    let (section, key) = match kind {
        "socket" => ("[Socket]", "Service"),
        "timer" => ("[Timer]", "Unit"),
        "path" => ("[Path]", "Unit"),
        _ => return unit.to_owned(),
    };
    let text = find(unit).unwrap_or_default();
    let named = settings(&text, section).filter(|(name, _)| *name == key).last();
    named.map_or_else(|| format!("{stem}.service"), |(_, value)| value.to_owned())
}

/// The texts of a unit's drop-ins, in systemd's order.
fn drop_ins(tree: &Tree, unit: &str) -> String {
    let dirs = ["etc", "usr/local/lib", "usr/lib"].map(|dir| format!("{dir}/systemd/system/{unit}.d"));
    let dirs: Vec<&str> = dirs.iter().map(String::as_str).collect();
    // `words::files` gives `*.conf` alone.
    let texts = words::files(tree, &dirs).into_iter().filter_map(|path| tree.file(&path)?.text().ok());
    texts.flat_map(|text| ["\n".to_owned(), text]).collect()
}

impl RunsAs {
    fn parse(text: &str) -> Self {
        let mut found = Self::default();
        for (key, value) in settings(text, "[Service]") {
            match key {
                "User" => value.clone_into(&mut found.user),
                "Group" => value.clone_into(&mut found.group),
                "DynamicUser" => found.dynamic = ["yes", "true", "on", "1"].contains(&value),
                _ => {}
            }
        }
        found
    }
}

/// Keys and values of one section, in order.
fn settings<'t>(text: &'t str, section: &str) -> impl Iterator<Item = (&'t str, &'t str)> {
    let mut inside = false;
    text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])).filter_map(move |line| {
        if line.starts_with('[') {
            inside = line == section;
        }
        let (key, value) = line.split_once('=').filter(|_| inside)?;
        Some((key.trim(), value.trim()))
    })
}
