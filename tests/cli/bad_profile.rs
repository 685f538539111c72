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
fn a_mistake_is_shown_with_file_line_caret_and_hint() {
    let place = Place::new().file("profiles/demo.toml", "schema = 1\nextends = \"base\"\nbord = \"rpi4\"\n");
    let error = refused(&place, 1);
    for part in ["profiles/demo.toml:3:1", "bord = \"rpi4\"", "^^^^", "`board`"] {
        assert!(error.contains(part), "{part} is missing in:\n{error}");
    }
    place.write("profiles/demo.toml", "schema = 1\nextends = \"base\"\nboard = \"rpi5\"\n");
    let error = refused(&place, 1);
    assert!(error.contains("profiles/demo.toml:3:9") && error.contains("^^^^^^"), "{error}");
    place.write("profiles/demo.toml", "schema = 1\nextends = \"bsae\"\n");
    let error = refused(&place, 1);
    assert!(error.contains("bsae") && error.contains("`base`"), "{error}");
}

#[test]
fn a_profile_that_does_not_exist_is_answered_with_those_that_do() {
    let error = Place::new().run(&["build", "--profile", "dmo"]).fails(1);
    assert!(error.contains("`dmo`") && error.contains("demo"), "{error}");
}

#[test]
fn an_overlay_that_leads_out_of_the_workspace_is_refused() {
    let place = Place::new();
    place.write("profiles/node.toml", "schema = 1\nextends = \"demo\"\noverlays = [\"out\"]\n");
    place.write("overlays/out/overlay.toml", "schema = 1\n");
    place.write("elsewhere/etc/leak", "");
    std::os::unix::fs::symlink("../../elsewhere", place.path("overlays/out/files")).unwrap();
    let error = place.run(&["check", "--profile", "node"]).fails(1);
    assert!(error.contains("overlays/out/files is a symbolic link"), "{error}");
}

#[test]
fn a_mistakes_hint_is_told_once() {
    let place = Place::new();
    place.write("profiles/node.toml", "schema = 1\nextends = \"demo\"\npackagse = []\n");
    let error = place.run(&["check", "--profile", "node"]).fails(1);
    assert_eq!(error.matches("did you mean `packages`").count(), 1, "{error}");
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
fn a_pipe_in_an_overlay_is_called_that_and_not_answered_with_links() {
    let place = Place::new()
        .file("profiles/node.toml", "schema = 1\nextends = \"demo\"\noverlays = [\"mine\"]\n")
        .file("overlays/mine/overlay.toml", "schema = 1\n")
        .file("overlays/mine/files/etc/x", "x");
    crate::support::ok(&place.path(""), "mkfifo", &["overlays/mine/files/etc/pipe"]);
    let error = place.run(&["check", "--profile", "node"]).fails(1);
    assert!(error.contains("files/etc/pipe is a pipe, socket or device"), "{error}");
    assert!(error.contains("tmpfiles.d") && !error.contains("symlink"), "{error}");
}

#[test]
fn a_file_that_opens_an_account_is_refused_at_its_line_before_anything_is_built() {
    let place = Place::new()
        .file("profiles/node.toml", "schema = 1\nextends = \"demo\"\noverlays = [\"mine\"]\n")
        .file("overlays/mine/overlay.toml", "schema = 1\n")
        .file("overlays/mine/files/etc/sudoers.d/eve", "# for the night shift\neve ALL=(ALL) NOPASSWD: ALL\n");
    for args in [&["check", "--profile", "node"][..], &["--offline", "build", "--profile", "node"]] {
        let error = place.run(args).fails(1);
        assert!(error.contains("line 2 of `/etc/sudoers.d/eve` makes `eve` root without a password"), "{error}");
        assert!(error.contains("overlays/mine/files/etc/sudoers.d/eve:2:1") && error.contains("^^^^"), "{error}");
    }
}

#[test]
fn what_would_leave_out_the_whole_system_is_refused() {
    for glob in ["/", "/*", "/**"] {
        let text = format!("schema = 1\nextends = \"demo\"\ndrop = [\"{glob}\"]\n");
        let error = Place::new().file("profiles/node.toml", text).run(&["check", "--profile", "node"]).fails(1);
        assert!(error.contains("profiles/node.toml:3:9") && error.contains("the whole system"), "{error}");
        assert!(!error.contains("begin with `/`"), "{error}");
    }
}

#[test]
fn an_output_directory_that_is_a_file_is_refused_before_all_work() {
    let place = Place::new().file("demo.img", "x");
    for output in ["demo.img", "demo.img/below"] {
        let error = place.run(&["--offline", "build", "--profile", "demo", "--output", output]).fails(1);
        assert!(error.starts_with("`demo.img` is a file") && error.contains("name a directory"), "{error}");
    }
    assert_eq!(place.files(), ["demo.img"]);
}
