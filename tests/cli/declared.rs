//! A package that its owner models: what `ledger.toml` declares beside a script that it accepts.

use crate::archive::{Archive, Online};
use crate::debs::Tar;
use crate::place::Place;

const SCRIPT: &str = "#!/bin/sh\nset -e\nmake-everything-ready\n";

/// A workspace whose profile installs `example`, and the entry that accepts its script, with a reason.
fn place(online: &Online) -> (Place, String) {
    let place = online.place(&["example"]);
    let error = place.run(&["lock", "--profile", "node"]).fails(1);
    let entry = error.split_once("ledger.toml:\n").unwrap().1.replace('…', "Modelled here.");
    (place, entry)
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

#[test]
fn a_declared_effect_that_does_nothing_is_shown_in_the_ledger() {
    let online = online();
    let (place, entry) = place(&online);
    let idle = "[[script.account]]\nname = \"root\"\n";
    for (effects, cause) in [(idle, "account `root`"), ("[[script.acount]]\nname = \"x\"\n", "unknown key `acount`")] {
        place.write("ledger.toml", format!("{entry}{effects}"));
        let error = place.run(&["lock", "--profile", "node"]).fails(1);
        insta::assert_snapshot!(place.stable(&error));
        assert!(error.contains(cause) && error.contains("ledger.toml:"), "{error}");
    }
}
