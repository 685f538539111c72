//! The command line of `imgbuild why`.

use clap::{ArgGroup, Args};

pub(super) const EXAMPLES: &str = "\
Examples:
  imgbuild why libssl3t64 demo
  imgbuild why ssh.service demo
  imgbuild why /etc/issue demo
  imgbuild why vm.panic_on_oom demo
  imgbuild why --scripts chrony demo   what its scripts did, line by line";

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").args(["name", "profile"]).required(true))]
pub struct Why {
    /// Package, path in the image, unit, kernel module, sysctl, question of debconf or manifest's file to explain
    pub what: String,
    /// Profile whose image has it, or node with that profile
    pub name: Option<String>,
    /// Profile whose image has it
    #[arg(short, long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Show what the package's maintainer scripts do to the image, line by line, instead
    #[arg(long)]
    pub scripts: bool,
}
