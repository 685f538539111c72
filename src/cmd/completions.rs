//! `imgbuild completions`: a shell's completion script on standard output.

use clap::CommandFactory;

use super::Outcome;
use crate::cli::{Cli, Completions};
use crate::output::Console;

#[expect(clippy::unnecessary_wraps, reason = "all verbs have one form")]
pub(super) fn run(args: &Completions, console: &Console) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "imgbuild", &mut script);
    console.text(&String::from_utf8_lossy(&script));
    Ok(())
}
