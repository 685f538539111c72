//! Which groups of the list of packages a run looks at.
//!
//! All of them take hours, so every second commit has one of its own; `IMGBUILD_LONG` asks for all, and `IMGBUILD_GROUPS` for those that it
//! names.

use std::collections::BTreeSet;
use std::io::Write as _;

use crate::draw::{commit, is_long};
use crate::packages::{BOARDS, Group, groups};

/// The groups of this run, of what can be followed. Prints their names, past what keeps a test's output until it fails.
pub fn chosen() -> Vec<Group> {
    let mut groups: Vec<Group> = groups().iter().map(Group::followed).collect();
    let is_set = |value: &String| !value.is_empty();
    if let Some(named) = std::env::var("IMGBUILD_GROUPS").ok().filter(is_set) {
        let named: Vec<&str> = named.split_whitespace().collect();
        groups.retain(|group| named.contains(&group.name.as_str()));
    } else if !is_long() {
        // Of those that are known to be equal: the others are what is left to do.
        groups.retain(|group| group.equal);
        // Every second commit looks at one.
        let number = commit() / 2 % groups.len().max(1);
        groups = groups.into_iter().skip(number).take(1).collect();
    }
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    assert!(!groups.is_empty(), "a run that looks at no group shows nothing");
    let _ = writeln!(std::io::stderr(), "IMGBUILD_GROUPS=\"{}\"", names.join(" "));
    groups
}

#[test]
fn at_most_one_package_in_twenty_of_the_list_cannot_be_followed() {
    for board in BOARDS {
        let (mut all, mut stopped) = (0, 0);
        for group in groups() {
            let names = group.names(board);
            all += names.len();
            stopped += names.iter().filter(|name| group.stops(name)).count();
        }
        assert!(all >= 300, "{board} has {all} packages: what so few show says little");
        assert!(stopped * 20 <= all, "{board}: {stopped} of {all} cannot be followed");
    }
}

#[test]
fn what_is_said_to_stop_stands_once_among_the_packages_of_its_group() {
    for group in groups() {
        let names: Vec<&str> = BOARDS.into_iter().flat_map(|board| group.names(board)).collect();
        for name in &group.stops {
            assert!(names.contains(&name.as_str()), "{} has no package {name}", group.name);
        }
        let once: BTreeSet<&String> = group.stops.iter().collect();
        assert_eq!(once.len(), group.stops.len(), "{} names one twice", group.name);
    }
}
