//! The working directory and the file mode creation mask: `cd`, `umask`.

use crate::shell::eval::state::{Shell, Step};
use crate::shell::files::FileError;
use crate::shell::reason::Reason;

impl Shell<'_> {
    pub(super) fn change_directory(&mut self, args: &[String]) -> Step<u8> {
        let operands: Vec<&String> =
            args.iter().filter(|arg| !matches!(arg.as_str(), "-P" | "-L" | "--" | "-e")).collect();
        let target = match operands.as_slice() {
            [] => self.environment.variables.get("HOME").unwrap_or("/").to_owned(),
            [dash] if *dash == "-" => self.environment.variables.get("OLDPWD").unwrap_or("/").to_owned(),
            [target] => (*target).clone(),
            _ => return Err(self.stop(Reason::unsupported("cd", "several operands"))),
        };
        let before = self.files.cwd();
        match self.files.chdir(&target) {
            Ok(()) => {
                let now = self.files.cwd();
                self.environment.variables.set("OLDPWD", before);
                self.environment.variables.set("PWD", now.as_str());
                if operands.first().is_some_and(|operand| *operand == "-") {
                    self.print(&format!("{now}\n"))?;
                }
                Ok(0)
            }
            Err(FileError::Reason(reason)) => Err(self.stop(reason)),
            Err(_) => {
                self.complain(&format!("cd: can't cd to {target}"))?;
                Ok(2)
            }
        }
    }

    pub(super) fn umask(&mut self, args: &[String]) -> Step<u8> {
        match args.first().map(String::as_str) {
            None => {
                let umask = self.files.umask;
                self.print(&format!("{umask:04o}\n"))?;
            }
            Some(text) => match u16::from_str_radix(text, 8) {
                Ok(umask) if umask <= 0o777 => self.files.umask = umask,
                _ => return Err(self.stop(Reason::unsupported("umask", format!("`{text}`")))),
            },
        }
        Ok(0)
    }
}
