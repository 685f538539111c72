//! Unit files of the tree, and what is known of a unit so far: what scripts asked for, what presets say, which links are there.

use crate::effects::Requests;
use std::collections::BTreeSet;

use crate::effects::units::{Install, Preset, Presets};
use crate::shell::{Call, FileError, Reason};

/// Whose service manager: the system's, or that of all users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instance {
    System,
    User,
}

impl Instance {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
        }
    }
}

/// What `systemctl is-enabled` answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Enabled,
    Disabled,
    Static,
    Masked,
    Missing,
}

/// The name with its suffix: `systemctl` takes `x` for `x.service`.
pub(super) fn full_name(name: &str) -> String {
    const KINDS: [&str; 10] =
        ["service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice"];
    let known = name.rsplit_once('.').is_some_and(|(_, kind)| KINDS.contains(&kind) || kind == "scope");
    if known { name.to_owned() } else { format!("{name}.service") }
}

/// The path of a unit's file, or of its template's.
pub(super) fn path(call: &Call<'_>, instance: Instance, unit: &str) -> Result<Option<String>, Reason> {
    let template = match unit.rsplit_once('.').and_then(|(stem, kind)| Some((stem.split_once('@')?.0, kind))) {
        Some((prefix, kind)) => format!("{prefix}@.{kind}"),
        None => unit.to_owned(),
    };
    for name in [unit, &template] {
        for dir in ["/etc/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"] {
            let path = format!("{dir}/{}/{name}", instance.name());
            if call.files.is_file(&path)? {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

/// The names of all unit files.
pub(super) fn all(call: &Call<'_>, instance: Instance) -> Result<BTreeSet<String>, Reason> {
    let mut names = BTreeSet::new();
    for dir in ["/etc/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"] {
        let dir = format!("{dir}/{}", instance.name());
        match call.files.list(&dir) {
            Ok(found) => names.extend(found.into_iter().filter(|name| full_name(name) == *name)),
            Err(FileError::Reason(reason)) => return Err(reason),
            Err(_) => {}
        }
    }
    Ok(names)
}

/// The link by which a unit is masked.
pub(super) fn mask_path(instance: Instance, unit: &str) -> String {
    format!("/etc/systemd/{}/{unit}", instance.name())
}

/// Whether a link to `/dev/null` masks the unit.
pub(super) fn is_masked(call: &Call<'_>, instance: Instance, unit: &str) -> Result<bool, Reason> {
    use crate::tree::Kind;
    match call.files.stat(&mask_path(instance, unit), false) {
        Ok((_, node)) => Ok(matches!(&node.kind, Kind::Symlink(target) if target == "/dev/null")),
        Err(FileError::Reason(reason)) => Err(reason),
        Err(_) => Ok(false),
    }
}

/// Masks a unit unless something else has its place in `/etc`; says whether the link is new.
pub(super) fn mask(call: &mut Call<'_>, instance: Instance, unit: &str) -> Result<bool, FileError> {
    let dir = format!("/etc/systemd/{}", instance.name());
    for dir in ["/etc/systemd", &dir] {
        if !call.files.exists(dir)? {
            call.files.mkdir(dir, 0o755)?;
        }
    }
    match call.files.symlink("/dev/null", &mask_path(instance, unit)) {
        Ok(()) => Ok(true),
        Err(FileError::Exists) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The state of a unit if all that was asked for is done.
pub(super) fn state(call: &Call<'_>, requests: &Requests, instance: Instance, unit: &str) -> Result<State, Reason> {
    if is_masked(call, instance, unit)? {
        return Ok(State::Masked);
    }
    let Some(path) = path(call, instance, unit)? else { return Ok(State::Missing) };
    let (preset, enable) = requests.of(instance == Instance::User);
    if enable.contains(unit) {
        return Ok(State::Enabled);
    }
    if requests.disable.contains(unit) && instance == Instance::System {
        return Ok(State::Disabled);
    }
    let tree = call.files.tree();
    let presets = || Presets::read(tree, &format!("{}-preset", instance.name()));
    if preset.contains(unit) && presets().query(unit) == Preset::Enable {
        return Ok(State::Enabled);
    }
    let text = call.files.read_text(&path).unwrap_or_default();
    let install = Install::parse(&text);
    let links = install.links(unit);
    let linked = links.iter().any(|link| tree.contains(&format!("etc/systemd/{}/{link}", instance.name())));
    Ok(if linked {
        State::Enabled
    } else if links.is_empty() && install.also.is_empty() {
        State::Static
    } else {
        State::Disabled
    })
}
