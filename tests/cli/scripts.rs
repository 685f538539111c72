//! Maintainer scripts that are evaluated: what they make is in the image, `why --scripts` shows it, and the lock knows what was read.

use crate::archive::Archive;
use crate::debs::Tar;
use crate::modules::in_image;
use crate::tiny;

const POSTINST: &str = "#!/bin/sh\nset -e\nif [ \"$1\" = configure ] && [ -z \"$2\" ]; then\n    \
                        echo lit > /etc/lamp.conf\n    umask 027\n    : > /etc/lamp.secret\nfi\n";

fn archive(postinst: &str) -> Archive {
    let lamp = Tar::default().dir("./").dir("./etc/").file("./usr/bin/lamp", "x");
    tiny::archive(1000).with("lamp", &[("postinst", postinst)], lamp)
}

#[test]
fn what_a_script_makes_is_in_the_image_and_is_shown_line_by_line() {
    let online = archive(POSTINST).online();
    let place = tiny::place(&online, &["lamp"]);
    let unlocked = place.run(&["why", "--scripts", "lamp", "node"]).ok();
    place.run(&["build", "node"]).ok();
    assert_eq!(in_image(&place, "/etc/lamp.conf"), b"lit\n");

    let text = place.run(&["why", "--scripts", "lamp", "node"]).ok();
    insta::assert_snapshot!(place.stable(&text));
    assert_eq!(text, unlocked, "what is locked now is what a lock would have");
    let shown = place.run(&["why", "--scripts", "lamp", "node", "--json"]).result();
    let script = &shown["scripts"][0];
    assert_eq!((&script["script"], &script["verdict"]), (&"postinst".into(), &"evaluated".into()));
    let lines: Vec<u64> =
        script["changes"].as_array().unwrap().iter().map(|change| change["line"].as_u64().unwrap()).collect();
    assert_eq!((lines, &script["stop"]), (vec![4, 4, 6], &serde_json::Value::Null));

    let error = place.run(&["why", "--scripts", "lmap", "node"]).fails(1);
    assert!(error.contains("has no package `lmap`") && error.contains("did you mean `lamp`?"), "{error}");
}

#[test]
fn a_script_that_cannot_be_followed_is_shown_with_what_it_did_up_to_there() {
    let online = archive("#!/bin/sh\n: > /etc/lamp.conf\nread up < /proc/uptime\n").online();
    let place = tiny::place(&online, &["lamp"]);
    let text = place.run(&["why", "--scripts", "lamp", "node"]).ok();
    assert!(text.contains("cannot be followed at line 3") && text.contains("/proc/uptime"), "{text}");
    assert!(text.contains("    2  "), "{text}");
}

#[test]
fn the_lock_tells_that_a_script_was_evaluated_and_of_which_text() {
    let digest = |script: &str| {
        let online = archive(script).online();
        let place = tiny::place(&online, &["lamp"]);
        place.run(&["lock"]).ok();
        let lock = place.read("imgbuild.lock");
        let entry = lock.split("[[package]]").find(|entry| entry.contains("name = \"lamp\"")).unwrap().to_owned();
        assert!(entry.contains("scripts = \"evaluated\""), "{entry}");
        entry.lines().find(|line| line.starts_with("scripts-sha256 = ")).unwrap().to_owned()
    };
    assert_eq!(digest(POSTINST), digest(POSTINST));
    assert_ne!(digest(POSTINST), digest(&POSTINST.replace("lit", "dim")));
}
