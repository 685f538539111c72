//! The command line of `imgbuild overlay`.

use clap::{Args, Subcommand};

const SHOW_EXAMPLE: &str = "\
What comes along only where parameters have certain values is shown with them.

Example:
  imgbuild overlay show node";

/// Commands about overlays, which need no profile.
#[derive(Debug, Subcommand)]
pub enum Overlay {
    /// List the overlays of the workspace and of the program
    #[command(after_help = "Example:\n  imgbuild overlay list")]
    List,
    /// Show an overlay: its parameters, what it brings and what it needs
    #[command(after_help = SHOW_EXAMPLE)]
    Show(OverlayShow),
}

#[derive(Debug, Args)]
pub struct OverlayShow {
    /// Overlay to show
    pub name: String,
}
