use std::fmt::Write as _;

use tempfile::TempDir;

use super::*;
use crate::cluster::load;
use crate::cluster::secrets::{AGENT_TOKEN, DATASTORE_URL, IDENTITY_SEED, SERVER_TOKEN, Source};
use crate::profile::{self, Workspace};
use crate::tree::Kind;

const CLUSTER: &str = r#"schema = 1
name = "home"
server = "https://192.168.1.10:6443"
tls_names = ["control.lan"]
ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8vWqK0mD1tQ7yRk5cUe0oM3bLhXz2nGfP4sYdTwA9e you@laptop"]
gateway = "192.168.1.1"
dns = ["192.168.1.1"]

[datastore]
ca = "datastore-ca.pem"

[[registry]]
host = "docker.io"
endpoints = ["https://registry.lan:5000", "https://mirror.lan/v2/hub"]
ca = "registry-ca.pem"
auth = { username = "puller", password = "registry-password" }

[[registry]]
host = "ghcr.io"

[k3s]
disable = ["servicelb"]

[overlay.app]
pool = "192.168.1.200/29"

[node.control]
profile = "server"
address = "192.168.1.10/24"
labels = { "example.org/rack" = "1" }

[node.pi1]
profile = "storage"
mac = "dc:a6:32:00:00:01"

[[node.pi1.disk]]
label = "longhorn-pi1"
mount = "/var/lib/longhorn"
format = "if-blank"
"#;

/// With what the cluster sets, once and not.
const APP: &str = r#"schema = 1

[params.pool]
description = "Addresses for services"
set_by = "cluster"
default = "10.0.0.0/8"

[params.replicas]
description = "How many there are"
set_by = "cluster"
default = 2
"#;

const SERVER: &str = "server-token-of-the-test";
const AGENT: &str = "agent-token-of-the-test";
const PASSWORD: &str = "password-of-the-registry";
const URL: &str = "postgres://k3s:kept%20quiet@db.example.org:6432/k3s";

fn secrets() -> Secrets {
    let mut secrets = Secrets::default();
    let seed = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    for (name, value) in [
        (SERVER_TOKEN, SERVER),
        (AGENT_TOKEN, AGENT),
        (IDENTITY_SEED, seed),
        (DATASTORE_URL, URL),
        ("deploy-key", "key of the test"),
        ("registry-password", PASSWORD),
    ] {
        secrets.insert(name, value.to_owned().into(), Source::File("test"));
    }
    secrets
}

/// A workspace with a server that has a public manifest, one of the cluster and one with a secret.
fn workspace() -> TempDir {
    let dir = TempDir::new().unwrap();
    for (path, text) in [
        ("cluster.toml", CLUSTER),
        ("profiles/server.toml", "schema = 1\nextends = \"control\"\ndescription = \"x\"\noverlays = [\"app\"]\n"),
        ("overlays/app/overlay.toml", APP),
        ("overlays/app/manifests/app-1.yaml", "name: {{ profile.name }}\n"),
        ("overlays/app/manifests/app-2.yaml", "name: {{ cluster.name }}\n"),
        ("overlays/app/manifests/app-4.yaml", "pool: {{ params.pool }} of {{ params.replicas }}\n"),
        ("overlays/app/manifests/app-3.yaml", "key: {{ secrets.deploy_key | b64encode }}\n"),
    ] {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

fn seed_with(node: &str, profile: &str, secrets: &Secrets, ca: Option<&[u8]>) -> Result<Seed, SeedError> {
    let dir = workspace();
    let workspace = Workspace::open(dir.path()).unwrap();
    let cluster = load(&workspace).unwrap().unwrap();
    let profile = profile::load(&workspace, profile).unwrap();
    let node = cluster.node(node).unwrap();
    let registry_cas = BTreeMap::from([("registry-ca.pem".to_owned(), b"the registry's CA\n".to_vec())]);
    make(&Inputs { cluster: &cluster, node, profile: &profile, secrets, datastore_ca: ca, registry_cas: &registry_cas })
}

fn seed(node: &str, profile: &str) -> Seed {
    seed_with(node, profile, &secrets(), Some(b"the CA\n")).unwrap()
}

/// Every file: mode, path, content.
fn listing(seed: &Seed) -> String {
    let mut text = String::new();
    for (path, node) in seed.tree.iter() {
        if let Kind::File(content) = &node.kind {
            let content = content.text().unwrap();
            // Its form is OpenSSH's, and tests of identity read it.
            let content = if path.ends_with("ed25519_key") { "(private key)\n" } else { &content };
            writeln!(text, "{:04o} {path}\n{}", node.mode, indent(content)).unwrap();
        }
    }
    text
}

fn indent(text: &str) -> String {
    text.lines().flat_map(|line| ["    ", line, "\n"]).collect()
}

#[test]
fn the_seed_of_a_server() {
    insta::assert_snapshot!(listing(&seed("control", "server")));
}

#[test]
fn the_seed_of_an_agent() {
    insta::assert_snapshot!(listing(&seed("pi1", "storage")));
}

#[test]
fn an_agent_gets_nothing_that_is_the_servers() {
    let text = listing(&seed("pi1", "storage"));
    for secret in [SERVER, URL, "kept quiet", "deploy", "a2V5"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(text.contains(AGENT));
}

#[test]
fn what_holds_a_secret_is_for_root_alone() {
    let seed = seed("control", "server");
    for (path, node) in seed.tree.iter() {
        let Kind::File(content) = &node.kind else { continue };
        let text = content.text().unwrap();
        let private =
            seed.private.iter().map(|(_, secret)| secret.expose()).chain([SERVER, AGENT, URL, PASSWORD, "a2V5IG9m"]);
        if private.into_iter().any(|secret| text.contains(secret)) {
            assert_eq!(node.mode, 0o600, "{path}");
        }
    }
}

#[test]
fn the_same_node_gets_the_same_seed_and_another_one_another() {
    assert_eq!(listing(&seed("control", "server")), listing(&seed("control", "server")));
    let ids = ["control", "pi1"].map(|node| seed(node, "storage").tree.file("etc/machine-id").unwrap().text().unwrap());
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_seed_that_would_not_make_the_node_is_refused_with_the_cure() {
    let error = seed_with("control", "server", &secrets(), None).unwrap_err();
    assert!(error.hint().unwrap().contains("[datastore] ca"), "{error}");
    let mut lacking = Secrets::default();
    for (name, value) in secrets().iter().filter(|(name, _)| *name != "registry-password") {
        lacking.insert(name, value.clone(), Source::File("test"));
    }
    let error = seed_with("pi1", "storage", &lacking, None).unwrap_err();
    assert!(
        matches!(&error, SeedError::Secret(SecretsError::Unset { name }) if name == "registry-password"),
        "{error}"
    );
    let error = seed_with("control", "server", &Secrets::default(), Some(b"CA")).unwrap_err();
    assert!(matches!(&error, SeedError::Secret(SecretsError::Unset { name }) if name == IDENTITY_SEED), "{error}");
    let error = seed_with("control", "demo", &secrets(), Some(b"CA")).unwrap_err();
    assert!(matches!(error, SeedError::Standalone(_)), "{error}");
}

#[test]
fn a_host_that_the_nodes_scripts_could_not_read_is_refused() {
    let mut odd = secrets();
    odd.insert(DATASTORE_URL, "postgres://k3s:pw@h'x/k3s".to_owned().into(), Source::File("test"));
    let error = seed_with("control", "server", &odd, Some(b"CA")).unwrap_err();
    assert!(matches!(&error, SeedError::Secret(SecretsError::Unfit { name, .. }) if name == DATASTORE_URL), "{error}");
}
