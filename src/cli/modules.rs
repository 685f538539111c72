//! The command line of `imgbuild modules`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueHint};

const IMPORT_EXAMPLE: &str = "\
Where the lock has no digest of it, SHA256SUMS and its signature by the
`release_key` of imgbuild.toml must lie beside the file.

Example:
  imgbuild modules import release/tool_1.0-1_6.12.118+deb13-amd64.modules.tar gpu";

/// Commands for kernel modules that overlays have compiled.
#[derive(Debug, Subcommand)]
pub enum Modules {
    /// Compile those of a profile that are not in the cache, and write their digests to imgbuild.lock
    #[command(after_help = "Example:\n  imgbuild modules build gpu")]
    Build(ModulesOf),
    /// Write those of a profile to files for other machines, with their checksums
    #[command(after_help = "Example:\n  imgbuild modules export gpu --sign minisign.key --output release")]
    Export(ModulesExport),
    /// Put a file of compiled modules into the cache, if it is what the profile's lock asks for
    #[command(override_usage = "imgbuild modules import <FILE> <NAME|--profile <NAME>>", after_help = IMPORT_EXAMPLE)]
    Import(ModulesImport),
}

/// A profile, of which kernel modules are.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["name", "profile"]).required(true))]
pub struct ModulesOf {
    /// Profile, or node with that profile
    pub name: Option<String>,
    /// Profile
    #[arg(short, long, value_name = "NAME")]
    pub profile: Option<String>,
}

#[derive(Debug, Args)]
pub struct ModulesExport {
    #[command(flatten)]
    pub of: ModulesOf,
    /// Sign the checksums with this minisign secret key; the password of an
    /// encrypted key is read from `IMGBUILD_MINISIGN_PASSWORD`
    #[arg(long, value_name = "KEY", value_hint = ValueHint::FilePath)]
    pub sign: Option<PathBuf>,
    /// Directory for the files; that of a release set may be named
    /// [default: build/release in the workspace]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ModulesImport {
    /// File that `modules export` wrote
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    #[command(flatten)]
    pub of: ModulesOf,
}
