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
    let image = "build/nodes/control/control.img";
    let plan = place.run(&["flash", "--image", image, "--dry-run"]).ok();
    assert!(plan.contains("with the seed of node `control`"), "{plan}");
    let plan = place.run(&["--json", "flash", "--image", image, "--dry-run"]).result();
    assert_eq!(plan["node"], "control");
    let text = place.run(&["inspect", image]).ok();
    assert!(text.contains("seed       of node `control`, with that node's secrets"), "{text}");
    assert!(text.contains("k3s        v1.36.5+k3s1"), "{text}");
    assert_eq!(place.run(&["--json", "inspect", image]).result()["node"], "control");

    place.run(&["build", "--profile", "node"]).ok();
    let plan = place.run(&["flash", "--image", "build/node/node.img", "--dry-run"]).ok();
    assert!(plan.contains("without a seed"), "{plan}");
    let text = place.run(&["inspect", "build/node"]).ok();
    assert!(text.contains("seed       none"), "{text}");
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
    let error = place.run(&["inspect", "node"]).fails(1);
    assert!(error.contains("`node` is not built yet") && error.contains("imgbuild build node"), "{error}");
    let error = place.run(&["inspect", "nod"]).fails(1);
    assert!(error.contains("did you mean `node`"), "{error}");
    place.run(&["build", "node"]).ok();
    place.run(&["build", "control"]).ok();
    assert!(place.run(&["inspect", "node"]).ok().contains("root-a"));
    assert!(place.run(&["inspect", "control"]).ok().contains("of node `control`"));
    assert!(place.run(&["verify", "node"]).ok().contains("build/node/node.img holds node"));
    place.run(&["verify", "build/node"]).ok();
    assert!(place.run(&["diff", "node", "control"]).ok().contains("seed"));

    // And where a name belongs, a path is told with the option that takes it.
    let image = "build/node/node.img";
    let error = place.run(&["flash", image, "--dry-run"]).fails(1);
    assert!(error.contains("is a file") && error.contains("`imgbuild flash --image build/node/node.img`"), "{error}");
    let error = place.run(&["flash", "build/node", "--dry-run"]).fails(1);
    assert!(error.contains("is a directory") && error.contains("--image build/node/node.img"), "{error}");
    let error = place.run(&["flash", "/dev/sdq"]).fails(1);
    assert!(error.contains("is a disk") && error.contains("`imgbuild flash NAME --device /dev/sdq`"), "{error}");
    let error = place.run(&["why", "node", "machine"]).fails(1);
    assert!(error.contains("the package comes first: `imgbuild why machine node`"), "{error}");
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
    let text = place.run(&["lock", "node"]).ok();
    let end: Vec<&str> = text.lines().rev().take(2).collect();
    assert_eq!(end[0], "next: imgbuild build node", "{text}");
    assert!(
        end[1].starts_with("imgbuild.lock is written: ") && end[1].ends_with(" packages; locked now: node"),
        "{text}"
    );
    assert_eq!(place.run(&["lock", "node"]).ok(), "nothing changed\n");
    place.write("cluster.toml", place.read("cluster.toml").replace("[node.control]", "[node.first]"));
    let ran = place.run(&["lock", "first"]);
    assert!(ran.stderr.contains("is a node: its profile `node` is taken\n"), "{}", ran.stderr);
}

#[test]
fn a_workspace_without_secrets_is_told_so_once() {
    let place = Place::new().file("cluster.toml", include_str!("../../workspace/cluster.toml"));
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
