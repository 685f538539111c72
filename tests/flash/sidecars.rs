//! Manifests and images that are not what this program writes, as each verb that reads them meets with them. Nothing here needs
//! root.

use std::fs;
use std::path::Path;
use std::process::Command;

use imgbuild::image::Manifest;

use crate::bench::{Bench, Ran};
use crate::sums;

const VERBS: [&[&str]; 4] = [
    &["flash", "--image", "node.img", "--dry-run"],
    &["verify", "node.img"],
    &["inspect", "node.img"],
    &["diff", "node.img", "node.img"],
];

#[test]
fn a_manifest_of_another_form_is_refused_by_every_verb() {
    let mut bench = Bench::new(1 << 20);
    for (format, word) in [(99, "newer imgbuild: update"), (0, "form 0")] {
        bench.image.manifest.format = format;
        bench.write_sidecars(&["node.img"]);
        for verb in VERBS {
            let error = bench.run(verb).fails(1);
            assert!(
                error.contains(&format!("form {format}, and this program reads forms 1 to 2")),
                "{verb:?}: {error}"
            );
            assert!(error.contains(word), "{verb:?}: {error}");
        }
    }
    // What else changed with the form does not hide it.
    bench.write("manifest.json", br#"{"format": 3, "image": {}}"#);
    assert!(bench.run(&["verify", "node.img"]).fails(1).contains("newer imgbuild"));
}

/// Its manifest is of form 1, which said nothing of an MBR.
#[test]
fn an_image_of_a_pi_from_before_hybrid_mbrs_is_still_read_with_a_warning_that_it_may_not_start() {
    let mut bench = Bench::new(1 << 20);
    bench.image.manifest.board = "rpi4".to_owned();
    bench.image.manifest.format = 1;
    let mut old = serde_json::to_value(&bench.image.manifest).unwrap();
    old.as_object_mut().unwrap().remove("hybrid_mbr").unwrap();
    bench.write("manifest.json", old.to_string().as_bytes());
    // The sums of the one before, which an image on one's own disk may lack.
    fs::remove_file(bench.path("SHA256SUMS")).unwrap();
    for verb in [VERBS[0], VERBS[1]] {
        let ran = bench.run(verb);
        assert_eq!(ran.code, Some(0), "{verb:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("with seven flashes; build it again"), "{verb:?}: {}", ran.stderr);
    }
}

#[test]
fn texts_that_a_terminal_obeys_do_not_reach_it() {
    let hostile = ["\u{1b}[2J\u{1b}[H", "\rfake", "\u{202e}gmi", "\u{9b}2J", "a\nb"];
    let places: [fn(&mut Bench) -> &mut String; 8] = [
        |bench| &mut bench.image.manifest.profile,
        |bench| &mut bench.image.manifest.board,
        |bench| &mut bench.image.manifest.arch,
        |bench| &mut bench.image.manifest.image_id,
        |bench| &mut bench.image.manifest.kernel,
        |bench| &mut bench.image.manifest.cmdline,
        |bench| &mut bench.image.manifest.partitions[1].label,
        |bench| &mut bench.image.manifest.encoders.imgbuild,
    ];
    let mut bench = Bench::new(1 << 20);
    let is_clean = |ran: &Ran| {
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        let unfit = |char: char| char.is_control() && char != '\n' || char == '\u{202e}';
        assert!(!shown.contains(unfit) && !shown.contains("a\nb"), "{shown:?}");
    };
    for place in places {
        for text in hostile {
            let before = std::mem::replace(place(&mut bench), text.to_owned());
            bench.write_sidecars(&["node.img"]);
            for (verb, code) in VERBS.iter().zip([5, 1, 3, 3]) {
                let ran = bench.run(verb);
                is_clean(&ran);
                let error = ran.fails(code);
                assert!(error.contains("no build writes such a manifest"), "{verb:?}: {error}");
            }
            *place(&mut bench) = before;
        }
    }
    // Not even by way of an error about a key.
    let text = serde_json::to_string(&bench.image.manifest).unwrap();
    let guid = bench.image.manifest.disk_guid.to_string();
    bench.write("manifest.json", text.replacen(&guid, "\\u001b[2J", 1).as_bytes());
    is_clean(&bench.run(&["verify", "node.img"]));
}

type Change = fn(&mut Manifest);

#[test]
fn numbers_that_no_build_writes_are_refused_by_every_verb() {
    let mut bench = Bench::new(1 << 20);
    let good = bench.image.manifest.clone();
    let changes: [(Change, &str); 6] = [
        (|manifest| manifest.ranges.iter_mut().for_each(|range| range.length = 1 << 63), "is empty or too long"),
        (|manifest| manifest.ranges[0].length = 1 << 40, "is empty or too long"),
        (|manifest| manifest.ranges[1].offset = u64::MAX, "is not inside the image"),
        (|manifest| manifest.partitions[3].offset = u64::MAX - 4095, "is not inside the image"),
        (|manifest| manifest.partitions[0].used = u64::MAX, "holds more than has room in it"),
        (|manifest| manifest.image_size = u64::MAX, "an image of 18446744073709551615 bytes"),
    ];
    for (change, problem) in changes {
        change(&mut bench.image.manifest);
        bench.write_sidecars(&["node.img"]);
        for (verb, code) in VERBS.iter().zip([5, 1, 3, 3]) {
            let error = bench.run(verb).fails(code);
            assert!(error.contains(problem) && error.contains("no build writes such a manifest"), "{verb:?}: {error}");
        }
        bench.image.manifest = good.clone();
    }
}

/// It once passed for an image that had no such thing to tell.
#[test]
fn what_an_image_does_not_tell_is_not_taken_for_what_its_manifest_says() {
    let mut bench = Bench::new(1 << 20);
    bench.image.manifest.cmdline = "not to be found".to_owned();
    bench.image.manifest.image_id = "not to be found".to_owned();
    bench.write_sidecars(&["node.img"]);
    for verb in [VERBS[2], VERBS[3]] {
        let error = bench.run(verb).fails(3);
        for what in ["root hash", "kernel command line", "id"] {
            assert!(error.contains(&format!("the image has no {what}, the manifest says")), "{what}: {error}");
        }
    }
}

#[test]
fn an_image_of_another_maker_is_shown_without_what_a_terminal_obeys() {
    let bench = Bench::new(1 << 20);
    fs::remove_file(bench.path("manifest.json")).unwrap();
    let mut bytes = bench.image.bytes.clone();
    // The first unit of the first partition's name.
    bytes[1024 + 56] = 0x1b;
    sums::seal(&mut bytes);
    bench.write("node.img", &bytes);
    let shown = bench.run(&["inspect", "node.img"]).ok();
    assert!(shown.contains("\u{fffd}sp") && !shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn a_table_with_large_entries_is_refused_and_no_panic() {
    let bench = Bench::new(1 << 20);
    let mut bytes = bench.image.bytes.clone();
    let last = bytes.len() - 512;
    for header in [512, last] {
        bytes[header + 84..header + 88].copy_from_slice(&256_u32.to_le_bytes());
    }
    sums::seal(&mut bytes);
    bench.write("node.img", &bytes);
    for verb in [["verify", "node.img"], ["inspect", "node.img"]] {
        let error = bench.run(&verb).fails(3);
        assert!(error.contains("entries of 256 bytes"), "{verb:?}: {error}");
    }
}

#[test]
fn what_is_neither_a_disk_nor_an_image_is_refused_at_once() {
    let bench = Bench::new(1 << 20);
    fs::create_dir(bench.path("dir")).unwrap();
    assert!(Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap().success());
    for target in ["pipe", "/dev/null"] {
        let error = bench.run(&["verify", target, "--manifest", "manifest.json"]).fails(1);
        assert!(error.contains(&format!("{target} is neither a disk nor an image file")), "{error}");
    }
    // A directory is that of an image, as it was built.
    let error = bench.run(&["verify", "dir", "--manifest", "manifest.json"]).fails(1);
    assert!(error.contains("cannot read dir/manifest.json"), "{error}");
    bench.write("node.img.zst", &zstd::encode_all(&bench.image.bytes[..], 1).unwrap());
    let error = bench.run(&["verify", "node.img.zst", "--manifest", "manifest.json"]).fails(1);
    assert!(error.contains("compressed: `flash` reads such an image, `verify` does not"), "{error}");
    let error = bench.run(&["verify", "node.img", "--manifest", "/dev/zero"]).fails(1);
    assert!(error.contains("cannot read /dev/zero") && error.contains("not a file"), "{error}");
    assert!(bench.run(&["verify", "none.img"]).fails(1).contains("none.img"));
}

#[test]
fn programs_get_all_differences() {
    let bench = Bench::new(40 << 20);
    let mut bytes = bench.image.bytes.clone();
    let mut changed = Vec::new();
    for range in bench.image.manifest.ranges.iter().filter(|range| range.length == 3 << 20) {
        bytes[usize::try_from(range.offset).unwrap()] ^= 1;
        changed.push(serde_json::json!({
            "part": "root-a", "offset": range.offset, "length": range.length, "problem": "has another SHA-256",
        }));
    }
    assert!(changed.len() > 10);
    bench.write("node.img", &bytes);
    let ran = bench.run(&["--json", "verify", "node.img"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stdout);
    let events: Vec<serde_json::Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [.., result, error] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&result["event"], &result["result"]["verified"]), (&"result".into(), &false.into()));
    assert_eq!(result["result"]["differences"], serde_json::Value::from(changed));
    assert_eq!((&error["event"], &error["code"]), (&"error".into(), &3.into()));

    bench.write("node.img", &bench.image.bytes);
    let said = bench.run(&["--json", "verify", "node.img"]).ok();
    let result: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!((&result["result"]["verified"], &result["result"]["backup_table"]), (&true.into(), &"disk".into()));
    assert_eq!(result["result"]["differences"], serde_json::json!([]));
    assert!(Path::new(result["result"]["target"].as_str().unwrap()).ends_with("node.img"));
}
