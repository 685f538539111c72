//! What a shell knows while it goes through a script.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::descriptors::Descriptors;
use super::interpreter::Interpreter;
use crate::shell::ast::Command;
use crate::shell::call::Host;
use crate::shell::files::Files;
use crate::shell::reason::Reason;
use crate::shell::variables::Variables;

/// Commands that one script may carry out, those of loops each time.
const STEPS_MAX: u64 = 400_000;

/// Bytes that words, variables and pipes may come to in all.
const BYTES_MAX: usize = 256 << 20;

/// How deep functions, substitutions, `eval` and sourced files may call each other.
const CALLS_MAX: usize = 60;

/// How deep commands may lie within each other, those of calls counted in.
const DEPTH_MAX: usize = 1000;

/// A line that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Stop {
    /// Of the script, from 1.
    pub line: usize,
    /// The file that was sourced or run from the script, if the line is in there.
    pub file: Option<String>,
    pub reason: Reason,
}

/// Why a list ends before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flow {
    /// The shell exits.
    Exit(u8),
    /// A function or sourced file returns.
    Return(u8),
    /// Leaves that many loops.
    Break(usize),
    /// Goes on with that loop outwards.
    Continue(usize),
    Stop(Box<Stop>),
}

/// What an evaluation step yields.
pub(super) type Step<T> = Result<T, Flow>;

/// Options of the shell (XCU 2.15, `set`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is on or off by itself")]
pub(super) struct Options {
    /// `-e`
    pub errexit: bool,
    /// `-u`
    pub nounset: bool,
    /// `-f`
    pub noglob: bool,
    /// `-o pipefail`
    pub pipefail: bool,
    /// It is bash, not sh: `echo` and `local` differ.
    pub bash: bool,
}

impl Options {
    /// Those that a shell begins with.
    pub fn of(interpreter: Interpreter) -> Self {
        let Interpreter { bash, errexit, nounset } = interpreter;
        Self { errexit, nounset, bash, ..Self::default() }
    }
}

/// The parts of a shell that a subshell has copies of.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    pub variables: Variables,
    pub functions: BTreeMap<String, Rc<Command>>,
    /// `$1` and so on.
    pub positional: Vec<String>,
    /// `$0`
    pub name: String,
    pub options: Options,
    /// The action of `trap … EXIT`.
    pub exit_trap: Option<String>,
    /// Variables that functions made local, of each function that runs: name and value outside.
    pub locals: Vec<Vec<(String, Option<String>)>>,
    /// `$?`
    pub status: u8,
    /// Where `getopts` is within an argument.
    pub option_at: usize,
}

/// A shell.
pub(super) struct Shell<'a> {
    pub files: Files,
    pub host: &'a mut dyn Host,
    pub environment: Environment,
    pub descriptors: Descriptors,
    /// The line that is carried out.
    pub line: usize,
    /// The sourced file or program that is carried out.
    pub file: Option<String>,
    /// How many loops enclose what is carried out.
    pub loops: usize,
    /// Whether a failure is looked at by `if`, `while`, `!`, `&&` or `||`: `set -e` does not count then (XCU 2.8.1, `set -e`).
    pub tested: bool,
    /// The status of the last command substitution, which a command without a name takes over.
    pub substituted: Option<u8>,
    steps: u64,
    bytes: usize,
    calls: usize,
    depth: usize,
}

impl<'a> Shell<'a> {
    pub fn new(files: Files, host: &'a mut dyn Host, environment: Environment) -> Self {
        Self {
            files,
            host,
            environment,
            descriptors: Descriptors::new(),
            line: 1,
            file: None,
            loops: 0,
            tested: false,
            substituted: None,
            steps: 0,
            bytes: 0,
            calls: 0,
            depth: 0,
        }
    }

    /// Stops at the present line.
    pub fn stop(&self, reason: Reason) -> Flow {
        Flow::Stop(Box::new(Stop { line: self.line, file: self.file.clone(), reason }))
    }

    /// Counts a command.
    pub fn step(&mut self) -> Step<()> {
        self.steps += 1;
        if self.steps > STEPS_MAX { Err(self.stop(Reason::Limit("400000 commands"))) } else { Ok(()) }
    }

    /// Counts bytes that are kept or passed on.
    pub fn count(&mut self, bytes: usize) -> Step<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > BYTES_MAX { Err(self.stop(Reason::Limit("256 MiB of text"))) } else { Ok(()) }
    }

    /// Does `run` within another command.
    pub fn within<T>(&mut self, run: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        if self.depth >= DEPTH_MAX {
            return Err(self.stop(Reason::Limit("1000 commands within each other")));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// Does `run` one call deeper.
    pub fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        if self.calls >= CALLS_MAX {
            return Err(self.stop(Reason::Limit("60 calls within each other")));
        }
        self.calls += 1;
        let result = run(self);
        self.calls -= 1;
        result
    }

    /// Does `run` where failures are looked at.
    pub fn tested<T>(&mut self, run: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        let before = std::mem::replace(&mut self.tested, true);
        let result = run(self);
        self.tested = before;
        result
    }

    /// Does `run` in a subshell (XCU 2.13): what it changes of the shell is forgotten, what it does to files stays. `exit` ends only the
    /// subshell.
    pub fn subshell(&mut self, run: impl FnOnce(&mut Self) -> Step<u8>) -> Step<u8> {
        let outer = self.environment.clone();
        let (cwd, umask, descriptors, loops) =
            (self.files.cwd(), self.files.umask, self.descriptors.table(), std::mem::take(&mut self.loops));
        self.environment.exit_trap = None;
        let result = self.deeper(run);
        let result = match result {
            Ok(status) | Err(Flow::Exit(status) | Flow::Return(status)) => self.run_exit_trap(status),
            Err(Flow::Break(_) | Flow::Continue(_)) => Ok(0),
            Err(stop) => Err(stop),
        };
        self.environment = outer;
        self.descriptors.restore(descriptors);
        self.loops = loops;
        self.files.umask = umask;
        // A working directory that is gone stays unreachable, as it would.
        let _ = self.files.chdir(&cwd);
        result
    }
}
