//! The dependencies are such as `deny.toml` allows.
//!
//! `cargo deny` itself is no Debian package and takes minutes to compile, so what it would find without a network is looked at
//! here, with its own reader of licences and by what `cargo metadata` says. Advisories need a database that changes every day.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, Licensee, ParseMode};

/// What `cargo metadata` says of every package of the lock. Those that are for other systems alone were not fetched to compile
/// the program, so it may have to fetch them.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(["metadata", "--format-version=1", "--locked"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn rules() -> toml::Table {
    fs::read_to_string("deny.toml").unwrap().parse().unwrap()
}

fn words(value: &toml::Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

#[test]
fn every_dependency_has_an_allowed_licence_and_every_allowed_licence_is_needed() {
    let rules = rules();
    let allowed: Vec<(&str, Licensee)> =
        words(&rules["licenses"]["allow"]).into_iter().map(|name| (name, Licensee::parse(name).unwrap())).collect();
    let mut used = BTreeSet::new();
    for package in packages() {
        // This project is not published.
        if package["source"].is_null() {
            continue;
        }
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{} has no licence", package["name"]));
        let expression = Expression::parse_mode(licence, ParseMode::LAX).unwrap();
        let is_allowed = expression.evaluate(|term| {
            let found = allowed.iter().find(|(_, licensee)| licensee.satisfies(term));
            used.extend(found.map(|(name, _)| *name));
            found.is_some()
        });
        assert!(is_allowed, "{} {}: {licence}", package["name"], package["version"]);
    }
    assert_eq!(used, allowed.iter().map(|(name, _)| *name).collect());
}

#[test]
fn every_dependency_is_from_the_registry_and_none_is_banned() {
    let rules = rules();
    for setting in ["unknown-registry", "unknown-git"] {
        assert_eq!(rules["sources"][setting].as_str(), Some("deny"));
    }
    let banned: Vec<&str> =
        rules["bans"]["deny"].as_array().unwrap().iter().map(|ban| ban["crate"].as_str().unwrap()).collect();
    for package in packages() {
        let (name, source) = (package["name"].as_str().unwrap(), package["source"].as_str());
        assert!(source.is_none_or(|source| source.starts_with("registry+")));
        assert!(!banned.contains(&name), "{name}");
    }
}
