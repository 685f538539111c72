//! `flash --node`: what `build --node` makes, without a file of it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::node_image;
use crate::place::{Place, files, json};
use crate::sticks::Sticks;
use crate::support;
use crate::terminal::converse_doing;
use crate::tiny;

#[test]
#[ignore = "needs root: loop devices"]
fn a_node_s_stick_holds_what_its_image_would_and_no_file_holds_its_seed() {
    let online = tiny::archive(3_000_000).online();
    let place = node_image::place(&online);
    place.run(&["build", "--node", "control"]).ok();
    let own = place.path("build/nodes/control");
    let (image, manifest) = (fs::read(own.join("control.img")).unwrap(), json(&own.join("manifest.json")));
    fs::remove_dir_all(place.path("build")).unwrap();

    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let disk = dir.path().join("disk");
    File::create(&disk).unwrap().set_len(400 << 20).unwrap();
    let device = support::ok(dir.path(), "losetup", &["--find", "--show", disk.to_str().unwrap()]).trim().to_owned();
    let flash = |more: &[&str]| {
        place.run(&[&["flash", "--node", "control", "--device", &device, "--allow-loop", "--yes"][..], more].concat())
    };
    let plan = flash(&["--dry-run"]);
    let written = flash(&[]);
    let verify =
        |more: &[&str]| place.run(&[&["verify", &device, "--manifest", "build/node/manifest.json"][..], more].concat());
    let (with_seed, without) = (verify(&["--node", "control"]), verify(&[]));
    support::ok(dir.path(), "losetup", &["--detach", &device]);

    assert!(plan.ok().contains("with the seed of node `control`"));
    let said = written.ok();
    for words in ["switch it on", "data disks, a route, the time and its datastore", "`ready N s after power-on`"] {
        assert!(said.contains(words), "no {words} in: {said}");
    }
    assert!(!said.contains("docs/") && said.lines().skip(1).all(|line| line.len() <= 90), "{said}");
    let stick = File::open(&disk).unwrap();
    for range in manifest["ranges"].as_array().unwrap() {
        let number = |key: &str| usize::try_from(range[key].as_u64().unwrap()).unwrap();
        let (from, len) = (number("offset"), number("length"));
        // The tables are made for the stick.
        if from >= 1 << 20 && from + len < image.len() - (1 << 20) {
            let mut bytes = vec![0; len];
            stick.read_exact_at(&mut bytes, from as u64).unwrap();
            assert!(bytes == image[from..from + len], "{range}");
        }
    }
    with_seed.ok();
    assert!(without.fails(3).contains("only its seed differs: it is that of node `control`"));
    let built = files(&place.path("build"));
    assert!(built.iter().all(|file| Path::new(file).starts_with("node")), "{built:?}");
}

/// A server and two machines that have nothing to do: `control`, `pi1` and `pi2`.
fn three_nodes(online: &crate::archive::Online) -> Place {
    let place = node_image::place(online);
    let nodes = "[node.pi1]\nprofile = \"worker\"\n[node.pi2]\nprofile = \"worker\"\n";
    place.write("profiles/worker.toml", place.read("profiles/node.toml").replace("\"server\"", "\"agent\""));
    place.write("cluster.toml", place.read("cluster.toml") + nodes);
    place
}

#[test]
#[ignore = "needs root: loop devices"]
fn all_sticks_are_written_one_after_the_other_and_one_may_be_left_out() {
    let online = tiny::archive(1000).online();
    let place = three_nodes(&online);
    let sticks = Sticks::new(2);
    let program = place.command(&["flash", "--all", "--device", &sticks.port(), "--allow-loop"]);
    let answers = [
        // Nothing is plugged in yet.
        ("`control`, 1 of 3", ""),
        ("`control`, 1 of 3", ""),
        ("to write to", sticks.name(0)),
        ("`pi1`, 2 of 3", "skip"),
        // The last node's stick is still there.
        ("`pi2`, 3 of 3", ""),
        ("`pi2`, 3 of 3", ""),
        ("to write to", sticks.name(1)),
    ];
    let (code, shown) = converse_doing(&program, &answers, |answer| match answer {
        1 => sticks.plug(0),
        5 => sticks.plug(1),
        _ => {}
    });
    assert_eq!(code, Some(0), "{shown}");
    let unchanged = format!("{} was written just now", sticks.device(0));
    for said in ["there is no", "seed of node `control`", &unchanged, "seed of node `pi2`", "1 of 3 nodes left: `pi1`"]
    {
        assert!(shown.contains(said), "no {said} in: {shown}");
    }
    for (stick, profile, node) in [(0, "node", "control"), (1, "worker", "pi2")] {
        let manifest = format!("build/{profile}/manifest.json");
        place.run(&["verify", sticks.device(stick), "--manifest", &manifest, "--node", node]).ok();
    }
    assert!(place.run(&["flash", "--all"]).fails(1).contains("terminal"));
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_stick_that_is_not_written_ends_no_walk_and_is_told_in_the_end() {
    let online = tiny::archive(1000).online();
    let place = three_nodes(&online);
    let sticks = Sticks::new(2);
    // Too small, which nobody knows before there is an image.
    sticks.resize(1, 8 << 20);
    sticks.plug(0);
    let program = place.command(&["flash", "--all", "--device", &sticks.port(), "--allow-loop"]);
    let answers = [
        ("`control`, 1 of 3", ""),
        ("to write to", "something else"),
        ("`pi1`, 2 of 3", ""),
        ("`pi2`, 3 of 3", ""),
        ("to write to", sticks.name(0)),
    ];
    let (code, shown) = converse_doing(&program, &answers, |answer| match answer {
        2 => sticks.plug(1),
        3 => sticks.plug(0),
        _ => {}
    });
    assert_eq!(code, Some(1), "{shown}");
    for said in ["that is not it", "are needed", "2 of 3 nodes left: `control`, `pi1`"] {
        assert!(shown.contains(said), "no {said} in: {shown}");
    }
    place.run(&["verify", sticks.device(0), "--manifest", "build/worker/manifest.json", "--node", "pi2"]).ok();
}

#[test]
fn a_dry_walk_shows_all_plans_and_asks_for_nothing() {
    let online = tiny::archive(1000).online();
    let place = three_nodes(&online);
    let said = place.run(&["flash", "--all", "--dry-run"]).ok();
    for node in ["control", "pi1", "pi2"] {
        assert!(said.contains(&format!("with the seed of node `{node}`")), "{said}");
    }
}

#[test]
fn a_node_takes_no_other_profile_s_image() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    let profile = place.read("profiles/node.toml");
    place.write("profiles/other.toml", profile);
    let flash = |image: &[&str]| place.run(&[&["flash", "--node", "control", "--dry-run"][..], image].concat());
    assert!(flash(&["--profile", "other"]).fails(1).contains("is of profile `node`"));
    place.run(&["build", "--profile", "other"]).ok();
    assert!(flash(&["--image", "build/other/other.img"]).fails(1).contains("is of profile `node`"));
}
