//! The resolved profile: what every later room reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::{KernelModule, Marks, Origin, Overlay, Params, PinnedImage};
use crate::diagnostic::SourceText;
use crate::tree::{Content, Digest};

/// A board family: decides architecture, boot files and partition 1 and 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Board {
    /// Raspberry Pi 4, 400, CM4: the Pi's own firmware loads kernel and initrd from FAT.
    #[serde(rename = "rpi4")]
    Rpi4,
    /// A 64-bit ARM machine with UEFI (also QEMU `virt`).
    #[serde(rename = "uefi-arm64")]
    UefiArm64,
    /// A 64-bit PC with UEFI.
    #[serde(rename = "uefi-amd64")]
    UefiAmd64,
}

impl Board {
    /// The name used in profiles.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rpi4 => "rpi4",
            Self::UefiArm64 => "uefi-arm64",
            Self::UefiAmd64 => "uefi-amd64",
        }
    }

    /// Its Debian architecture.
    #[must_use]
    pub fn arch(self) -> Arch {
        match self {
            Self::Rpi4 | Self::UefiArm64 => Arch::Arm64,
            Self::UefiAmd64 => Arch::Amd64,
        }
    }
}

/// A Debian architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    Amd64,
    Arm64,
}

impl Arch {
    /// Debian's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Debian's multiarch triplet, the name of its library directory.
    #[must_use]
    pub fn triplet(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-linux-gnu",
            Self::Arm64 => "aarch64-linux-gnu",
        }
    }
}

/// A resolved profile.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// Its file's name without `.toml`.
    pub name: String,
    /// One line for people.
    pub description: String,
    pub board: Board,
    /// Lines of a Raspberry Pi's `config.txt` behind the image's own; none on other boards. A filter may be in force behind the
    /// last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config_txt: Vec<String>,
    /// Static host name; an unseeded image without one is called `imgbuild`.
    pub hostname: Option<String>,
    /// Archives in the order given; `base` names Debian's main, updates and security suites.
    pub sources: Vec<Source>,
    /// Package names to install, sorted, no duplicates; the board's and kernel's own packages included.
    pub packages: Vec<String>,
    /// Of which packages the recommended ones come along.
    #[serde(skip_serializing_if = "Recommends::is_usual")]
    pub recommends: Recommends,
    /// Globs (over clean paths) of what is left out of the image after all packages and effects.
    pub drop: Vec<String>,
    pub kernel: Kernel,
    /// Kernel settings by sysctl name.
    pub sysctl: BTreeMap<String, String>,
    /// What packages' scripts are answered where they ask debconf, by question.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub debconf: BTreeMap<String, String>,
    /// Files of the profile and its overlays, by clean path. Conflicts were reported while loading.
    pub files: BTreeMap<String, ProfileFile>,
    /// Files of its overlays that are downloaded, by clean path; those for the board's architecture alone. None of them is in
    /// `files`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<String, ProfileArtifact>,
    /// What its overlays have compiled for its kernel, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kernel_modules: BTreeMap<String, KernelModule>,
    /// Templates of first-boot manifests of its overlays, by file name.
    pub manifests: BTreeMap<String, ManifestTemplate>,
    /// What its manifests need and something in the cluster makes: `namespace/secret/name` or `namespace/configmap/name`.
    /// For `check` alone: the image is the same with and without.
    #[serde(skip)]
    pub expects: BTreeSet<String>,
    pub users: Vec<User>,
    pub networks: Vec<Network>,
    /// Name from the time zone database (`Europe/Berlin`).
    pub timezone: String,
    /// NTP servers; none means Debian's default pool.
    pub ntp: Vec<String>,
    /// Locale set in `/etc/locale.conf` (`C.UTF-8`).
    pub locale: String,
    /// Units enabled or disabled over Debian's presets; full unit names.
    pub enable: Vec<String>,
    pub disable: Vec<String>,
    pub image: ImageSettings,
    /// Whether a serial console (and the Pi's UART) is on.
    pub serial: bool,
    /// The LED that shows how far the node has come, a name below `/sys/class/leds`.
    pub led: Option<String>,
    /// The node's part in a cluster; none for a node without K3s.
    pub k3s: Option<K3s>,
    /// Its overlays, in the order given, each as it is by itself: what of them counts is in the other fields already.
    #[serde(skip)]
    pub overlays: Vec<Overlay>,
    /// Who gave all this, and where it was written.
    #[serde(skip)]
    pub marks: Marks,
}

/// K3s on a node, as far as it is the same for every cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct K3s {
    /// The release's tag (`v1.36.5+k3s1`).
    pub version: String,
    pub role: Role,
    /// A server that needs no seed: it makes a cluster of its own, its datastore on its own disk.
    pub standalone: bool,
    /// Whether the image carries the release's bundle of container images.
    pub air_gap: bool,
    /// `key=value:Effect`, in the order given.
    pub taints: Vec<String>,
    /// Labels of the node in the cluster.
    pub labels: BTreeMap<String, String>,
    /// Components packaged with K3s that a server leaves out.
    pub disable: Vec<String>,
    /// Options of the kubelet, without the leading `--`.
    pub kubelet_args: Vec<String>,
    /// Whether nodes hand container images to each other.
    pub embedded_registry: bool,
    /// Container images that the image carries, in the order given.
    pub preload: Vec<PinnedImage>,
    /// Where a server takes the charts of its manifests from.
    pub charts: Charts,
}

/// Where charts come from that manifests have installed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Charts {
    /// From the repository that each manifest names, when it is installed.
    #[default]
    Repository,
    /// From the image.
    Baked,
}

/// What a node does in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the control plane, and pods too.
    Server,
    /// Runs pods.
    Agent,
}

impl Role {
    /// K3s's name of it: the subcommand.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Agent => "agent",
        }
    }
}

/// Kernel settings of a profile.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Kernel {
    /// The version that its release must begin with, in numbers and dots (`6.12.117`); the newest unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Modules loaded at boot (`/usr/lib/modules-load.d/imgbuild.conf`).
    pub modules: Vec<String>,
    /// Modules that the initrd carries beside those its job needs.
    pub initrd_modules: Vec<String>,
    /// Options appended to the kernel command line.
    pub cmdline: Vec<String>,
}

/// A Debian archive (one suite of it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name in messages and the lock (`debian`, `security`).
    pub name: String,
    /// `debian` and `debian-security` stand for the archive on the mirror that is in use; anything
    /// else is a base URL (the directory above `dists/`, or that of a flat repository).
    pub archive: String,
    /// The suite's directory below `dists/`. With a slash at its end it is a flat repository's directory below the archive's
    /// own URL, as in sources.list(5).
    pub suite: String,
    /// A flat repository has none.
    pub components: Vec<String>,
    /// Pinned keys: `debian` for the embedded Debian archive keys, else the text (ASCII armour) of a
    /// key file of the workspace.
    pub key: SourceKey,
    /// Globs of the names of packages that may come from it; without any, all may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// The numbers that the upstream versions of its packages must begin with (`580`, which 580.142 does and 5800 does not); all
    /// versions unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<String>,
    /// Of sources that have a package, those of the highest priority count, whatever their versions.
    #[serde(default = "Source::usual_priority", skip_serializing_if = "Source::is_usual_priority")]
    pub priority: u16,
}

impl Source {
    /// The priority of a source that names none, as apt's (`apt_preferences(5)`).
    pub const PRIORITY: u16 = 500;

    /// Whether indexes and packages lie in one directory, without suites and components.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.suite.ends_with('/')
    }

    fn usual_priority() -> u16 {
        Self::PRIORITY
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    fn is_usual_priority(priority: &u16) -> bool {
        *priority == Self::PRIORITY
    }
}

/// Of which packages the recommended ones come along too (`Recommends`, Debian Policy 7.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Recommends {
    /// Whether those of packages that are not in `except` do.
    pub by_default: bool,
    /// Packages of the profile of which it is the other way round.
    pub except: BTreeSet<String>,
}

impl Recommends {
    /// Those of the packages that `said` names as it says, those of all others if `by_default`.
    pub(super) fn new(by_default: bool, said: BTreeMap<String, bool>) -> Self {
        let except = said.into_iter().filter(|(_, said)| *said != by_default);
        Self { by_default, except: except.map(|(name, _)| name).collect() }
    }

    /// Whether no package's do.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Whether what `package` recommends comes along.
    #[must_use]
    pub fn of(&self, package: &str) -> bool {
        self.by_default != self.except.contains(package)
    }
}

/// Which `OpenPGP` keys a source's signature is checked with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SourceKey {
    /// The Debian archive keys that are embedded in the program.
    Debian,
    /// One or more certificates, ASCII armoured or binary.
    Certificates(Vec<u8>),
    /// A certificate that is fetched whenever the source is locked.
    Fetched {
        url: String,
        /// That of its primary key, in upper-case hexadecimal.
        fingerprint: String,
    },
}

/// A file that a profile or overlay puts into the image.
#[derive(Debug, Clone, Serialize)]
pub struct ProfileFile {
    #[serde(serialize_with = "digest_only")]
    pub content: Content,
    pub mode: u16,
    /// Owner by name, resolved through the image's own `/etc/passwd` and `/etc/group`.
    pub user: String,
    pub group: String,
    /// Set for a symbolic link; `content` is empty then.
    pub symlink: Option<String>,
    /// Set for a directory; `content` is empty then.
    pub directory: bool,
    /// A profile or an overlay.
    pub origin: Origin,
}

/// A file of an overlay that is downloaded; its owner is root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProfileArtifact {
    pub url: String,
    pub sha256: Digest,
    pub mode: u16,
    /// The file of the downloaded archive that it is, by its clean path there; none if it is the download itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpack: Option<String>,
    /// Whether it is for the board's architecture, and not for any.
    pub for_architecture: bool,
    /// An overlay.
    pub origin: Origin,
}

/// How an overlay's manifests reach the cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// K3s applies them, from the image or the seed of a server, at every start.
    #[default]
    Image,
    /// A `GitOps` controller applies them, from the owner's Git repository.
    Gitops,
}

impl Via {
    /// Its word in TOML.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Gitops => "gitops",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    fn is_image(&self) -> bool {
        *self == Self::Image
    }
}

/// The template of a manifest that K3s, or a `GitOps` controller, applies by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManifestTemplate {
    #[serde(serialize_with = "text_only")]
    pub source: Arc<SourceText>,
    /// An overlay.
    pub origin: Origin,
    /// The values of that overlay's parameters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: Params,
    /// Those of them that the cluster sets: what uses one is not in images.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub of_cluster: BTreeSet<String>,
    /// Whether it is taken as it is: then it is no template, and braces in it mean nothing here.
    pub verbatim: bool,
    /// How its overlay's manifests reach the cluster.
    #[serde(skip_serializing_if = "Via::is_image")]
    pub via: Via,
}

/// A person's account: key-only SSH, no password.
#[derive(Debug, Clone, Serialize)]
pub struct User {
    pub name: String,
    /// Lines of `authorized_keys`.
    pub ssh_keys: Vec<String>,
    /// Supplementary groups (`sudo`, `adm`).
    pub groups: Vec<String>,
    /// Login shell.
    pub shell: String,
    /// May become root with `sudo` without a password (accounts have none).
    pub sudo: bool,
}

/// One systemd-networkd configuration.
#[derive(Debug, Clone, Serialize)]
pub struct Network {
    /// Name of the file (`10-NAME.network`) and in messages.
    pub name: String,
    /// Interface match: globs of names, MAC addresses, or networkd types (`ether`); all given ones must match.
    pub match_name: Vec<String>,
    pub match_mac: Vec<String>,
    pub match_type: Vec<String>,
    pub dhcp: bool,
    /// Addresses with prefix length (`192.168.1.10/24`).
    pub addresses: Vec<String>,
    pub gateway: Option<String>,
    pub dns: Vec<String>,
}

/// Sizes and encoder settings of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageSettings {
    /// Bytes of each boot slot (partition 1, and 2 on a Pi).
    pub boot_size: u64,
    /// Bytes of each root slot.
    pub root_size: u64,
    /// Bytes of the seed partition.
    pub seed_size: u64,
    /// Squashfs block size in bytes, a power of two from 4 KiB to 1 MiB.
    pub block_size: u32,
    /// zstd level of the root file system, 1 to 22.
    pub compression_level: i32,
}

/// Where a template lies on this machine does not enter the digests of a profile.
fn text_only<S: Serializer>(source: &Arc<SourceText>, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&source.text)
}

/// Contents enter the digests of a profile by their own digest.
fn digest_only<S: Serializer>(content: &Content, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&content.digest())
}
