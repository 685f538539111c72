//! The alerts for nodes that run from sticks, as Prometheus itself weighs them (`promtool`, of Debian's package prometheus).

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::place::Place;

#[test]
fn a_dying_stick_heat_and_undervoltage_are_told_and_nothing_else_is() {
    let objects = Place::new(&["argocd", "forward-auth", "longhorn", "monitoring"], "").objects();
    let rules = objects.iter().find(|(_, object)| object["kind"] == "PrometheusRule").unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), rules.1["spec"].to_string()).unwrap();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/alerts/nodes-on-sticks.yml");
    fs::copy(cases, folder.path().join("cases.yml")).unwrap();
    for words in [&["check", "rules", "rules.yml"][..], &["test", "rules", "cases.yml"]] {
        let ran = Command::new("promtool").args(words).current_dir(folder.path()).output();
        let ran = ran.expect("Debian's package prometheus has promtool");
        let told = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{told}");
    }
}
