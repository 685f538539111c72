//! `flash --node`: what `build --node` makes, without a file of it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::node_image;
use crate::place::{files, json};
use crate::support;
use crate::terminal::converse;
use crate::tiny;

#[test]
fn a_node_s_stick_holds_what_its_image_would_and_no_file_holds_its_seed() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("needs root");
        return;
    }
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
    assert!(written.ok().contains("switch it on"));
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
    assert!(without.fails(3).contains("`seed`"));
    let built = files(&place.path("build"));
    assert!(built.iter().all(|file| Path::new(file).starts_with("node")), "{built:?}");
}

#[test]
fn all_sticks_are_written_one_after_the_other_and_one_may_be_left_out() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("needs root");
        return;
    }
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    let nodes = "[node.pi1]\nprofile = \"node\"\n[node.pi2]\nprofile = \"node\"\n";
    // One server, and two machines that have nothing to do.
    place.write("profiles/worker.toml", place.read("profiles/node.toml").replace("\"server\"", "\"agent\""));
    let cluster = place.read("cluster.toml") + &nodes.replace("\"node\"", "\"worker\"");
    place.write("cluster.toml", cluster);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let disk = dir.path().join("disk");
    File::create(&disk).unwrap().set_len(400 << 20).unwrap();
    let device = support::ok(dir.path(), "losetup", &["--find", "--show", disk.to_str().unwrap()]).trim().to_owned();
    let name = device.trim_start_matches("/dev/");
    let program = place.command(&["flash", "--all", "--device", &device, "--allow-loop"]);
    let answers = [
        ("`control`, 1 of 3", ""),
        ("to write to", name),
        ("`pi1`, 2 of 3", "skip"),
        ("`pi2`, 3 of 3", ""),
        ("to write to", name),
    ];
    let (code, shown) = converse(&program, &answers);
    let manifest = "build/worker/manifest.json";
    let last = place.run(&["verify", &device, "--manifest", manifest, "--node", "pi2"]);
    support::ok(dir.path(), "losetup", &["--detach", &device]);
    assert_eq!(code, Some(0), "{shown}");
    for said in ["seed of node `control`", "`pi1` is left out", "seed of node `pi2`"] {
        assert!(shown.contains(said), "no {said} in: {shown}");
    }
    last.ok();
    assert!(place.run(&["flash", "--all"]).fails(1).contains("terminal"));
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
