//! The commands that are part of the shell (XCU 2.15, 1.7), by theme.

mod control;
mod describe;
mod directory;
mod getopts;
mod print;
mod read;
mod variables;

use super::state::{Flow, Shell, Step};
use crate::shell::reason::Reason;

/// The special builtins (XCU 2.15): assignments before them stay, and their errors end the shell.
const SPECIAL: [&str; 15] = [
    ":", ".", "source", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift",
    "trap", "unset",
];

pub(in crate::shell::eval) fn is_special(name: &str) -> bool {
    SPECIAL.contains(&name)
}

/// Whether the shell has a command of this name by itself.
pub(in crate::shell::eval) fn is_builtin(name: &str) -> bool {
    is_special(name)
        || [
            "cd", "command", "echo", "false", "getopts", "hash", "local", "printf", "pwd", "read", "test", "[", "true",
            "type", "typeset", "declare", "umask", "wait", "alias", "unalias", "which",
        ]
        .contains(&name)
}

impl Shell<'_> {
    /// Carries out a builtin, if `name` is one.
    pub(super) fn builtin(&mut self, name: &str, args: &[String]) -> Option<Step<u8>> {
        Some(match name {
            ":" | "true" | "hash" | "wait" => Ok(0),
            "false" => Ok(1),
            "." | "source" => self.source(args),
            "break" => self.leave_loops(args, Flow::Break),
            "continue" => self.leave_loops(args, Flow::Continue),
            "cd" => self.change_directory(args),
            "command" => self.command_builtin(args),
            "echo" => self.echo(args),
            "eval" => self.eval(&args.join(" ")),
            "exec" => self
                .run_plain(args.first().map_or("", String::as_str), args.get(1..).unwrap_or_default())
                .and_then(|status| Err(Flow::Exit(status))),
            "exit" => self.status_of(args).and_then(|status| Err(Flow::Exit(status))),
            "return" => self.status_of(args).and_then(|status| Err(Flow::Return(status))),
            "export" | "readonly" => self.export(args, name == "export"),
            "local" | "typeset" | "declare" => Ok(self.local(args)),
            "printf" => self.printf(args),
            "pwd" => {
                let cwd = self.files.cwd();
                self.print(&format!("{cwd}\n")).map(|()| 0)
            }
            "read" => self.read(args),
            "set" => self.set(args),
            "shift" => self.shift(args),
            "test" | "[" => self.test(name, args),
            "trap" => self.trap(args),
            "type" => self.describe(args, true),
            "which" => self.which(args),
            "umask" => self.umask(args),
            "unset" => {
                for name in args.iter().filter(|arg| !arg.starts_with('-')) {
                    if args.iter().any(|arg| arg == "-f") {
                        self.environment.functions.remove(name);
                    } else {
                        self.environment.variables.unset(name);
                    }
                }
                Ok(0)
            }
            "getopts" => self.getopts(args),
            "alias" | "unalias" => Err(self.stop(Reason::Construct(format!("`{name}`")))),
            _ => return None,
        })
    }
}
