use std::collections::BTreeMap;

use super::*;
use crate::debian::Package;
use crate::effects::sample;
use crate::profile::sample::sample;
use crate::profile::{Board, Profile, User};

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
    let ada = User {
        name: "ada".to_owned(),
        ssh_keys: vec!["ssh-ed25519 AAAA ada ".to_owned()],
        groups: Vec::new(),
        shell: "/bin/bash".to_owned(),
        sudo: true,
    };
    let profile = Profile { users: vec![ada], ..sample(Board::UefiAmd64) };
    let mut tree = Tree::new();
    access(&mut tree, &Context { packages: &packages, ..sample::context(&profile) })?;
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
