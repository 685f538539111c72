//! Nodes and their profiles.

use std::collections::BTreeMap;

use super::{Inputs, Lint, Mistake, Theme};
use crate::diagnostic::Severity;
use crate::profile::ProfileError;
use crate::profile::error::known_names;

pub(super) const THEME: Theme = Theme {
    title: "Nodes and profiles",
    lints: &[UNKNOWN_PROFILE, BROKEN_PROFILE, BOARD_MISMATCH, DUPLICATE_ADDRESS, DUPLICATE_MAC],
};

const UNKNOWN_PROFILE: Lint = Lint {
    code: "C002-unknown-profile",
    severity: Severity::Error,
    title: "A node names a profile that does not exist",
    why: "the node's image is built from its profile",
    find: unknown_profile,
};

pub(super) const BROKEN_PROFILE: Lint = Lint {
    code: "C003-broken-profile",
    severity: Severity::Error,
    title: "A profile is not valid",
    why: "no image can be built from it",
    find: broken_profile,
};

const BOARD_MISMATCH: Lint = Lint {
    code: "C004-board-mismatch",
    severity: Severity::Error,
    title: "A node's board differs from its profile's",
    why: "the image is made for the profile's board; another machine finds no kernel on it that it can start",
    find: board_mismatch,
};

const DUPLICATE_ADDRESS: Lint = Lint {
    code: "C012-duplicate-address",
    severity: Severity::Error,
    title: "Two nodes have the same address",
    why: "both answer for it, so that connections reach sometimes one and sometimes the other",
    find: duplicate_address,
};

const DUPLICATE_MAC: Lint = Lint {
    code: "C013-duplicate-mac",
    severity: Severity::Error,
    title: "Two nodes have the same network card",
    why: "a network card is in one machine, and the other node would not find its own",
    find: duplicate_mac,
};

fn unknown_profile(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let unknown = |error: &ProfileError, name: &str| match error {
        ProfileError::Unknown { name: unknown, .. } => unknown == name,
        _ => false,
    };
    let nodes = inputs.cluster.nodes.values();
    nodes
        .filter(|node| matches!(&inputs.profiles[&node.profile], Err(error) if unknown(error, &node.profile)))
        .map(|node| {
            let message = format!("there is no profile `{}`", node.profile);
            let hint = known_names("profiles", &node.profile, &inputs.known_profiles);
            inputs.at_value(&format!("node.{}.profile", node.name), message).hint(hint)
        })
        .collect()
}

fn broken_profile(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut found = Vec::new();
    for node in inputs.cluster.nodes.values() {
        let Err(error) = &inputs.profiles[&node.profile] else { continue };
        let mistake = match error {
            ProfileError::Unknown { .. } => continue,
            ProfileError::Invalid(diagnostic) => {
                Mistake { node: Some(node.name.clone()), diagnostic: (**diagnostic).clone() }
            }
            other => {
                let message = format!("profile `{}`: {other}", node.profile);
                let hint = other.hint().unwrap_or_else(|| "make the file readable".to_owned());
                inputs.at_value(&format!("node.{}.profile", node.name), message).hint(hint)
            }
        };
        // Several nodes may share a profile, and a profile has one mistake at a time.
        match found.iter_mut().find(|known: &&mut Mistake| known.diagnostic == mistake.diagnostic) {
            Some(known) => known.node = None,
            None => found.push(mistake),
        }
    }
    found
}

fn board_mismatch(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (node, profile) in inputs.nodes() {
        if let Some(board) = node.board
            && board != profile.board
        {
            let (meant, is) = (board.name(), profile.board.name());
            let message = format!("`{}` has the board {meant}, but profile `{}` is for {is}", node.name, profile.name);
            let hint = format!("name a profile for {meant}, write `board = \"{is}\"`, or leave `board` out");
            found.push(inputs.at_value(&format!("node.{}.board", node.name), message).hint(hint));
        }
    }
    found
}

fn duplicate_address(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let nodes = inputs.cluster.nodes.values();
    let addresses = nodes.filter_map(|node| Some((node.name.as_str(), node.net()?.addr().to_string())));
    doubles(inputs, "address", addresses, "give each node an address of its own")
}

fn duplicate_mac(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let nodes = inputs.cluster.nodes.values();
    let cards = nodes.filter_map(|node| Some((node.name.as_str(), node.mac.as_ref()?.to_ascii_lowercase())));
    doubles(inputs, "mac", cards, "read it on the machine with `ip link`, or leave `mac` out")
}

/// Nodes that have the same value of a key as one before them.
fn doubles<'a>(
    inputs: &Inputs<'_>,
    key: &str,
    values: impl Iterator<Item = (&'a str, String)>,
    hint: &str,
) -> Vec<Mistake> {
    let mut owners = BTreeMap::new();
    let mut found = Vec::new();
    for (node, value) in values {
        if let Some(owner) = owners.get(&value) {
            let message = format!("`{node}` has {value}, and so has `{owner}`");
            found.push(inputs.at_value(&format!("node.{node}.{key}"), message).hint(hint));
        } else {
            owners.insert(value, node);
        }
    }
    found
}
