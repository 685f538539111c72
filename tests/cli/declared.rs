//! A package that its owner models: what `ledger.toml` declares beside a script that it accepts.

use crate::archive::{Archive, Online};
use crate::debs::Tar;
use crate::modules::in_image;
use crate::place::Place;
use crate::tiny;

const SCRIPT: &str = "#!/bin/sh\nset -e\nmake-everything-ready\n";

/// A workspace whose profile installs `example`, and the entry that accepts its script, with a reason.
fn place(online: &Online) -> (Place, String) {
    let place = online.place(&["example"]);
    let error = place.run(&["lock", "--profile", "node"]).fails(1);
    (place, entry_of(&error))
}

/// The entry that an error proposes, with a reason.
fn entry_of(error: &str) -> String {
    let entry = &error[error.find("[[script]]").unwrap_or_else(|| panic!("no entry: {error}"))..];
    let entry = entry.split_once("\n\n").unwrap().0.replace('…', "Modelled here.");
    entry + "\n"
}

fn online() -> Online {
    let data = Tar::default().dir("./").dir("./etc/").dir("./etc/example/").file("./etc/example/conf", "x");
    Archive::new().with("example", &[("postinst", SCRIPT)], data).online()
}

const ACCOUNT: &str = "[[script.account]]\nname = \"example\"\nhome = \"/var/lib/example\"\n";

#[test]
fn declared_accounts_are_locked_and_a_changed_ledger_is_noticed() {
    let online = online();
    let (place, entry) = place(&online);
    place.write("ledger.toml", format!("{entry}{ACCOUNT}"));
    place.run(&["lock", "--profile", "node"]).ok();
    let lock = place.read("imgbuild.lock");
    assert!(lock.contains("[ids.users]\nexample = 100\n") && lock.contains("\ndeclared = \""), "{lock}");
    assert_eq!(place.run(&["lock"]).ok(), "nothing changed\n");

    // How it is written is nothing to the lock; what it says is.
    place.write("ledger.toml", format!("# Ours.\n{entry}\n{ACCOUNT}"));
    place.run(&["lock", "--check"]).ok();
    for changed in [format!("{entry}{ACCOUNT}gecos = \"An example\"\n"), entry.clone()] {
        place.write("ledger.toml", &changed);
        for args in [&["lock", "--check"][..], &["check"], &["build", "node"], &["build", "node", "--plan"]] {
            let error = place.run(args);
            assert_eq!(error.code, Some(3), "{args:?}: {}", error.stderr);
            let told = ["ledger.toml declares other effects", "example", "imgbuild lock"];
            assert!(told.iter().all(|part| error.stderr.contains(part)), "{args:?}: {}", error.stderr);
        }
        assert_eq!(place.read("imgbuild.lock"), lock, "nothing is locked anew by itself");
    }
    place.write("ledger.toml", format!("{entry}{ACCOUNT}gecos = \"An example\"\n"));
    let told = place.run(&["lock"]).ok();
    assert!(told.starts_with("  example 1.0-1 has other declared effects (node)\n"), "{told}");
    place.run(&["lock", "--check"]).ok();
}

/// What a script of a small daemon's package does.
const DAEMON: &str = r#"
units = ["example.service"]

[[script.account]]
name = "example"
home = "/var/lib/example"
gecos = "Example daemon"

[[script.directory]]
path = "/etc/example"
mode = "0750"
group = "example"

[[script.file]]
path = "/etc/example/daemon.conf"
copy = "/usr/share/example/daemon.conf"
mode = "0640"
group = "example"

[[script.link]]
path = "/usr/bin/example"
target = "example-1"

[[script.diversion]]
path = "/usr/parcel"
"#;

const DIVERTING: &str = "#!/bin/sh\nset -e\ndpkg-divert --rename --add /usr/parcel\nmake-everything-ready\n";

fn daemon() -> Archive {
    let unit = "[Service]\nExecStart=/usr/bin/example-1\nUser=example\n[Install]\nWantedBy=multi-user.target\n";
    let data = Tar::default()
        .file("./usr/lib/systemd/system/example.service", unit)
        .file("./usr/share/example/daemon.conf", "port = 1234\n")
        .file("./usr/bin/example-1", "example")
        .file("./usr/parcel", "of example");
    tiny::archive(1000).with("example", &[("preinst", DIVERTING)], data)
}

#[test]
fn an_image_has_what_is_declared() {
    let online = daemon().online();
    let place = tiny::place(&online, &["example", "parcel"]);
    let error = place.run(&["lock", "--profile", "node"]).fails(1);
    insta::assert_snapshot!(place.stable(&error));
    place.write("ledger.toml", format!("{}{DAEMON}", entry_of(&error)));
    place.run(&["build", "node"]).ok();
    let text = |path: &str| String::from_utf8(in_image(&place, path)).unwrap();
    assert!(text("/etc/passwd").contains("example:x:100:100:Example daemon:/var/lib/example:/usr/sbin/nologin\n"));
    assert_eq!(text("/etc/example/daemon.conf"), "port = 1234\n");
    assert_eq!((text("/usr/parcel"), text("/usr/parcel.distrib")), ("of example".to_owned(), "p".to_owned()));
    assert!(text("/usr/lib/systemd/system-preset/00-imgbuild.preset").contains("enable example.service\n"));
    assert_eq!(text("/usr/lib/sysimage/dpkg/diversions"), "/usr/parcel\n/usr/parcel.distrib\nexample\n");
}

#[test]
fn a_declared_effect_that_does_nothing_or_cannot_be_is_shown_in_the_ledger_when_locking() {
    let online = daemon().online();
    let place = tiny::place(&online, &["example", "parcel"]);
    let error = place.run(&["lock", "--profile", "node"]).fails(1);
    let entry = entry_of(&error);
    let mut told = Vec::new();
    for (from, to) in [
        ("name = \"example\"", "name = \"root\""),
        ("path = \"/etc/example\"", "path = \"/usr/bin/example-1\""),
        ("target = \"example-1\"", "traget = \"example-1\""),
        ("path = \"/usr/parcel\"", "path = \"/usr/nothing\""),
        ("\"example.service\"", "\"exmaple.service\""),
        // Then nothing makes the account that the unit runs as.
        ("name = \"example\"", "name = \"exampel\""),
    ] {
        let declared = DAEMON.replace(from, to).replace("group = \"example\"", "user = \"root\"");
        assert!(DAEMON.contains(from), "{from}");
        place.write("ledger.toml", format!("{entry}{declared}"));
        told.push(place.run(&["lock", "--profile", "node"]).fails(1));
    }
    assert!(told.iter().all(|error| error.contains("help: ") || error.contains("hint: ")), "{told:?}");
    insta::assert_snapshot!(place.stable(&told.join("\n")));
    assert!(!place.path("imgbuild.lock").exists());
}
