//! The working directory and the file mode creation mask: `cd`, `pwd`, `umask` (XCU 3).

use crate::shell::eval::state::{Shell, Step};
use crate::shell::files::FileError;
use crate::shell::reason::Reason;

impl Shell<'_> {
    /// Whether the last of `-L` and `-P` is `-P`.
    fn physical(flags: &str) -> bool {
        flags.ends_with('P')
    }

    pub(super) fn change_directory(&mut self, args: &[String]) -> Step<u8> {
        let bash = self.environment.options.bash;
        let (flags, operands) = self.builtin_options(if bash { "LPe" } else { "LP" }, args)?;
        if bash && operands.len() > 1 {
            return self.fail("cd: too many arguments");
        }
        let variables = &self.environment.variables;
        let (target, mut shows) = match operands.first().map(String::as_str) {
            None => (variables.get("HOME").unwrap_or_default(), false),
            Some("-") => (variables.get("OLDPWD").unwrap_or_default(), true),
            Some(target) => (target, false),
        };
        let mut target = target.to_owned();
        let is_dots = ["", ".", ".."].contains(&target.split('/').next().unwrap_or_default()) && !target.is_empty();
        if target.is_empty() {
            ".".clone_into(&mut target);
        }
        if let Some(path) = variables.get("CDPATH").filter(|path| !path.is_empty()).map(str::to_owned)
            && !is_dots
            && !target.starts_with('/')
        {
            for dir in path.split(':') {
                let candidate = if dir.is_empty() { target.clone() } else { format!("{dir}/{target}") };
                match self.files()?.is_dir(&candidate) {
                    Ok(true) => {
                        shows |= !dir.is_empty();
                        target = candidate;
                        break;
                    }
                    Ok(false) => {}
                    Err(reason) => return Err(self.stop(reason)),
                }
            }
        }
        let logical = (!Self::physical(&flags)).then(|| joined(&self.environment.directory, &target));
        match self.files()?.chdir(logical.as_deref().unwrap_or(&target)) {
            Ok(()) => {}
            Err(FileError::Reason(reason)) => return Err(self.stop(reason)),
            Err(_) => return self.fail(&format!("cd: can't cd to {target}")),
        }
        let now = match logical {
            Some(logical) => logical,
            None => self.files()?.cwd(),
        };
        let before = std::mem::replace(&mut self.environment.directory, now.as_str().into());
        for (name, value) in [("OLDPWD", before.to_string()), ("PWD", now.clone())] {
            self.assign(name, value)?;
            self.environment.variables.export(name);
        }
        if shows {
            self.print(&format!("{now}\n"))?;
        }
        Ok(0)
    }

    pub(super) fn working_directory(&mut self, args: &[String]) -> Step<u8> {
        let (flags, _) = self.builtin_options("LP", args)?;
        let directory =
            if Self::physical(&flags) { self.files()?.cwd() } else { self.environment.directory.to_string() };
        self.print(&format!("{directory}\n"))?;
        Ok(0)
    }

    pub(super) fn umask(&mut self, args: &[String]) -> Step<u8> {
        let (flags, operands) = self.builtin_options("S", args)?;
        let umask = self.unsettled().umask;
        let Some(text) = operands.first() else {
            let text = if flags.is_empty() { format!("{umask:04o}\n") } else { symbolic(umask) };
            self.print(&text)?;
            return Ok(0);
        };
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(self.stop(Reason::unsupported("umask", format!("`{text}`"))));
        }
        match u32::from_str_radix(text, 8) {
            // As umask(2): only permissions count.
            Ok(mask) => self.unsettled().umask = u16::try_from(mask & 0o777).unwrap_or(0),
            Err(_) => return self.fail(&format!("umask: Illegal number: {text}")),
        }
        Ok(0)
    }
}

/// A mask as the permissions that it leaves.
fn symbolic(umask: u16) -> String {
    let of = |shift: u16| {
        let bits = (!umask >> shift) & 7;
        [(4, 'r'), (2, 'w'), (1, 'x')].iter().filter(|(bit, _)| bits & bit != 0).map(|(_, letter)| *letter).collect()
    };
    let [user, group, others]: [String; 3] = [of(6), of(3), of(0)];
    format!("u={user},g={group},o={others}\n")
}

/// The directory that `path` means from `directory`, by its text: `..` takes back what was written before it.
fn joined(directory: &str, path: &str) -> String {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { directory.split('/').collect() };
    parts.retain(|part| !part.is_empty());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
