//! Values of a profile that only packages can prove wrong: each is shown where the profile says it.

use crate::archive::{Archive, Online};
use crate::debs::Tar;
use crate::place::Place;
use crate::tiny;

/// A small machine whose profile has more lines: `head` before its tables, `tail` behind them.
fn place(online: &Online, head: &str, tail: &str) -> Place {
    let place = tiny::place(online, &[]);
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replacen("schema = 1\n", &format!("schema = 1\n{head}"), 1) + tail);
    place
}

/// The error of building it, which leaves nothing but the lock.
fn refused(place: &Place) -> String {
    let error = place.run(&["build", "--profile", "node"]).fails(1);
    assert!(!place.path("build").exists(), "an output directory stayed: {error}");
    error
}

/// Line and column, both from 1, of the first `text` in a file.
fn position(place: &Place, file: &str, text: &str) -> String {
    let content = place.read(file);
    let before = &content[..content.find(text).unwrap()];
    format!(
        "{file}:{}:{}",
        before.matches('\n').count() + 1,
        before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1
    )
}

/// The error points at `text` in `file`, with a caret below it, and says `hint`.
fn points_at(error: &str, place: &Place, file: &str, text: &str, hint: &str) {
    let position = position(place, file, text);
    let caret = "^".repeat(text.len());
    for part in [&*position, &caret, hint] {
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
}

const PROFILE: &str = "profiles/node.toml";

#[test]
fn modules_that_the_kernel_lacks_are_shown_together() {
    let online = tiny::archive(0).online();
    let tail = "[kernel]\nmodules = [\"ext4\", \"dm-verty\"]\ninitrd_modules = [\"overlay\", \"zz_driver\"]\n";
    let place = place(&online, "overlays = [\"mine\"]\n", tail);
    place.write("overlays/mine/overlay.toml", "schema = 1\nmodules = [\"squashfz\"]\n");
    let error = refused(&place);
    points_at(&error, &place, PROFILE, "\"dm-verty\"", "did you mean `dm_verity`?");
    points_at(&error, &place, PROFILE, "\"zz_driver\"", "take it out");
    points_at(&error, &place, "overlays/mine/overlay.toml", "\"squashfz\"", "did you mean `squashfs`?");
    place.write(PROFILE, place.read(PROFILE).replace("dm-verty", "dm-verity").replace(", \"zz_driver\"", ""));
    place.write("overlays/mine/overlay.toml", "schema = 1\nmodules = [\"squashfs\"]\n");
    place.run(&["build", "--profile", "node"]).ok();
}

#[test]
fn a_time_zone_or_locale_that_no_package_brings_is_shown() {
    let locales = Tar::default().file("./usr/lib/locale/de_DE.utf8/LC_TIME", "");
    let online = tiny::archive(0).with("locales-all", &[], locales).online();
    let zone = place(&online, "timezone = \"Etc/UTX\"\n", "");
    points_at(&refused(&zone), &zone, PROFILE, "\"Etc/UTX\"", "did you mean `Etc/UTC`?");

    let german = place(&online, "locale = \"de_DE.UTF-8\"\n", "");
    points_at(&refused(&german), &german, PROFILE, "\"de_DE.UTF-8\"", "add `locales-all` to `packages`");
    german.write(PROFILE, german.read(PROFILE).replace("\"machine\"", "\"machine\", \"locales-all\""));
    german.run(&["lock", "--profile", "node"]).ok();
    german.run(&["build", "--profile", "node"]).ok();
    // Dropped is as good as never brought.
    german.write(PROFILE, german.read(PROFILE).replacen("locale =", "drop = [\"/usr/lib/locale/de_*\"]\nlocale =", 1));
    let error = german.run(&["build", "--profile", "node"]).fails(1);
    points_at(&error, &german, PROFILE, "\"de_DE.UTF-8\"", "locales-all");
}

#[test]
fn a_bad_value_in_a_long_list_is_shown_itself() {
    let place = Place::new();
    place.write(PROFILE, "schema = 1\nextends = \"demo\"\npackages = [\n    \"jq\",\n    \"Jq\",\n    \"less\",\n]\n");
    let error = place.run(&["check", "--profile", "node"]).fails(1);
    points_at(&error, &place, PROFILE, "\"Jq\"", "name a Debian package alone");
    assert!(!error.contains("less"), "{error}");
}

#[test]
fn units_that_nothing_brings_are_shown_together() {
    let online = tiny::archive(0).online();
    let tail = "[units]\nenable = [\"parcle.service\"]\ndisable = [\"gone.timer\", \"initrd-root-fs.target\"]\n";
    let place = place(&online, "overlays = [\"mine\"]\n", tail);
    place.write("overlays/mine/overlay.toml", "schema = 1\n[units]\nenable = [\"mine.service\"]\n");
    place.write("overlays/mine/files/usr/lib/systemd/system/parcel.service", "[Install]\nWantedBy=multi-user.target\n");
    let error = refused(&place);
    points_at(&error, &place, PROFILE, "\"parcle.service\"", "did you mean `parcel.service`?");
    points_at(&error, &place, PROFILE, "\"gone.timer\"", "add the package, overlay or file that brings it");
    points_at(&error, &place, "overlays/mine/overlay.toml", "\"mine.service\"", "nothing brings the unit");
}

#[test]
fn accounts_shells_and_owners_that_nobody_makes_are_shown() {
    let shell = Tar::default().file("./usr/bin/bash", "");
    let online = tiny::archive(0).with("shell", &[], shell).online();
    for (tail, text, hint) in [
        ("[[user]]\nname = \"ada\"\nshell = \"/usr/bin/zsh\"\n", "\"/usr/bin/zsh\"", "the shell's package"),
        (
            "[[user]]\nname = \"ada\"\nshell = \"/usr/bin/bash\"\ngroups = [\"rooot\"]\n",
            "\"rooot\"",
            "did you mean `root`?",
        ),
        ("[[user]]\nname = \"ada\"\nshell = \"/usr/bin/bash\"\nsudo = true\n", "\"ada\"", "add `sudo` to `packages`"),
        ("[[file]]\npath = \"/etc/x\"\ncontent = \"\"\nuser = \"eve\"\n", "\"eve\"", "take another owner"),
        ("[[file]]\npath = \"/etc/x\"\ncontent = \"\"\ngroup = \"rot\"\n", "\"rot\"", "did you mean `root`?"),
    ] {
        let place = place(&online, "", tail);
        place.write(PROFILE, place.read(PROFILE).replace("\"machine\"", "\"machine\", \"shell\""));
        points_at(&refused(&place), &place, PROFILE, text, hint);
    }
    let place = place(&online, "overlays = [\"mine\"]\n", "");
    place.write("overlays/mine/files/etc/x", "");
    place.write("overlays/mine/overlay.toml", "schema = 1\n[[file]]\npath = \"/etc/x\"\nuser = \"eve\"\n");
    points_at(&refused(&place), &place, "overlays/mine/overlay.toml", "\"eve\"", "take another owner");
}

#[test]
fn packages_that_no_source_has_are_shown_together() {
    let online = Archive::new().online();
    let place = online.place(&["percel", "qqq"]);
    place.write("overlays/mine/overlay.toml", "schema = 1\npackages = [\"zzz\"]\n");
    place.write(PROFILE, place.read(PROFILE).replacen("schema = 1\n", "schema = 1\noverlays = [\"mine\"]\n", 1));
    for verb in ["lock", "build"] {
        let error = place.run(&[verb, "--profile", "node"]).fails(1);
        points_at(&error, &place, PROFILE, "\"percel\"", "did you mean `parcel`?");
        points_at(&error, &place, PROFILE, "\"qqq\"", "looked in tiny");
        points_at(&error, &place, "overlays/mine/overlay.toml", "\"zzz\"", "no source has a package `zzz`");
    }
    let ran = place.run(&["--json", "lock", "--profile", "node"]);
    let event: serde_json::Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(event["event"], "error");
    assert!(event["message"].as_str().unwrap().contains(&position(&place, PROFILE, "\"qqq\"")), "{event}");
    assert!(event["hint"].as_str().unwrap().contains("`parcel`"), "{event}");
}

#[test]
fn a_partition_is_shown_when_it_is_too_small_or_larger_than_any_stick() {
    let online = tiny::archive(100 << 20).online();
    let place = tiny::place(&online, &["freight"]);
    let error = refused(&place);
    let position = position(&place, PROFILE, "\"64M\"\nseed");
    for part in [&*position, "^^^^^", "`image.root` in the profile to at least"] {
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
    place.write(PROFILE, place.read(PROFILE).replace("root = \"64M\"", "root = \"9G\""));
    let error = refused(&place);
    points_at(&error, &place, PROFILE, "\"9G\"", "at most `8G`");
}
