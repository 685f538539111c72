//! The command line of `imgbuild images`.

use clap::{ArgGroup, Args};

pub(super) const EXAMPLES: &str = "\
Charts are rendered by `helm`, if it is on PATH, with the values of their manifests.

Examples:
  imgbuild images control
  imgbuild images --profile control --digests";

/// The container images of a profile's manifests.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("of").args(["name", "profile"]).required(true))]
pub struct Images {
    /// Profile whose manifests are looked through, or node with that profile
    pub name: Option<String>,
    /// Profile whose manifests are looked through
    #[arg(short, long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Ask the registries for digests, and print entries for `preload` of [k3s]
    #[arg(long)]
    pub digests: bool,
}
