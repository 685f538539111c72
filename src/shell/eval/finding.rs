//! How find(1) works in a shell.

use super::state::{Flow, Shell, Step};
use crate::shell::files::Files;
use crate::shell::reason::Reason;
use crate::shell::utilities::file::find::Actor;

impl Actor for Shell<'_> {
    type Error = Flow;

    /// What it prints into a file meanwhile need not be in there yet.
    fn files(&mut self) -> &mut Files {
        self.unsettled()
    }

    fn stop(&self, reason: Reason) -> Flow {
        Shell::stop(self, reason)
    }

    fn print(&mut self, bytes: &[u8]) -> Step<()> {
        self.print_bytes(bytes)
    }

    fn complain(&mut self, text: &str) -> Step<()> {
        Shell::complain(self, text)
    }

    fn exec(&mut self, words: &[String]) -> Step<u8> {
        self.step()?;
        let Some((name, args)) = words.split_first() else { return Ok(0) };
        self.deeper(|shell| shell.external(name, args))
    }
}
