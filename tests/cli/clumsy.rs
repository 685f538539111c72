//! What people type by mistake: each is told what was seen, and what to type instead.

use std::fs;
use std::process::Command;

use crate::place::{Place, Ran, forget_settings};
use crate::sticks::Sticks;
use crate::support;
use crate::tiny;

const HEAD: &str = "schema = 1\nname = \"home\"\nserver = \"https://192.168.1.10:6443\"\nssh_keys = []\n";

#[test]
fn slips_in_toml_are_told_with_the_line_as_it_must_be() {
    let told = [
        "gateway = 192.168.1.1",
        "dns = [192.168.1.1, 192.168.1.2]",
        "dns = [\n  192.168.1.1,\n]",
        "[node.a]\nmac = dc:a6:32:01:02:03",
        "[node.a]\naddress = 192.168.1.10/24",
        "[node.a]\nprofile = control # the first",
        "gateway: 192.168.1.1",
        "node:\n  a:\n    profile: control",
        "gateway = “192.168.1.1”",
        "gateway = \"192.168.1.1",
        "gateway =",
        "[node.a\nprofile = \"control\"",
        "[node.a]\nprofile = \"a\"\nprofile = \"b\"",
        "[node.a]\nlabels = { a: \"b\" }",
        "[k3s]\nsecrets_encryption = True",
        "[k3s]\nsecrets_encryption = yes",
        "[k3s]\nsecrets_encryption = \"true\"",
        "[registry]\nhost = \"x\"",
        "[[node]]\nprofile = \"control\"",
        "[node.a]\nprofile = \"control\"\nlabels = [\"tier=gold\"]",
        "[node.a]\nprofile = \"control\"\n[[node.a.disk]]\nlabel = \"data\"\nmount = \"/srv\"\nfilesystem = \"ext4\"\nformat = true",
        "[node]\nprofile = \"control\"",
        "[[registry]]\nhost = \"x\"\nendpoint = \"x:5000\"",
        "[[registry]]\nhost = \"x\"\nendpoints = [\"x:5000\"]",
    ]
    .map(|text| {
        let place = Place::new().file("cluster.toml", format!("{HEAD}{text}\n"));
        place.run(&["check"]).stdout + "\n"
    });
    insta::assert_snapshot!(told.concat());
}

#[test]
fn slips_in_a_profile_are_told_too_and_windows_line_ends_are_none() {
    let told = [
        "[image]\nroot = 512M",
        "[image]\nroot = 512",
        "[k3s]\nversion = v1.36.5+k3s1",
        "serial = \"true\"",
        "packages = [curl, jq]",
        "packages = [\"curl\" \"jq\"]",
        "[[network]]\nname = \"lan\"\nmatch = { mac = dc:a6:32:01:02:03 }",
        "[user]\nname = \"ada\"",
        "[packages]\nhtop = \"*\"\nvim = \"*\"",
        "[packages]",
        "[overlays]\nlist = [\"storage\"]",
        "packages = \"htop\"",
        "[units.enable]\nx = true",
        "[locale]\nlang = \"de_DE.UTF-8\"",
        "sysctl = [\"vm.swappiness=10\"]",
        "board = \"rpi5\"",
        "board = \"Rpi4\"",
    ]
    .map(|text| {
        let text = format!("schema = 1\r\nextends = \"demo\"\r\n{text}\r\n");
        let place = Place::new().file("profiles/n.toml", text);
        place.run(&["check", "--profile", "n"]).fails(1) + "\n"
    });
    insta::assert_snapshot!(told.concat());
}

/// A run that is ended if it waits for ever.
fn bounded(place: &Place, args: &[&str]) -> Ran {
    let mut command = Command::new("timeout");
    command.arg("60").arg(env!("CARGO_BIN_EXE_imgbuild")).arg("--cache-dir").arg(place.cache()).args(args);
    forget_settings(&mut command);
    Ran::of(command.current_dir(place.path("")))
}

#[test]
fn a_pipe_or_a_directory_where_a_file_belongs_is_told_and_not_waited_for() {
    for (name, args) in [
        ("cluster.toml", &["check"][..]),
        ("imgbuild.lock", &["check"]),
        ("imgbuild.toml", &["check"]),
        ("profiles/n.toml", &["check", "--profile", "n"]),
        ("image/manifest.json", &["inspect", "image"]),
        ("x.img", &["inspect", "x.img"]),
    ] {
        for kind in ["mkfifo", "mkdir"] {
            if (name, kind) == ("x.img", "mkdir") {
                continue;
            }
            let place = Place::new();
            fs::create_dir_all(place.path(name).parent().unwrap()).unwrap();
            support::ok(&place.path(""), kind, &[name]);
            let error = bounded(&place, args).fails(1);
            // Asked as an image, not as a file of the workspace.
            if name == "x.img" {
                assert!(error.contains("x.img is neither an image"), "{error}");
                continue;
            }
            let what = if kind == "mkdir" { "it is a directory, not a file" } else { "it is a pipe, socket or device" };
            assert!(error.contains(what) && error.contains(name), "{kind} {name}: {error}");
        }
    }
}

#[test]
fn an_image_with_a_foreign_temporary_pipe_beside_it_is_built() {
    let online = tiny::archive(0).online();
    let place = tiny::place(&online, &[]);
    fs::create_dir_all(place.path("build/node")).unwrap();
    support::ok(&place.path("build/node"), "mkfifo", &[".imgbuild-other.part"]);
    bounded(&place, &["build", "--profile", "node"]).ok();
}

#[test]
fn what_is_no_disk_is_told_by_what_it_is() {
    let place = Place::new().file("x.img", "no disk");
    let device = |name: &str| bounded(&place, &["flash", "--profile", "demo", "--yes", "--device", name]).fails(1);
    for (name, what) in [("/dev/sdzz", "there is no /dev/sdzz"), (".", "is a directory"), ("x.img", "is a file")] {
        let error = device(name);
        assert!(error.contains(what), "{name}: {error}");
    }
    // Also where nobody could be asked about a disk.
    let error = bounded(&place, &["flash", "--profile", "demo", "--device", "/dev/nope"]).fails(1);
    assert!(error.contains("there is no /dev/nope") && !error.contains("terminal"), "{error}");
}

#[test]
fn a_stick_is_inspected_as_an_image_is() {
    let online = tiny::archive(0).online();
    let place = tiny::place(&online, &[]);
    place.run(&["build", "--profile", "node"]).ok();
    let sticks = Sticks::new(1);
    let stick = sticks.device(0);
    let empty = place.run(&["inspect", stick]).fails(3);
    assert!(empty.contains("is not a disk with an image on it") && empty.contains("imgbuild flash"), "{empty}");
    let image = fs::read(place.path("build/node/node.img")).unwrap();
    sticks.resize(0, image.len() as u64);
    fs::write(stick, image).unwrap();
    let text = place.run(&["inspect", stick]).ok();
    assert!(text.contains("root-a") && text.contains("manifest   none beside it"), "{text}");
    let error = place.run(&["inspect", "--verify", stick]).fails(1);
    assert!(error.contains(&format!("`imgbuild verify {stick} --manifest FILE`")), "{error}");

    // A manifest from elsewhere leads to no other file of this machine.
    let manifest = place.read("build/node/manifest.json").replace("\"node.img\"", "\"../../node.img\"");
    place.write("build/node/manifest.json", manifest);
    let error = place.run(&["inspect", "build/node"]).fails(3);
    assert!(error.contains("outside its own directory: ../../node.img"), "{error}");
}

#[test]
fn what_is_no_url_is_refused_wherever_one_is_named() {
    let place = Place::new();
    for bad in ["http://a b?x", "http://h/a?b", "http://", "http:///h", "ftp://h/", "h/k3s"] {
        for (option, what) in [
            ("--k3s-mirror", "is not the URL of a mirror of K3s's releases"),
            ("--k3s-channels", "is not the URL of K3s's release channels"),
            ("--mirror", "is not an `http://` or `https://` address"),
        ] {
            let error = place.run(&[option, bad, "why", "less", "--profile", "demo"]).fails(1);
            assert!(error.contains(what), "{option} {bad}: {error}");
        }
        let place = Place::new().file("imgbuild.toml", format!("schema = 1\nk3s_mirror = \"{bad}\"\n"));
        let error = place.run(&["why", "less", "--profile", "demo"]).fails(1);
        assert!(error.contains("imgbuild.toml"), "{bad}: {error}");
    }
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    let place = Place::new();
    let mirror = "http://me:PASS-WORD@127.0.0.1:9/debian";
    for args in [
        &["--mirror", mirror, "-v", "why", "less", "--profile", "demo"][..],
        &["--mirror", mirror, "--json", "why", "less", "--profile", "demo"],
        &["--mirror", "ftp://me:PASS-WORD@x/debian", "check"],
    ] {
        let ran = place.run(args);
        let all = ran.stdout + &ran.stderr;
        assert!(ran.code != Some(0) && !all.contains("PASS-WORD"), "{args:?}: {all}");
    }
    let help = Ran::of(place.command(&["build", "--help"]).env("IMGBUILD_MIRROR", mirror)).ok();
    assert!(help.contains("IMGBUILD_MIRROR") && !help.contains("PASS-WORD"), "{help}");
    let source = "[[source]]\nname = \"own\"\narchive = \"https://me:PASS-WORD@x/debian\"\nsuite = \"s\"\ncomponents = [\"main\"]\n";
    place.write("profiles/n.toml", format!("schema = 1\nextends = \"demo\"\n{source}key = \"debian\"\n"));
    let error = place.run(&["check", "--profile", "n"]).fails(1);
    assert!(error.contains("holds a user or a password") && error.contains("imgbuild.lock"), "{error}");
}

#[test]
fn the_next_steps_of_init_can_be_typed_as_they_stand() {
    for (dir, typed) in [("home", "cd home"), ("my cluster's", r"cd 'my cluster'\''s'"), ("$HOME", "cd '$HOME'")] {
        let made = Place::new().run(&["--json", "init", dir]).result();
        assert_eq!(made["next"][0], typed);
    }
}

#[test]
fn of_a_profile_that_others_extend_no_image_is_asked_for() {
    let error = Place::new().run(&["inspect", "base"]).fails(1);
    assert!(error.contains("`base` is a profile that others extend") && error.contains("`imgbuild list`"), "{error}");
}

#[test]
fn what_is_no_image_or_only_a_part_of_one_is_told_as_that() {
    let online = tiny::archive(0).online();
    let place = tiny::place(&online, &[]);
    place.run(&["build", "--profile", "node"]).ok();
    let verify = |file: &str| {
        let ran = place.run(&["verify", file, "--manifest", "build/node/manifest.json"]);
        ran.fails(3).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    place.write("notes.txt", "no image\n");
    let error = verify("notes.txt");
    assert!(error.contains("notes.txt is not a disk image") && error.contains("it has only 9 bytes"), "{error}");
    let image = fs::read(place.path("build/node/node.img")).unwrap();
    place.write("zeros.img", vec![0; image.len()]);
    assert!(verify("zeros.img").contains("zeros.img is not a disk image"));
    place.write("short.img", &image[..image.len() / 2]);
    let error = verify("short.img");
    assert!(
        error.contains("short.img is cut short") && error.contains(&format!("the image {}", image.len())),
        "{error}"
    );
    // A damaged image is still compared part by part.
    let mut damaged = image;
    damaged[512..1024].fill(0);
    place.write("damaged.img", damaged);
    assert!(verify("damaged.img").contains("damaged.img is not what its manifest says"));
}
