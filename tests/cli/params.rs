//! Parameters of overlays, through the program: a profile's word decides packages, versions and manifests.

use crate::archive::Online;
use crate::debs::Tar;
use crate::place::Place;
use crate::tiny;

const OVERLAY: &str = r#"schema = 1

[params.flavour]
description = "Which driver"
default = "open"
one_of = ["open", "closed"]

[params.cards]
description = "How many cards the machine has"
default = 1

[params.domain]
description = "Where it answers"

[[when]]
params = { flavour = "open" }
packages = ["driver-open"]

[[when]]
params = { flavour = "closed" }
packages = ["driver-closed"]
"#;

const MANIFEST: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cards, namespace: default}\ndata:\n  cards: \"{{ params.cards }}\"\n";

fn package(text: &str) -> Tar {
    Tar::default().dir("./").dir("./usr/").file(&format!("./usr/{text}"), text)
}

/// A small machine with that overlay and these lines behind its profile.
fn place(more: &str) -> (Online, Place) {
    let archive = tiny::archive(0).with("driver-open", &[], package("open"));
    let online = archive.with("driver-closed", &[], package("closed")).online();
    let place = tiny::place(&online, &[]).file("overlays/driver/overlay.toml", OVERLAY);
    let profile = place.read("profiles/node.toml");
    let profile = profile.replace("schema = 1\n", "schema = 1\noverlays = [\"driver\"]\n");
    place.write("profiles/node.toml", profile + more);
    (online, place)
}

fn has(place: &Place, path: &str) -> bool {
    place.read("build/node/node.files").contains(&format!("{path}\t"))
}

#[test]
fn one_line_of_a_profile_takes_another_driver_and_the_lock_follows() {
    let (_online, place) = place("");
    place.run(&["lock", "--profile", "node"]).ok();
    place.run(&["build", "--profile", "node"]).ok();
    assert!(has(&place, "/usr/open") && !has(&place, "/usr/closed"));
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile + "\n[overlay.driver]\nflavour = \"closed\"\n");
    let told = place.run(&["build", "--profile", "node"]).fails(3);
    assert!(told.contains("imgbuild lock"), "{told}");
    place.run(&["lock", "--profile", "node"]).ok();
    place.run(&["build", "--profile", "node"]).ok();
    assert!(has(&place, "/usr/closed") && !has(&place, "/usr/open"));
    assert!(place.run(&["why", "driver-closed", "node"]).ok().contains("overlay"), "`why` names whom it is from");
}

#[test]
fn a_template_of_a_manifest_has_the_parameters_of_its_overlay() {
    let (_online, place) = place("");
    let server = "schema = 1\nextends = \"control\"\noverlays = [\"driver\"]\n[overlay.driver]\ncards = 2\n";
    place.write("profiles/server.toml", server);
    place.write("overlays/driver/manifests/cards.yaml", MANIFEST);
    place.run(&["check", "--profile", "server"]).ok();
    // One that nobody set is an error with its cure, as a misspelt one is.
    place.write("overlays/driver/manifests/cards.yaml", MANIFEST.replace("params.cards", "params.domain"));
    let ran = place.run(&["check", "--profile", "server"]);
    let told = ran.stdout;
    assert_eq!(ran.code, Some(1), "{told}");
    assert!(
        told.contains("`domain` of the overlay `driver` is not set") && told.contains("[overlay.driver] of the"),
        "{told}"
    );
}

#[test]
fn a_parameter_that_is_a_secret_is_named_in_files_and_asked_for_by_its_name() {
    let overlay = "schema = 1\n[params.password]\ndescription = \"The administrator's password\"\nsecret = true\n\
                   default = { secret = \"driver-admin\" }\n";
    let manifest = "apiVersion: v1\nkind: Secret\nmetadata: {name: admin, namespace: default}\n\
                    stringData:\n  password: {{ params.password | tojson }}\n";
    let (_online, place) = place("");
    place.write("overlays/driver/overlay.toml", overlay);
    place.write("overlays/driver/manifests/admin.yaml", manifest);
    let server = |more: &str| format!("schema = 1\nextends = \"control\"\noverlays = [\"driver\"]\n{more}");
    place.write("profiles/server.toml", server(""));
    let shown = place.run(&["overlay", "show", "driver"]).ok();
    assert!(shown.contains("a secret; driver-admin unless another is named"), "{shown}");
    assert!(shown.contains("in the seed of a server; uses secret driver-admin"), "{shown}");
    place.run(&["check", "--profile", "server"]).ok();
    place.write("profiles/server.toml", server("[overlay.driver]\npassword = \"hunter2\"\n"));
    for json in [&[][..], &["--json"]] {
        let ran = place.run(&[json, &["check", "--profile", "server"]].concat());
        let told = ran.stdout + &ran.stderr;
        assert!(ran.code != Some(0) && told.contains("imgbuild secrets set driver-admin"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}
