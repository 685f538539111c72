//! The first hour: names without flags, what there is to name, and what comes next.

use std::fs;

use serde_json::json;

use crate::node_image;
use crate::place::{Place, Ran};
use crate::tiny;

#[test]
fn a_name_is_the_node_if_there_is_one_and_else_the_profile() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    // The program has a profile of this name too.
    let ran = place.run(&["build", "control"]);
    assert!(ran.stderr.contains("`control` is taken for the node of cluster.toml"), "{}", ran.stderr);
    assert!(ran.ok().contains("imgbuild flash --node control"));
    assert!(place.path("build/nodes/control/control.img").is_file() && !place.path("build/control").exists());
    let ran = place.run(&["build", "node"]);
    assert_eq!(ran.stderr.matches("is taken for").count(), 0, "{}", ran.stderr);
    ran.ok();
    assert!(place.path("build/node/node.img").is_file());

    let error = place.run(&["build", "contrl"]).fails(1);
    assert!(error.contains("there is no node and no profile `contrl`") && error.contains("`control`"), "{error}");
    for verb in ["build", "check", "flash"] {
        let ran = place.run(&[verb, "control", "--profile", "node"]);
        assert_eq!(ran.code, Some(1), "{verb}");
        assert!(ran.stderr.contains("cannot be used with"), "{verb}: {}", ran.stderr);
    }
    // Asked for the stick of the node, not for one without a seed.
    let plan = place.run(&["flash", "control", "--dry-run"]).ok();
    assert!(plan.contains("with the seed of node `control`"), "{plan}");
    assert!(place.run(&["check", "control"]).ok().contains("control"));
}

#[test]
fn verbs_that_know_no_nodes_take_the_profile_of_the_node() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    place.write("cluster.toml", place.read("cluster.toml").replace("[node.control]", "[node.first]"));
    for args in [&["lock", "first"][..], &["why", "machine", "first"], &["export", "first"]] {
        let ran = place.run(args);
        assert!(ran.stderr.contains("`first` is a node: its profile `node` is taken"), "{args:?}: {}", ran.stderr);
        ran.ok();
    }
    assert!(place.path("build/release/node.img.zst").is_file());
    // A path is one, though it be called like a profile.
    fs::write(place.path("node"), "no image").unwrap();
    let error = place.run(&["boot", "./node"]).fails(3);
    assert!(error.contains("./node"), "{error}");
    let error = place.run(&["boot", "nod"]).fails(1);
    assert!(error.contains("did you mean `node`?"), "{error}");
}

#[test]
fn the_list_shows_what_can_be_named_and_where_it_comes_from() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    place.run(&["lock", "node"]).ok();
    let list = place.run(&["list", "--json"]).result();
    let row = |kind: &str, name: &str| {
        let rows = list[kind].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {list}")).clone()
    };
    let own = row("profiles", "node");
    assert_eq!(
        (&own["from"], &own["lock"], &own["board"]),
        (&json!("workspace"), &json!("locked"), &json!("uefi-amd64"))
    );
    let embedded = row("profiles", "gpu");
    assert_eq!((&embedded["from"], &embedded["lock"]), (&json!("program"), &json!("not locked")));
    assert_eq!((&row("profiles", "base")["board"], &row("profiles", "base")["lock"]), (&json!(null), &json!(null)));
    assert_eq!(row("nodes", "control")["profile"], "node");
    assert_eq!(
        (&row("overlays", "app")["from"], &row("overlays", "node")["from"]),
        (&json!("workspace"), &json!("program"))
    );

    // A profile that is called like a table, and one with a mistake that only shows when it is resolved.
    let node = place.read("profiles/node.toml");
    place.write("profiles/nodes.toml", node.clone());
    place.write("profiles/half.toml", node.replace("\"app\"", "\"app\", \"nosuch\""));
    let text = place.run(&["list"]).ok();
    assert!(text.contains("\nnodes          board "), "{text}");
    for words in
        [&["node", "uefi-amd64", "locked", "workspace"][..], &["control", "uefi-amd64", "node"], &["app", "workspace"]]
    {
        assert!(
            text.lines().any(|line| line.split_whitespace().collect::<Vec<_>>().starts_with(words)),
            "{words:?}: {text}"
        );
    }

    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replace("\"machine\"", "\"machine\", \"parcel\""));
    let text = place.run(&["list"]).ok();
    assert!(text.lines().any(|line| line.starts_with("node ") && line.contains("out of date")), "{text}");
    // Without a cluster too.
    assert!(Place::new().run(&["list"]).ok().contains("demo"));
}

#[test]
fn why_names_the_profiles_and_overlays_that_ask() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    place.write("overlays/app/overlay.toml", "schema = 1\npackages = [\n    \"freight\",\n    \"machine\",\n]\n");
    let leaf = "schema = 1\nextends = \"node\"\npackages = [\"parcel\"]\n";
    place.write("profiles/leaf.toml", leaf);
    place.run(&["lock", "leaf"]).ok();
    let by = |package: &str| {
        let why = place.run(&["why", package, "leaf", "--json"]).result();
        let wanted_by = why["wanted_by"].as_array().unwrap().clone();
        wanted_by.iter().map(|by| format!("{} {} {}", by["kind"], by["name"], by["line"])).collect::<Vec<_>>()
    };
    assert_eq!(by("freight"), ["\"overlay\" \"app\" 3"]);
    assert_eq!(by("parcel"), ["\"profile\" \"leaf\" 3"]);
    assert_eq!(by("machine"), ["\"profile\" \"node\" 3", "\"overlay\" \"app\" 4"]);
    let text = place.run(&["why", "freight", "leaf"]).ok();
    assert!(text.contains("by overlay `app`") && text.contains("overlays/app/overlay.toml:3"), "{text}");
}

#[test]
fn a_build_says_what_comes_next() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    assert!(place.run(&["build", "node"]).ok().contains("\nnext: imgbuild boot node\n"));
    assert!(place.run(&["build", "node", "--output", "out"]).ok().contains("next: imgbuild boot out/node.img"));
    let workspace = place.path("");
    let mut command = place.command(&["--workspace", workspace.to_str().unwrap(), "build", "node"]);
    let from_elsewhere = Ran::of(command.current_dir("/")).ok();
    let image = place.path("build/node/node.img");
    assert!(from_elsewhere.contains(&format!("next: imgbuild boot {}", image.display())), "{from_elsewhere}");
    let text = place.run(&["build", "--node", "control"]).ok();
    assert!(
        text.contains("build/nodes/control/control.img") && text.contains("imgbuild flash --node control"),
        "{text}"
    );
    assert!(!text.contains("imgbuild boot"), "{text}");

    let init = place.run(&["init", "home", "--json"]).result();
    assert_eq!(init["next"], json!(["cd home", "imgbuild secrets init", "edit cluster.toml", "imgbuild check"]));
}
