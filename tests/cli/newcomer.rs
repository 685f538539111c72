//! The first hour: names without flags, what there is to name, and what comes next.

use std::fs;

use imgbuild::output::bytes;
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
    assert!(ran.stderr.contains("`control` means the node of cluster.toml"), "{}", ran.stderr);
    assert!(ran.ok().contains("imgbuild flash --node control"));
    assert!(place.path("build/nodes/control/control.img").is_file() && !place.path("build/control").exists());
    let ran = place.run(&["build", "node"]);
    assert_eq!(ran.stderr.matches("means the node").count(), 0, "{}", ran.stderr);
    ran.ok();
    assert!(place.path("build/node/node.img").is_file());

    let error = place.run(&["build", "contrl"]).fails(1);
    assert!(error.contains("there is no node and no profile `contrl`") && error.contains("`control`"), "{error}");
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
        assert!(ran.stderr.contains("`first` is a node: its profile `node` is used"), "{args:?}: {}", ran.stderr);
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
    let programs = place.transcript(&["--json", "list"]);
    // A profile that is called like a table, one with a mistake that only shows when it is resolved, and one whose lock is
    // out of date.
    let node = place.read("profiles/node.toml");
    place.write("profiles/nodes.toml", &node);
    place.write("profiles/half.toml", node.replace("\"app\"", "\"app\", \"nosuch\""));
    place.write("profiles/node.toml", node.replace("\"machine\"", "\"machine\", \"parcel\""));
    insta::assert_snapshot!(place.transcript(&["list"]) + "\n" + &programs);
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
    let told = ["freight", "parcel", "machine"].map(|package| place.transcript(&["why", package, "leaf"]) + "\n");
    insta::assert_snapshot!(told.concat() + &place.transcript(&["--json", "why", "machine", "leaf"]));
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

/// A workspace with two workers of one profile, and the server that they join.
fn workers(online: &crate::archive::Online) -> Place {
    let place = node_image::place(online);
    place.write("profiles/agent.toml", "schema = 1\nextends = \"node\"\n\n[k3s]\nrole = \"agent\"\n");
    let cluster = place.read("cluster.toml");
    place.write(
        "cluster.toml",
        format!("{cluster}\n[node.pi1]\nprofile = \"agent\"\n\n[node.pi2]\nprofile = \"agent\"\n"),
    );
    place
}

#[test]
fn an_image_with_a_nodes_seed_is_never_told_to_have_none() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    place.run(&["build", "--node", "control"]).ok();
    place.run(&["build", "--profile", "node"]).ok();
    let image = "build/nodes/control/control.img";
    let plan = |image: &str| place.run(&["flash", "--image", image, "--dry-run"]).ok();
    assert!(plan(image).contains("with the seed of node `control`"), "{}", plan(image));
    assert!(plan("build/node/node.img").contains("without a seed"), "{}", plan("build/node/node.img"));
    let told = place.run(&["--json", "flash", "--image", image, "--dry-run"]).result();
    assert_eq!(told["node"], "control");
    let manifest = place.run(&["--json", "inspect", image]).result();
    assert_eq!(manifest["node"], "control");
    let none = place.run(&["inspect", "build/node"]).ok();
    assert!(none.contains("seed       none"), "{none}");

    // How much is data follows from the programs that every node has.
    let sum = |ranges: &serde_json::Value| -> u64 {
        ranges.as_array().unwrap().iter().map(|range| range["length"].as_u64().unwrap()).sum()
    };
    let filled = manifest["partitions"].as_array().unwrap().iter().map(|partition| partition["used"].as_u64().unwrap());
    let amounts = filled.filter(|used| *used > 0).chain([sum(&manifest["ranges"])]);
    let told = place.transcript(&["inspect", image]);
    insta::assert_snapshot!(amounts.fold(told, |told, amount| told.replace(&format!(" {}", bytes(amount)), " AMOUNT")));
}

#[test]
fn a_good_stick_of_another_node_or_image_is_told_by_what_it_is_and_not_blamed() {
    let online = tiny::archive(1000).online();
    let place = workers(&online);
    for args in [&["--node", "pi1"], &["--profile", "agent"], &["--profile", "node"]] {
        place.run(&[&["build"][..], args].concat()).ok();
    }
    let (pi1, seedless) = ("build/nodes/pi1/pi1.img", "build/agent/agent.img");
    place.run(&["verify", pi1, "--node", "pi1"]).ok();
    for (target, node, holds) in [
        (pi1, Some("pi2"), "with the seed of node `pi1`"),
        (seedless, Some("pi1"), "it holds the image without a seed"),
        (pi1, None, "it is that of node `pi1`"),
    ] {
        let node = node.map_or(Vec::new(), |node| vec!["--node", node]);
        let args = [&["verify", target, "--manifest", "build/agent/manifest.json"][..], &node].concat();
        let error = place.run(&args).fails(3);
        assert!(error.contains(holds) && !error.contains("another stick"), "{args:?}: {error}");
        assert!(!error.contains("SHA-256") && error.contains("--node"), "{args:?}: {error}");
    }
    // An older seed of the same node.
    place.write("cluster.toml", place.read("cluster.toml").replace("you@laptop", "me@laptop"));
    let error = place.run(&["verify", pi1, "--node", "pi1"]).fails(3);
    assert!(error.contains("an older one of this node"), "{error}");

    let error = place.run(&["verify", pi1, "--manifest", "build/node/manifest.json"]).fails(3);
    assert!(error.contains("holds another image") && error.matches("because").count() == 1, "{error}");
    assert!(error.contains("--manifest") && !error.contains("SHA-256"), "{error}");
}

#[test]
fn what_was_built_is_named_as_it_was_for_the_build() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    let told = |wrong: &[&[&str]]| wrong.iter().map(|args| place.transcript(args) + "\n").collect::<String>();
    let unbuilt = told(&[&["inspect", "node"], &["inspect", "nod"]]);
    place.run(&["build", "node"]).ok();
    place.run(&["build", "control"]).ok();
    assert!(place.run(&["inspect", "node"]).ok().contains("root-a"));
    assert!(place.run(&["inspect", "control"]).ok().contains("of node `control`"));
    assert!(place.run(&["verify", "node"]).ok().contains("build/node/node.img holds node"));
    place.run(&["verify", "build/node"]).ok();
    assert!(place.run(&["diff", "node", "control"]).ok().contains("seed"));
    // And where a name belongs, a path is told with the option that takes it.
    let path = told(&[
        &["flash", "build/node/node.img", "--dry-run"],
        &["flash", "build/node", "--dry-run"],
        &["flash", "/dev/sdq"],
        &["why", "node", "machine"],
    ]);
    insta::assert_snapshot!(unbuilt + &path);
}

#[test]
fn a_cluster_file_that_is_gone_or_misspelt_is_missed() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    place.run(&["build", "--node", "control"]).ok();
    let cluster = place.read("cluster.toml");
    fs::rename(place.path("cluster.toml"), place.path("cluster.tml")).unwrap();
    let told = place.run(&["check"]).ok();
    assert!(told.contains("did you mean `cluster.toml`") && told.contains("mv cluster.tml cluster.toml"), "{told}");
    assert!(told.contains("warning[C140") && !told.contains("nothing wrong"), "{told}");
    fs::remove_file(place.path("cluster.tml")).unwrap();
    assert!(place.run(&["check"]).ok().contains("there is no `cluster.toml`, but `secrets.toml`"));
    fs::remove_file(place.path("secrets.toml")).unwrap();
    let told = place.run(&["check", "--json"]).result();
    assert!(
        told["findings"][0]["message"].as_str().unwrap().contains("imgbuild.lock has a cluster's values"),
        "{told}"
    );
    place.write("cluster.toml", cluster);
    assert!(!place.run(&["check"]).stdout.contains("C140"));
    // Who has no cluster is told nothing.
    fs::remove_file(place.path("cluster.toml")).unwrap();
    fs::remove_file(place.path("imgbuild.lock")).unwrap();
    assert!(place.run(&["check"]).ok().contains("nothing wrong"));
}

#[test]
fn a_profile_that_was_locked_without_k3s_says_so_for_as_long_as_it_is() {
    let online = tiny::archive(1000).online();
    let place = tiny::place(&online, &[]);
    let profile = place.read("profiles/node.toml");
    place.write(
        "profiles/node.toml",
        format!("{profile}[k3s]\nversion = \"v1.36.5+k3s1\"\nrole = \"server\"\nstandalone = true\n"),
    );
    let build = |args: &[&str]| place.run_without_k3s(&[&["--k3s-mirror", "http://127.0.0.1:9/"][..], args].concat());
    for verb in ["is built", "is up to date"] {
        let ran = build(&["build", "node"]);
        assert_eq!(ran.stderr.matches("locked WITHOUT K3s").count(), 1, "{}", ran.stderr);
        assert!(ran.ok().contains(verb));
    }
    let told = build(&["check"]).ok();
    assert!(told.contains("warning[C141") && told.contains("locked without K3s"), "{told}");
    assert!(told.contains("imgbuild lock --update k3s --profile node"), "{told}");
    let text = build(&["inspect", "build/node"]).ok();
    assert!(text.contains("k3s        none"), "{text}");
}

#[test]
fn lock_ends_with_what_is_locked_and_what_comes_next() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    let told = [place.transcript(&["lock", "node"]), place.transcript(&["lock", "node"])].join("\n");
    place.write("cluster.toml", place.read("cluster.toml").replace("[node.control]", "[node.first]"));
    insta::assert_snapshot!(told + "\n" + &place.transcript(&["lock", "first"]));
}

#[test]
fn a_workspace_without_secrets_is_told_so_once() {
    let place = Place::new()
        .file("cluster.toml", include_str!("../../workspace/cluster.toml"))
        .file("profiles/server.toml", include_str!("../../workspace/profiles/server.toml"));
    let told = place.run(&["check"]).stdout;
    assert_eq!(told.matches("C070").count(), 1, "{told}");
    assert!(told.contains("there are no secrets yet") && told.contains("`imgbuild secrets init`"), "{told}");
    assert!(told.contains("secrets set datastore-url"), "{told}");
    // What is no TOML has no reason beyond itself.
    place.write("cluster.toml", "schema = 1\nname = home\n");
    let told = place.run(&["check"]).stdout;
    assert!(told.contains("is not in quotes") && !told.contains("note:"), "{told}");
    place.write("cluster.toml", "schema = 1\nnam = \"home\"\n");
    assert!(place.run(&["check"]).stdout.contains("note: a key that is unknown"));
}
