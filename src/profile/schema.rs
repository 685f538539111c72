//! The TOML files as they are written: profiles, overlays, the workspace's configuration. The documentation here is
//! what editors show through the JSON Schema.

mod kernel_module;
mod package;
mod params;

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IntoDeserializer as _, MapAccess};
use serde_json::{Value, json};

pub(super) use self::kernel_module::{KernelModuleTable, ModulePatchEntry};
pub(super) use self::package::{PackageEntry, apart};
pub(crate) use self::params::OverlayTables;
pub use self::params::SetBy;
pub(super) use self::params::{ParamTable, ParamValues, Settable, WhenEntry};
use super::answers::Answers;
use super::values::{
    Account, Address, AddressWithPrefix, Archive, ArchiveComponent, ArchiveMember, BlockSize, Component, ConfigLine,
    Edit, Expected, FileUrl, Fingerprint, Glob, HostName, Identifier, Image, ImagePath, K3sVersion, KernelOption,
    KernelVersion, KeyPlace, KubeletArg, LabelName, LabelValue, Led, Level, Line, Locale, Login, Mac, ManifestGlob,
    MirrorPlace, Mode, Module, Package, PackagePattern, PartitionSize, PortNumber, Priority, Server, Sha256, Spanned,
    SshKey, Suite, SysctlName, SysctlValue, Taint, TimeZone, Unit, Url, Version, VersionStart, Word, WorkspacePath,
};
use super::{Arch, Board, Charts, Protocol, Role, Via};

/// A list that adds to the inherited one; an entry with a leading `-` removes an inherited entry.
pub(super) type List<T> = Vec<Spanned<Edit<T>>>;

/// A profile: what a node shall be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a profile")]
#[schemars(title = "imgbuild profile")]
pub(super) struct ProfileToml {
    /// Version of the file format: 1.
    #[expect(dead_code, reason = "reading it is the check")]
    pub schema: Version,
    /// The profile that this one builds on. Its values hold unless this file says otherwise.
    pub extends: Option<Spanned<Identifier>>,
    /// One line that says what the node is for.
    pub description: Option<Line>,
    /// The machine: its name, or a table. Decides architecture, kernel, boot files. A profile without can only be extended.
    #[serde(default)]
    pub board: BoardKey,
    /// Static host name.
    pub hostname: Option<HostName>,
    /// Overlays, the folders `overlays/NAME/`. Adds to the inherited ones; `-name` removes one.
    #[serde(default)]
    pub overlays: List<Identifier>,
    /// What this node wants of an overlay's parameters: `[overlay.NAME]`, and below it `parameter = value`.
    #[serde(default, rename = "overlay")]
    pub settings: BTreeMap<Spanned<Identifier>, ParamValues>,
    /// Debian packages; what they depend on comes along. Adds to the inherited ones; `-name` removes one.
    #[serde(default)]
    pub packages: Vec<Spanned<PackageEntry<Edit<Package>>>>,
    /// Whether what packages recommend comes along too, as with apt's `APT::Install-Recommends`; `false` unless given.
    pub recommends: Option<bool>,
    /// Globs of what to leave out of the image; a directory goes with all it holds. `-glob` removes an inherited one.
    #[serde(default)]
    pub drop: List<Glob>,
    /// Time zone; `Etc/UTC` unless given.
    pub timezone: Option<Spanned<TimeZone>>,
    /// NTP servers; none means Debian's pool. `-name` removes an inherited one.
    #[serde(default)]
    pub ntp: List<Server>,
    /// System locale; `C.UTF-8` unless given.
    pub locale: Option<Spanned<Locale>>,
    /// Whether kernel messages and a login prompt also go to the serial port (on a Pi, its UART).
    pub serial: Option<bool>,
    /// The kernel: modules and command line.
    #[serde(default)]
    pub kernel: KernelTable,
    /// Kernel settings, names quoted: `"vm.swappiness" = 10`.
    #[serde(default)]
    pub sysctl: BTreeMap<SysctlName, Spanned<SysctlValue>>,
    /// Answers to what packages ask through debconf, questions quoted: `"iproute2/setcaps" = false`.
    #[serde(default)]
    pub debconf: Answers,
    /// Units to enable or disable against Debian's presets.
    #[serde(default)]
    pub units: UnitsTable,
    /// The node's part in a cluster.
    #[serde(default)]
    pub k3s: K3sTable,
    /// How a node shows how far it has come.
    #[serde(default)]
    pub status: StatusTable,
    /// Sizes and encoder settings of the image.
    #[serde(default)]
    pub image: ImageTable,
    /// Files, by path. One given here wins over one of an overlay or of the extended profile.
    #[serde(default, rename = "file")]
    pub files: Vec<FileEntry>,
    /// People's accounts, by name: SSH by key, no password.
    #[serde(default, rename = "user")]
    pub users: Vec<UserEntry>,
    /// Network interfaces, by name. One given here replaces the inherited one of that name.
    #[serde(default, rename = "network")]
    pub networks: Vec<NetworkEntry>,
    /// Debian archives, by name.
    #[serde(default, rename = "source")]
    pub sources: Vec<SourceEntry>,
}

// TOML has no way to give one key both a text and a table, so the table carries the name too. It may leave it out where the
// name is inherited: `[board]` with nothing but `config` adds to an inherited board, and what was written before there was a
// table stays as it is.
/// The machine, as a name (`board = "rpi4"`) or as a table.
#[derive(Debug, Default, JsonSchema)]
#[schemars(untagged)]
pub(super) enum BoardKey {
    Name(Board),
    Table(BoardTable),
    #[default]
    #[schemars(skip)]
    Inherited,
}

/// The machine and its settings.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct BoardTable {
    /// The machine; the inherited one unless given.
    pub name: Option<Board>,
    /// Lines for a Raspberry Pi's config.txt, behind the image's own. `-line` removes an inherited one.
    #[serde(default)]
    pub config: List<ConfigLine>,
}

impl<'de> Deserialize<'de> for BoardKey {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = BoardKey;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a board's name or a table")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<BoardKey, E> {
                Board::deserialize(name.into_deserializer()).map(BoardKey::Name)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BoardKey, A::Error> {
                BoardTable::deserialize(MapAccessDeserializer::new(map)).map(BoardKey::Table)
            }
        }

        reader.deserialize_any(Visitor)
    }
}

impl BoardKey {
    /// The board named here, and the lines for its `config.txt`.
    pub(super) fn into_parts(self) -> (Option<Board>, List<ConfigLine>) {
        match self {
            Self::Name(board) => (Some(board), Vec::new()),
            Self::Table(BoardTable { name, config }) => (name, config),
            Self::Inherited => (None, Vec::new()),
        }
    }
}

/// The kernel: modules and command line.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct KernelTable {
    /// The version to keep to, such as 6.12.117, or 6.12 for the newest of that line; the newest of all unless given.
    pub version: Option<KernelVersion>,
    /// Modules to load at boot. `-name` removes an inherited one.
    #[serde(default)]
    pub modules: List<Module>,
    /// Modules that the initrd needs to find the root disk, beside those every image has. `-name` removes one.
    #[serde(default)]
    pub initrd_modules: List<Module>,
    /// Options for the kernel command line. `-option` removes an inherited one.
    #[serde(default)]
    pub cmdline: List<KernelOption>,
}

/// Units to enable or disable against Debian's presets.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct UnitsTable {
    /// Units to start at boot, full names. Wins over an inherited `disable`.
    #[serde(default)]
    pub enable: Vec<Spanned<Unit>>,
    /// Units that a package would start and this node shall not. Wins over an inherited `enable`.
    #[serde(default)]
    pub disable: Vec<Spanned<Unit>>,
}

/// The node's part in a cluster. Without `role` the image has no K3s.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct K3sTable {
    /// The release, by its tag.
    pub version: Option<K3sVersion>,
    /// `server` runs the control plane, `agent` only pods.
    pub role: Option<Role>,
    /// Whether the server needs no seed: it makes a cluster of its own, its datastore on its own disk.
    pub standalone: Option<Spanned<bool>>,
    /// Whether the image carries K3s's own container images, for a start without a registry.
    pub air_gap: Option<bool>,
    /// Taints, `key=value:Effect`; K3s sets them when the node first registers. `-taint` removes an inherited one.
    #[serde(default)]
    pub taints: List<Taint>,
    /// Labels of the node in the cluster, names quoted. A label given here replaces the inherited one of that name.
    #[serde(default)]
    pub labels: BTreeMap<LabelName, LabelValue>,
    /// Packaged components that a server leaves out. `-name` removes an inherited one.
    #[serde(default)]
    pub disable: List<Component>,
    /// Options for the kubelet, `name=value`. `-option` removes an inherited one.
    #[serde(default)]
    pub kubelet_args: List<KubeletArg>,
    /// Whether nodes hand container images to each other; set on servers.
    pub embedded_registry: Option<Spanned<bool>>,
    /// Container images that the image carries, each with its digest, so that a node starts them without a registry. `-image`
    /// removes an inherited one.
    #[serde(default)]
    pub preload: List<Image>,
    /// Where a server takes the charts of its manifests from: `repository`, when each is installed, or `baked`, the image; set on
    /// servers.
    pub charts: Option<Spanned<Charts>>,
}

/// How a node shows how far it has come, beside console, journal and `/run/imgbuild/status.json`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct StatusTable {
    /// An LED that blinks as the node's state is, by its name below /sys/class/leds: `ACT` on a Raspberry Pi.
    pub led: Option<Led>,
}

/// Sizes and encoder settings of the image.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ImageTable {
    /// Size of a boot slot; 96M unless given.
    pub boot: Option<Spanned<PartitionSize>>,
    /// Size of a root slot; 256M unless given. There are two.
    pub root: Option<Spanned<PartitionSize>>,
    /// Size of the partition for a node's own configuration; 4M unless given.
    pub seed: Option<Spanned<PartitionSize>>,
    /// Block size of the root file system; 128K unless given. Larger is smaller on disk and reads more for each access.
    pub block_size: Option<BlockSize>,
    /// zstd level of the root file system, 1 to 22. Higher is smaller and slower to build.
    pub level: Option<Level>,
}

/// A file or symbolic link of the image. Give exactly one of `content`, `source` and `symlink`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct FileEntry {
    /// Where it goes.
    pub path: Spanned<ImagePath>,
    /// Its text.
    pub content: Option<String>,
    /// A file of the workspace to take the content from.
    pub source: Option<Spanned<WorkspacePath>>,
    /// What it points at, if it is a symbolic link.
    pub symlink: Option<Line>,
    /// Permissions in octal; "0644" unless given.
    pub mode: Option<Mode>,
    /// Owner; root unless given.
    pub user: Option<Spanned<Account>>,
    /// Group; root unless given.
    pub group: Option<Spanned<Account>>,
}

/// A person's account: SSH by key, no password.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct UserEntry {
    /// Login name.
    pub name: Spanned<Login>,
    /// Public keys that may log in, one line of a `.pub` file each.
    #[serde(default)]
    pub ssh_keys: Vec<SshKey>,
    /// Further groups, such as `systemd-journal`.
    #[serde(default)]
    pub groups: Vec<Spanned<Account>>,
    /// Login shell; `/bin/bash` unless given.
    pub shell: Option<Spanned<Line>>,
    /// Whether the account may become root with `sudo`; no password is asked for, since there is none.
    #[serde(default)]
    pub sudo: bool,
}

/// How some network interfaces are configured. Give `dhcp = true` or `addresses`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct NetworkEntry {
    /// A name for it; becomes `10-NAME.network`.
    pub name: Spanned<Identifier>,
    /// Which interfaces it is for: all given conditions must hold.
    #[serde(rename = "match")]
    pub matches: MatchTable,
    /// Whether to ask for an address by DHCP.
    #[serde(default)]
    pub dhcp: bool,
    /// Static addresses with prefix length.
    #[serde(default)]
    pub addresses: Vec<Spanned<AddressWithPrefix>>,
    /// The router.
    pub gateway: Option<Spanned<Address>>,
    /// Name servers.
    #[serde(default)]
    pub dns: Vec<Spanned<Address>>,
}

/// Which interfaces a network is for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct MatchTable {
    /// Interface names, with `*` and `?`.
    #[serde(default)]
    pub name: Vec<Word>,
    /// MAC addresses.
    #[serde(default)]
    pub mac: Vec<Mac>,
    /// Interface types of systemd-networkd, such as `ether`.
    #[serde(default, rename = "type")]
    pub kind: Vec<Word>,
}

/// One suite of a Debian archive.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct SourceEntry {
    /// A name for it in messages and in the lock.
    pub name: Spanned<Identifier>,
    /// `debian` and `debian-security` are on the mirror in use; anything else is the URL of the directory above `dists/`, or
    /// of a flat repository.
    pub archive: Archive,
    /// The suite, such as `trixie`, or `/` for a flat repository.
    pub suite: Spanned<Suite>,
    /// Its components, such as `main`; a flat repository has none.
    #[serde(default)]
    pub components: Vec<ArchiveComponent>,
    /// The `OpenPGP` keys that sign it: a file of the workspace, or the URL of a certificate, which needs `fingerprint`; Debian's
    /// own keys unless given.
    pub key: Option<Spanned<KeyPlace>>,
    /// The fingerprint of the certificate that `key` is the URL of.
    pub fingerprint: Option<Spanned<Fingerprint>>,
    /// Names of the packages that may come from it, with `*` and `?`; all may unless given.
    #[serde(default)]
    pub only: Vec<Spanned<PackagePattern>>,
    /// The numbers that the upstream versions of its packages must begin with: 580 lets 580.142 in, and not 590.44; all are let in
    /// unless given.
    pub versions: Option<Spanned<Settable<VersionStart>>>,
    /// Of sources that have a package, those of the highest priority count, whatever their versions; 500 unless given.
    pub priority: Option<Priority>,
}

/// An overlay: files and what they need, shared by profiles.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an overlay")]
#[schemars(title = "imgbuild overlay")]
pub(super) struct OverlayToml {
    /// Version of the file format: 1.
    #[expect(dead_code, reason = "reading it is the check")]
    pub schema: Version,
    /// One line that says what it is for.
    pub description: Option<Line>,
    /// What profiles can set of it, by name: `[overlay.NAME]` in a profile.
    #[serde(default)]
    pub params: BTreeMap<Identifier, ParamTable>,
    /// What it gives beside where parameters have certain values.
    #[serde(default, rename = "when")]
    pub whens: Vec<WhenEntry>,
    /// Roles that it has, such as `registry`, beside the one of its own name. Of each role a profile has one overlay at most.
    #[serde(default)]
    pub provides: Vec<Spanned<Identifier>>,
    /// Roles, or names of overlays, of which each must be in a profile that has this one.
    #[serde(default)]
    pub needs: Vec<Spanned<Identifier>>,
    /// Roles, or names of overlays, that may not be in a profile that has this one.
    #[serde(default)]
    pub conflicts: Vec<Spanned<Identifier>>,
    /// Architectures that it is for; all unless given.
    #[serde(default)]
    pub architectures: Vec<Spanned<Arch>>,
    /// Ports that it opens on nodes. Two overlays of a profile cannot open the same.
    #[serde(default)]
    pub ports: Vec<Spanned<PortEntry>>,
    /// Debian packages that its files need.
    #[serde(default)]
    pub packages: Vec<Spanned<PackageEntry<Package>>>,
    /// Debian archives that those packages come from, by name. A profile's own of that name wins.
    #[serde(default, rename = "source")]
    pub sources: Vec<SourceEntry>,
    /// Globs of what to leave out of the image; a directory goes with all it holds.
    #[serde(default)]
    pub drop: Vec<Spanned<Glob>>,
    /// Kernel modules to load at boot.
    #[serde(default)]
    pub modules: Vec<Spanned<Module>>,
    /// Settings of the machine.
    #[serde(default)]
    pub board: OverlayBoardTable,
    /// Kernel settings, names quoted. A profile's own setting wins.
    #[serde(default)]
    pub sysctl: BTreeMap<SysctlName, Spanned<SysctlValue>>,
    /// Answers to what packages ask through debconf, questions quoted. A profile's own answer wins.
    #[serde(default)]
    pub debconf: Answers,
    /// Units to enable or disable. A profile's own choice wins.
    #[serde(default)]
    pub units: UnitsTable,
    /// Symbolic links, and the mode and owner of what lies below `files/`, by path. What is not named here is
    /// 0644 and root's.
    #[serde(default, rename = "file")]
    pub files: Vec<OverlayEntry>,
    /// Directories that need another mode or owner than 0755 and root, or shall exist though they are empty.
    #[serde(default, rename = "directory")]
    pub directories: Vec<DirectoryEntry>,
    /// Files that are downloaded, each proved by its digest.
    #[serde(default, rename = "artifact")]
    pub artifacts: Vec<ArtifactEntry>,
    /// Kernel modules that are compiled for the image's kernel, by name.
    #[serde(default, rename = "kernel-module")]
    pub kernel_modules: BTreeMap<Identifier, KernelModuleTable>,
    /// How its manifests reach the cluster: `image`, or `gitops` for those that a controller takes from the owner's Git
    /// repository; `image` unless given. Manifests with a secret go into a server's seed in any case.
    pub via: Option<Spanned<Via>>,
    /// Of the manifests that conditions name, those under conditions that hold.
    #[serde(skip)]
    pub held: Vec<String>,
    /// Manifests that are taken as they are, by globs of their file names: those with braces that are not for imgbuild.
    #[serde(default)]
    pub verbatim: Vec<Spanned<ManifestGlob>>,
    /// Secrets and `ConfigMaps` that something in the cluster makes, so that no manifest has to.
    #[serde(default)]
    pub expects: Vec<Spanned<Expected>>,
}

/// A port that an overlay opens on nodes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct PortEntry {
    /// Its number.
    pub port: PortNumber,
    /// What it speaks; `tcp` unless given.
    #[serde(default)]
    pub protocol: Protocol,
    /// What it is for.
    pub description: Line,
}

/// Settings of the machine.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct OverlayBoardTable {
    /// Lines for a Raspberry Pi's config.txt, behind the image's own. A profile's own setting wins.
    #[serde(default)]
    pub config: Vec<Spanned<ConfigLine>>,
}

/// A symbolic link, or the mode and owner of a file below `files/`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct OverlayEntry {
    /// Where it is in the image: `/etc/x` is `files/etc/x` of the overlay.
    pub path: Spanned<ImagePath>,
    /// What it points at, if it is a symbolic link; there is no such file below `files/` then.
    pub symlink: Option<Line>,
    /// Permissions in octal; "0644" unless given.
    pub mode: Option<Mode>,
    /// Owner; root unless given.
    pub user: Option<Spanned<Account>>,
    /// Group; root unless given.
    pub group: Option<Spanned<Account>>,
}

/// A file that is downloaded: a program or a certificate that no Debian package has. It is root's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ArtifactEntry {
    /// Where it goes.
    pub path: Spanned<ImagePath>,
    /// Where it is downloaded from.
    pub url: FileUrl,
    /// SHA-256 of what is downloaded, 64 hexadecimal digits: `sha256sum FILE` prints it.
    pub sha256: Sha256,
    /// The file to take out of what is downloaded, a tar archive (plain, or compressed with gzip, xz or zstd) or a Debian
    /// package, by its path there. What is downloaded goes in as it is unless given.
    pub unpack: Option<Spanned<ArchiveMember>>,
    /// Permissions in octal without setuid and setgid; "0644" unless given.
    pub mode: Option<Spanned<Mode>>,
    /// The architecture that it is for; boards of another one do without it. For all unless given.
    pub architecture: Option<Arch>,
}

/// A directory of the image.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct DirectoryEntry {
    /// Where it is in the image.
    pub path: Spanned<ImagePath>,
    /// Permissions in octal; "0755" unless given.
    pub mode: Option<Mode>,
    /// Owner; root unless given.
    pub user: Option<Spanned<Account>>,
    /// Group; root unless given.
    pub group: Option<Spanned<Account>>,
}

/// `imgbuild.toml`: settings of a workspace.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a workspace configuration")]
pub(super) struct WorkspaceToml {
    #[expect(dead_code, reason = "reading it is the check")]
    pub schema: Version,
    /// URL above `debian/` and `debian-security/`, or of `debian/`.
    pub mirror: Option<MirrorPlace>,
    /// URL of the directory that holds K3s's releases, each in a directory of its tag.
    pub k3s_mirror: Option<Url>,
    /// URL of K3s's release channels.
    pub k3s_channels: Option<Url>,
    /// URL of the directory that holds releases of this workspace's images, each in a directory of its tag.
    pub releases: Option<Url>,
    /// The minisign public key (`RW…`) that those releases, and any image from elsewhere, must be signed with.
    pub release_key: Option<String>,
}

/// The JSON Schema of overlays, for editors. Ends with a line break.
#[must_use]
pub fn overlay_json_schema() -> String {
    schema_of::<OverlayToml>()
}

/// The JSON Schema of a file that is read as `T`. Ends with a line break.
pub(crate) fn schema_of<T: JsonSchema>() -> String {
    text_of(&root_schema::<T>())
}

pub(super) fn root_schema<T: JsonSchema>() -> Schema {
    // Draft 7 is the newest that editors' TOML plug-ins understand in full.
    let settings = SchemaSettings::draft07().with_transform(RecursiveTransform(without_null));
    settings.into_generator().into_root_schema_for::<T>()
}

/// As it lies in files. Ends with a line break.
pub(super) fn text_of(schema: &Schema) -> String {
    let mut text = serde_json::to_string_pretty(schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}

/// An optional key may be absent, but TOML has no null to offer.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(kinds)) = schema.get_mut("type")
        && kinds.contains(&Value::from("null"))
    {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            let kind = kind.clone();
            schema.insert("type".to_owned(), kind);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice != &json!({ "type": "null" }));
        if choices.len() == 1
            && let Some(only) = schema.remove("anyOf")
        {
            schema.insert("allOf".to_owned(), only);
        }
    }
}
