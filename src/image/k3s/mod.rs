//! K3s in an image: where its program goes, its configuration, its unit, and what it needs around it.
//!
//! Everything here follows from the profile alone; what a cluster or a node adds comes with the seed, in
//! `/etc/rancher/k3s/config.yaml.d/`, which K3s reads after the image's own file. Goes into the tree before effects, so
//! that files of overlays win.

mod config;
mod units;

pub use config::config;

use std::collections::BTreeMap;

use crate::profile::{Arch, Profile, Role};
use crate::tree::{Digest, Node, Tree, TreeError};

/// Origin of K3s's nodes.
pub const ORIGIN: &str = "imgbuild:k3s";

/// The program.
const BINARY: &str = "usr/local/bin/k3s";
/// Names under which the program is another one.
const LINKS: [&str; 3] = ["usr/local/bin/kubectl", "usr/local/bin/crictl", "usr/local/bin/ctr"];
/// Where the container images are that K3s imports.
const IMAGES: &str = "usr/share/imgbuild/airgap";

/// Where the charts are that a server gives to the jobs that install them.
pub const CHARTS: &str = "usr/share/imgbuild/charts";

/// Where the manifests are that K3s applies.
pub const MANIFESTS: &str = "usr/share/imgbuild/manifests";
/// Tells the gate that this node needs nobody.
const STANDALONE: &str = "usr/lib/imgbuild/standalone";

/// Path, mode, text: the same for every node.
const FILES: &[(&str, u16, &str)] = &[
    ("usr/lib/imgbuild/k3s-killall", 0o755, include_str!("files/k3s-killall")),
    ("usr/lib/imgbuild/k3s-prepare", 0o755, include_str!("files/k3s-prepare")),
    ("usr/lib/systemd/network/50-pod-network.link", 0o644, include_str!("files/50-pod-network.link")),
    ("usr/lib/systemd/system/k3s-pods.service", 0o644, include_str!("files/k3s-pods.service")),
    ("usr/lib/tmpfiles.d/imgbuild-k3s.conf", 0o644, include_str!("files/tmpfiles.conf")),
];

/// Path and mode of the locked artifact `name` of `release`, whose digest is `sha256`; none if it is not one of K3s's.
#[must_use]
pub fn place_of(name: &str, release: &str, arch: Arch, sha256: &Digest) -> Option<(String, u16)> {
    match name {
        "k3s" => Some((BINARY.to_owned(), 0o755)),
        "k3s-airgap-images" => Some((format!("{IMAGES}/{}", images_name(release, sha256, arch.name())), 0o644)),
        _ => None,
    }
}

/// Where the archive of the container image `name` lies, whose content has this digest.
#[must_use]
pub fn preloaded(name: &str, sha256: &Digest) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
    let words = name.rsplit('/').next().unwrap_or(name).replace(|char| !is_plain(char), "-");
    let words: String = words.chars().take(100).collect();
    // As with the bundle, name and size decide whether K3s imports it again.
    format!("{IMAGES}/{words}-{}.tar", &sha256.to_string()[..12])
}

/// Puts into `tree` what K3s needs around it; `manifests` are texts that are the same in every cluster, by file name.
///
/// # Errors
/// A file of a package that stands where a directory must be.
pub fn install(tree: &mut Tree, profile: &Profile, manifests: &BTreeMap<String, String>) -> Result<(), TreeError> {
    let Some(k3s) = &profile.k3s else { return Ok(()) };
    let mut put = |path: &str, node: Node| tree.put(path, node.from(ORIGIN));
    for link in LINKS {
        put(link, Node::symlink("k3s"))?;
    }
    for (path, mode, text) in FILES {
        put(path, Node::file(*mode, *text))?;
    }
    put(MANIFESTS, Node::dir(0o755))?;
    if k3s.role == Role::Server {
        for (name, text) in manifests {
            put(&format!("{MANIFESTS}/{name}"), Node::file(0o644, text.as_str()))?;
        }
    }
    put("etc/rancher/k3s/config.yaml", Node::file(0o644, config(k3s)))?;
    put(&format!("usr/lib/systemd/system/{}", units::name(k3s.role)), Node::file(0o644, units::service(k3s)))?;
    if k3s.standalone {
        // Lets the node's gate start K3s without a seed.
        put(STANDALONE, Node::file(0o644, ""))?;
    } else if k3s.role == Role::Server {
        put(&format!("usr/lib/systemd/system/{}", units::SERVER_MOUNT), Node::file(0o644, units::server_mount()))?;
    }
    Ok(())
}

/// K3s imports a bundle again when its name, size or time changed, and here all times are alike: so the name tells both
/// the release and the content.
fn images_name(release: &str, sha256: &Digest, arch: &str) -> String {
    format!("k3s-airgap-images-{release}-{arch}-{}.tar.zst", &sha256.to_string()[..12])
}

#[cfg(test)]
mod tests;
