//! What a name means: `command`, `type`, which(1).

use super::is_builtin;
use crate::shell::eval::state::{Shell, Step};
use crate::shell::reason::Reason;

impl Shell<'_> {
    pub(super) fn command_builtin(&mut self, args: &[String]) -> Step<u8> {
        match args.first().map(String::as_str) {
            Some("-v" | "-V") => self.describe(args.get(1..).unwrap_or_default(), args[0] == "-V"),
            Some("-p" | "--") => self.command_builtin(args.get(1..).unwrap_or_default()),
            Some(name) => self.run_plain(name, args.get(1..).unwrap_or_default()),
            None => Ok(0),
        }
    }

    /// `command -v` and `type`.
    pub(super) fn describe(&mut self, names: &[String], in_words: bool) -> Step<u8> {
        let mut status = 0;
        for name in names {
            let found = if self.environment.functions.contains_key(name) || is_builtin(name) && name != "which" {
                Some(name.clone())
            } else if name.contains('/') {
                self.is_program(name)?.then(|| name.clone())
            } else {
                self.find_program(name)?
            };
            match found {
                Some(found) if in_words => self.print(&format!("{name} is {found}\n"))?,
                Some(found) => self.print(&format!("{found}\n"))?,
                None => {
                    if in_words {
                        self.complain(&format!("{name}: not found"))?;
                    }
                    status = 127;
                }
            }
        }
        Ok(status)
    }

    /// which(1) of debianutils.
    pub(super) fn which(&mut self, args: &[String]) -> Step<u8> {
        let all = args.first().is_some_and(|arg| arg == "-a");
        if all {
            return Err(self.stop(Reason::unsupported("which", "option -a")));
        }
        let silent = args.first().is_some_and(|arg| arg == "-s");
        let mut status = u8::from(args.is_empty());
        for name in args.iter().skip(usize::from(silent)) {
            let found = if name.contains('/') {
                self.is_program(name)?.then(|| name.clone())
            } else {
                self.find_program(name)?
            };
            match found {
                Some(found) if !silent => self.print(&format!("{found}\n"))?,
                Some(_) => {}
                None => status = 1,
            }
        }
        Ok(status)
    }
}
