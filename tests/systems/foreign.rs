//! The manifests of all systems before foreign eyes: Kubernetes' own schemas, those of definitions, and Helm.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::keys::Keys;
use crate::place::{Place, objects_of};
use crate::{ALL_ON, SYSTEMS};

/// The line of Kubernetes that the shipped K3s is of.
fn kubernetes(place: &Place) -> String {
    let release = place.profile("server").k3s.unwrap().version;
    release.trim_start_matches('v').split('.').take(2).collect::<Vec<_>>().join(".")
}

/// What `tests/tools.sh` has installed.
pub fn tool(name: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
    let tool = tools.join(name);
    assert!(tool.exists(), "{} is missing: `tests/tools.sh {}` installs it", tool.display(), tools.display());
    tool
}

/// What is wrong with objects, each with the place that it is from.
fn faults(objects: &[(String, Value)], kubernetes: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut python = Command::new(tool("python/bin/python"));
    python.arg(folder.join("systems/validate.py")).arg(kubernetes).arg(folder.join("fixtures/crds"));
    let mut python = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(json!(objects).to_string().as_bytes()).unwrap();
    let ran = python.wait_with_output().unwrap();
    assert!(ran.status.success());
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn every_object_keeps_to_the_schema_of_its_kind() {
    for settings in ["", ALL_ON] {
        let place = Place::new(&SYSTEMS, settings);
        let objects = place.objects();
        assert!(objects.len() > 2 * SYSTEMS.len());
        assert_eq!(faults(&objects, &kubernetes(&place)), "");
    }
}

#[test]
fn every_object_of_the_repository_keeps_to_the_schema_of_its_kind() {
    let place = Place::new(&SYSTEMS, ALL_ON);
    let (told, code) = place.run(&["gitops", "init", "git"]);
    assert_eq!(code, Some(0), "{told}");
    let objects = objects_of(&place.path("git"));
    assert!(objects.iter().any(|(_, object)| object["kind"] == "Application"));
    assert_eq!(faults(&objects, &kubernetes(&place)), "");
}

#[test]
fn a_key_that_a_kind_lacks_and_a_value_of_another_type_are_found() {
    let pool = |spec| json!({"apiVersion": "metallb.io/v1beta1", "kind": "IPAddressPool", "metadata": {"name": "lan"}, "spec": spec});
    let service = |port| {
        let metadata = json!({"name": "a", "labels": {"on": true}});
        json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": port}]}})
    };
    let unknown = json!({"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "a"}});
    let objects = [
        ("right", pool(json!({"addresses": ["192.168.1.200/30"]}))),
        ("misspelt", pool(json!({"addresses": [], "autoassign": true}))),
        ("text", pool(json!({"addresses": "192.168.1.200/30"}))),
        ("label", service(json!(80))),
        ("unknown", unknown),
    ];
    let told = faults(&objects.map(|(place, object)| (place.to_owned(), object)), "1.36");
    let places: Vec<&str> = told.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(places, ["misspelt", "text", "label", "unknown"], "{told}");
}

/// A chart that has the keys of a list and no others, and that prints the values that it is given.
fn closed_chart(folder: &Path, name: &str, keys: &Keys) {
    fs::create_dir_all(folder.join("templates")).unwrap();
    let write = |file: &str, text: String| fs::write(folder.join(file), text).unwrap();
    write("Chart.yaml", format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n"));
    write("values.schema.json", keys.schema().to_string());
    write("templates/values.yaml", "values: {{ .Values | toJson }}\n".to_owned());
}

#[test]
fn helm_takes_the_values_of_every_chart_and_reads_them_as_they_are_meant() {
    for settings in ["", ALL_ON] {
        for chart in Place::new(&SYSTEMS, settings).charts() {
            let folder = tempfile::tempdir().unwrap();
            closed_chart(folder.path(), &chart.name, &Keys::of(chart.release()));
            let values = folder.path().join("values-of-the-overlay.yaml");
            fs::write(&values, chart.object["spec"]["valuesContent"].as_str().unwrap()).unwrap();
            let mut helm = Command::new(tool("helm"));
            helm.arg("template").arg(chart.release()).arg(folder.path()).arg("--values").arg(&values);
            let ran = helm.env("HOME", folder.path()).output().unwrap();
            assert!(ran.status.success(), "{}: {}", chart.overlay, String::from_utf8_lossy(&ran.stderr));
            let told: Value = serde_saphyr::from_str(&String::from_utf8(ran.stdout).unwrap()).unwrap();
            assert_eq!(told["values"], chart.values, "{}", chart.overlay);
        }
    }
}
