//! `imgbuild completions`: a shell's completion script on standard output.

use clap::CommandFactory;

use super::Outcome;
use crate::cli::{Cli, Completions};

#[expect(clippy::unnecessary_wraps, reason = "all verbs have one form")]
pub(super) fn run(args: &Completions) -> Outcome {
    clap_complete::generate(args.shell, &mut Cli::command(), "imgbuild", &mut std::io::stdout());
    Ok(())
}
