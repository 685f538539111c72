//! What a container is given that asks for an NVIDIA card: a specification of the Container Device Interface (CDI), which
//! containerd reads from `/etc/cdi`.
//!
//! It is what `nvidia-ctk cdi generate` writes on a machine with a card (`pkg/nvcdi/` of NVIDIA/nvidia-container-toolkit), as far as
//! that can be known from the driver's files: [`driver`] finds them, [`hooks`] says what NVIDIA's program does in a container, [`spec`] is the
//! file. What only a running machine knows is left out: more than one card, nodes of `/dev/dri`, sockets of daemons.
//!
//! `/dev/nvidia-modeset` is left out too: it is there only while its module is loaded, a node that is missing keeps a container
//! from starting, and only displays need it (`src/nvc_mount.c` of NVIDIA/libnvidia-container).

mod driver;
mod hooks;
mod spec;

use std::collections::BTreeMap;

use super::ldconfig::children;
use super::{Context, EffectError};
use crate::profile::Arch;
use crate::tree::{Node, Tree};
use driver::{Driver, file, name_of};
use spec::{ContainerEdits, Device, DeviceNode, KIND, Mount, Spec};

const PATH: &str = "etc/cdi/nvidia.json";

/// The one card that is described, and what all cards share. Of several cards each has its number.
const CARD: &str = "/dev/nvidia0";
const SHARED: [&str; 3] = ["/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidiactl"];

/// The driver's programs, and where they are looked for (`newDriverBinariesDiscoverer` in `pkg/nvcdi/driver-nvml.go`,
/// `pkg/lookup/path.go`).
const PROGRAMS: [&str; 7] = [
    "nvidia-smi",
    "nvidia-debugdump",
    "nvidia-persistenced",
    "nvidia-cuda-mps-control",
    "nvidia-cuda-mps-server",
    "nvidia-imex",
    "nvidia-imex-ctl",
];
const PROGRAM_DIRS: [&str; 6] = ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"];

/// What libraries for computing read beside themselves: that there is an `OpenCL` of NVIDIA's, and the data of `OptiX`
/// (`newGraphicsConfigsDiscoverer` in `internal/discover/graphics.go`, which has those of displays too).
const DATA: [&str; 2] = ["etc/OpenCL/vendors/nvidia.icd", "usr/share/nvidia/nvoptix.bin"];

/// Where packages put the firmware of the card's system processor: `/lib` is a link.
const FIRMWARE: &str = "usr/lib/firmware/nvidia";

/// Describes the card of the driver that is in the tree, if there is one. Comes after all that adds, removes or links its files.
///
/// A specification of the same kind that a package or the profile brought wins, as does a profile that drops the file.
///
/// # Errors
/// Libraries of several drivers; a file that cannot be read.
pub fn cdi(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let arch = context.profile.board.arch();
    let Some(driver) = driver::find(tree, arch)? else { return Ok(()) };
    if context.profile.dropped().is_match(PATH) || is_described(tree)? {
        return Ok(());
    }
    let spec = describe(tree, context, &driver, arch);
    tree.put(PATH, Node::file(0o644, spec.json()).from("effect:cdi"))?;
    Ok(())
}

/// Whether `/etc/cdi` has devices of this kind already: of two files in one directory that have the same device, neither
/// counts (`refresh` in `pkg/cdi/cache.go`).
fn is_described(tree: &Tree) -> Result<bool, EffectError> {
    let dir = tree.resolve("etc/cdi", true)?;
    for name in children(tree, &dir).filter(|name| matches!(name.rsplit_once('.'), Some((_, "json" | "yaml")))) {
        let path = format!("{dir}/{name}");
        let Some(content) = tree.file(&path) else { continue };
        let bytes = content.read().map_err(|source| EffectError::Read { path, source })?;
        if bytes.windows(KIND.len()).any(|window| window == KIND.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn describe(tree: &Tree, context: &Context<'_>, driver: &Driver, arch: Arch) -> Spec {
    let device = |name| {
        let device_nodes = vec![DeviceNode { path: CARD }];
        Device { name, container_edits: ContainerEdits { device_nodes, ..ContainerEdits::default() } }
    };
    let hooks = hooks::hooks(tree, context, driver);
    let (dirs, mut mounts) = if hooks.is_empty() {
        let system = format!("/usr/lib/{}", arch.triplet());
        (system.clone(), named(driver, &system))
    } else {
        let dirs: Vec<String> = driver.dirs.iter().map(|dir| format!("/{dir}")).collect();
        let mounts = driver.libraries.iter().map(|library| Mount::new(&library.file, format!("/{}", library.file)));
        (dirs.join(":"), mounts.collect())
    };
    mounts.extend(firmware(tree, &driver.version));
    mounts.extend(PROGRAMS.iter().filter_map(|name| program(tree, name)));
    mounts.extend(DATA.iter().filter_map(|path| Some(Mount::new(&file(tree, path)?, format!("/{path}")))));
    mounts.sort_by(|one, other| one.order().cmp(&other.order()));
    // `void`: where NVIDIA's runtime starts the container, it shall not add anything (`pkg/nvcdi/wrapper.go`).
    let env = vec![format!("NVIDIA_CTK_LIBCUDA_DIR={dirs}"), "NVIDIA_VISIBLE_DEVICES=void".to_owned()];
    let device_nodes = SHARED.map(|path| DeviceNode { path }).into();
    Spec::new(vec![device("0"), device("all")], ContainerEdits { env, device_nodes, hooks, mounts })
}

/// Libraries for a container in which nothing makes links and no `ldconfig` runs: each under every name that it has, in the directory
/// that Debian's and Ubuntu's loaders search without being told.
fn named(driver: &Driver, system: &str) -> Vec<Mount> {
    let mut mounts: BTreeMap<String, &str> = BTreeMap::new();
    for library in &driver.libraries {
        let name = name_of(&library.file);
        let mut names = vec![name, &library.soname];
        names.extend(library.links.iter().map(|link| name_of(link)));
        names.extend(hooks::expected(name).map(|(_, link)| link));
        let below = if library.vdpau { "/vdpau" } else { "" };
        for name in names {
            mounts.entry(format!("{system}{below}/{name}")).or_insert(&library.file);
        }
    }
    mounts.into_iter().map(|(place, file)| Mount::new(file, place)).collect()
}

/// As `newDriverFirmwareDiscoverer` has it.
fn firmware(tree: &Tree, version: &str) -> Vec<Mount> {
    let dir = format!("{FIRMWARE}/{version}");
    let is_firmware = |name: &&str| matches!(name.rsplit_once('.'), Some((stem, "bin")) if stem.starts_with("gsp"));
    let names = children(tree, &dir).filter(is_firmware);
    let place = |name| format!("/lib/firmware/nvidia/{version}/{name}");
    names.filter_map(|name| Some(Mount::new(&file(tree, &format!("{dir}/{name}"))?, place(name)))).collect()
}

/// A program of the driver, as the search path has it.
fn program(tree: &Tree, name: &str) -> Option<Mount> {
    PROGRAM_DIRS.iter().find_map(|dir| {
        let path = format!("{dir}/{name}");
        let file = file(tree, &path)?;
        Some(Mount::new(&file, format!("/{path}")))
    })
}

#[cfg(test)]
mod tests;
