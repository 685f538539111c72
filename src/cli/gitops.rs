//! The command line of `imgbuild gitops`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::Unlock;

const INIT_EXAMPLES: &str = "\
DIR is made if need be, and may be a fresh clone: files that are there stay.
Which repository it is, and in which folder Argo CD looks, the overlay that
provides `gitops` says ([overlay.argocd] of cluster.toml and of the profile).

Examples:
  imgbuild gitops init ../cluster
  git clone git@github.com:you/cluster.git && imgbuild gitops init cluster";

const RENDER_EXAMPLES: &str = "\
A file that was changed by hand is its owner's: it stays as it is, and is told,
also when there is a newer one for it. An Application that was moved to the
folder `disabled` stays there. With --check nothing is written, and the exit
code is 1 if there is anything to write or to tell.

Examples:
  imgbuild gitops render ../cluster --check
  imgbuild gitops render ../cluster
  imgbuild gitops render ../cluster --ours apps/enabled/longhorn.yaml";

/// Commands for the Git repository that Argo CD applies.
#[derive(Debug, Subcommand)]
pub enum Gitops {
    /// Write the repository of a cluster's systems, ready to commit
    #[command(after_help = INIT_EXAMPLES)]
    Init(GitopsInit),
    /// Bring a repository up to date with the overlays, or say what differs
    #[command(after_help = RENDER_EXAMPLES)]
    Render(GitopsRender),
}

#[derive(Debug, Args)]
pub struct GitopsInit {
    /// Directory of the repository
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, Args)]
pub struct GitopsRender {
    /// Directory of the repository
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,
    /// Write nothing; fail if anything differs
    #[arg(long, conflicts_with = "ours")]
    pub check: bool,
    /// Replace this file though it was changed by hand: a path in the repository;
    /// may be given several times
    #[arg(long, value_name = "PATH")]
    pub ours: Vec<String>,
    #[command(flatten)]
    pub unlock: Unlock,
}
