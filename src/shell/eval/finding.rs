//! How find(1) works in a shell.

use super::state::{Flow, Shell, Step};
use crate::shell::files::Files;
use crate::shell::reason::Reason;
use crate::shell::utilities::file::find::Actor;

impl Actor for Shell<'_> {
    type Error = Flow;

    fn files(&mut self) -> &mut Files {
        &mut self.files
    }

    fn stop(&self, reason: Reason) -> Flow {
        Shell::stop(self, reason)
    }

    fn print(&mut self, bytes: &[u8]) -> Step<()> {
        self.send(1, bytes)
    }

    fn complain(&mut self, text: &str) -> Step<()> {
        Shell::complain(self, text)
    }

    fn exec(&mut self, words: &[String]) -> Step<u8> {
        self.step()?;
        let Some((name, args)) = words.split_first() else { return Ok(0) };
        self.deeper(|shell| shell.run_plain(name, args))
    }
}
