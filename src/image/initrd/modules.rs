//! Which kernel modules the initrd carries: what its job needs, and all that those depend on.

use std::collections::{BTreeMap, BTreeSet};

use super::InitrdError;
use crate::profile::Arch;

/// The way from a verified partition to a running root; any kernel must have them, as modules or built in.
/// `autofs4` and `loop` are for systemd and systemd-repart. Names in the style of `crypto-…` are what the kernel
/// asks for when it looks for an algorithm: they bring the architecture's accelerated versions, without
/// which each read of the root would be hashed by the generic code.
const REQUIRED: &[&str] = &[
    "autofs4",
    "crypto-crc32c",
    "crypto-sha256",
    "dm-mod",
    "dm-verity",
    "ext4",
    "loop",
    "overlay",
    "sd_mod",
    "squashfs",
    "usb-storage",
];

/// Hosts of the disk that holds the root, taken where the kernel has them: USB, SATA, `NVMe`, SD cards and QEMU's.
const DRIVERS: &[&str] = &[
    "ahci",
    "ehci-pci",
    "mmc_block",
    "nvme",
    "sdhci-pci",
    "uas",
    "virtio_blk",
    "virtio_pci",
    "virtio_scsi",
    "xhci-pci",
    "xhci-pci-renesas",
];

/// The same for 64-bit ARM: the Pi's PCI bridge, the reset line that loads its USB controller's firmware, the
/// USB port of a CM4, the SD card; and platform buses.
const DRIVERS_ARM64: &[&str] = &[
    "dwc2",
    "ehci-platform",
    "pcie-brcmstb",
    "phy-generic",
    "reset-raspberrypi",
    "sdhci-iproc",
    "virtio_mmio",
    "xhci-plat-hcd",
];

/// The kernel's own lists of modules, as depmod and the kernel's build left them in `usr/lib/modules/VERSION`.
#[derive(Debug)]
pub(super) struct Index<'a> {
    /// Module by name → its path and the paths of all it depends on (`modules.dep`).
    modules: BTreeMap<String, (&'a str, Vec<&'a str>)>,
    /// Module by name → modules to load before or after it (`modules.softdep`).
    soft: BTreeMap<String, Vec<&'a str>>,
    /// Exact alias → modules (`modules.alias`).
    aliases: BTreeMap<&'a str, Vec<&'a str>>,
    /// Names of what is linked into the kernel, and their exact aliases (`modules.builtin`, `modules.builtin.modinfo`).
    builtin: BTreeSet<String>,
}

impl<'a> Index<'a> {
    /// Reads the texts of `modules.dep`, `modules.softdep`, `modules.alias`, `modules.builtin` and
    /// `modules.builtin.modinfo` (NUL-separated `module.key=value`).
    pub(super) fn parse(dep: &'a str, softdep: &'a str, alias: &'a str, builtin: &'a str, modinfo: &'a str) -> Self {
        let mut soft: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for line in softdep.lines() {
            let mut words = line.split_ascii_whitespace();
            if words.next() == Some("softdep")
                && let Some(module) = words.next()
            {
                soft.entry(normal(module)).or_default().extend(words.filter(|word| !word.ends_with(':')));
            }
        }
        let mut aliases: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in alias.lines() {
            let mut words = line.split_ascii_whitespace();
            if let (Some("alias"), Some(alias), Some(module)) = (words.next(), words.next(), words.next()) {
                aliases.entry(alias).or_default().push(module);
            }
        }
        let modules = dep
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(path, needs)| (name_of(path), (path, needs.split_ascii_whitespace().collect())))
            .collect();
        let mut builtin: BTreeSet<String> = builtin.lines().map(name_of).collect();
        builtin
            .extend(modinfo.split('\0').filter_map(|item| item.split_once(".alias=")).map(|(_, alias)| normal(alias)));
        Self { modules, soft, aliases, builtin }
    }

    /// Paths, relative to the kernel's module directory, of what `arch` needs and of the modules named in `extra`,
    /// with all they depend on.
    ///
    /// # Errors
    /// A required module, or one of `extra`, that this kernel does not have.
    pub(super) fn choose(&self, arch: Arch, extra: &[String]) -> Result<BTreeSet<&'a str>, InitrdError> {
        let mut chosen = BTreeSet::new();
        for name in REQUIRED.iter().copied().chain(extra.iter().map(String::as_str)) {
            if !self.take(name, &mut chosen) {
                return Err(InitrdError::NoModule { module: name.to_owned() });
            }
        }
        let own = if arch == Arch::Arm64 { DRIVERS_ARM64 } else { &[] };
        for name in DRIVERS.iter().chain(own) {
            self.take(name, &mut chosen);
        }
        Ok(chosen)
    }

    /// Whether the kernel has the module or alias `name`, as a file or built in.
    pub(super) fn has(&self, name: &str) -> bool {
        let key = normal(name);
        self.modules.contains_key(&key) || self.builtin.contains(&key) || self.aliases.contains_key(name)
    }

    /// The names of all modules, of files and built in.
    pub(super) fn module_names(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().chain(&self.builtin).map(String::as_str)
    }

    /// Adds the module or alias `name` and what it depends on. Says whether the kernel has it, as a module or
    /// built in.
    fn take(&self, name: &str, chosen: &mut BTreeSet<&'a str>) -> bool {
        let key = normal(name);
        if let Some((path, needs)) = self.modules.get(&key) {
            if chosen.insert(path) {
                for path in needs {
                    self.take(&name_of(path), chosen);
                }
                // A soft dependency may be missing: that is what it is for.
                for name in self.soft.get(&key).into_iter().flatten() {
                    self.take(name, chosen);
                }
            }
            return true;
        }
        let named = self.aliases.get(name);
        for module in named.into_iter().flatten() {
            self.take(module, chosen);
        }
        named.is_some() || self.builtin.contains(&key)
    }
}

/// A module's name from its path: `kernel/fs/ext4/ext4.ko.xz` is `ext4`.
fn name_of(path: &str) -> String {
    let file = path.rsplit_once('/').map_or(path, |(_, file)| file);
    normal(file.split('.').next().unwrap_or(file))
}

/// Dashes and underscores are the same in module names.
fn normal(name: &str) -> String {
    name.replace('-', "_")
}
