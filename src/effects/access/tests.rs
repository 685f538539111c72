use std::collections::BTreeMap;

use super::*;
use crate::debian::Package;
use crate::lock::IdMap;
use crate::profile::{Board, ImageSettings, Kernel, Marks, Profile, User};

/// The tree of a profile with one user who has a key and `sudo`.
fn after(packages: &[&str]) -> Result<Tree, EffectError> {
    let package = |name: &&str| Package {
        name: (*name).to_owned(),
        version: "1".to_owned(),
        arch: "all".to_owned(),
        fields: Vec::new(),
        control: BTreeMap::new(),
        members: Vec::new(),
    };
    let packages: Vec<Package> = packages.iter().map(package).collect();
    let profile = Profile {
        name: "x".to_owned(),
        description: String::new(),
        board: Board::UefiAmd64,
        config_txt: vec![],
        hostname: None,
        sources: Vec::new(),
        packages: Vec::new(),
        drop: Vec::new(),
        kernel: Kernel::default(),
        sysctl: BTreeMap::new(),
        files: BTreeMap::new(),
        artifacts: BTreeMap::new(),
        manifests: BTreeMap::new(),
        expects: std::collections::BTreeSet::new(),
        users: vec![User {
            name: "ada".to_owned(),
            ssh_keys: vec!["ssh-ed25519 AAAA ada ".to_owned()],
            groups: Vec::new(),
            shell: "/bin/bash".to_owned(),
            sudo: true,
        }],
        networks: Vec::new(),
        timezone: "Etc/UTC".to_owned(),
        ntp: Vec::new(),
        locale: "C.UTF-8".to_owned(),
        enable: Vec::new(),
        disable: Vec::new(),
        image: ImageSettings { boot_size: 0, root_size: 0, seed_size: 0, block_size: 1 << 20, compression_level: 3 },
        serial: false,
        led: None,
        k3s: None,
        marks: Marks::default(),
    };
    let mut tree = Tree::new();
    access(&mut tree, &Context { profile: &profile, packages: &packages, ids: &IdMap::default(), epoch: 0 })?;
    Ok(tree)
}

#[test]
fn keys_and_sudo_live_in_etc_alone() {
    let tree = after(&["openssh-server", "sudo"]).unwrap();
    assert_eq!(tree.file("etc/ssh/authorized_keys.d/ada").unwrap().text().unwrap(), "ssh-ed25519 AAAA ada\n");
    assert_eq!(tree.file("etc/sudoers.d/imgbuild").unwrap().text().unwrap(), "ada ALL=(ALL:ALL) NOPASSWD: ALL\n");
    assert_eq!(tree.get("etc/sudoers.d/imgbuild").unwrap().mode, 0o440);
    assert!(tree.below("home").next().is_none());
}

#[test]
fn a_user_needs_the_packages_that_let_them_in() {
    let error = after(&["openssh-server"]).unwrap_err();
    assert_eq!(error.to_string(), "user `ada` of the profile: `sudo` needs the package sudo");
    assert_eq!(error.hint().unwrap(), "add `sudo` to `packages`");
    assert!(after(&["sudo"]).unwrap_err().to_string().contains("openssh-server"));
}
