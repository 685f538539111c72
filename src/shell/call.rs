//! A command that is carried out: what it is given and what it answers.

use std::cell::Cell;
use std::ops::Deref;

use super::files::{FileError, Files};
use super::reason::Reason;
use super::variables::Variables;

/// One call of a utility. What it does to files it does to a value in memory; it has no other means.
#[derive(Debug)]
pub struct Call<'a> {
    /// The arguments, without the name.
    pub args: &'a [String],
    pub stdin: Stdin<'a>,
    pub out: &'a mut Vec<u8>,
    /// Diagnostics. Scripts seldom look at their text, so it need not be that of the original; that there is one counts.
    pub err: &'a mut Vec<u8>,
    pub files: &'a mut Files,
    /// The shell's variables; exported ones are the environment.
    pub variables: &'a mut Variables,
}

/// Standard input, as bytes. Whoever looks at them has read them all: the next command finds none left.
#[derive(Debug)]
pub struct Stdin<'a> {
    bytes: &'a [u8],
    read: Cell<bool>,
}

impl<'a> Stdin<'a> {
    /// Input that nobody has read yet.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, read: Cell::new(false) }
    }

    /// Whether it was read.
    #[must_use]
    pub fn was_read(&self) -> bool {
        self.read.get()
    }
}

impl Deref for Stdin<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.read.set(true);
        self.bytes
    }
}

/// What a utility answers: its exit status, or why it cannot be followed. An error that the original reports with an exit
/// status (a file that is not there) is an exit status here too; an option that is not modelled is a [`Reason`].
pub type Answer = Result<u8, Reason>;

/// A utility: a pure function over what its [`Call`] has.
pub type Utility = fn(&mut Call<'_>) -> Answer;

/// Commands that the shell's own language does not have.
pub trait Host: Send {
    /// Carries out the command `name` (a base name) if it is modelled.
    fn run(&mut self, name: &str, call: &mut Call<'_>) -> Option<Answer>;

    /// Carries out the file at `path` for `.`, if its effect is modelled as a whole (debconf's `confmodule`).
    fn sourced(&mut self, path: &str, call: &mut Call<'_>) -> Option<Answer>;
}

impl Call<'_> {
    /// Prints to standard output.
    pub fn print(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Prints a line of diagnostics.
    pub fn complain(&mut self, text: &str) {
        self.err.extend_from_slice(text.as_bytes());
        self.err.push(b'\n');
    }

    /// Standard input as text.
    ///
    /// # Errors
    /// Bytes that are not UTF-8.
    pub fn input(&self) -> Result<&str, Reason> {
        std::str::from_utf8(&self.stdin).map_err(|_| Reason::NotText)
    }

    /// Reports that an operation on `path` failed, as utilities do: a diagnostic and exit status 1.
    ///
    /// # Errors
    /// What is not modelled is no exit status.
    pub fn failed(&mut self, utility: &str, path: &str, error: FileError) -> Answer {
        match error {
            FileError::Reason(reason) => Err(reason),
            error => {
                self.complain(&format!("{utility}: {path}: {error}"));
                Ok(1)
            }
        }
    }
}
