//! `init`, and `check` in a workspace with a cluster.

use std::fs::{self, File};

use serde_json::Value;

use crate::place::{Place, Ran};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8vWqK0mD1tQ7yRk5cUe0oM3bLhXz2nGfP4sYdTwA9e you@laptop";

/// A workspace with a lint's fixture.
fn fixture(path: &str) -> Place {
    let file = format!("{}/tests/fixtures/lints/{path}/cluster.toml", env!("CARGO_MANIFEST_DIR"));
    let place = Place::new().file("cluster.toml", fs::read(file).unwrap());
    set_secrets(&place, ".");
    place
}

/// Makes all secrets of a workspace.
fn set_secrets(place: &Place, workspace: &str) {
    place.run(&["--workspace", workspace, "secrets", "init"]).ok();
    place.write("url", "postgres://k3s:correct-horse@db.example.org:5432/k3s");
    let mut command = place.command(&["--workspace", workspace, "secrets", "set", "datastore-url"]);
    Ran::of(command.stdin(File::open(place.path("url")).unwrap())).ok();
}

/// The findings that a run told to programs.
fn findings(ran: &Ran) -> Vec<Value> {
    let first: Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first["event"], "result");
    first["result"]["findings"].as_array().unwrap().clone()
}

fn codes(ran: &Ran) -> Vec<String> {
    findings(ran).iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_new_workspace_asks_for_what_only_its_owner_knows_and_is_then_clean() {
    let place = Place::new();
    let text = place.run(&["init", "home"]).ok();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "home/.gitignore",
            "home/README.md",
            "home/cluster.schema.json",
            "home/imgbuild.toml",
            "home/profiles/server.toml",
            "home/renovate.json5",
            "home/cluster.toml"
        ]
    );

    insta::assert_snapshot!(place.transcript(&["--workspace", "home", "check"]));

    let cluster = place.read("home/cluster.toml").replace("ssh_keys = []", &format!("ssh_keys = [\"{KEY}\"]"));
    place.write("home/cluster.toml", cluster);
    let ca = include_bytes!("../fixtures/lints/C052-datastore-ca-unusable/good/datastore-ca.pem");
    place.write("home/datastore-ca.pem", ca);
    set_secrets(&place, "home");
    let clean = place.transcript(&["--workspace", "home", "check"]);
    insta::assert_snapshot!("a_new_workspace_that_was_filled_in_is_clean", clean);
}

#[test]
fn init_takes_an_empty_directory_and_refuses_one_that_has_a_cluster() {
    let place = Place::new();
    let ran = place.run(&["--json", "init", "."]);
    let result: Value = serde_json::from_str(ran.stdout.trim()).unwrap();
    assert_eq!(result["result"]["files"].as_array().unwrap().len(), 7, "{}", ran.stdout);
    assert!(place.read("cluster.toml").contains("[node.pi3]"));

    place.write("cluster.toml", "mine");
    let before = place.files();
    let error = place.run(&["init", "."]).fails(1);
    assert!(error.contains("already has a cluster.toml"), "{error}");
    assert_eq!((place.files(), place.read("cluster.toml")), (before, "mine".to_owned()));
}

#[test]
fn an_error_ends_with_1_and_a_warning_alone_with_0_and_programs_get_each_with_its_place() {
    let (error, warning) = (fixture("C012-duplicate-address/bad"), fixture("C044-storage-without-disk/bad"));
    let told = [
        error.transcript(&["check"]),
        error.transcript(&["--json", "check"]),
        warning.transcript(&["check"]),
        fixture("C012-duplicate-address/good").transcript(&["--json", "check"]),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_file_that_is_no_cluster_is_a_finding_too() {
    let ran = fixture("C001-cluster-file/bad").run(&["--json", "check"]);
    assert_eq!((ran.code, codes(&ran)), (Some(1), vec!["C001-cluster-file".to_owned()]));
}

#[test]
fn a_node_or_a_profile_is_checked_alone_with_what_all_nodes_share() {
    let text = fixture("C044-storage-without-disk/bad").read("cluster.toml").replace(&format!("\"{KEY}\""), "");
    let place = Place::new().file("cluster.toml", text);
    set_secrets(&place, ".");
    let [key, disk] = ["C050-no-ssh-key", "C044-storage-without-disk"].map(str::to_owned);
    for (args, expected) in [
        (&["--json", "check"][..], vec![key.clone(), disk.clone(), disk.clone()]),
        (&["--json", "check", "--node", "control"], vec![key.clone()]),
        (&["--json", "check", "--node", "pi1"], vec![key.clone(), disk.clone()]),
        (&["--json", "check", "--profile", "storage"], vec![key.clone(), disk.clone()]),
    ] {
        assert_eq!(codes(&place.run(args)), expected, "{args:?}");
    }
    let error = place.run(&["check", "--node", "pi"]).fails(1);
    assert!(error.contains("`pi`") && error.contains("`pi1`"), "{error}");
    let error = Place::new().run(&["check", "--node", "pi1"]).fails(1);
    assert!(error.contains("no cluster.toml") && error.contains("imgbuild init"), "{error}");
}

#[test]
fn manifests_and_release_of_a_server_that_no_node_is_are_checked_too() {
    let server = "schema = 1\nextends = \"control\"\noverlays = [\"app\"]\n[k3s]\nversion = \"v1.27.1+k3s1\"\n";
    let chart = "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: a, namespace: kube-system}\nspec: {chart: a}\n";
    for place in [fixture("C012-duplicate-address/good"), Place::new()] {
        place.write("profiles/spare.toml", server);
        place.write("overlays/app/overlay.toml", "schema = 1\n");
        place.write("overlays/app/manifests/app.yaml", chart);
        place.write("overlays/app/manifests/own.yaml", "name: {{ cluster.name }}\n");
        for args in [&["--json", "check"][..], &["--json", "check", "--profile", "spare"]] {
            let ran = place.run(args);
            let expected = ["C100-dead-line", "C086-failure-policy"].map(str::to_owned);
            assert_eq!((ran.code, codes(&ran)), (Some(1), expected.to_vec()), "{}", ran.stdout);
        }
        place.write("profiles/spare.toml", server.replace("control", "storage"));
        assert_eq!(codes(&place.run(&["--json", "check", "--profile", "spare"])), [""; 0]);
    }
}

#[test]
fn a_profile_is_checked_whether_or_not_there_is_a_cluster_and_each_of_the_workspace_is() {
    let place = fixture("C012-duplicate-address/good");
    // What nobody has is told, cluster or not.
    for place in [&place, &Place::new()] {
        let error = place.run(&["check", "--profile", "nope"]).fails(1);
        assert!(error.contains("no profile `nope`") && error.contains("`demo`"), "{error}");
    }
    // One that no node uses, and one of the program.
    place.write("profiles/spare.toml", "schema = 1\nextends = \"storage\"\n");
    place.write("profiles/common.toml", "schema = 1\nextends = \"base\"\n");
    for name in ["spare", "demo"] {
        let text = place.run(&["check", "--profile", name]).ok();
        assert!(text.lines().any(|line| line.starts_with(name) && line.contains("not locked")), "{text}");
        assert!(text.contains("nothing wrong in cluster.toml, the secrets, 1 profile"), "{text}");
    }
    let text = place.run(&["check"]).ok();
    assert!(text.lines().any(|line| line.starts_with("spare ")) && !text.contains("demo"), "{text}");

    // All that are broken are findings, at their places, and the rest of the workspace is looked at all the same.
    place.write("profiles/other.toml", "schema = 1\nextends = \"storage\"\npackagse = []\n");
    place.write("profiles/spare.toml", "schema = 1\nextends = \"storage\"\n[k3s]\nrole = \"agnet\"\n");
    let ran = place.run(&["--json", "check"]);
    assert_eq!((ran.code, codes(&ran)), (Some(1), vec!["C003-broken-profile".to_owned(); 2]), "{}", ran.stdout);
    let lines: Vec<Value> = findings(&ran).iter().map(|finding| finding["line"].clone()).collect();
    assert_eq!(lines, [3, 4]);
    let first: Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first["result"]["nodes"].as_array().unwrap().len(), 3, "{first}");
}

#[test]
fn a_profile_that_a_node_has_is_told_once_to_be_broken() {
    let place = fixture("C012-duplicate-address/good");
    let cluster = place.read("cluster.toml").replace("profile = \"gpu\"", "profile = \"mine\"");
    place.write("cluster.toml", cluster);
    place.write("profiles/mine.toml", "schema = 1\nextends = \"gpu\"\noverlays = [\"app\"]\n");
    place.write("overlays/app/overlay.toml", "schema = 1\n");
    // Manifests end in `.yaml`.
    place.write("overlays/app/manifests/a.yml", "");
    assert_eq!(codes(&place.run(&["--json", "check"])), ["C003-broken-profile"]);
}

#[test]
fn taints_of_one_key_and_several_effects_add_up() {
    let place = Place::new();
    let profile = |from: &str, taints: &str| format!("schema = 1\nextends = \"{from}\"\n[k3s]\ntaints = [{taints}]\n");
    place.write("profiles/more.toml", profile("node", "\"a:NoExecute\""));
    place.write("profiles/node.toml", profile("storage", "\"a=b:NoSchedule\", \"a=c:PreferNoSchedule\""));
    place.run(&["check", "--profile", "more"]).ok();
}
