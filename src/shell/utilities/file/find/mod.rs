//! find(1), of POSIX and findutils. It carries out other commands, for which it asks an [`Actor`].
//!
//! ```text
//! arguments ─▶ expression ─▶ walk over the files ─▶ tests, actions ─▶ exit status
//! ```
//!
//! Byte order stands for the order in which a directory has its names, which differs from one installation to the next.

mod expression;
mod pattern;
#[cfg(test)]
mod tests;
mod walk;

use self::expression::Fault;
use self::walk::Walk;
use crate::shell::{Files, Reason};

/// Files that one command of `-exec … {} +` gets at most.
const ARGUMENTS_MAX: usize = 10_000;

/// Who carries out what a search asks for.
pub trait Actor {
    /// Why it cannot go on.
    type Error;

    /// The files that are searched.
    fn files(&mut self) -> &mut Files;

    /// The error for what cannot be followed.
    fn stop(&self, reason: Reason) -> Self::Error;

    /// Prints to standard output.
    ///
    /// # Errors
    /// There is no more room.
    fn print(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Prints a line of diagnostics.
    ///
    /// # Errors
    /// There is no more room.
    fn complain(&mut self, text: &str) -> Result<(), Self::Error>;

    /// Carries out a command, and says its exit status.
    ///
    /// # Errors
    /// It cannot be followed.
    fn exec(&mut self, words: &[String]) -> Result<u8, Self::Error>;
}

/// Carries out find(1).
///
/// # Errors
/// What cannot be followed: a test or an action that is not modelled, times of files, or what a command of `-exec` stops at.
pub fn run<A: Actor>(actor: &mut A, args: &[String]) -> Result<u8, A::Error> {
    let search = match expression::parse(actor.files(), args) {
        Ok(search) => search,
        Err(Fault::Reason(reason)) => return Err(actor.stop(reason)),
        Err(Fault::Complaint(text)) => {
            actor.complain(&format!("find: {text}"))?;
            return Ok(1);
        }
    };
    let mut walk = Walk::new(actor, &search);
    for start in &search.starts {
        if !walk.start(start)? {
            break;
        }
    }
    let (mut status, gathered) = (walk.status, std::mem::take(&mut walk.gathered));
    for (command, files) in search.all.iter().zip(gathered) {
        if files.len() > ARGUMENTS_MAX {
            return Err(actor.stop(Reason::Limit("ten thousand files for one command of find")));
        }
        if files.is_empty() {
            continue;
        }
        let words: Vec<String> = command.iter().cloned().chain(files).collect();
        if actor.exec(&words)? != 0 {
            status = 1;
        }
    }
    Ok(status)
}
