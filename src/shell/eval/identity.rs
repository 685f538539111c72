//! `su` and `runuser`: a command as somebody else.
//!
//! What such a command makes belongs to that account, and `test -O` asks for it. What it may not write to is not checked: a script
//! that fails for want of permission is none that a package ships.

use super::state::{Shell, Step};
use crate::shell::files::FileError;
use crate::shell::interpreter::Interpreter;
use crate::shell::reason::Reason;

/// What a command line of su(1) or runuser(1) asks for.
#[derive(Debug, Default)]
struct Wanted {
    user: Option<String>,
    /// The text after `-c`.
    text: Option<String>,
    /// A command's words, instead (`runuser -u USER -- COMMAND`).
    command: Vec<String>,
}

impl Shell<'_> {
    /// su(1) and runuser(1) of util-linux.
    pub(super) fn as_somebody(&mut self, utility: &str, args: &[String]) -> Step<u8> {
        let wanted = parse(utility, args).map_err(|reason| self.stop(reason))?;
        let user = wanted.user.unwrap_or_else(|| "root".to_owned());
        let Some(identity) = self.identity(&user)? else {
            self.complain(&format!(
                "{utility}: user {user} does not exist or the user entry does not contain all the required fields"
            ))?;
            return Ok(1);
        };
        let outer = std::mem::replace(&mut self.unsettled().identity, identity);
        let result = match (wanted.text, wanted.command.split_first()) {
            (Some(text), _) => self.script(&text, "sh", &[], Interpreter::default()),
            (None, Some((name, args))) => self.subshell(|shell| shell.run_plain(name, args)),
            (None, None) => Err(self.stop(Reason::unsupported(utility, "no command"))),
        };
        self.unsettled().identity = outer;
        result
    }

    /// User and group of an account of the tree (passwd(5)).
    fn identity(&mut self, user: &str) -> Step<Option<(u32, u32)>> {
        let text = match self.files()?.read_text("/etc/passwd") {
            Ok(text) => text,
            Err(FileError::Reason(reason)) => return Err(self.stop(reason)),
            Err(_) => return Ok(None),
        };
        Ok(text.lines().find_map(|line| {
            let mut fields = line.split(':');
            let is_user = fields.next() == Some(user);
            let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            is_user.then_some((uid, gid))
        }))
    }
}

fn parse(utility: &str, args: &[String]) -> Result<Wanted, Reason> {
    let mut wanted = Wanted::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-s" | "--shell" | "-g" => {
                args.next();
            }
            "-c" | "--command" => wanted.text = args.next().cloned(),
            "-u" | "--user" if utility == "runuser" => wanted.user = args.next().cloned(),
            "--" if wanted.user.is_some() => {
                wanted.command.extend(args.by_ref().cloned());
            }
            // A login shell or another one: the command is the same.
            "-" | "-l" | "--login" | "-m" | "-p" | "--" => {}
            option if option.starts_with('-') => {
                return Err(Reason::unsupported(utility, format!("the option {option}")));
            }
            word if wanted.user.is_none() => wanted.user = Some(word.to_owned()),
            word => {
                wanted.command.push(word.to_owned());
                wanted.command.extend(args.by_ref().cloned());
            }
        }
    }
    Ok(wanted)
}
