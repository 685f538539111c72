//! Profiles and overlays with mistakes in them.

use crate::place::Place;
use crate::shared::beside_demo;

const DEMO: &str = include_str!("../../profiles/demo.toml");

/// The error of building the workspace's `demo`, which must leave nothing behind.
fn refused(place: &Place, code: i32) -> String {
    let before = place.files();
    let error = place.run(&["--offline", "build", "--profile", "demo"]).fails(code);
    assert_eq!(place.files(), before, "something was written; {error}");
    error
}

#[test]
fn mistakes_are_shown_with_file_line_caret_and_hint() {
    let node = |text: &str| Place::new().file("profiles/node.toml", format!("schema = 1\n{text}"));
    let with_overlay = |overlay: &str| {
        let place = node("extends = \"demo\"\noverlays = [\"mine\"]\n");
        place.file("overlays/mine/overlay.toml", format!("schema = 1\n{overlay}"))
    };
    let pipe = with_overlay("").file("overlays/mine/files/etc/x", "x");
    crate::support::ok(&pipe.path(""), "mkfifo", &["overlays/mine/files/etc/pipe"]);
    let leads_out = with_overlay("").file("elsewhere/etc/leak", "");
    std::os::unix::fs::symlink("../../elsewhere", leads_out.path("overlays/mine/files")).unwrap();
    let places = [
        node("extends = \"base\"\nbord = \"rpi4\"\n"),
        node("extends = \"base\"\nboard = \"rpi5\"\n"),
        node("extends = \"bsae\"\n"),
        node("extends = \"demo\"\npackagse = []\n"),
        node("extends = \"demo\"\npackages = [\n    \"jq\",\n    \"Jq\",\n    \"less\",\n]\n"),
        node("extends = \"demo\"\ndrop = [\"/**\"]\n"),
        node("extends = \"storage\"\n[k3s]\ntaints = [\"a=b:NoSchedule\", \"a=c:NoSchedule\"]\n"),
        node(
            "extends = \"demo\"\n[[source]]\nname = \"x\"\narchive = \"debian\"\nsuite = \"forky\"\n\
             components = [\"main\"]\nonly = [\"Raspi Firmware\"]\n",
        ),
        with_overlay("[units]\nenable = [\"mine\"]\n"),
        with_overlay("").file("overlays/mine/files/run/app/x", "x"),
        with_overlay("")
            .file("overlays/mine/files/etc/sudoers.d/eve", "# for the night\neve ALL=(ALL) NOPASSWD: ALL\n"),
        pipe,
        leads_out,
    ];
    let mut told = String::new();
    for place in places {
        let before = place.files();
        let error = place.run(&["check", "--profile", "node"]).fails(1);
        // A build, which would find it later, says the same.
        assert_eq!(place.run(&["--offline", "build", "--profile", "node"]).fails(1), error);
        assert_eq!(place.files(), before, "something was written; {error}");
        told += &(error + "\n");
    }
    insta::assert_snapshot!(told);
}

#[test]
fn an_overlays_file_over_a_directory_is_refused() {
    // One of a package, one of another overlay.
    for path in ["/etc/pam.d", "/etc/ssh/sshd_config.d"] {
        let place = beside_demo()
            .file("profiles/base2.toml", DEMO)
            .file("profiles/demo.toml", "schema = 1\nextends = \"base2\"\noverlays = [\"mine\"]\n")
            .file("overlays/mine/overlay.toml", "schema = 1\n")
            .file(&format!("overlays/mine/files{path}"), "not a directory\n");
        let error = refused(&place, 1);
        assert!(error.contains(path) && error.contains("overlay") && error.contains("mine"), "{error}");
    }
}

#[test]
fn a_partition_that_is_too_small_is_named_with_its_key_and_the_size_it_needs() {
    let place = beside_demo().file("profiles/base2.toml", DEMO);
    for (key, partition) in [("root", "root-a"), ("boot", "esp")] {
        let text = format!("schema = 1\nextends = \"base2\"\n[image]\n{key} = \"10M\"\n");
        place.write("profiles/demo.toml", text);
        let error = refused(&place, 1);
        assert!(error.contains(&format!("`{partition}`")) && error.contains(&format!("`image.{key}`")), "{error}");
        assert!(error.contains("profiles/demo.toml:4:"), "{error}");
    }
    assert!(!place.path("build").exists());
}

#[test]
fn an_overlays_file_below_a_mount_point_is_refused_with_a_better_place() {
    for path in ["dev/x", "proc/sys/x", "run/app/x", "sys/x", "tmp/x", "var/run/x", "var/lock/x"] {
        let place = Place::new()
            .file("profiles/node.toml", "schema = 1\nextends = \"demo\"\noverlays = [\"mine\"]\n")
            .file("overlays/mine/overlay.toml", "schema = 1\n")
            .file(&format!("overlays/mine/files/{path}"), "x");
        let error = place.run(&["check", "--profile", "node"]).fails(1);
        assert!(error.contains(&format!("overlays/mine/files/{path} would be hidden")), "{error}");
        assert!(error.contains("is mounted at boot") && error.contains("/usr/lib/tmpfiles.d"), "{error}");
    }
}

#[test]
fn what_would_leave_out_the_whole_system_is_refused() {
    for glob in ["/", "/*", "/**"] {
        let text = format!("schema = 1\nextends = \"demo\"\ndrop = [\"{glob}\"]\n");
        let error = Place::new().file("profiles/node.toml", text).run(&["check", "--profile", "node"]).fails(1);
        assert!(error.contains("the whole system"), "{error}");
    }
}
