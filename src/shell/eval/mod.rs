//! The evaluator: goes through a script's commands over [`Files`], with nothing else in reach.
//!
//! [`state`] is what a shell knows, [`commands`] the control flow, [`simple`] commands with names, [`expand`] words, [`redirect`] where
//! bytes go, [`builtins`] and [`wrappers`] the commands that need the shell itself. All else are utilities, or the host's.

mod arithmetic;
mod assign;
mod builtins;
mod commands;
mod descriptors;
mod double_brackets;
mod escapes;
mod expand;
mod fields;
mod finding;
mod identity;
#[cfg(test)]
mod limits_tests;
mod number;
mod parameter;
mod path_names;
mod pattern;
mod positional;
mod printf;
mod programs;
mod redirect;
mod simple;
mod state;
mod test;
#[cfg(test)]
mod tests;
mod wrappers;

pub use pattern::Pattern;
pub use state::Stop;

use state::{Environment, Flow, Options, Shell};

use super::call::Host;
use super::files::Files;
use super::interpreter::Interpreter;
use super::parse::parse;
use super::reason::Reason;
use super::variables::Variables;

/// Stack of the thread that goes through a script, of which only what is used is taken.
const STACK: usize = 256 << 20;

/// A script and how it is started.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    pub text: &'a str,
    /// `$0`
    pub name: &'a str,
    /// `$1` and so on.
    pub args: &'a [String],
    /// The environment, all exported.
    pub environment: &'a [(String, String)],
}

/// What a script that was followed to its end came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub status: u8,
    /// What it printed.
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    /// The line that was carried out last.
    pub line: usize,
}

/// Follows a script over `files`, which are as it leaves them afterwards, also where it is stopped.
///
/// # Errors
/// The line that cannot be followed, and why.
pub fn run(script: Script<'_>, files: &mut Files, host: &mut dyn Host) -> Result<Finished, Stop> {
    // Commands within commands take stack, for which the caller's need not do.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("script".to_owned()).stack_size(STACK);
        match thread.spawn_scoped(scope, || follow(script, files, host)).map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => Err(Stop { line: 1, file: None, reason: Reason::Limit("the memory that there is") }),
        }
    })
}

fn follow(script: Script<'_>, files: &mut Files, host: &mut dyn Host) -> Result<Finished, Stop> {
    let stop = |line, reason| Stop { line, file: None, reason };
    let interpreter = if script.text.starts_with("#!") {
        let line = script.text.split('\n').next().unwrap_or_default().escape_debug();
        Interpreter::of(script.text.as_bytes())
            .ok_or_else(|| stop(1, Reason::Construct(format!("a script for `{line}`"))))?
    } else {
        Interpreter::default()
    };
    let list = parse(script.text).map_err(|error| stop(error.line, Reason::Syntax(error.what)))?;
    let mut variables = Variables::default();
    for (name, value) in script.environment {
        variables.set(name, value.as_str());
        variables.export(name);
    }
    let environment = Environment::new(variables, script.name, script.args, Options::of(interpreter), &files.cwd());
    let taken = std::mem::replace(files, Files::new(crate::tree::Tree::new(), ""));
    let mut shell = Shell::new(taken, host, environment);
    let result = shell.list(&list);
    let result = shell.ended(result);
    let (out, err) = shell.descriptors.printed();
    let line = shell.line;
    *files = shell.into_files();
    match result {
        Ok(status) => Ok(Finished { status, out, err, line }),
        Err(Flow::Stop(stop)) => Err(*stop),
        // `ended` leaves nothing else.
        Err(_) => Err(stop(line, Reason::Construct("this end of a script".to_owned()))),
    }
}
