//! `why` of what a profile, its overlays and its packages bring beside packages themselves.

use serde_json::{Value, json};

use crate::archive::Archive;
use crate::debs::Tar;
use crate::place::Place;

const OVERLAY: &str = "schema = 1
packages = [\"post\"]
modules = [\"dummy\"]

[sysctl]
\"vm.swappiness\" = 10
\"vm.overcommit_memory\" = 1

[units]
enable = [\"post.service\"]
disable = [\"late.timer\"]

[[file]]
path = \"/usr/bin/app\"
symlink = \"../lib/app\"
";

/// A workspace whose profile `node` has packages `post`, with a unit, and `letter`, and the overlay `app`, which wants the first.
fn place(profile: &str) -> (crate::archive::Online, Place) {
    let post = Tar::default().dir("./").dir("./usr/").file("./usr/lib/systemd/system/post.service", "[Service]\n");
    let letter = Tar::default().dir("./").dir("./usr/").file("./usr/share/letter", "dear");
    let online = Archive::new().with("post", &[], post).with("letter", &[], letter).online();
    let place = online.place(&["letter"]);
    let text = place.read("profiles/node.toml");
    let (keys, tables) = text.split_once("[[source]]").unwrap();
    place.write("profiles/node.toml", format!("{keys}overlays = [\"app\"]\n{profile}[[source]]{tables}"));
    place.write("overlays/app/overlay.toml", OVERLAY);
    place.write("overlays/app/files/etc/app.conf", "loud");
    place.write("overlays/app/manifests/app-10-space.yaml", "kind: Namespace\n");
    (online, place)
}

fn why(place: &Place, what: &str) -> String {
    place.run(&["why", what, "node"]).ok()
}

fn value(place: &Place, what: &str) -> Value {
    place.run(&["why", what, "node", "--json"]).result()
}

#[test]
fn files_links_and_manifests_are_told_with_their_overlay_before_anything_is_locked() {
    let (_online, place) = place("");
    let text = why(&place, "/etc/app.conf");
    assert_eq!(text, "/etc/app.conf is a file of the profile\n  by overlay `app` (overlays/app/files/etc/app.conf)\n");
    // `/bin` leads to `/usr/bin`.
    for path in ["/usr/bin/app", "/bin/app"] {
        let text = why(&place, path);
        assert!(text.starts_with("/usr/bin/app is a link of the profile, to `../lib/app`\n"), "{text}");
        assert!(text.ends_with("  by overlay `app` (overlays/app/overlay.toml:14)\n"), "{text}");
    }
    let text = why(&place, "app-10-space.yaml");
    assert!(text.contains("is a manifest of the profile\n  by overlay `app` (overlays/app/manifests/"), "{text}");
    let expected = json!({
        "file": "/etc/app.conf",
        "profile": "node",
        "package": null,
        "why": ["/etc/app.conf is a file of the profile"],
        "given_by": [{"kind": "overlay", "name": "app", "file": "overlays/app/files/etc/app.conf", "line": null}],
        "instead_of": [],
        "wanted_by": [],
    });
    assert_eq!(value(&place, "/etc/app.conf"), expected);
}

#[test]
fn a_profile_that_overrules_its_overlay_is_named_with_it() {
    let own = "[sysctl]\n\"vm.swappiness\" = 3\n[units]\nenable = [\"late.timer\"]\n\
               [[file]]\npath = \"/etc/app.conf\"\ncontent = \"soft\"\n";
    let (_online, place) = place(own);
    place.run(&["lock", "node"]).ok();
    let text = why(&place, "vm.swappiness");
    let expected = "vm.swappiness is set to `3` by the profile\n  by profile `node` (profiles/node.toml:6)\n  \
                    instead of overlay `app` (overlays/app/overlay.toml:6)\n";
    assert_eq!(text, expected);
    let text = why(&place, "/etc/app.conf");
    let expected = "/etc/app.conf is a file of the profile\n  by profile `node` (profiles/node.toml:10)\n  \
                    instead of overlay `app` (overlays/app/files/etc/app.conf)\n";
    assert_eq!(text, expected);
    let told = value(&place, "late.timer");
    assert_eq!(told["why"], json!(["late.timer is enabled by the profile"]));
    assert_eq!((&told["given_by"][0]["name"], &told["given_by"][0]["line"]), (&json!("node"), &json!(8)));
    assert_eq!((&told["instead_of"][0]["name"], &told["instead_of"][0]["line"]), (&json!("app"), &json!(11)));
}

#[test]
fn a_download_that_gives_way_is_named_and_so_is_a_file_that_the_profile_drops() {
    let own = "drop = [\"/etc/app*\"]\n[[file]]\npath = \"/usr/bin/tool\"\ncontent = \"soft\"\n";
    let (_online, place) = place(own);
    let digest = "0".repeat(64);
    let download =
        format!("[[artifact]]\npath = \"/usr/bin/tool\"\nurl = \"http://127.0.0.1:1/tool\"\nsha256 = \"{digest}\"\n");
    place.write("overlays/app/overlay.toml", format!("{OVERLAY}\n{download}"));
    let text = why(&place, "/usr/bin/tool");
    assert!(text.ends_with("  instead of overlay `app` (overlays/app/overlay.toml:18)\n"), "{text}");
    let text = why(&place, "/etc/app.conf");
    assert!(
        text.starts_with("/etc/app.conf is a file of the profile, and `drop` leaves it out of the image\n"),
        "{text}"
    );
}

#[test]
fn modules_and_settings_are_told_with_their_overlay() {
    let (_online, place) = place("[kernel]\ninitrd_modules = [\"nvme\"]\n");
    place.run(&["lock", "node"]).ok();
    let text = why(&place, "dummy");
    assert!(text.starts_with("dummy is loaded at boot, as a kernel module of the profile\n"), "{text}");
    assert!(text.ends_with("  by overlay `app` (overlays/app/overlay.toml:3)\n"), "{text}");
    assert!(why(&place, "nvme").starts_with("nvme is in the initrd"));
    let told = value(&place, "vm.overcommit_memory");
    assert_eq!((&told["sysctl"], &told["given_by"][0]["name"]), (&json!("vm.overcommit_memory"), &json!("app")));
}

#[test]
fn an_answer_to_debconf_is_told_with_who_gives_it() {
    let (_online, place) = place("[debconf]\n\"post/colour\" = \"red\"\n");
    place.write("overlays/app/overlay.toml", format!("{OVERLAY}[debconf]\n\"post/colour\" = \"blue\"\n"));
    let text = why(&place, "post/colour");
    assert!(text.starts_with("post/colour is answered `red` by the profile, where a package asks debconf\n"), "{text}");
    assert!(text.ends_with("  instead of overlay `app` (overlays/app/overlay.toml:17)\n"), "{text}");
}

#[test]
fn a_unit_and_a_path_lead_to_the_package_that_holds_them_and_to_whoever_wants_it() {
    let (_online, place) = place("");
    // Not locked, what packages hold is not known; what the profile says is.
    assert!(why(&place, "post.service").starts_with("post.service is enabled by the profile\n"));
    let error = place.run(&["why", "/usr/share/letter", "node"]).fails(1);
    assert!(error.contains("it is not locked") && error.contains("`imgbuild lock node`"), "{error}");

    place.run(&["lock", "node"]).ok();
    let expected = "post.service is enabled by the profile\n  by overlay `app` (overlays/app/overlay.toml:10)\n\
                    post.service is a unit of post\npost is wanted by the profile\n  \
                    by overlay `app` (overlays/app/overlay.toml:2)\npost 1.0-1 comes from source `tiny`\n";
    assert_eq!(why(&place, "post.service"), expected);
    let told = value(&place, "/usr/share/letter");
    assert_eq!((&told["package"], &told["given_by"]), (&json!("letter"), &json!([])));
    assert_eq!((&told["wanted_by"][0]["kind"], &told["wanted_by"][0]["name"]), (&json!("profile"), &json!("node")));
    let steps = ["/usr/share/letter is a file of letter", "letter is wanted by the profile"];
    assert_eq!(told["why"], json!([steps[0], steps[1], "letter 1.0-1 comes from source `tiny`"]));
}

#[test]
fn a_path_that_the_profile_drops_is_told_as_such() {
    let (_online, place) = place("");
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replace("overlays =", "drop = [\"/usr/share/let*\"]\noverlays ="));
    place.run(&["lock", "node"]).ok();
    let text = why(&place, "/usr/share/letter");
    assert!(
        text.starts_with("/usr/share/letter is a file of letter, and `drop` leaves it out of the image\n"),
        "{text}"
    );
}

#[test]
fn names_that_nothing_brings_are_refused_with_the_likely_one() {
    let (_online, place) = place("");
    place.run(&["lock", "node"]).ok();
    for (wrong, meant) in [
        ("/etc/app.cnf", "did you mean `/etc/app.conf`?"),
        ("/usr/share/leter", "did you mean `/usr/share/letter`?"),
        ("pots.service", "did you mean `post.service`?"),
        ("vm.swapiness", "did you mean `vm.swappiness`?"),
        ("dumy", "did you mean `dummy`?"),
        ("app-10-spaces.yaml", "did you mean `app-10-space.yaml`?"),
        ("/etc/passwd", "in node.files"),
    ] {
        let error = place.run(&["why", wrong, "node"]).fails(1);
        let refused = format!("no package, overlay or file of profile `node` brings `{wrong}`");
        assert!(error.contains(&refused) && error.contains(meant), "{error}");
    }
}
