//! What NVIDIA's program for hooks does in a container before it starts, if the image has that program.

use super::driver::{Driver, file, name_of};
use super::spec::Hook;
use crate::debian::version::Version;
use crate::effects::Context;
use crate::tree::Tree;

/// Where its package installs it (`packaging/debian/nvidia-container-toolkit-base.install`).
const PROGRAM: &str = "usr/bin/nvidia-cdi-hook";
/// The host's own, which `update-ldcache` runs (`cmd/nvidia-cdi-hook/update-ldcache/update-ldcache.go`).
const LDCONFIG: &str = "sbin/ldconfig";

/// The versions of the toolkit that brought what not all have: an earlier program ends with an error, and the container does
/// not start. Since 1.18 it only warns of hooks that it does not know (`cmd/nvidia-cdi-hook/commands/commands.go`).
const CUDA_COMPAT_SINCE: &str = "1.17.5";
const DEVICE_NODES_SINCE: &str = "1.18.0~";

/// The hooks that `nvidia-ctk cdi generate` writes for a card that computes (`internal/discover/hooks.go` and
/// `pkg/nvcdi/driver-nvml.go`), in its order; none if there is no program for them.
///
/// `update-application-profile` is not among them: it says which cards EGL and Vulkan may see.
pub(super) fn hooks(tree: &Tree, context: &Context<'_>, driver: &Driver) -> Vec<Hook> {
    if file(tree, PROGRAM).is_none() || file(tree, LDCONFIG).is_none() {
        return Vec::new();
    }
    let mut hooks = vec![hook("create-symlinks", options("--link", links(driver)))];
    if has(tree, context, CUDA_COMPAT_SINCE) {
        hooks.push(hook("enable-cuda-compat", vec![format!("--host-driver-version={}", driver.version)]));
    }
    let mut folders: Vec<String> = Vec::new();
    for library in &driver.libraries {
        let folder = format!("/{}", library.place().0);
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    hooks.push(hook("update-ldcache", options("--folder", folders)));
    if has(tree, context, DEVICE_NODES_SINCE) {
        hooks.push(hook("disable-device-node-modification", Vec::new()));
    }
    hooks
}

fn hook(name: &str, more: Vec<String>) -> Hook {
    let mut args = vec![name_of(PROGRAM).to_owned(), name.to_owned()];
    args.extend(more);
    Hook { stage: "createContainer", path: format!("/{PROGRAM}"), args, env: vec!["NVIDIA_CTK_DEBUG=false"] }
}

fn options(name: &str, values: Vec<String>) -> Vec<String> {
    values.into_iter().flat_map(|value| [name.to_owned(), value]).collect()
}

/// Whether the program is at least of this version. One that came without a package has none to go by.
fn has(tree: &Tree, context: &Context<'_>, since: &str) -> bool {
    let origin = tree.get(PROGRAM).map(|node| node.origin.as_str());
    let package = context.packages.iter().find(|package| Some(package.name.as_str()) == origin);
    let versions =
        package.and_then(|package| Some((Version::parse(&package.version).ok()?, Version::parse(since).ok()?)));
    versions.is_some_and(|(found, since)| found >= since)
}

/// Links for `create-symlinks`, as `TARGET::LINK` (`internal/discover/symlinks.go`): beside each library those that it has here
/// too, and some that programs ask for anyway.
fn links(driver: &Driver) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    for library in &driver.libraries {
        let (dir, name) = library.place();
        let mut add = |target: &str, link: &str| {
            let link = format!("{target}::/{dir}/{link}");
            if !links.contains(&link) {
                links.push(link);
            }
        };
        if let Some((target, link)) = expected(name) {
            add(target, link);
        }
        let is_here = |link: &str| library.links.contains(&format!("{dir}/{link}"));
        if library.soname != name && is_here(&library.soname) {
            add(name, &library.soname);
        }
        let bare = bare(&library.soname);
        if bare != library.soname && is_here(bare) {
            add(&library.soname, bare);
        }
    }
    links
}

/// The link that programs expect beside a library whether or not the host has it, and what it leads to (`getLinksForMount`).
pub(super) fn expected(name: &str) -> Option<(&str, &'static str)> {
    Some(match bare(name) {
        "libcuda.so" => ("libcuda.so.1", "libcuda.so"),
        "libGLX_nvidia.so" => (name, "libGLX_indirect.so.0"),
        "libnvidia-opticalflow.so" => ("libnvidia-opticalflow.so.1", "libnvidia-opticalflow.so"),
        _ => return None,
    })
}

/// A library's name without its version.
fn bare(name: &str) -> &str {
    name.find(".so").map_or(name, |end| &name[..end + ".so".len()])
}
