//! Renovate itself on what the program writes: it takes the settings, and finds every version that is pinned.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::foreign::tool;
use crate::place::{Chart, Place, files, objects_of};
use crate::{ALL_ON, SYSTEMS};

/// A program of Renovate's, in a folder.
fn renovate(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(tool(&format!("node/node_modules/.bin/{program}")));
    let home = tempfile::tempdir().unwrap().keep();
    let path = format!("{}:{}", tool("python/bin").display(), std::env::var("PATH").unwrap());
    command.env_clear().env("PATH", path).env("HOME", &home).env("TMPDIR", home).current_dir(folder);
    command
}

/// What Renovate finds in a folder: name and version of each pin.
fn found(folder: &Path) -> BTreeSet<(String, String)> {
    let git = |args: &[&str]| assert!(Command::new("git").args(args).current_dir(folder).status().unwrap().success());
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    let mut command = renovate("renovate", folder);
    command.args(["--platform=local", "--dry-run=extract"]).env("LOG_FORMAT", "json").env("LOG_LEVEL", "debug");
    let ran = command.output().unwrap();
    let told = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{told}");
    let lines = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let extracted = lines.into_iter().find(|line| line["msg"] == "Extracted dependencies").expect("what was found");
    let managers = extracted["packageFiles"].as_object().unwrap().values().flat_map(|files| files.as_array().unwrap());
    let pins = managers.flat_map(|file| file["deps"].as_array().unwrap()).filter_map(|pin| {
        let name = pin["packageName"].as_str().or(pin["depName"].as_str())?;
        Some((name.to_owned(), pin["currentValue"].as_str()?.to_owned()))
    });
    pins.collect()
}

/// What objects pin: images as containers name them, charts as Applications do.
fn pins(value: &Value, all: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Object(map) => {
            let word = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
            if let (Some(chart), Some(version)) = (word("chart"), word("targetRevision")) {
                // That of an OCI registry has no scheme in front.
                let repository = word("repoURL").filter(|url| !url.contains("://"));
                all.insert((repository.map_or_else(|| chart.clone(), |place| format!("{place}/{chart}")), version));
            }
            if let Some((name, tag)) = word("image").as_deref().and_then(|image| image.rsplit_once(':')) {
                all.insert((name.to_owned(), tag.to_owned()));
            }
            map.values().for_each(|below| pins(below, all));
        }
        Value::Array(list) => list.iter().for_each(|below| pins(below, all)),
        _ => {}
    }
}

/// What the overlays pin: charts, and images of their own objects.
fn pinned(place: &Place) -> BTreeSet<(String, String)> {
    let name = |chart: &Chart| chart.object["spec"]["chart"].as_str().unwrap().trim_start_matches("oci://").to_owned();
    let mut all: BTreeSet<_> = place.charts().iter().map(|chart| (name(chart), chart.version.clone())).collect();
    place.objects().iter().for_each(|(_, object)| pins(object, &mut all));
    all
}

#[test]
fn renovate_takes_the_settings_of_repository_and_workspace() {
    let place = Place::new(&SYSTEMS, ALL_ON);
    let (told, code) = place.run(&["gitops", "init", "git"]);
    assert_eq!(code, Some(0), "{told}");
    for folder in [place.path("git"), Path::new(env!("CARGO_MANIFEST_DIR")).join("workspace")] {
        let mut validator = renovate("renovate-config-validator", &folder);
        let ran = validator.args(["--strict", "--no-global", "renovate.json5"]).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    }
}

#[test]
fn renovate_finds_every_chart_and_image_of_the_repository() {
    let place = Place::new(&SYSTEMS, ALL_ON);
    let (told, code) = place.run(&["gitops", "init", "git"]);
    assert_eq!(code, Some(0), "{told}");
    let mut wanted = BTreeSet::new();
    for (_, object) in objects_of(&place.path("git")) {
        pins(&object, &mut wanted);
    }
    let found = found(&place.path("git"));
    let missing: Vec<_> = wanted.difference(&found).collect();
    assert!(!wanted.is_empty() && missing.is_empty(), "not found: {missing:?}\nfound: {found:?}");
}

#[test]
fn renovate_finds_every_pin_of_a_workspace() {
    let place = Place::new(&SYSTEMS, "");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("overlays");
    for (path, text) in
        files(&shipped).into_iter().filter(|(path, _)| SYSTEMS.iter().any(|name| path.starts_with(name)))
    {
        place.write(&format!("overlays/{path}"), text);
    }
    let digest = format!("sha256:{}", "5a".repeat(32));
    let own = format!(
        "schema = 1\nextends = \"control\"\n[k3s]\nversion = \"v1.36.4+k3s1\"\n\
         preload = [\n  \"docker.io/library/busybox:1.37.0@{digest}\",\n]\n"
    );
    place.write("profiles/own.toml", own);
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("workspace/renovate.json5");
    place.write("renovate.json5", fs::read(settings).unwrap());
    let mut wanted = pinned(&place);
    let pin = |name: &str, version: &str| (name.to_owned(), version.to_owned());
    wanted.extend([pin("k3s-io/k3s", "v1.36.4+k3s1"), pin("docker.io/library/busybox", "1.37.0")]);
    let found = found(&place.path(""));
    let missing: Vec<_> = wanted.difference(&found).collect();
    assert!(missing.is_empty(), "not found: {missing:?}\nfound: {found:?}");
}
