//! `build --node`, and that no secret gets anywhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::place::{Place, Ran, json};
use crate::tiny;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8vWqK0mD1tQ7yRk5cUe0oM3bLhXz2nGfP4sYdTwA9e you@laptop";

/// A workspace whose one node is a small server.
pub fn place(online: &crate::archive::Online) -> Place {
    let place = tiny::place(online, &[]);
    let profile = place.read("profiles/node.toml").replace("[image]", "overlays = [\"app\"]\n\n[image]");
    // Keys of the file's own table come before the first table in it.
    let (tables, overlays) = (profile.replace("overlays = [\"app\"]\n\n", ""), "overlays = [\"app\"]\n");
    let first = tables.find("\n[").unwrap() + 1;
    let k3s = "[k3s]\nversion = \"v1.36.5+k3s1\"\nrole = \"server\"\n\n";
    place.write("profiles/node.toml", [&tables[..first], overlays, "\n", k3s, &tables[first..]].concat());
    place.write("overlays/app/overlay.toml", "schema = 1\n");
    let cluster = format!(
        "schema = 1\nname = \"home\"\nserver = \"https://control:6443\"\nssh_keys = [\"{KEY}\"]\n\n\
         [node.control]\nprofile = \"node\"\n"
    );
    place.write("cluster.toml", cluster);
    place.run(&["secrets", "init"]).ok();
    place
}

/// The value of a secret.
fn secret(place: &Place, name: &str) -> String {
    let file: toml::Table = place.read("secrets.toml").parse().unwrap();
    file["secrets"][name].as_str().unwrap().to_owned()
}

#[test]
fn a_nodes_image_is_its_profiles_with_its_own_seed_for_nobody_else() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    place.run(&["build", "--profile", "node"]).ok();
    place.run(&["build", "--node", "control"]).ok();
    let dir = place.path("build/nodes/control");
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    let (public, own) = (json(&place.path("build/node/manifest.json")), json(&dir.join("manifest.json")));
    for same in ["image_id", "root_hash", "cmdline", "partitions"] {
        let without_ranges = |manifest: &serde_json::Value| {
            let mut value = manifest[same].clone();
            for partition in value.as_array_mut().into_iter().flatten() {
                partition.as_object_mut().unwrap().remove("ranges");
            }
            value
        };
        assert_eq!(without_ranges(&public), without_ranges(&own), "{same}");
    }
    assert_ne!(public["image_sha256"], own["image_sha256"]);
    let (public, own) =
        (fs::read(place.path("build/node/node.img")).unwrap(), fs::read(dir.join("control.img")).unwrap());
    let seed = json(&dir.join("manifest.json"))["partitions"].as_array().unwrap().clone();
    let seed = seed.iter().find(|partition| partition["label"] == "seed").unwrap().clone();
    let at = |key: &str| usize::try_from(seed[key].as_u64().unwrap()).unwrap();
    let within = at("offset")..at("offset") + at("size");
    let differs = (0..own.len()).filter(|byte| public[*byte] != own[*byte]);
    assert!(differs.clone().count() > 0 && differs.into_iter().all(|byte| within.contains(&byte)));
}

#[test]
fn a_nodes_image_is_its_owners_alone_in_a_directory_that_is_open_to_all() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    let dir = place.path("out");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    place.run(&["build", "--node", "control", "--output", "out"]).ok();
    let files: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap()).collect();
    assert!(files.iter().any(|file| file.file_name() == "control.img"));
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.path().display());
    }
}

#[test]
fn a_diff_tells_that_only_the_seed_is_another() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    place.run(&["build", "--node", "control"]).ok();
    place.write("cluster.toml", place.read("cluster.toml").replace("you@laptop", "me@laptop"));
    place.run(&["build", "--node", "control", "--output", "other"]).ok();
    let told = [&["diff", "build/nodes/control", "other"][..], &["--json", "diff", "build/nodes/control", "other"]];
    insta::assert_snapshot!(told.map(|args| place.transcript(args)).join("\n"));
}

/// A byte, percent-encoded.
fn percent(byte: u8) -> [char; 3] {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap().to_ascii_uppercase();
    ['%', digit(byte >> 4), digit(byte & 15)]
}

#[test]
fn a_secret_in_a_file_of_the_image_stops_the_build_and_is_not_shown() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    let token = secret(&place, "server-token");
    // As a URL may spell it.
    let hidden: String = token.bytes().flat_map(percent).collect();
    for text in [format!("token: {token}\n"), format!("url=https://x/?t={hidden}\n")] {
        place.write("overlays/app/files/etc/app.conf", text);
        let before = place.files();
        let error = place.run(&["build", "--profile", "node"]).fails(1);
        assert!(error.contains("/etc/app.conf") && error.contains("`server-token`"), "{error}");
        assert!(!error.contains(&token) && !error.contains(&hidden), "{error}");
        let written: Vec<_> = place.files().into_iter().filter(|file| !before.contains(file)).collect();
        assert!(written.iter().all(|file| format!("{file:?}").contains("imgbuild.lock")), "{written:?}");
    }
}

/// Sets a secret that anybody may name.
fn set(place: &Place, name: &str, value: &str) {
    place.write("value", value);
    let mut set = place.command(&["secrets", "set", name]);
    Ran::of(set.stdin(fs::File::open(place.path("value")).unwrap())).ok();
    fs::remove_file(place.path("value")).unwrap();
}

#[test]
fn the_datastores_password_is_looked_for_on_its_own_and_as_it_is_meant() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    set(&place, "datastore-url", "postgres://k3s:corr%40ect%2Fhorse@db.example.org/k3s");
    for text in ["corr@ect/horse", "corr%40ect%2Fhorse", "postgres://k3s:corr@ect/horse@db.example.org/k3s"] {
        place.write("overlays/app/files/etc/app.conf", format!("password = {text}\n"));
        let error = place.run(&["build", "--profile", "node"]).fails(1);
        assert!(error.contains("/etc/app.conf") && error.contains("datastore-url"), "{error}");
        assert!(!error.contains("horse"), "{error}");
    }
    place.write("overlays/app/files/etc/app.conf", "host = db.example.org\n");
    place.run(&["build", "--profile", "node"]).ok();
}

#[test]
fn an_image_is_up_to_date_only_while_the_secrets_are_those_that_it_was_searched_for() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    place.write("overlays/app/files/etc/app.conf", "an-innocent-text\n");
    let build = ["build", "--profile", "node"];
    assert!(place.run(&build).ok().contains("is built"));
    assert!(place.run(&build).ok().contains("is up to date"));
    // From the environment.
    let mut overridden = place.command(&build);
    let error = Ran::of(overridden.env("IMGBUILD_SECRET_PULL", "an-innocent-text")).fails(1);
    assert!(error.contains("/etc/app.conf") && error.contains("`pull`"), "{error}");
    assert!(place.run(&build).ok().contains("is up to date"));
    // From the file.
    set(&place, "pull", "an-innocent-text");
    let error = place.run(&build).fails(1);
    assert!(error.contains("/etc/app.conf") && error.contains("`pull`"), "{error}");
    set(&place, "pull", "another-text");
    assert!(place.run(&build).ok().contains("is built"));
    assert!(place.run(&build).ok().contains("is up to date"));
}

#[test]
fn a_build_that_could_not_open_the_secrets_is_never_up_to_date() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    fs::remove_file(place.path("secrets.toml")).unwrap();
    let recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    place.run(&["secrets", "init", "--age", recipient]).ok();
    for _ in 0..2 {
        let ran = place.run(&["build", "--profile", "node"]);
        assert!(ran.stderr.contains("not searched for secrets"), "{}", ran.stderr);
        assert!(ran.ok().contains("is built"));
    }
}

#[test]
fn secrets_too_short_to_be_looked_for_are_named() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    set(&place, "pull", "hush");
    for args in [&["build", "--profile", "node"][..], &["-q", "build", "--node", "control"]] {
        let ran = place.run(args);
        assert!(ran.stderr.contains("not searched for `pull`"), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("hush"), "{}", ran.stderr);
        ran.ok();
    }
}

#[test]
fn a_node_that_check_finds_a_mistake_in_is_not_built() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    let cluster = place.read("cluster.toml").replace(&format!("\"{KEY}\""), "");
    place.write("cluster.toml", cluster);
    let refused = place.run(&["build", "--node", "control"]);
    assert!(refused.stderr.contains("C050-no-ssh-key"), "{}", refused.stderr);
    assert!(refused.fails(1).contains("node `control`"));
    let error = place.run(&["build", "--node", "contrl"]).fails(1);
    assert!(error.contains("did you mean `control`"), "{error}");
    assert!(!place.path("build").exists());
}

#[test]
fn what_a_node_registered_with_is_remembered_until_it_is_accepted() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    place.run(&["build", "--node", "control"]).ok();
    assert!(place.read("imgbuild.lock").contains("[node.control]"));
    let profile = place.read("profiles/node.toml").replace("[k3s]\n", "[k3s]\ntaints = [\"gpu=present:NoSchedule\"]\n");
    place.write("profiles/node.toml", profile);
    let checked = place.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    for part in ["C061-taint-change", "kubectl taint node control gpu=present:NoSchedule", "--accept-critical-change"] {
        assert!(checked.stdout.contains(part), "{part}: {}", checked.stdout);
    }
    // Building again does not make it forgotten.
    place.run(&["build", "--node", "control"]).ok();
    assert!(place.run(&["check"]).stdout.contains("C061-taint-change"));
    place.run(&["lock", "--accept-critical-change"]).ok();
    assert!(!place.run(&["check"]).stdout.contains("C061-taint-change"));
}

#[test]
fn a_registrys_password_is_in_the_nodes_seed_alone() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    let registry = "\n[[registry]]\nhost = \"registry.lan:5000\"\nauth = { username = \"u\", password = \"pull\" }\n";
    place.write("cluster.toml", place.read("cluster.toml") + registry);
    let refused = place.run(&["build", "--node", "control"]);
    assert!(refused.stderr.contains("C070-missing-secret") && refused.stderr.contains("`pull`"), "{}", refused.stderr);
    refused.fails(1);
    place.write("password", "a-password-to-pull-with");
    let mut set = place.command(&["secrets", "set", "pull"]);
    Ran::of(set.stdin(fs::File::open(place.path("password")).unwrap())).ok();
    // What is written is searched for it, the seed aside.
    place.run(&["build", "--node", "control"]).ok();
    place.run(&["build", "--profile", "node"]).ok();
}

#[test]
fn critical_values_of_a_cluster_stay_unless_they_are_accepted() {
    let online = tiny::archive(1000).online();
    let place = place(&online);
    place.run(&["build", "--node", "control"]).ok();
    place.write("cluster.toml", place.read("cluster.toml") + "\n[k3s]\nflannel_backend = \"host-gw\"\n");
    let refused = place.run(&["build", "--node", "control"]);
    assert!(refused.stderr.contains("C060-critical-change"), "{}", refused.stderr);
    refused.fails(1);
    assert!(place.run(&["lock"]).fails(1).contains("flannel_backend"));
    place.run(&["lock", "--accept-critical-change"]).ok();
    place.run(&["build", "--node", "control"]).ok();
}
