//! `imgbuild completions`: a shell's completion script on standard output.

use clap::CommandFactory;
use serde_json::json;

use super::Outcome;
use crate::cli::{Cli, Completions};
use crate::output::Console;

#[expect(clippy::unnecessary_wraps, reason = "all verbs have one form")]
pub(super) fn run(args: &Completions, console: &Console) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "imgbuild", &mut script);
    let script = String::from_utf8_lossy(&script);
    console.text(&json!({"shell": args.shell.to_string(), "script": script}), &script);
    Ok(())
}
