//! The command line: declarations only. What a verb does is in `cmd/VERB.rs`.

mod gitops;
mod images;
mod modules;
mod overlay;
mod plan;
mod why;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueHint};

use crate::output::Color;
pub use gitops::Gitops;
pub use images::Images;
pub use modules::{Modules, ModulesExport, ModulesImport, ModulesOf};
pub use overlay::{Overlay, OverlayShow};
pub use plan::Plan;
pub use why::Why;

/// Build locked, verified, bootable node images for a K3s cluster, without root.
#[derive(Debug, Parser)]
#[command(name = "imgbuild", version, propagate_version = true, max_term_width = 80, after_help = AFTER)]
pub struct Cli {
    #[command(flatten, next_help_heading = "Global options")]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Examples:
  imgbuild build demo       build an image that needs no configuration
  imgbuild boot demo        look at it in QEMU
  imgbuild init my-cluster  write a workspace for a cluster of your own

NAME is a node of the workspace's cluster.toml or, if there is none of that
name, a profile; --node and --profile choose one explicitly.

Exit codes: 0 success, 1 wrong input or refused, 2 unexpected error,
3 verification failed, 4 device failed, 5 bad download or signature,
130 interrupted";

/// Options of every command.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Global {
    /// Directory with profiles/, overlays/ and imgbuild.lock
    #[arg(long, value_name = "DIR", global = true, env = "IMGBUILD_WORKSPACE", default_value = ".", hide_default_value = true, value_hint = ValueHint::DirPath)]
    pub workspace: PathBuf,
    /// Directory for downloads and derived data [default: ~/.cache/imgbuild]
    #[arg(long, value_name = "DIR", global = true, env = "IMGBUILD_CACHE", value_hint = ValueHint::DirPath)]
    pub cache_dir: Option<PathBuf>,
    /// Debian mirror: URL of the directory with debian/ and debian-security/, or of debian/
    #[arg(long, value_name = "URL", global = true, env = "IMGBUILD_MIRROR", hide_env_values = true, value_hint = ValueHint::Url)]
    pub mirror: Option<String>,
    /// Mirror of K3s's releases [default: GitHub]
    #[arg(long, value_name = "URL", global = true, env = "IMGBUILD_K3S_MIRROR", hide_env_values = true, value_hint = ValueHint::Url)]
    pub k3s_mirror: Option<String>,
    /// K3s's release channels, for `lock --update k3s` [default: update.k3s.io]
    #[arg(long, value_name = "URL", global = true, env = "IMGBUILD_K3S_CHANNELS", value_hint = ValueHint::Url)]
    pub k3s_channels: Option<String>,
    /// Use only the cache; open no network connection
    #[arg(long, global = true)]
    pub offline: bool,
    /// Print JSON lines on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Print results, warnings and errors only
    #[arg(short, long, global = true, conflicts_with_all = ["verbose", "json"])]
    pub quiet: bool,
    /// Print more details, such as paths and mirrors
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to use colour [default: on a terminal, unless `NO_COLOR` is set]
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", hide_default_value = true)]
    pub color: Color,
}

const BUILD_EXAMPLES: &str = "\
Examples:
  imgbuild build demo
  imgbuild build --profile control --output /tmp/control
  imgbuild build --node pi1
  imgbuild build demo --plan";

const LOCK_EXAMPLES: &str = "\
Examples:
  imgbuild lock demo             choose the packages of one profile
  imgbuild lock --update         use the newest versions of all packages
  imgbuild lock --update openssl use the newest version of one package";

const CHECK_EXAMPLES: &str = "\
Examples:
  imgbuild check
  imgbuild check pi1
  imgbuild check --online";

const FLASH_EXAMPLES: &str = "\
Examples:
  imgbuild flash pi1
  imgbuild flash pi1 --dry-run
  imgbuild flash --profile demo --device /dev/sdX";

const VERIFY_EXAMPLES: &str = "\
Examples:
  imgbuild verify build/demo/demo.img
  imgbuild verify /dev/sdX --manifest build/storage/manifest.json --node pi1";

const MODULES_EXAMPLES: &str = "\
Examples:
  imgbuild modules build gpu
  imgbuild modules export gpu --sign minisign.key --output release
  imgbuild modules import release/tool_1.0-1_6.12.118+deb13-amd64.modules.tar gpu";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(imgbuild completions bash)
  imgbuild completions fish > ~/.config/fish/completions/imgbuild.fish";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a workspace for a cluster, ready to edit
    #[command(after_help = "Example:\n  imgbuild init my-cluster && cd my-cluster && imgbuild secrets init")]
    Init(Init),
    /// List profiles, nodes and overlays of the workspace and of the program
    #[command(after_help = "Example:\n  imgbuild list --json")]
    List(List),
    /// List overlays, or show what one brings and what profiles can set of it
    #[command(subcommand, after_help = "Example:\n  imgbuild overlay show node")]
    Overlay(Overlay),
    /// Write the Git repository from which Argo CD applies a cluster's systems
    #[command(subcommand, after_help = "Example:\n  imgbuild gitops render ../cluster --check")]
    Gitops(Gitops),
    /// Build a profile's image, or a node's, from locked packages
    #[command(after_help = BUILD_EXAMPLES)]
    Build(Build),
    /// Choose exact package versions and write them to imgbuild.lock
    #[command(after_help = LOCK_EXAMPLES)]
    Lock(Lock),
    /// Check cluster, profiles and lock without building
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Show what the cluster does at its first boot, in order
    #[command(after_help = plan::EXAMPLES)]
    Plan(Plan),
    /// Explain who brings a package, file, unit or setting into a profile's image
    #[command(
        override_usage = "imgbuild why <WHAT> <NAME|--profile <NAME>>",
        after_help = why::EXAMPLES
    )]
    Why(Why),
    /// List the container images that a profile's manifests and charts start
    #[command(after_help = images::EXAMPLES)]
    Images(Images),
    /// Describe an image and its partitions
    #[command(after_help = "Example:\n  imgbuild inspect build/demo")]
    Inspect(Inspect),
    /// Show what changed between two images
    #[command(after_help = "Example:\n  imgbuild diff /tmp/before build/demo")]
    Diff(Diff),
    /// Write an image to a USB stick or memory card, and verify it there
    #[command(after_help = FLASH_EXAMPLES)]
    Flash(Flash),
    /// Compare a stick or an image with a manifest
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
    /// Write what `flash` sends to one device
    #[command(name = "__write", hide = true)]
    WriteDevice(WriteDevice),
    /// Compile a kernel module that another process describes
    #[command(name = "__compile", hide = true)]
    Compile(Compile),
    /// Boot an image in QEMU, from emulated USB storage
    #[command(
        override_usage = "imgbuild boot <NAME|IMAGE|--profile <NAME>>",
        after_help = "Leave QEMU with Ctrl-A X.\n\nExamples:\n  imgbuild boot demo\n  imgbuild boot build/demo/demo.img"
    )]
    Boot(Boot),
    /// Write a profile's release files: compressed image, manifest, checksums
    #[command(after_help = "Example:\n  imgbuild export control --sign minisign.key --output release")]
    Export(Export),
    /// Compile kernel modules of overlays, or carry them to where they cannot be compiled
    #[command(subcommand, after_help = MODULES_EXAMPLES)]
    Modules(Modules),
    /// List disks that an image may be written to, and why others are refused
    #[command(after_help = "The rules and their reasons are in docs/safety.md.\n\nExample:\n  imgbuild devices --json")]
    Devices(Devices),
    /// Create, set, check and back up the cluster's secrets
    #[command(subcommand, after_help = "Example:\n  imgbuild secrets init && imgbuild secrets check")]
    Secrets(Secrets),
    /// Show the identity of nodes
    #[command(subcommand, after_help = "Example:\n  imgbuild node show pi1")]
    Node(Node),
    /// Print the JSON Schema of a kind of file, for editors
    #[command(after_help = "Example:\n  imgbuild schema cluster > cluster.schema.json")]
    Schema(Schema),
    /// Print a shell's completion script
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(Completions),
    /// Write the manual pages
    #[command(after_help = "Example:\n  imgbuild man /tmp/man && man -l /tmp/man/imgbuild-build.1")]
    Man(Man),
}

#[derive(Debug, Args)]
pub struct Init {
    /// Directory to write to; created if it is missing
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}

#[derive(Debug, Args)]
pub struct List {}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["name", "profile", "node"]).required(true))]
pub struct Build {
    /// Node of cluster.toml to build, else profile
    pub name: Option<String>,
    /// Profile to build: an image that can be published
    #[arg(short, long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Node to build: its profile's image with the node's secret seed in it
    #[arg(short, long, value_name = "NAME")]
    pub node: Option<String>,
    /// Directory for the image, its manifest and lists [default: build/PROFILE
    /// or build/nodes/NODE in the workspace]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// Only show what would be downloaded and built, in which order, and why
    #[arg(long)]
    pub plan: bool,
    #[command(flatten)]
    pub unlock: Unlock,
    #[command(flatten)]
    pub k3s: K3sFiles,
}

#[derive(Debug, Args)]
pub struct Lock {
    /// Profile to lock, or node whose profile to lock [default: all profiles of
    /// the workspace, and all that are locked]
    #[arg(conflicts_with = "profile")]
    pub name: Option<String>,
    /// Profile to lock
    #[arg(short, long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Use the newest versions; if packages are named, only of these
    #[arg(long, value_name = "PACKAGE", num_args = 0..)]
    pub update: Option<Vec<String>>,
    /// Change nothing; fail if the lock does not match the profiles
    #[arg(long, conflicts_with = "update")]
    pub check: bool,
    /// Accept changed critical values of cluster.toml, for a cluster that will be
    /// set up anew, and the current taints and labels of its nodes
    #[arg(long, conflicts_with = "check")]
    pub accept_critical_change: bool,
    #[command(flatten)]
    pub k3s: K3sFiles,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Node of cluster.toml to check, else profile [default: all]
    #[arg(conflicts_with_all = ["profile", "node"])]
    pub name: Option<String>,
    /// Check only this profile and its nodes
    #[arg(short, long, value_name = "NAME", conflicts_with = "node")]
    pub profile: Option<String>,
    /// Check only this node of the cluster
    #[arg(short, long, value_name = "NAME")]
    pub node: Option<String>,
    /// Also connect to the cluster's datastore, and check that K3s can use it
    #[arg(long)]
    pub online: bool,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, Args)]
pub struct Inspect {
    /// Image file, directory of a build, or name of a built profile or node
    #[arg(value_hint = ValueHint::AnyPath)]
    pub image: PathBuf,
    /// Also read all data and compare it with the manifest
    #[arg(long)]
    pub verify: bool,
}

#[derive(Debug, Args)]
pub struct Diff {
    /// The older build: its directory, image file or name
    #[arg(value_hint = ValueHint::AnyPath)]
    pub a: PathBuf,
    /// The newer build: its directory, image file or name
    #[arg(value_hint = ValueHint::AnyPath)]
    pub b: PathBuf,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["image", "profile"]).required(true))]
pub struct Boot {
    /// Profile to boot (built first if it is not up to date), or image file
    #[arg(value_name = "NAME|IMAGE", value_hint = ValueHint::FilePath)]
    pub image: Option<PathBuf>,
    /// Profile to boot; it is built first if it is not up to date
    #[arg(short, long, value_name = "NAME")]
    pub profile: Option<String>,
    #[command(flatten)]
    pub k3s: K3sFiles,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["name", "profile"]).required(true))]
pub struct Export {
    /// Profile to export (built first if it is not up to date), or node whose
    /// profile to export
    pub name: Option<String>,
    /// Profile to export; it is built first if it is not up to date
    #[arg(short, long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Sign the checksums with this minisign secret key; the password of an
    /// encrypted key is read from `IMGBUILD_MINISIGN_PASSWORD`
    #[arg(long, value_name = "KEY", value_hint = ValueHint::FilePath)]
    pub sign: Option<PathBuf>,
    /// Tag of the release, which becomes a part of the signature;
    /// `flash --release TAG` checks it
    #[arg(long, value_name = "TAG", requires = "sign")]
    pub tag: Option<String>,
    /// Directory for the files; several profiles may share it
    /// [default: build/release in the workspace]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub unlock: Unlock,
    #[command(flatten)]
    pub k3s: K3sFiles,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Flash {
    /// Node of cluster.toml whose stick to write, else profile to write
    #[arg(conflicts_with_all = ["profile", "node", "all"])]
    pub name: Option<String>,
    /// Profile to write, built first if it is not up to date; with --release,
    /// the profile whose image to take from the release
    #[arg(short, long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Image to write, compressed or not, with its manifest and checksums beside it
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["profile", "release"])]
    pub image: Option<String>,
    /// Take the profile's image from this release of the workspace
    #[arg(long, value_name = "TAG")]
    pub release: Option<String>,
    /// Node of cluster.toml whose stick to write
    #[arg(short, long, value_name = "NAME")]
    pub node: Option<String>,
    /// Write the sticks of all nodes, one after the other
    #[arg(long, conflicts_with_all = ["node", "profile", "image", "yes"])]
    pub all: bool,
    /// Disk to write to [default: the only one, else you are asked]
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub device: Option<PathBuf>,
    /// Do not ask; the disk must be named as /dev/disk/by-id/…
    #[arg(short, long)]
    pub yes: bool,
    /// Show the plan and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Allow disks of more than 256 GiB
    #[arg(long)]
    pub allow_large: bool,
    /// Allow loop devices, for tests
    #[arg(long)]
    pub allow_loop: bool,
    /// Do not switch the disk off at the end
    #[arg(long)]
    pub no_eject: bool,
    #[command(flatten)]
    pub unlock: Unlock,
    #[command(flatten)]
    pub k3s: K3sFiles,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Disk, image file, directory of a build, or name of a built profile or node
    #[arg(value_hint = ValueHint::AnyPath)]
    pub target: PathBuf,
    /// Manifest to compare it with [default: manifest.json beside an image file]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub manifest: Option<PathBuf>,
    /// Node of cluster.toml whose seed must be on it
    #[arg(short, long, value_name = "NAME")]
    pub node: Option<String>,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, Args)]
pub struct WriteDevice {
    #[arg(long)]
    pub device: PathBuf,
    /// The confirmed disk, as JSON
    #[arg(long)]
    pub expect: String,
    /// Have udisks2 open the disk
    #[arg(long)]
    pub udisks: bool,
}

#[derive(Debug, Args)]
pub struct Compile {
    /// In the namespaces that the process without it made
    #[arg(long)]
    pub inside: bool,
}

#[derive(Debug, Args)]
pub struct Devices {
    /// Accept disks of more than 256 GiB
    #[arg(long)]
    pub allow_large: bool,
    /// Accept loop devices, for tests
    #[arg(long)]
    pub allow_loop: bool,
}

#[derive(Debug, Args)]
pub struct Schema {
    /// Kind of file
    #[arg(value_name = "KIND", default_value = "profile")]
    pub kind: SchemaKind,
}

/// A kind of file with a schema.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum SchemaKind {
    Profile,
    Overlay,
    Cluster,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// Shell
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct Man {
    /// Directory for the pages, one for each command
    #[arg(value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
}

const SECRETS_INIT_EXAMPLES: &str = "\
Without the server token the cluster is lost: back up with `secrets export`.

Example:
  imgbuild secrets init --age age1…";

const SECRETS_EXPORT_EXAMPLES: &str = "\
The backup is a secrets.toml.age: put it into a workspace under that name, and
the public keys it is encrypted for into secrets.recipients, one on each line.

Example:
  imgbuild secrets export --age age1… --output secrets-backup.age";

const SECRETS_SECURE_BOOT_EXAMPLES: &str = "\
With such keys images for UEFI boards are built signed: docs/secure-boot.md.

Example:
  imgbuild secrets secure-boot --output secure-boot --allow microsoft-uefi-ca.der";

/// The subcommands of `secrets`.
#[derive(Debug, Subcommand)]
pub enum Secrets {
    /// Create the secrets of a new cluster
    #[command(after_help = SECRETS_INIT_EXAMPLES)]
    Init(SecretsInit),
    /// Set one secret, typed on the terminal or read from standard input
    #[command(after_help = "Example:\n  imgbuild secrets set gitops-deploy-key < id_ed25519")]
    Set(SecretsSet),
    /// Show which node needs which secret, and which are missing
    #[command(after_help = "Example:\n  imgbuild secrets check --identity ~/.config/age/key.txt")]
    Check(SecretsCheck),
    /// Encrypt all secrets of the file, as a backup
    #[command(after_help = SECRETS_EXPORT_EXAMPLES)]
    Export(SecretsExport),
    /// Make keys for UEFI Secure Boot if there are none, and write what firmware enrols
    #[command(name = "secure-boot", after_help = SECRETS_SECURE_BOOT_EXAMPLES)]
    SecureBoot(SecretsSecureBoot),
}

/// A local source of K3s.
#[derive(Debug, Args)]
pub struct K3sFiles {
    /// Take K3s from the files of a release in this directory
    #[arg(long, value_name = "DIR", env = "IMGBUILD_K3S_DIR", hide_env_values = true, value_hint = ValueHint::DirPath)]
    pub k3s_dir: Option<PathBuf>,
}

/// What decrypts the secrets file.
#[derive(Debug, Args)]
pub struct Unlock {
    /// age or SSH identity that decrypts secrets.toml.age
    #[arg(long, value_name = "FILE", env = "IMGBUILD_AGE_IDENTITY", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub identity: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct SecretsInit {
    /// Encrypt to secrets.toml.age, for an `age1…` or `ssh-ed25519` public key; give it again for more
    #[arg(long, value_name = "RECIPIENT")]
    pub age: Vec<String>,
}

#[derive(Debug, Args)]
pub struct SecretsSet {
    /// Secret to set: a known one, or one that an overlay uses
    pub name: String,
    /// Catches a value that was given here by mistake, so that no message repeats it.
    #[arg(hide = true, allow_hyphen_values = true)]
    pub value: Vec<std::ffi::OsString>,
    /// Replace the secret even if an existing cluster depends on it
    #[arg(long)]
    pub replace: bool,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, Args)]
pub struct SecretsCheck {
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, Args)]
pub struct SecretsExport {
    /// Public key to encrypt for, `age1…` or `ssh-ed25519 AAAA…`; give it again for more
    #[arg(long, value_name = "RECIPIENT", required = true)]
    pub age: Vec<String>,
    /// File to write; it must not exist [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, Args)]
pub struct SecretsSecureBoot {
    /// Directory for the files that firmware enrols
    /// [default: secure-boot in the workspace]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// Certificate (DER or PEM) whose programs shall start too, such as that of a graphics card's firmware; give it again for more
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub allow: Vec<PathBuf>,
    #[command(flatten)]
    pub unlock: Unlock,
}

/// The subcommands of `node`.
#[derive(Debug, Subcommand)]
pub enum Node {
    /// Show the public part of a node's identity
    #[command(after_help = "Example:\n  imgbuild node show pi1")]
    Show(NodeShow),
    /// Print the nodes' SSH host keys as lines for a `known_hosts` file
    #[command(after_help = "Example:\n  imgbuild node ssh-known-hosts >> ~/.ssh/known_hosts")]
    SshKnownHosts(NodeKnownHosts),
}

#[derive(Debug, Args)]
pub struct NodeShow {
    /// Node to show
    pub name: String,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, Args)]
pub struct NodeKnownHosts {
    #[command(flatten)]
    pub unlock: Unlock,
}
