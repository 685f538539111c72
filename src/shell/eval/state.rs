//! What a shell knows while it goes through a script.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::descriptors::{Descriptors, Table};
use super::pattern::{Budget, TooMuch};
use super::positional::Positional;
use crate::shell::ast::Command;
use crate::shell::call::Host;
use crate::shell::files::{FileError, Files};
use crate::shell::interpreter::Interpreter;
use crate::shell::reason::Reason;
use crate::shell::variables::{Variable, Variables};

/// Commands that one script may carry out, those of loops each time.
const STEPS_MAX: u64 = 400_000;

/// Bytes that words, variables and pipes may come to in all.
const BYTES_MAX: usize = 256 << 20;

/// Bytes of a single text.
const TEXT_MAX: usize = 16 << 20;

/// Steps of matching patterns, copying variables and the like.
const WORK_MAX: u64 = 1 << 30;

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
    /// Another program took the shell's place (`exec`), and ended with this status.
    Replaced(u8),
    /// A mistake that ends a shell that nobody types into (XCU 2.8.1), unless it is one of a utility.
    Error,
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
    /// `-a`
    pub allexport: bool,
    /// `-e`
    pub errexit: bool,
    /// `-u`
    pub nounset: bool,
    /// `-f`
    pub noglob: bool,
    /// `-x`, of which only `$-` tells.
    pub xtrace: bool,
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

/// Where `getopts` is: the next word, and the place in the word before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OptionPlace {
    /// From 1.
    pub word: usize,
    pub within: Option<usize>,
}

impl Default for OptionPlace {
    fn default() -> Self {
        Self { word: 1, within: None }
    }
}

/// What a function or an assignment before a command changed for as long as it runs.
#[derive(Debug, Clone)]
pub(super) enum Local {
    Variable(String, Option<Variable>),
    /// `local -`
    Options(Options),
}

/// A function.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub body: Rc<Command>,
    /// The sourced file or program that it stands in.
    pub file: Option<String>,
}

/// The parts of a shell that a subshell has copies of.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    pub variables: Variables,
    pub functions: Rc<BTreeMap<String, Function>>,
    /// Names that stand for something else in what is read from now on.
    pub aliases: Rc<BTreeSet<String>>,
    pub positional: Positional,
    /// `$0`
    pub name: Rc<str>,
    pub options: Options,
    /// Actions of `trap`, by condition.
    pub traps: BTreeMap<&'static str, Rc<str>>,
    /// What is local, of each function or command that runs.
    pub locals: Vec<Vec<Local>>,
    /// `$?`
    pub status: u8,
    pub option_place: OptionPlace,
    /// The working directory as `cd` names it, with the links that it went through.
    pub directory: Rc<str>,
}

impl Environment {
    /// That of a new shell: variables that it is given, and those that it sets itself.
    pub fn new(mut variables: Variables, name: &str, args: &[String], options: Options, directory: &str) -> Self {
        variables.unset("IFS");
        variables.set("IFS", " \t\n");
        variables.unset("OPTIND");
        variables.set("OPTIND", "1");
        variables.set("PWD", directory);
        Self {
            variables,
            positional: Positional::new(args.to_vec()),
            name: name.into(),
            options,
            directory: directory.into(),
            ..Self::default()
        }
    }

    /// The characters that divide fields.
    pub fn ifs(&self) -> String {
        self.variables.get("IFS").unwrap_or(" \t\n").to_owned()
    }
}

/// A shell.
pub(super) struct Shell<'a> {
    files: Files,
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
    /// Whether a builtin could not write to standard output.
    pub unwritten: bool,
    steps: u64,
    bytes: usize,
    work: u64,
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
            unwritten: false,
            steps: 0,
            bytes: 0,
            work: 0,
            calls: 0,
            depth: 0,
        }
    }

    /// The files, with all in them that was written.
    pub fn files(&mut self) -> Step<&mut Files> {
        match self.files.settle() {
            Ok(()) => Ok(&mut self.files),
            Err(FileError::Reason(reason)) => Err(self.stop(reason)),
            Err(error) => Err(self.stop(Reason::Construct(format!("writing to a file ({error})")))),
        }
    }

    /// The files, of which those that are open may not be stored yet.
    pub fn unsettled(&mut self) -> &mut Files {
        &mut self.files
    }

    /// The files and what else a utility is given.
    pub fn parts(&mut self) -> Step<(&mut Files, &mut dyn Host, &mut Variables)> {
        self.files()?;
        Ok((&mut self.files, self.host, &mut self.environment.variables))
    }

    /// The files as the script leaves them.
    pub fn into_files(mut self) -> Files {
        // Nothing is written any more that could be too much.
        let _ = self.files.settle();
        self.files
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
        if self.bytes > BYTES_MAX {
            return Err(self.stop(Reason::Limit("256 MiB of text")));
        }
        self.bounded(bytes)
    }

    /// Refuses a text that is too long.
    pub fn bounded(&mut self, bytes: usize) -> Step<()> {
        if bytes > TEXT_MAX { Err(self.stop(Reason::Limit("16 MiB of text at once"))) } else { Ok(()) }
    }

    /// Counts what costs time but is no command.
    pub fn work(&mut self, amount: usize) -> Step<()> {
        self.work = self.work.saturating_add(amount as u64);
        if self.work > WORK_MAX { Err(self.stop(Self::too_much())) } else { Ok(()) }
    }

    /// Does `run`, which matches patterns.
    pub fn matching<T>(&mut self, run: impl FnOnce(&mut Budget) -> Result<T, TooMuch>) -> Step<T> {
        let left = WORK_MAX.saturating_sub(self.work);
        let mut budget = Budget(left);
        let result = run(&mut budget);
        self.work = self.work.saturating_add(left - budget.0);
        result.map_err(|TooMuch| self.stop(Self::too_much()))
    }

    fn too_much() -> Reason {
        Reason::Limit("a billion steps of matching patterns and copying variables")
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

    /// Does `run` where failures are looked at, or not.
    pub fn tested<T>(&mut self, tested: bool, run: impl FnOnce(&mut Self) -> Step<T>) -> Step<T> {
        let before = std::mem::replace(&mut self.tested, tested);
        let result = run(self);
        self.tested = before;
        result
    }

    /// Does `run` in a subshell (XCU 2.13): what it changes of the shell is forgotten, what it does to files stays. `exit` ends only the
    /// subshell.
    pub fn subshell(&mut self, run: impl FnOnce(&mut Self) -> Step<u8>) -> Step<u8> {
        self.work(self.environment.variables.len() + self.environment.locals.len())?;
        let outer = self.environment.clone();
        let (cwd, umask, descriptors, loops) =
            (self.files()?.cwd(), self.files.umask, self.descriptors.table(), self.loops);
        self.environment.traps.retain(|_, action| action.is_empty());
        // What is local is restored with all else.
        for locals in &mut self.environment.locals {
            locals.clear();
        }
        let result = self.deeper(run);
        let result = self.ended(result);
        self.environment = outer;
        self.restore(descriptors)?;
        self.loops = loops;
        let files = self.files()?;
        files.umask = umask;
        // A working directory that is gone stays unreachable, as it would.
        let _ = files.chdir(&cwd);
        result
    }

    /// Makes the descriptors what they were.
    pub fn restore(&mut self, table: Table) -> Step<()> {
        self.descriptors.restore(table);
        self.close_unused()
    }

    /// Closes files that no descriptor leads to.
    pub fn close_unused(&mut self) -> Step<()> {
        for number in self.descriptors.closed() {
            if let Err(FileError::Reason(reason)) = self.files.close(number) {
                return Err(self.stop(reason));
            }
        }
        Ok(())
    }
}
