//! The commands that are part of the shell (XCU 2.15, 1.7), by theme.

mod control;
mod describe;
mod directory;
mod getopts;
mod options;
mod print;
mod read;
mod traps;
mod variables;

use super::state::{Flow, Shell, Step};
use crate::shell::reason::Reason;

/// The special builtins (XCU 2.15): assignments before them stay, and their errors end the shell. `local` is dash's.
const SPECIAL: [&str; 16] = [
    ":", ".", "break", "continue", "eval", "exec", "exit", "export", "local", "readonly", "return", "set", "shift",
    "times", "trap", "unset",
];

/// The others.
const REGULAR: [&str; 29] = [
    "alias", "bg", "cd", "chdir", "command", "echo", "false", "fc", "fg", "getopts", "hash", "jobs", "kill", "printf",
    "pwd", "read", "test", "[", "true", "type", "ulimit", "umask", "unalias", "wait", "source", "declare", "typeset",
    "let", "shopt",
];

/// How many of the last of those are bash's only.
const OF_BASH: usize = 5;

pub(in crate::shell::eval) fn is_special(name: &str) -> bool {
    SPECIAL.contains(&name)
}

/// Whether the shell has a command of this name by itself.
pub(in crate::shell::eval) fn is_builtin(name: &str, bash: bool) -> bool {
    let regular = REGULAR.get(..REGULAR.len() - if bash { 0 } else { OF_BASH }).unwrap_or_default();
    is_special(name) || regular.contains(&name)
}

impl Shell<'_> {
    /// Carries out a builtin, if `name` is one.
    pub(super) fn builtin(&mut self, name: &str, args: &[String]) -> Option<Step<u8>> {
        if !is_builtin(name, self.environment.options.bash) {
            return None;
        }
        self.unwritten = false;
        let result = match name {
            ":" | "true" => Ok(0),
            "false" => Ok(1),
            "." | "source" => self.source(args),
            "break" => self.leave_loops(args, Flow::Break),
            "continue" => self.leave_loops(args, Flow::Continue),
            "cd" | "chdir" => self.change_directory(args),
            "command" => self.command_builtin(args),
            "echo" => self.echo(args, self.environment.options.bash),
            "eval" => self.eval(&args.join(" ")),
            "exec" => match args.split_first() {
                None => Ok(0),
                Some((name, args)) => self.replace(name, args),
            },
            "exit" => self.status_of(args).and_then(|status| Err(Flow::Exit(status))),
            "return" => self.return_status(args).and_then(|status| Err(Flow::Return(status))),
            "export" | "readonly" => self.declare(name, args),
            "local" | "typeset" | "declare" => self.local(args),
            "printf" => self.printf(args),
            "pwd" => self.working_directory(args),
            "read" => self.read(args),
            "set" => self.set(args),
            "shift" => self.shift(args),
            "test" | "[" => self.test(name, args),
            "trap" => self.trap(args),
            "type" => self.describe_all(args),
            "umask" => self.umask(args),
            "unset" => self.unset_all(args),
            "getopts" => self.getopts(args),
            "hash" => self.hash(args),
            // Nothing runs that could be waited for.
            "wait" if args.is_empty() => Ok(0),
            _ => Err(self.stop(Reason::Construct(format!("`{name}`")))),
        };
        Some(match result {
            Ok(status) if std::mem::take(&mut self.unwritten) => {
                self.complain(&format!("{name}: I/O error")).map(|()| status | 1)
            }
            result => result,
        })
    }

    /// Goes past the options of a builtin, all of which must be among `known`; `--` ends them. Gives them and the operands.
    pub(super) fn builtin_options<'a>(&mut self, known: &str, args: &'a [String]) -> Step<(String, &'a [String])> {
        let (mut found, mut rest) = (String::new(), args);
        while let Some((first, more)) = rest.split_first() {
            let Some(flags) = first.strip_prefix('-').filter(|flags| !flags.is_empty()) else { break };
            rest = more;
            if flags == "-" {
                break;
            }
            if let Some(flag) = flags.chars().find(|flag| !known.contains(*flag)) {
                return self.fail(&format!("Illegal option -{flag}"));
            }
            found.push_str(flags);
        }
        Ok((found, rest))
    }
}
