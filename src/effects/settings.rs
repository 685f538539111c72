//! What the profile says of host name, locale, time, kernel parameters and modules, in the files that systemd reads.

use std::fmt::Write as _;

use super::Context;
use super::error::{EffectError, did_you_mean};
use crate::profile::Profile;
use crate::tree::{Node, Tree};

const ORIGIN: &str = "effect:settings";

/// Name of an image that belongs to no node yet.
const UNSEEDED_HOSTNAME: &str = "imgbuild";

/// Writes all of them.
///
/// # Errors
/// A time zone or a locale that no package brings.
pub fn settings(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let profile = context.profile;
    let mut put = |path: &str, text: String| tree.put(path, Node::file(0o644, text).from(ORIGIN));
    let hostname = profile.hostname.as_deref().unwrap_or(UNSEEDED_HOSTNAME);
    put("etc/hostname", format!("{hostname}\n"))?;
    put(
        "etc/hosts",
        format!(
            "127.0.0.1 localhost\n127.0.1.1 {hostname}\n::1 localhost ip6-localhost ip6-loopback\n\
             ff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n"
        ),
    )?;
    put("etc/locale.conf", format!("LANG={}\n", profile.locale))?;
    put("etc/timezone", format!("{}\n", profile.timezone))?;
    if !profile.sysctl.is_empty() {
        let lines: Vec<String> = profile.sysctl.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        put("usr/lib/sysctl.d/90-imgbuild.conf", lines.join("\n") + "\n")?;
    }
    if !profile.kernel.modules.is_empty() {
        put("usr/lib/modules-load.d/imgbuild.conf", profile.kernel.modules.join("\n") + "\n")?;
    }
    if !profile.ntp.is_empty() {
        let text = format!("[Time]\nNTP={}\n", profile.ntp.join(" "));
        put("usr/lib/systemd/timesyncd.conf.d/90-imgbuild.conf", text)?;
    }
    // Programs that ask the old place find the same (locale(7), Debian's `/etc/default/locale`).
    tree.put("etc/default/locale", Node::symlink("../locale.conf").from(ORIGIN))?;
    locale(tree, profile)?;
    time_zone(tree, profile)?;
    os_release(tree, context)
}

/// Checks that the C library finds the locale: `C.UTF-8` comes with it, others lie in directories whose names have the
/// character set in small letters and digits (`de_DE.utf8`).
fn locale(tree: &Tree, profile: &Profile) -> Result<(), EffectError> {
    const LOCALES: &str = "usr/lib/locale";
    let name = &profile.locale;
    let (language, rest) = name.split_once('.').unwrap_or((name, ""));
    let (set, modifier) = rest.split_once('@').map_or((rest, ""), |(set, modifier)| (set, modifier));
    let set: String = set.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let normal = if set.is_empty() { language.to_owned() } else { format!("{language}.{set}") };
    let normal = if modifier.is_empty() { normal } else { format!("{normal}@{modifier}") };
    let dropped = profile.dropped();
    let is_there = |name: &str| {
        let path = format!("{LOCALES}/{name}");
        tree.contains(&path) && !dropped.is_match(&path)
    };
    if matches!(normal.as_str(), "C" | "POSIX" | "C.utf8") || is_there(name) || is_there(&normal) {
        return Ok(());
    }
    let error =
        EffectError::refused(format!("locale `{name}`"), format!("the image has no such directory in /{LOCALES}"));
    let names = tree.below(LOCALES).filter_map(|(path, _)| path.strip_prefix(LOCALES)?.strip_prefix('/'));
    let names = names.filter(|name| !name.contains('/'));
    let hint = "add `locales-all` to `packages`, which brings all locales, or take `C.UTF-8`";
    Err(error.with_hint(did_you_mean(&normal, names, hint)).at(profile, "locale", name))
}

/// `/etc/localtime` as a link, which is how systemd learns the zone's name (localtime(5)).
fn time_zone(tree: &mut Tree, profile: &Profile) -> Result<(), EffectError> {
    const ZONES: &str = "usr/share/zoneinfo";
    let zone = &profile.timezone;
    let file = format!("{ZONES}/{zone}");
    if tree.file(&file).is_none() {
        let error =
            EffectError::refused(format!("time zone `{zone}`"), format!("the image has no such file in /{ZONES}"));
        let names = tree.below(ZONES).filter_map(|(path, _)| path.strip_prefix(ZONES)?.strip_prefix('/'));
        let names: Vec<&str> = names.collect();
        let hint = "packages `tzdata` and `tzdata-legacy` bring time zones";
        // Who writes a city alone means it in its part of the world.
        let named = |name: &&str| name.rsplit_once('/').is_some_and(|(_, city)| city.eq_ignore_ascii_case(zone));
        let hint = match names.iter().copied().find(named) {
            Some(meant) => format!("did you mean `{meant}`? {hint}"),
            None => did_you_mean(zone, names, hint),
        };
        return Err(error.with_hint(hint).at(profile, "timezone", zone));
    }
    Ok(tree.put("etc/localtime", Node::symlink(format!("/{file}")).from(ORIGIN))?)
}

/// Says which image this is (os-release(5): `IMAGE_ID`, `VARIANT_ID`).
fn os_release(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    const PATH: &str = "usr/lib/os-release";
    let Some(content) = tree.file(PATH) else { return Ok(()) };
    let mut text = content.text().map_err(|source| EffectError::Read { path: PATH.to_owned(), source })?;
    let _ = write!(text, "IMAGE_ID=imgbuild\nVARIANT_ID={}\n", context.profile.name);
    Ok(tree.put(PATH, Node::file(0o644, text).from(ORIGIN))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::sample;
    use crate::tree::Kind;

    fn tree() -> Tree {
        let mut tree = Tree::new();
        tree.put("usr/share/zoneinfo/Europe/Berlin", Node::file(0o644, "TZif")).unwrap();
        tree.put("usr/lib/os-release", Node::file(0o644, "ID=debian\n")).unwrap();
        tree
    }

    #[test]
    fn host_name_zone_and_kernel_settings_are_where_systemd_reads_them() {
        let mut profile = sample::profile();
        profile.hostname = Some("pi".to_owned());
        profile.timezone = "Europe/Berlin".to_owned();
        profile.ntp = vec!["time.example.org".to_owned()];
        let mut tree = tree();
        settings(&mut tree, &sample::context(&profile)).unwrap();
        let text = |path: &str| tree.file(path).unwrap().text().unwrap();
        assert_eq!(text("etc/hostname"), "pi\n");
        assert!(text("etc/hosts").contains("127.0.1.1 pi\n"));
        assert!(text("usr/lib/sysctl.d/90-imgbuild.conf").contains("vm.overcommit_memory = 1\n"));
        assert!(text("usr/lib/modules-load.d/imgbuild.conf").contains("br_netfilter\n"));
        assert_eq!(text("usr/lib/systemd/timesyncd.conf.d/90-imgbuild.conf"), "[Time]\nNTP=time.example.org\n");
        assert_eq!(text("usr/lib/os-release"), "ID=debian\nIMAGE_ID=imgbuild\nVARIANT_ID=demo\n");
        let Kind::Symlink(zone) = &tree.get("etc/localtime").unwrap().kind else { panic!("a link") };
        assert_eq!(zone, "/usr/share/zoneinfo/Europe/Berlin");
    }

    #[test]
    fn a_time_zone_that_the_image_lacks_is_refused_with_a_hint() {
        let mut profile = sample::profile();
        profile.timezone = "Mars/Olympus".to_owned();
        let error = settings(&mut tree(), &sample::context(&profile)).unwrap_err();
        assert!(error.to_string().contains("Mars/Olympus"));
        assert!(error.hint().is_some());
        profile.timezone = "berlin".to_owned();
        let error = settings(&mut tree(), &sample::context(&profile)).unwrap_err();
        assert!(error.hint().unwrap().starts_with("did you mean `Europe/Berlin`?"));
    }
}
