//! Derived identities: the documented vectors, what differs between nodes and seeds, and OpenSSH as a reader.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use imgbuild::cluster::identity::{Identity, IdentitySeed, known_hosts};
use proptest::prelude::*;

use crate::support::ok;

/// Everything that a node gets, public or not.
fn parts(identity: &Identity) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("node password", identity.node_password.expose().to_owned()),
        ("machine-id", identity.machine_id.clone()),
        ("SSH host key", identity.ssh_host_key.expose().to_owned()),
        ("SSH public key", identity.ssh_host_public.clone()),
        ("SSH fingerprint", identity.ssh_fingerprint.clone()),
        ("iSCSI initiator name", identity.initiator_name.clone()),
    ])
}

fn derive(seed: [u8; 32], node: &str) -> BTreeMap<&'static str, String> {
    parts(&Identity::derive(&IdentitySeed::from_bytes(seed), node))
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[test]
fn the_vectors_of_the_documentation_are_what_is_derived() {
    let doc = include_str!("../../docs/identity.md");
    let documented = |name: &str| {
        let row = doc.lines().find_map(|line| line.strip_prefix(&format!("| {name} | `")));
        row.and_then(|row| row.strip_suffix("` |")).unwrap_or_else(|| panic!("no vector for {name}")).to_owned()
    };
    let seed: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    assert_eq!(documented("seed"), seed.map(|byte| format!("{byte:02x}")).concat());
    let mut derived = derive(seed, &documented("node"));
    let key = derived.remove("SSH host key").unwrap();
    let block = doc.split_once("```text\n-----BEGIN").unwrap().1.split_once("```").unwrap().0;
    assert_eq!(key, format!("-----BEGIN{block}"));
    for (name, value) in derived {
        assert_eq!(documented(name), value, "{name}");
    }
}

#[test]
fn openssh_reads_the_host_key_and_agrees_about_its_public_half() {
    let dir = tempfile::tempdir().unwrap();
    for (node, first) in [("control", 1), ("pi1", 2), ("a-node-with-a-rather-long-name-0123456789", 255)] {
        let identity = Identity::derive(&IdentitySeed::from_bytes([first; 32]), node);
        let key = dir.path().join(node);
        fs::write(&key, identity.ssh_host_key.expose()).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(ok(dir.path(), "ssh-keygen", &["-y", "-f", node]).trim_end(), identity.ssh_host_public);
        let listed = ok(dir.path(), "ssh-keygen", &["-lf", node]);
        assert_eq!(listed.trim_end(), format!("256 {} {node} (ED25519)", identity.ssh_fingerprint));
    }
}

#[test]
fn openssh_finds_every_name_and_address_in_the_known_hosts() {
    let dir = tempfile::tempdir().unwrap();
    let seed = IdentitySeed::from_bytes([7; 32]);
    let [control, pi1] = ["control", "pi1"].map(|node| Identity::derive(&seed, node));
    let lines = known_hosts([
        (vec!["control", "192.168.1.10"], control.ssh_host_public.as_str()),
        (vec!["pi1"], pi1.ssh_host_public.as_str()),
    ]);
    fs::write(dir.path().join("known_hosts"), lines).unwrap();
    for (host, identity) in [("control", &control), ("192.168.1.10", &control), ("pi1", &pi1)] {
        let found = ok(dir.path(), "ssh-keygen", &["-lF", host, "-f", "known_hosts"]);
        assert!(found.contains(&identity.ssh_fingerprint), "{host}: {found}");
    }
}

proptest! {
    #[test]
    fn the_same_seed_and_name_give_the_same_node(seed: [u8; 32], node in "[a-z]([a-z0-9-]{0,61}[a-z0-9])?") {
        prop_assert_eq!(derive(seed, &node), derive(seed, &node));
    }

    #[test]
    fn another_name_or_another_seed_changes_every_part(
        seed: [u8; 32],
        bit in 0_usize..256,
        node in "[a-z][a-z0-9-]{0,20}",
        other in "[a-z][a-z0-9-]{0,20}",
    ) {
        prop_assume!(node != other);
        let mut near = seed;
        near[bit / 8] ^= 1 << (bit % 8);
        let this = derive(seed, &node);
        for changed in [derive(seed, &other), derive(near, &node)] {
            for (name, value) in &this {
                prop_assert_ne!(value, &changed[name], "{}", name);
            }
        }
    }

    #[test]
    fn every_part_has_the_form_that_its_reader_wants(seed: [u8; 32], node in "[a-z][a-z0-9-]{0,20}") {
        let parts = derive(seed, &node);
        let id = &parts["machine-id"];
        prop_assert!(id.len() == 32 && is_lower_hex(id), "{}", id);
        prop_assert_eq!(&id[12..13], "4", "the UUID's version: {}", id);
        prop_assert!("89ab".contains(&id[16..17]), "the UUID's variant: {}", id);
        prop_assert!(parts["node password"].len() == 32 && is_lower_hex(&parts["node password"]));
        let suffix = parts["iSCSI initiator name"].strip_prefix("iqn.1993-08.org.debian:01:").unwrap();
        prop_assert!(suffix.len() == 12 && is_lower_hex(suffix));
        prop_assert_eq!(parts["SSH public key"].rsplit(' ').next().unwrap(), node);
    }
}
