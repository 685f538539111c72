//! K3s in an image: the program, its configuration, its unit, and what it needs around it.
//!
//! Everything here follows from the profile alone; what a cluster or a node adds comes with the seed, in
//! `/etc/rancher/k3s/config.yaml.d/`, which K3s reads after the image's own file. Goes into the tree before effects, so
//! that these enable the unit and files of overlays win.

mod config;
mod units;

pub use config::config;

use crate::profile::{K3s, Profile, Role};
use crate::tree::{Content, Node, Tree, TreeError};

/// Origin of the nodes made here.
const ORIGIN: &str = "imgbuild:k3s";

/// The program.
const BINARY: &str = "usr/local/bin/k3s";
/// Names under which the program is another one.
const LINKS: [&str; 3] = ["usr/local/bin/kubectl", "usr/local/bin/crictl", "usr/local/bin/ctr"];
/// Where the container images are that K3s imports.
const IMAGES: &str = "usr/share/imgbuild/airgap";

/// Path, mode, text: the same for every node.
const FILES: &[(&str, u16, &str)] = &[
    ("usr/lib/imgbuild/k3s-killall", 0o755, include_str!("files/k3s-killall")),
    ("usr/lib/imgbuild/k3s-prepare", 0o755, include_str!("files/k3s-prepare")),
    ("usr/lib/systemd/system/k3s-pods.service", 0o644, include_str!("files/k3s-pods.service")),
    ("usr/lib/tmpfiles.d/imgbuild-k3s.conf", 0o644, include_str!("files/tmpfiles.conf")),
];

/// The files of a release that go into an image.
#[derive(Debug, Clone)]
pub struct Files {
    pub binary: Content,
    /// The bundle of container images, if the profile wants it.
    pub images: Option<Content>,
}

/// Puts K3s into `tree`; gives the profile with its unit enabled.
///
/// # Errors
/// A file of a package that stands where a directory must be.
pub fn install(tree: &mut Tree, profile: &Profile, files: &Files) -> Result<Profile, TreeError> {
    let mut profile = profile.clone();
    let Some(k3s) = &profile.k3s else { return Ok(profile) };
    let mut put = |path: &str, node: Node| tree.put(path, node.from(ORIGIN));
    put(BINARY, Node::file(0o755, files.binary.clone()))?;
    for link in LINKS {
        put(link, Node::symlink("k3s"))?;
    }
    for (path, mode, text) in FILES {
        put(path, Node::file(*mode, *text))?;
    }
    if let Some(images) = &files.images {
        put(
            &format!("{IMAGES}/{}", images_name(k3s, images, profile.board.arch().name())),
            Node::file(0o644, images.clone()),
        )?;
    }
    put("usr/share/imgbuild/manifests", Node::dir(0o755))?;
    put("etc/rancher/k3s/config.yaml", Node::file(0o644, config(k3s)))?;
    let unit = units::name(k3s.role);
    put(&format!("usr/lib/systemd/system/{unit}"), Node::file(0o644, units::service(k3s)))?;
    if k3s.role == Role::Server && !k3s.standalone {
        put(&format!("usr/lib/systemd/system/{}", units::SERVER_MOUNT), Node::file(0o644, units::server_mount()))?;
    }
    profile.enable.push(unit.to_owned());
    Ok(profile)
}

/// K3s imports a bundle again when its name, size or time changed, and here all times are alike: so the name tells both
/// the release and the content.
fn images_name(k3s: &K3s, images: &Content, arch: &str) -> String {
    format!("k3s-airgap-images-{}-{arch}-{}.tar.zst", k3s.version, &images.digest().to_string()[..12])
}

#[cfg(test)]
mod tests;
