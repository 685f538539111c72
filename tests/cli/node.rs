//! `node`: the public part of identities.

use serde_json::Value;

use crate::place::{Place, Ran};
use crate::secrets::CLUSTER;

/// A workspace with the seed of the documentation's vectors.
fn place() -> Place {
    Place::new().file("cluster.toml", CLUSTER)
}

fn run(place: &Place, args: &[&str]) -> Ran {
    let seed = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    Ran::of(place.command(args).env("IMGBUILD_SECRET_IDENTITY_SEED", seed))
}

#[test]
fn the_public_part_of_a_node_is_the_documented_one() {
    let place = place();
    let shown = run(&place, &["node", "show", "pi1"]).ok();
    let json: Value = serde_json::from_str(&run(&place, &["--json", "node", "show", "pi1"]).ok()).unwrap();
    let doc = include_str!("../../docs/identity.md");
    for (name, key) in [
        ("machine-id", "machine_id"),
        ("SSH public key", "ssh_host_public"),
        ("SSH fingerprint", "ssh_fingerprint"),
        ("iSCSI initiator name", "initiator_name"),
    ] {
        let value = json["result"][key].as_str().unwrap();
        assert!(doc.contains(&format!("| {name} | `{value}` |")) && shown.contains(value), "{name}: {value}");
    }
    let password = doc.lines().find_map(|line| line.strip_prefix("| node password | `")?.strip_suffix("` |")).unwrap();
    assert!(!shown.contains(password) && !json.to_string().contains(password) && !shown.contains("PRIVATE KEY"));
}

#[test]
fn known_hosts_has_every_node_by_name_and_address() {
    let lines = run(&place(), &["node", "ssh-known-hosts"]).ok();
    let hosts: Vec<&str> = lines.lines().map(|line| line.split(" ssh-ed25519 ").next().unwrap()).collect();
    assert_eq!(hosts, ["control,192.168.1.10", "pi1"]);
}

#[test]
fn what_is_missing_is_named() {
    let place = place();
    assert!(run(&place, &["node", "show", "pi2"]).fails(1).contains("did you mean `pi1`?"));
    assert!(place.run(&["node", "show", "pi1"]).fails(1).contains("identity-seed"));
    assert!(run(&Place::new(), &["node", "ssh-known-hosts"]).fails(1).contains("cluster.toml"));
}
