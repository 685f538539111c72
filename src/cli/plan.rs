//! The command line of `imgbuild plan`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::Unlock;

pub(super) const EXAMPLES: &str = "\
Examples:
  imgbuild plan
  imgbuild plan --svg plan.svg";

/// What the cluster does at its first boot.
#[derive(Debug, Args)]
pub struct Plan {
    /// Draw the plan into this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub svg: Option<PathBuf>,
    #[command(flatten)]
    pub unlock: Unlock,
}
