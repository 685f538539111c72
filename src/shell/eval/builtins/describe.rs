//! What a name means: `command`, `type`, `hash`.

use super::{is_builtin, is_special};
use crate::shell::eval::state::{Shell, Step};
use crate::shell::files::FileError;

/// Reserved words (XCU 2.4).
const RESERVED: [&str; 16] =
    ["!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then", "until", "while", "{", "}"];

/// What a name means.
enum Meaning {
    Reserved,
    Function,
    Special,
    Builtin,
    Program(String),
}

impl Shell<'_> {
    /// `command`: what is not only asked for was carried out before.
    pub(super) fn command_builtin(&mut self, args: &[String]) -> Step<u8> {
        let (flags, names) = self.builtin_options("pvV", args)?;
        let verbose = flags.contains('V');
        if !verbose && !flags.contains('v') {
            return Ok(0);
        }
        // dash looks at the first name only.
        let count = if self.environment.options.bash { names.len() } else { names.len().min(1) };
        let mut status = 0;
        for name in names.iter().take(count) {
            if !self.describe(name, verbose)? {
                status = if self.environment.options.bash { 1 } else { 127 };
            }
        }
        Ok(status)
    }

    /// `type`
    pub(super) fn describe_all(&mut self, names: &[String]) -> Step<u8> {
        let mut status = 0;
        for name in names {
            if !self.describe(name, true)? {
                status = if self.environment.options.bash { 1 } else { 127 };
            }
        }
        Ok(status)
    }

    /// `hash` remembers where commands are, which says only whether they are there.
    pub(super) fn hash(&mut self, args: &[String]) -> Step<u8> {
        let (_, names) = self.builtin_options("rv", args)?;
        let mut status = 0;
        for name in names {
            if self.meaning(name)?.is_none() {
                self.complain(&format!("hash: {name}: not found"))?;
                status = 1;
            }
        }
        Ok(status)
    }

    fn describe(&mut self, name: &str, in_words: bool) -> Step<bool> {
        let meaning = self.meaning(name)?;
        let line = match (&meaning, in_words) {
            (None, false) => return Ok(false),
            (None, true) => format!("{name}: not found"),
            (Some(Meaning::Program(path)), false) => path.clone(),
            (Some(_), false) => name.to_owned(),
            (Some(Meaning::Reserved), true) => format!("{name} is a shell keyword"),
            (Some(Meaning::Function), true) => format!("{name} is a shell function"),
            (Some(Meaning::Special), true) => format!("{name} is a special shell builtin"),
            (Some(Meaning::Builtin), true) => format!("{name} is a shell builtin"),
            (Some(Meaning::Program(path)), true) => format!("{name} is {path}"),
        };
        self.print(&format!("{line}\n"))?;
        Ok(meaning.is_some())
    }

    fn meaning(&mut self, name: &str) -> Step<Option<Meaning>> {
        let bash = self.environment.options.bash;
        if RESERVED.contains(&name) {
            return Ok(Some(Meaning::Reserved));
        }
        if self.environment.functions.contains_key(name) {
            return Ok(Some(Meaning::Function));
        }
        if is_builtin(name, bash) {
            return Ok(Some(if is_special(name) && !bash { Meaning::Special } else { Meaning::Builtin }));
        }
        if !name.contains('/') {
            return Ok(self.find_program(name)?.map(Meaning::Program));
        }
        // With a slash it is enough for dash that there is something.
        let is_there = if bash {
            self.is_program(name)?
        } else {
            match self.files()?.stat(name, true) {
                Ok(_) => true,
                Err(FileError::Reason(reason)) => return Err(self.stop(reason)),
                Err(_) => false,
            }
        };
        Ok(is_there.then(|| Meaning::Program(name.to_owned())))
    }
}
