//! Whose the packages and files of an image are, as its manifest and SBOM have it and `diff` tells it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::archive::Online;
use crate::place::{Place, json};
use crate::tiny;

const WANTING: &str = "schema = 1\npackages = [\"parcel\"]\n";

/// A workspace whose profile `node` is a small machine with an overlay `app`, which wants `parcel` and has a file.
fn place(online: &Online) -> Place {
    let place = tiny::place(online, &[]).file("overlays/app/overlay.toml", WANTING);
    place.write("overlays/app/files/etc/app.conf", "loud");
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replace("schema = 1\n", "schema = 1\noverlays = [\"app\"]\n"));
    place
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn manifest_and_sbom_say_who_wants_a_package_and_whose_a_file_is() {
    let online = tiny::archive(0).online();
    let place = place(&online);
    place.run(&["build", "node"]).ok();
    let manifest = json(&place.path("build/node/manifest.json"));
    let sbom = json(&place.path("build/node/sbom.spdx.json"));
    let named = |list: &Value, name: &str| {
        list.as_array().unwrap().iter().find(|package| package["name"] == name).unwrap().clone()
    };
    for (package, by) in [
        ("parcel", vec!["overlay:app"]),
        ("machine", vec!["profile:node"]),
        ("linux-image-amd64", vec!["board:uefi-amd64"]),
    ] {
        assert_eq!(named(&manifest["packages"], package)["wanted_by"], json!(by));
        assert_eq!(named(&sbom["packages"], package)["comment"], format!("wanted by {}", by.join(", ")));
    }

    let file = &sbom["files"][0];
    assert_eq!((&file["fileName"], &file["comment"]), (&json!("./etc/app.conf"), &json!("from overlay:app")));
    // `printf loud | sha1sum`
    assert_eq!(
        file["checksums"][0],
        json!({"algorithm": "SHA1", "checksumValue": "d1c6f1a8165a0d45fe9e577ab012b869bbcc87d5"})
    );
    assert_eq!(sbom["files"].as_array().unwrap().len(), 1, "files of packages are not analysed");
    // SPDX 2.3, clause 11: relationships are between elements of the document, and each has an identifier of its own.
    let elements = ["packages", "files"].map(|list| sbom[list].as_array().unwrap().clone()).concat();
    let ids: Vec<&str> = elements.iter().map(|element| element["SPDXID"].as_str().unwrap()).collect();
    let known: BTreeSet<&str> = ids.iter().copied().chain(["SPDXRef-DOCUMENT"]).collect();
    assert_eq!(known.len(), ids.len() + 1);
    let related: BTreeSet<&str> = sbom["relationships"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|relation| ["spdxElementId", "relatedSpdxElement"].map(|key| relation[key].as_str().unwrap()))
        .collect();
    assert_eq!(related, known);
}

#[test]
fn a_package_that_another_file_asks_for_is_the_same_image_with_new_papers() {
    let online = tiny::archive(0).online();
    let place = place(&online);
    place.run(&["build", "node"]).ok();
    let before = json(&place.path("build/node/manifest.json"));
    place.write("overlays/app/overlay.toml", "schema = 1\n");
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replace("\"machine\"", "\"machine\", \"parcel\""));
    let plan = place.run(&["build", "node", "--plan", "--json"]).result();
    assert_eq!(plan["why"], json!(["who asks for its packages changed"]));
    place.run(&["build", "node"]).ok();
    let after = json(&place.path("build/node/manifest.json"));
    for same in ["image_id", "image_sha256"] {
        assert_eq!(before[same], after[same]);
    }
    let parcel = after["packages"].as_array().unwrap().iter().find(|package| package["name"] == "parcel").unwrap();
    assert_eq!(parcel["wanted_by"], json!(["profile:node"]));
}

#[test]
fn diff_tells_which_overlay_what_differs_is_of() {
    let online = tiny::archive(0).online();
    let place = place(&online);
    place.run(&["build", "node", "--output", "with"]).ok();
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replace("overlays = [\"app\"]\n", ""));
    place.run(&["lock", "node"]).ok();
    place.run(&["build", "node", "--output", "without"]).ok();

    let text = place.run(&["diff", "without", "with"]).ok();
    for line in ["+ parcel, wanted by overlay `app`\n", "+ /etc/app.conf, of overlay `app`\n"] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
    assert!(place.run(&["diff", "with", "without"]).ok().contains("- /etc/app.conf, of overlay `app`\n"));
    // Programs get the lines as they are, and whose each is beside them.
    let difference = place.run(&["diff", "without", "with", "--json"]).result();
    assert!(strings(&difference["files"]).contains(&"+ /etc/app.conf"), "{difference}");
    assert_eq!(difference["origins"], json!({"/etc/app.conf": ["overlay:app"], "parcel": ["overlay:app"]}));

    // The profile's own file takes the overlay's place.
    let own = "[[file]]\npath = \"/etc/app.conf\"\ncontent = \"soft\"\n";
    place.write("profiles/node.toml", format!("{profile}{own}"));
    place.run(&["lock", "node"]).ok();
    place.run(&["build", "node", "--output", "own"]).ok();
    let text = place.run(&["diff", "with", "own"]).ok();
    assert!(text.contains("~ /etc/app.conf (content), of profile `node`\n"), "{text}");
}
