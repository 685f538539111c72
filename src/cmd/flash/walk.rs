//! `flash --all`: node by node, stick by stick. What goes wrong with one stick is no reason to leave the others.

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
            "standard input or standard error is no terminal"
        } else {
            "`--json` asks nobody"
        };
        return Err(Failure::refused(format!("`--all` needs a person who changes sticks at a terminal, and {why}"))
            .hint("name one node with `--node`, and the disk with `--yes --device`"));
    }
    let (cluster, _) = cluster::load(session)?;
    let nodes: Vec<String> = cluster.nodes.keys().cloned().collect();
    let mut walk = Walk::default();
    for (number, node) in (1..).zip(&nodes) {
        if !walk.is_over && !interrupt::came() && walk.step(args, node, (number, nodes.len()), session) {
            continue;
        }
        walk.left.push(format!("`{node}`"));
    }
    let Walk { left, worst, .. } = walk;
    let said = format!("{} of {} left: {}", left.len(), count(nodes.len(), "node"), left.join(", "));
    match worst {
        Some(code) => Err(Failure { code, ..Failure::refused(said) }
            .hint("write them one by one: `imgbuild flash --node NAME`; what went wrong stands above")),
        None => {
            if !left.is_empty() {
                console.note(&said);
            }
            Ok(())
        }
    }
}

#[derive(Default)]
struct Walk {
    /// Sticks that were written, by the kernel's running number.
    taken: Vec<u64>,
    /// Nodes whose sticks were not.
    left: Vec<String>,
    /// The first thing that went wrong.
    worst: Option<Code>,
    /// Nobody is there any more.
    is_over: bool,
}

impl Walk {
    /// The stick of one node; false if it was not written.
    fn step(&mut self, args: &Flash, node: &str, (number, of): (usize, usize), session: &Session<'_>) -> bool {
        if !args.dry_run {
            match ready(args, &format!("node `{node}`, {number} of {of}"), &self.taken, session) {
                Ok(true) => {}
                Ok(false) => return false,
                Err(failure) => {
                    self.is_over = true;
                    return self.note(&failure, session);
                }
            }
        }
        match stick::write(args, Some(node), &mut self.taken, session) {
            Ok(()) => true,
            // Who stops it knows why.
            Err(_) if interrupt::came() => false,
            Err(failure) => self.note(&failure, session),
        }
    }

    fn note(&mut self, failure: &Failure, session: &Session<'_>) -> bool {
        session.console.fail(failure);
        self.worst.get_or_insert(failure.code);
        false
    }
}

/// Waits for the stick of `whose`; false if it is to be left out. A stick that will not do is found out here, where another
/// one can still be plugged in.
fn ready(args: &Flash, whose: &str, taken: &[u64], session: &Session<'_>) -> Result<bool, Failure> {
    let question = format!("\n{whose}: plug in its stick and press Enter, or type `skip`:");
    loop {
        let typed = session.console.ask(&question).map_err(|error| choose::unasked(&error, session.console))?;
        if !typed.is_empty() {
            return Ok(false);
        }
        match choose::beforehand(args, taken, session) {
            Ok(()) => return Ok(true),
            Err(failure) => session.console.fail(&failure),
        }
    }
}
