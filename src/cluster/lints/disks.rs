//! Data disks.

use std::collections::BTreeMap;

use super::{Inputs, Lint, Mistake, Theme, longhorn};
use crate::cluster::{Disk, Node};
use crate::diagnostic::Severity;

pub(super) const THEME: Theme = Theme {
    title: "Data disks",
    lints: &[DUPLICATE_LABEL, LONG_LABEL, NESTED_MOUNT, MOUNT_PLACE, STORAGE_WITHOUT_DISK],
};

/// Where a data disk may well be.
const LONGHORN: &str = "/var/lib/longhorn";

const DUPLICATE_LABEL: Lint = Lint {
    code: "C040-duplicate-disk-label",
    severity: Severity::Error,
    title: "Two data disks have the same label",
    why: "disks are found by label: a disk that is moved to another node, or a second one in the same node, would be \
          taken for the wrong one",
    find: duplicate_label,
};

const LONG_LABEL: Lint = Lint {
    code: "C041-long-disk-label",
    severity: Severity::Error,
    title: "A data disk's label is too long for its file system",
    why: "ext4 keeps 16 bytes of a label and xfs 12, so the node would wait for a label that no disk can have",
    find: long_label,
};

const NESTED_MOUNT: Lint = Lint {
    code: "C042-nested-mount",
    severity: Severity::Error,
    title: "Two data disks of a node have the same mount point, or one is inside the other",
    why: "one disk hides the other, and which one depends on the order of mounting",
    find: nested_mount,
};

const MOUNT_PLACE: Lint = Lint {
    code: "C043-mount-place",
    severity: Severity::Error,
    title: "A data disk has an impossible mount point",
    why: "only `/var` is writable, so only there can a mount point be made; and a disk over the system's own folders, or \
          over K3s's, hides what the node needs or dies with it",
    find: mount_place,
};

const STORAGE_WITHOUT_DISK: Lint = Lint {
    code: "C044-storage-without-disk",
    severity: Severity::Warning,
    title: "A storage node has no disk for Longhorn",
    why: "Longhorn would keep its replicas on the stick, in `/var/lib/longhorn` or where its `path` says: sticks are slow, die of it, and lose \
          them when they are written anew",
    find: storage_without_disk,
};

/// Every disk with its node and dotted key.
fn disks<'a>(inputs: &'a Inputs<'_>) -> impl Iterator<Item = (&'a Node, &'a Disk, String)> {
    inputs.cluster.nodes.values().flat_map(|node| disks_of(node).map(move |(disk, key)| (node, disk, key)))
}

fn disks_of(node: &Node) -> impl Iterator<Item = (&Disk, String)> {
    node.disks.iter().enumerate().map(|(index, disk)| (disk, format!("node.{}.disk.{index}", node.name)))
}

fn duplicate_label(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut owners = BTreeMap::new();
    let mut found = Vec::new();
    for (node, disk, key) in disks(inputs) {
        if let Some(owner) = owners.get(&disk.label) {
            let message =
                format!("a disk of `{}` has the label `{}`, and so has one of `{owner}`", node.name, disk.label);
            let hint = format!("put the node's name into it: `{}`", suggestion(node, disk));
            found.push(inputs.at_value(&format!("{key}.label"), message).hint(hint));
        } else {
            owners.insert(&disk.label, &node.name);
        }
    }
    found
}

/// A label with the node's name that is short enough.
fn suggestion(node: &Node, disk: &Disk) -> String {
    let longest = disk.filesystem.longest_label();
    [format!("longhorn-{}", node.name), format!("data-{}", node.name), node.name.clone()]
        .into_iter()
        .find(|label| label.len() <= longest)
        .unwrap_or_else(|| node.name.chars().take(longest).collect())
}

fn long_label(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let long = disks(inputs).filter(|(_, disk, _)| disk.label.len() > disk.filesystem.longest_label());
    long.map(|(node, disk, key)| {
        let (name, longest) = (disk.filesystem.name(), disk.filesystem.longest_label());
        let message = format!("`{}` has {} bytes, a label of {name} at most {longest}", disk.label, disk.label.len());
        let hint = format!("shorten it: `{}`", suggestion(node, disk));
        inputs.at_value(&format!("{key}.label"), message).hint(hint)
    })
    .collect()
}

fn nested_mount(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut found = Vec::new();
    for node in inputs.cluster.nodes.values() {
        for (index, (disk, key)) in disks_of(node).enumerate() {
            let nested = |other: &&Disk| is_within(&disk.mount, &other.mount) || is_within(&other.mount, &disk.mount);
            if let Some(other) = node.disks[..index].iter().find(nested) {
                let message = format!("`{}` and `{}` of `{}` overlap", disk.mount, other.mount, node.name);
                let hint = "mount each disk at a directory of its own, not inside another's";
                found.push(inputs.at_value(&format!("{key}.mount"), message).hint(hint));
            }
        }
    }
    found
}

fn mount_place(inputs: &Inputs<'_>) -> Vec<Mistake> {
    disks(inputs)
        .filter_map(|(_, disk, key)| {
            let mount = &disk.mount;
            let hint = format!("take a folder of its own such as `{LONGHORN}` or `/var/mnt/data`");
            Some(inputs.at_value(&format!("{key}.mount"), objection(mount)?).hint(hint))
        })
        .collect()
}

/// Why nothing can be mounted at `mount`.
fn objection(mount: &str) -> Option<String> {
    /// Directories that the system or K3s use themselves.
    const OWNED: [&str; 10] = [
        "/var/lib/rancher",
        "/var/lib/kubelet",
        "/var/lib/cni",
        "/var/lib/dpkg",
        "/var/lib/systemd",
        "/var/lib/private",
        "/var/log",
        "/var/tmp",
        "/var/cache",
        "/var/spool",
    ];
    /// What K3s's own local-path storage is made of; a disk may well take it.
    const LOCAL_PATH: &str = "/var/lib/rancher/k3s/storage";
    if mount == LOCAL_PATH {
        return None;
    }
    if !is_within(mount, "/var") || mount == "/var" {
        return Some(format!("`{mount}` is not below `/var`"));
    }
    let owned = OWNED.into_iter().find(|owned| is_within(mount, owned) || is_within(owned, mount))?;
    Some(if is_within(mount, owned) {
        format!("`{mount}` is inside `{owned}`, which the system itself uses")
    } else {
        format!("`{mount}` would hide the system's own `{owned}`")
    })
}

fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn storage_without_disk(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let place = longhorn::place(inputs);
    let mut found = Vec::new();
    for (node, profile) in inputs.nodes() {
        if longhorn::keeps_data(node, profile) && node.disks.iter().all(|disk| !is_within(place, &disk.mount)) {
            let message = format!("storage node `{}` has no disk at `{place}`", node.name);
            let hint = format!(
                "add its disk: [[node.{0}.disk]] with `label = \"longhorn-{0}\"` and `mount = \"{place}\"`",
                node.name
            );
            found.push(inputs.at_node(node, message).hint(hint));
        }
    }
    found
}
