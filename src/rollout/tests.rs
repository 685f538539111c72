//! A made-up cluster with overlays of its own, of which each shows one thing that a plan tells.

use std::fs;
use std::path::Path;

use super::*;
use crate::cluster::manifests::Home;
use crate::profile::Workspace;
use crate::{cluster, profile};

const CLUSTER: &str = r#"schema = 1
name = "home"
server = "https://192.168.1.10:6443"
ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8vWqK0mD1tQ7yRk5cUe0oM3bLhXz2nGfP4sYdTwA9e you@laptop"]

[k3s]
disable = ["servicelb", "local-storage"]

[node.control]
profile = "server"
address = "192.168.1.10/24"

[node.gpu]
profile = "gpu"

[node.worker]
profile = "storage"
labels = { "size" = "large" }

[[node.worker.disk]]
label = "longhorn-worker"
mount = "/var/lib/longhorn"
format = "if-blank"
"#;

fn chart(name: &str, more: &str, values: &str) -> String {
    format!(
        "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {{name: {name}, namespace: kube-system}}\nspec:\n  repo: \
         https://charts.example.org\n  chart: {name}\n  version: 1.2.3\n  targetNamespace: {name}\n  createNamespace: true\n  \
         failurePolicy: abort\n{more}  valuesContent: |-\n    a: 1\n{values}"
    )
}

/// An overlay: its name, more of its `overlay.toml`, and files of manifests.
type OfOverlay<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

/// The plan of a server with these overlays.
fn plan_of(overlays: &[OfOverlay<'_>]) -> Rollout {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
        fs::write(path, text).unwrap();
    };
    let names: Vec<&str> = overlays.iter().map(|(name, ..)| *name).collect();
    write("profiles/server.toml", &format!("schema = 1\nextends = \"control\"\noverlays = {names:?}\n"));
    write("cluster.toml", CLUSTER);
    for (name, toml, files) in overlays {
        write(&format!("overlays/{name}/overlay.toml"), &format!("schema = 1\ndescription = \"Of {name}\"\n{toml}\n"));
        for (file, text) in *files {
            write(&format!("overlays/{name}/manifests/{file}"), text);
        }
    }
    let workspace = Workspace::open(dir.path()).unwrap();
    let cluster = cluster::load(&workspace).unwrap().unwrap();
    let load = |node: &cluster::Node| (node.profile.clone(), profile::load(&workspace, &node.profile).unwrap());
    let profiles = cluster.nodes.values().map(load).collect();
    plan(Inputs { cluster: &cluster, profiles: &profiles, secrets: Some(&crate::cluster::secrets::Secrets::default()) })
}

fn waits(plan: &Rollout, id: &str) -> Vec<String> {
    plan.step(id).unwrap().waits_for.iter().map(|wait| wait.any_of.join(" ")).collect()
}

#[test]
fn nothing_comes_before_what_it_waits_for() {
    let plan = plan_of(&[
        ("pages", "needs = [\"volumes\"]", &[("pages-10-chart.yaml", &chart("pages", "", ""))]),
        ("disks", "provides = [\"volumes\"]", &[("zdisks-10-chart.yaml", &chart("disks", "  bootstrap: true\n", ""))]),
    ]);
    assert_eq!(waits(&plan, "seed/pages"), ["seed/disks", "join/worker"]);
    assert_eq!(waits(&plan, "seed/disks"), [""; 0]);
    assert_eq!(waits(&plan, "k3s/traefik"), ["server/control", "join/worker"]);
    assert_eq!(waits(&plan, "join/gpu"), ["start/gpu", "server/control"]);
    for (place, step) in plan.steps.iter().enumerate() {
        for id in step.waits_for.iter().flat_map(|wait| &wait.any_of) {
            let other = plan.steps.iter().position(|other| other.id == *id);
            assert!(other.is_some_and(|other| other < place), "{} before {id}", step.id);
        }
    }
    assert!(plan.step("k3s/servicelb").is_none() && plan.step("k3s/local-storage").is_none());
}

#[test]
fn pods_go_where_taints_labels_and_architecture_let_them() {
    let runs = |values: &str| {
        let plan = plan_of(&[("app", "", &[("app-10-chart.yaml", &chart("app", "", values))])]);
        let step = plan.step("seed/app").unwrap();
        (step.runs_on.join(" "), step.also_on.join(" "), step.nowhere.join(" "))
    };
    let is = |runs: &str, also: &str, nowhere: &str| (runs.to_owned(), also.to_owned(), nowhere.to_owned());
    assert_eq!(runs(""), is("worker", "", ""));
    assert_eq!(runs("    nodeSelector: {size: large}\n"), is("worker", "", ""));
    assert_eq!(runs("    nodeSelector: {kubernetes.io/arch: amd64}\n"), is("", "", "app"));
    let gpu = "    tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]\n";
    assert_eq!(runs(gpu), is("gpu worker", "", ""));
    assert_eq!(runs("    agent:\n      tolerations:\n        - operator: Exists\n"), is("worker", "control gpu", ""));
    assert_eq!(runs("    agent:\n      tolerations: [{key: nvidia.com/gpu, value: other}]\n"), is("worker", "", ""));
}

#[test]
fn files_tell_what_they_bring_and_what_they_are_tried_again_for() {
    let pool = "apiVersion: metallb.io/v1beta1\nkind: IPAddressPool\nmetadata: {name: lan, namespace: metallb}\nspec: {addresses: [192.168.1.200/29]}\n";
    let page = "apiVersion: v1\nkind: Service\nmetadata: {name: page}\nspec: {type: LoadBalancer}\n---\napiVersion: networking.k8s.io/v1\nkind: \
                Ingress\nmetadata: {name: page}\nspec: {rules: [{host: page.home.arpa}]}\n---\napiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: \
                {name: page}\nspec: {routes: [{match: 'Host(`other.home.arpa`) && PathPrefix(`/`)'}]}\n";
    let plan = plan_of(&[
        (
            "metallb",
            "provides = [\"load-balancer\"]",
            &[("metallb-10-chart.yaml", &chart("metallb", "  bootstrap: true\n", "")), ("metallb-20-pool.yaml", pool)],
        ),
        ("page", "", &[("page-10-page.yaml", page), ("page-20-secret.yaml", "a: {{ secrets.page_key }}\n")]),
        ("wrong", "", &[("wrong-10-page.yaml", "a: {{ cluster.values.nothing }}\n")]),
    ]);
    let metallb = plan.step("seed/metallb").unwrap();
    assert_eq!(metallb.files[1].until.as_deref(), Some("metallb"));
    assert!(metallb.addresses.contains("192.168.1.200/29"));
    let page = plan.step("seed/page").unwrap();
    assert_eq!(page.hosts.iter().collect::<Vec<_>>(), ["other.home.arpa", "page.home.arpa"]);
    assert_eq!(waits(&plan, "seed/page"), ["k3s/traefik", "seed/metallb"]);
    assert_eq!(page.files[1].from, Home::Seed);
    assert_eq!(plan.state_of("page-key"), SecretState::Missing);
    let text = plan.text();
    for part in [
        "again until metallb has defined them",
        "page-key (missing)",
        "https://page.home.arpa",
        "not known: `cluster.values.nothing` is not set",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn overlays_that_wait_for_each_other_are_all_told() {
    let plan = plan_of(&[
        ("one", "needs = [\"two\"]", &[("one-10-chart.yaml", &chart("one", "", ""))]),
        ("two", "needs = [\"one\"]", &[("two-10-chart.yaml", &chart("two", "", ""))]),
    ]);
    assert!(plan.step("seed/one").is_some() && plan.step("seed/two").is_some());
    assert!(plan.svg().contains(">two</text>"));
}

/// Attributes of a line of the picture.
fn number(line: &str, name: &str) -> usize {
    line.split(&format!(" {name}=\""))
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}

#[test]
fn in_the_picture_no_words_overlap_whatever_they_are() {
    let long = "a-name-of-an-overlay-that-is-as-long-as-names-may-ever-be";
    let hostile = "<script>alert('x')</script> & \"quotes\"";
    let plan = plan_of(&[
        (
            long,
            "provides = [\"first\"]",
            &[("long-10-chart.yaml", &chart("a-chart-with-a-name-that-is-much-too-long-for-a-box", "", ""))],
        ),
        ("next", "needs = [\"first\"]", &[("next-10-chart.yaml", &chart("next", "", ""))]),
    ]);
    let mut plan = plan;
    for step in &mut plan.steps {
        step.hosts.insert(hostile.to_owned());
        step.secrets.insert("a-secret-with-a-name-that-is-much-too-long".to_owned());
    }
    let svg = plan.svg();
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"), "{svg}");
    assert_eq!(svg, plan.svg());
    let boxes: Vec<[usize; 4]> = svg
        .lines()
        .filter(|line| line.starts_with("<rect class=\"box") && number(line, "height") > 14)
        .map(|line| [number(line, "x"), number(line, "y"), number(line, "width"), number(line, "height")])
        .collect();
    assert!(boxes.len() > 8, "{boxes:?}");
    for (place, [x, y, width, height]) in boxes.iter().enumerate() {
        for [left, top, wide, high] in &boxes[place + 1..] {
            let apart = x + width <= *left || left + wide <= *x || y + height <= *top || top + high <= *y;
            assert!(apart, "boxes at {x} {y} and {left} {top}");
        }
    }
    let mut words: Vec<[usize; 4]> = Vec::new();
    for line in svg.lines().filter(|line| line.starts_with("<text")) {
        let (x, y) = (number(line, "x"), number(line, "y"));
        let text = line.split('>').nth(1).unwrap().split('<').next().unwrap();
        let text = text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
            .replace("&quot;", "\"")
            .replace("&#39;", "'");
        words.push([x, y - 11, text.chars().count() * 7, 14]);
    }
    for (place, [x, y, width, height]) in words.iter().enumerate() {
        for [left, top, wide, high] in &words[place + 1..] {
            let apart = x + width <= *left || left + wide <= *x || y + height <= *top || top + high <= *y;
            assert!(apart, "words at {x} {y} and {left} {top}");
        }
    }
}
