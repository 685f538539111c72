//! `flash --all`: the sticks of all nodes, one after the other. A failure with one stick does not end the series.

use super::{choose, stick};
use crate::cli::Flash;
use crate::cmd::session::Session;
use crate::cmd::{Outcome, cluster, interrupt};
use crate::exit::{Code, Failure};
use crate::output::count;

pub(super) fn run(args: &Flash, session: &Session<'_>) -> Outcome {
    let console = session.console;
    if !args.dry_run && !console.can_ask() {
        let why = if console.is_for_people() {
            "standard input or standard error is not a terminal"
        } else {
            "`--json` asks nobody"
        };
        return Err(Failure::refused(format!("`--all` needs a person who changes sticks at a terminal, and {why}"))
            .hint("name one node with `--node`, and the disk with `--yes --device`"));
    }
    let (cluster, _) = cluster::load(session)?;
    let nodes: Vec<String> = cluster.nodes.keys().cloned().collect();
    let mut series = Series::default();
    for (number, node) in (1..).zip(&nodes) {
        if !series.is_over && !interrupt::came() && series.step(args, node, (number, nodes.len()), session) {
            continue;
        }
        series.left.push(format!("`{node}`"));
    }
    let Series { left, first_failure, .. } = series;
    let summary = format!("{} of {} left: {}", left.len(), count(nodes.len(), "node"), left.join(", "));
    match first_failure {
        Some(code) => Err(Failure { code, ..Failure::refused(summary) }
            .hint("write them one by one: `imgbuild flash --node NAME`; the errors are above")),
        None => {
            if !left.is_empty() {
                console.note(&summary);
            }
            Ok(())
        }
    }
}

#[derive(Default)]
struct Series {
    /// Sticks that were written, by the kernel's sequence number.
    already_written: Vec<u64>,
    /// Nodes whose sticks were not written.
    left: Vec<String>,
    /// The exit code of the first failure.
    first_failure: Option<Code>,
    /// The user can no longer be asked.
    is_over: bool,
}

impl Series {
    /// The stick of one node; false if it was not written.
    fn step(&mut self, args: &Flash, node: &str, (number, of): (usize, usize), session: &Session<'_>) -> bool {
        if !args.dry_run {
            match ready(args, &format!("node `{node}`, {number} of {of}"), &self.already_written, session) {
                Ok(true) => {}
                Ok(false) => return false,
                Err(failure) => {
                    self.is_over = true;
                    return self.note(&failure, session);
                }
            }
        }
        match stick::write(args, Some(node), &mut self.already_written, session) {
            Ok(()) => true,
            // A user who stops the run knows the reason.
            Err(_) if interrupt::came() => false,
            Err(failure) => self.note(&failure, session),
        }
    }

    fn note(&mut self, failure: &Failure, session: &Session<'_>) -> bool {
        session.console.fail(failure);
        self.first_failure.get_or_insert(failure.code);
        false
    }
}

/// Asks for the stick of `whose`; false if the user skips it. A stick that must not be written to is found out here, where
/// the user can still plug in another one.
fn ready(args: &Flash, whose: &str, already_written: &[u64], session: &Session<'_>) -> Result<bool, Failure> {
    let question = format!("\n{whose}: plug in its stick and press Enter, or type `skip`:");
    loop {
        let typed = session.console.ask(&question).map_err(|error| choose::cannot_ask(&error, session.console))?;
        if !typed.is_empty() {
            return Ok(false);
        }
        match choose::preflight(args, already_written, session) {
            Ok(()) => return Ok(true),
            Err(failure) => session.console.fail(&failure),
        }
    }
}
