//! `inspect` and `diff`: what an image is, and what changed between two.

use std::fs;
use std::os::unix::fs::FileExt as _;

use serde_json::Value;

use crate::place::{Place, json};
use crate::shared::{control, demo};
use crate::support;
use crate::tiny;

/// The result of a run with `--json`.
fn result(place: &Place, args: &[&str]) -> Value {
    let text = place.run(&[&["--json"], args].concat()).ok();
    let mut event: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    event["result"].take()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

#[test]
fn inspect_shows_what_an_image_is_from_its_file_or_directory() {
    let place = demo();
    let manifest = json(&place.path("build/demo/manifest.json"));
    for path in ["build/demo", "build/demo/demo.img"] {
        let text = place.run(&["inspect", path]).ok();
        for key in ["image_id", "root_hash", "image_sha256", "kernel", "cmdline"] {
            assert!(text.contains(manifest[key].as_str().unwrap()), "{key} is missing in {text}");
        }
        for partition in manifest["partitions"].as_array().unwrap() {
            assert!(text.contains(&format!(" {} ", partition["label"].as_str().unwrap())), "{text}");
        }
        let mut inspected = result(place, &["inspect", path]);
        let programs = inspected.as_object_mut().unwrap().remove("efi_programs").unwrap();
        assert_eq!(programs[0], serde_json::json!({"path": "EFI/BOOT/BOOTX64.EFI", "signatures": []}));
        assert_eq!(inspected, manifest);
    }
}

#[test]
fn inspect_and_diff_say_what_they_miss() {
    let place = Place::new().file("disk.img", "x").file("bad/manifest.json", "{}").file("bad/other.img", "x");
    let told = [
        &["inspect", "disk.img"][..],
        &["inspect", "gone.img"],
        &["inspect", "bad"],
        &["diff", "disk.img", "bad"],
        &["diff", "gone", "bad"],
    ];
    insta::assert_snapshot!(told.map(|args| place.transcript(args) + "\n").concat());
}

#[test]
fn inspect_reads_an_image_that_is_alone() {
    for (image, profile) in [(demo().path("build/demo/demo.img"), "demo"), (control().join("control.img"), "control")] {
        let place = Place::new();
        support::ok(&place.path(""), "cp", &["--sparse=always", image.to_str().unwrap(), "copy.img"]);
        let manifest = json(&image.with_file_name("manifest.json"));
        let found = result(&place, &["inspect", "copy.img"]);
        for key in ["image_id", "image_size", "root_hash", "cmdline", "disk_guid", "hybrid_mbr"] {
            assert_eq!(found[key], manifest[key], "{key} of {profile}");
        }
        for (found, known) in
            found["partitions"].as_array().unwrap().iter().zip(manifest["partitions"].as_array().unwrap())
        {
            for key in ["number", "label", "type", "guid", "offset", "size"] {
                assert_eq!(found[key], known[key], "{key} of {known}");
            }
        }
        let text = place.run(&["inspect", "copy.img"]).ok();
        let kind = if profile == "control" { "hybrid MBR that shows partitions 1, 2" } else { "protective MBR" };
        assert!(text.contains(&format!("table      GPT with a {kind}\n")), "{text}");
        assert!(text.contains("manifest   none") && text.contains(" root-a ") && text.contains(" seed "), "{text}");
        let error = place.run(&["inspect", "--verify", "copy.img"]).fails(1);
        assert!(error.contains("manifest.json"), "{error}");
    }
}

#[test]
fn a_boot_partition_that_leads_nowhere_is_one_that_tells_nothing() {
    let image = control().join("control.img");
    let place = Place::new();
    support::ok(&place.path(""), "cp", &["--sparse=always", image.to_str().unwrap(), "copy.img"]);
    let manifest = json(&image.with_file_name("manifest.json"));
    let boot = manifest["partitions"][0]["offset"].as_u64().unwrap();
    let copy = fs::OpenOptions::new().read(true).write(true).open(place.path("copy.img")).unwrap();
    let mut sector = [0; 512];
    copy.read_exact_at(&mut sector, boot).unwrap();
    // In the boot sector: sectors of a table, with as many tables as there can be; the root directory's first cluster.
    for (at, number) in [(36, u32::MAX), (44, 0), (44, 1), (44, 0x0fff_fff6)] {
        let mut changed = sector;
        changed[16] = if at == 36 { 255 } else { sector[16] };
        changed[at..at + 4].copy_from_slice(&number.to_le_bytes());
        copy.write_all_at(&changed, boot).unwrap();
        assert_eq!(result(&place, &["inspect", "copy.img"])["cmdline"], Value::Null, "{at}: {number}");
    }
}

#[test]
fn inspect_notices_an_image_that_is_not_its_manifests_or_is_damaged() {
    let online = tiny::archive(200_000).online();
    let place = tiny::place(&online, &["freight"]);
    place.run(&["build", "--profile", "node", "--output", "one"]).ok();
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile + "[sysctl]\n\"vm.swappiness\" = 7\n");
    place.run(&["build", "--profile", "node", "--output", "two"]).ok();
    assert_eq!(result(&place, &["inspect", "--verify", "one"])["verified"], true);

    let image = fs::OpenOptions::new().write(true).open(place.path("one/node.img")).unwrap();
    let manifest = json(&place.path("one/manifest.json"));
    let root =
        manifest["partitions"].as_array().unwrap().iter().find(|partition| partition["label"] == "root-a").unwrap();
    image.write_all_at(b"damage", root["offset"].as_u64().unwrap() + 1000).unwrap();
    place.run(&["inspect", "one"]).ok();
    let error = place.run(&["inspect", "--verify", "one"]).fails(3);
    assert!(error.starts_with("one/node.img is damaged") && error.contains("(root-a)"), "{error}");
    image.set_len(4 << 20).unwrap();
    let cut = place.transcript(&["inspect", "one"]);
    fs::copy(place.path("one/manifest.json"), place.path("two/manifest.json")).unwrap();
    let other = place.transcript(&["inspect", "two"]);
    assert_eq!(place.run(&["inspect", "two/node.img"]).shown(&place), other.split_once('\n').unwrap().1);
    insta::assert_snapshot!(cut + "\n" + &other);
}

#[test]
fn an_image_is_the_same_as_itself() {
    let place = demo();
    assert_eq!(
        place.run(&["diff", "build/demo", "build/demo/demo.img"]).ok(),
        "the images are the same, byte for byte\n"
    );
    assert_eq!(result(place, &["diff", "build/demo", "build/demo"])["same"], true);
}

#[test]
fn a_diff_names_package_unit_file_setting_and_command_line() {
    let online = tiny::archive(1000).online();
    let place = tiny::place(&online, &["parcel"])
        .file("overlays/mine/overlay.toml", "schema = 1\n[units]\nenable = [\"mine.service\"]\n")
        .file("overlays/mine/files/etc/mine.conf", "one\n")
        .file(
            "overlays/mine/files/usr/lib/systemd/system/mine.service",
            "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
        );
    place.write("profiles/node.toml", place.read("profiles/node.toml") + "[sysctl]\n\"vm.swappiness\" = 60\n");
    place.run(&["build", "node", "--output", "old"]).ok();
    let profile = place.read("profiles/node.toml").replace("parcel", "freight").replace(" = 60", " = 7");
    let profile = profile.replacen("schema = 1\n", "schema = 1\noverlays = [\"mine\"]\n", 1);
    place.write("profiles/node.toml", profile + "[kernel]\ncmdline = [\"quiet\"]\n");
    place.run(&["lock", "node"]).ok();
    place.run(&["build", "node", "--output", "new"]).ok();
    insta::assert_snapshot!(place.transcript(&["diff", "old", "new"]));
}

#[test]
fn a_long_diff_is_cut_for_people_and_whole_for_programs() {
    let control = control();
    let args = ["diff", "build/demo", control.to_str().unwrap()];
    let difference = result(demo(), &args);
    let files = strings(&difference["files"]);
    assert!(files.len() > 1000);
    let table = "~ partition table: protective MBR → hybrid MBR that shows partitions 1, 2";
    assert!(strings(&difference["settings"]).contains(&table), "{difference}");
    let text = demo().run(&args).ok();
    assert!(text.contains("more; --json lists all"), "{text}");
    assert!(text.lines().count() < 200);
}

#[test]
fn a_diff_believes_no_manifest_that_its_image_does_not_bear_out() {
    let online = tiny::archive(200_000).online();
    let place = tiny::place(&online, &["freight"]);
    for dir in ["one", "two"] {
        place.run(&["build", "--profile", "node", "--output", dir]).ok();
    }
    let same = place.run(&["diff", "one", "two"]).ok();
    assert_eq!(same, "the images are the same, byte for byte\n");
    let honest = place.read("two/manifest.json");
    let root_hash = json(&place.path("two/manifest.json"))["root_hash"].as_str().unwrap().to_owned();
    let root_hash = format!("\"root_hash\": \"{root_hash}");
    let other_hash = format!("\"root_hash\": \"{}", "0a".repeat(32));
    let mut told = String::new();
    for (from, to) in [
        ("\"cmdline\": \"", "\"cmdline\": \"quiet "),
        ("\"image_id\": \"", "\"image_id\": \"0"),
        (&root_hash, &other_hash),
        ("\"hybrid_mbr\": []", "\"hybrid_mbr\": [1]"),
    ] {
        place.write("two/manifest.json", honest.replacen(from, to, 1));
        let error = place.run(&["diff", "one", "two"]).fails(3);
        assert_eq!(place.run(&["inspect", "two"]).fails(3), error);
        told += &error;
    }
    place.write("two/manifest.json", &honest);
    place.write("two/node.files", place.read("two/node.files").replacen("/usr/freight", "/usr/fright", 1));
    told += &place.run(&["diff", "one", "two"]).fails(3);
    fs::copy(place.path("one/node.files"), place.path("two/node.files")).unwrap();
    let image = fs::OpenOptions::new().write(true).open(place.path("two/node.img")).unwrap();
    let root = json(&place.path("two/manifest.json"))["partitions"][1]["offset"].as_u64().unwrap();
    image.write_all_at(b"damage", root + 1000).unwrap();
    let error = place.run(&["diff", "one", "two"]).fails(3);
    assert!(error.starts_with("two/node.img is damaged"), "{error}");
    insta::assert_snapshot!(place.stable(&told));
}

#[test]
fn an_image_that_is_cut_short_is_told_by_its_own_partition_table() {
    let online = tiny::archive(0).online();
    let place = tiny::place(&online, &[]);
    place.run(&["build", "--profile", "node"]).ok();
    let alone = Place::new();
    support::ok(
        &alone.path(""),
        "cp",
        &["--sparse=always", place.path("build/node/node.img").to_str().unwrap(), "x.img"],
    );
    alone.run(&["inspect", "x.img"]).ok();
    let image = fs::OpenOptions::new().write(true).open(alone.path("x.img")).unwrap();
    image.set_len(image.metadata().unwrap().len() - 512).unwrap();
    for verb in ["inspect", "boot"] {
        let error = alone.run(&[verb, "x.img"]).fails(3);
        assert!(error.starts_with("x.img is cut short"), "{error}");
    }
}
