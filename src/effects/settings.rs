//! What the profile and the nature of an immutable node settle: names, time, kernel settings, journal, watchdog.

use std::fmt::Write as _;

use super::{Context, EffectError};
use crate::tree::{Content, Node, Tree};

const ORIGIN: &str = "effect:settings";

/// The name of a node that no seed has named.
const UNNAMED: &str = "imgbuild";

/// In memory: flash storage dies of small writes, and a log that must last belongs on another machine.
const JOURNAL: &str = "[Journal]\nStorage=volatile\nRuntimeMaxUse=64M\n";

/// A node that hangs restarts by itself where there is a watchdog.
const WATCHDOG: &str = "[Manager]\nRuntimeWatchdogSec=60s\n";

/// Writes the settings.
///
/// # Errors
/// A time zone that the time zone database lacks.
pub fn settings(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let profile = context.profile;
    let zone = format!("usr/share/zoneinfo/{}", profile.timezone);
    if tree.file(&zone).is_none() {
        return Err(EffectError::refused(
            format!("time zone `{}` of the profile", profile.timezone),
            "the time zone database of the package tzdata does not know it",
        )
        .with_hint("use a name such as `Europe/Berlin` or `Etc/UTC`, and see that tzdata is among the packages"));
    }
    let mut files: Vec<(&str, u16, String)> = vec![
        ("etc/hostname", 0o644, format!("{}\n", profile.hostname.as_deref().unwrap_or(UNNAMED))),
        ("etc/locale.conf", 0o644, format!("LANG={}\n", profile.locale)),
        // Not the empty file, which would mean another identity each boot (machine-id(5)).
        ("etc/machine-id", 0o444, "uninitialized\n".to_owned()),
        ("usr/lib/systemd/journald.conf.d/imgbuild.conf", 0o644, JOURNAL.to_owned()),
        ("usr/lib/systemd/system.conf.d/imgbuild.conf", 0o644, WATCHDOG.to_owned()),
        // PID 1 sets a clock that is behind this file's time stamp to it.
        ("usr/lib/clock-epoch", 0o644, String::new()),
        ("usr/lib/os-release", 0o644, os_release(tree, context)?),
    ];
    if !profile.sysctl.is_empty() {
        let text = profile.sysctl.iter().fold(String::new(), |mut out, (key, value)| {
            let _ = writeln!(out, "{key} = {value}");
            out
        });
        files.push(("usr/lib/sysctl.d/90-imgbuild.conf", 0o644, text));
    }
    if !profile.kernel.modules.is_empty() {
        let text = profile.kernel.modules.iter().fold(String::new(), |out, module| out + module + "\n");
        files.push(("usr/lib/modules-load.d/imgbuild.conf", 0o644, text));
    }
    if !profile.ntp.is_empty() {
        let text = format!("[Time]\nNTP={}\n", profile.ntp.join(" "));
        files.push(("usr/lib/systemd/timesyncd.conf.d/imgbuild.conf", 0o644, text));
    }
    for (path, mode, text) in files {
        tree.put(path, Node::file(mode, text).from(ORIGIN))?;
    }
    tree.put("etc/localtime", Node::symlink(format!("/{zone}")).from(ORIGIN))?;
    if context.has("systemd-resolved") {
        tree.put("etc/resolv.conf", Node::symlink("../run/systemd/resolve/stub-resolv.conf").from(ORIGIN))?;
    }
    Ok(())
}

/// base-files' description of the system, and which image of it this is (os-release(5)).
fn os_release(tree: &Tree, context: &Context<'_>) -> Result<String, EffectError> {
    let path = "usr/lib/os-release";
    let text = tree.file(path).map(Content::text).transpose();
    let text = text.map_err(|source| EffectError::Read { path: path.to_owned(), source })?.unwrap_or_default();
    let version = i64::try_from(context.epoch).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let version = version.unwrap_or_default().strftime("%Y%m%d").to_string();
    Ok(format!("{text}IMAGE_ID=imgbuild-{}\nIMAGE_VERSION={version}\n", context.profile.name))
}
