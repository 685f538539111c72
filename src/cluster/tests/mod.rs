//! Through the room's face: a workspace in, a cluster, findings or a message out.

mod drivers;
mod manifests;
mod reading;
mod rules;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::diagnostic::Severity;
use crate::lock::Lock;
use crate::profile::Workspace;
use lints::{Finding, Inputs};
use secrets::{Secrets, Source};

/// A small cluster that no lint finds anything in.
const SOUND: &str = r#"schema = 1
name = "home"
server = "https://192.168.1.10:6443"
ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8vWqK0mD1tQ7yRk5cUe0oM3bLhXz2nGfP4sYdTwA9e you@laptop"]
gateway = "192.168.1.1"
dns = ["192.168.1.1"]

[node.worker]
profile = "storage"
board = "rpi4"

[[node.worker.disk]]
label = "longhorn-worker"
mount = "/var/lib/longhorn"
format = "if-blank"

[node.control]
profile = "control"
address = "192.168.1.10/24"
"#;

fn workspace(cluster: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(FILE), cluster).unwrap();
    dir
}

/// The cluster of this text.
fn cluster(text: &str) -> Cluster {
    load(&Workspace::open(workspace(text).path()).unwrap()).unwrap().unwrap()
}

/// What is wrong with this text: the message, and what to do about it.
fn refused(text: &str) -> (String, String) {
    match load(&Workspace::open(workspace(text).path()).unwrap()).unwrap_err() {
        ClusterError::Invalid(diagnostic) => (diagnostic.message.clone(), diagnostic.hint.clone().unwrap_or_default()),
        other => panic!("{other}"),
    }
}

/// The secrets of a fixture: a plain list, since git does not keep the mode that a real file must have.
fn secrets(root: &Path) -> Option<Secrets> {
    let text = fs::read_to_string(root.join("secrets.list")).ok()?;
    let mut secrets = Secrets::default();
    for (name, value) in text.lines().filter_map(|line| line.split_once(' ')) {
        secrets.insert(name, value.to_owned().into(), Source::File("secrets.list"));
    }
    Some(secrets)
}

/// All findings in a workspace, as `check` gathers them.
fn findings(root: &Path) -> Vec<Finding> {
    let workspace = Workspace::open(root).unwrap();
    let (cluster, places) = match load_with_places(&workspace) {
        Ok(loaded) => loaded.unwrap(),
        Err(error) => return vec![lints::unreadable(&error).unwrap()],
    };
    let lock = Lock::load(&root.join("imgbuild.lock")).unwrap();
    let secrets = secrets(root);
    let mut inputs = Inputs::gather(&workspace, &cluster, &places, lock.as_ref(), secrets.as_ref()).unwrap();
    inputs.today = Some(TODAY);
    lints::run(&inputs)
}

/// The day on which fixtures are checked.
const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 29);

/// The codes of all findings in a cluster file of its own.
fn codes(text: &str) -> Vec<&'static str> {
    findings(workspace(text).path()).iter().map(|finding| finding.code).collect()
}
