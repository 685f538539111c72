//! Path names that a field matches (XCU 2.6.6).

use super::fields::{Unit, bytes};
use super::state::{Shell, Step};
use crate::shell::files::FileError;
use crate::shell::reason::Reason;

/// Path names that one pattern may come to.
const NAMES_MAX: usize = 100_000;

impl Shell<'_> {
    /// Adds the path names that a field matches, or the field itself if there are none.
    pub(super) fn path_names(&mut self, field: &[Unit], all: &mut Vec<String>) -> Step<()> {
        let is_special = !self.environment.options.noglob
            && field.iter().any(|unit| matches!(unit, Unit::Plain(b'*' | b'?' | b'[')))
            && field.split(|unit| slash(*unit)).any(|component| self.pattern(component).is_special());
        if !is_special {
            let text = self.text(bytes(field))?;
            all.push(text);
            return Ok(());
        }
        let mut names = self.matching_names(field)?;
        if names.is_empty() {
            names.push(self.text(bytes(field))?);
        }
        names.sort();
        for name in &names {
            self.count(name.len() + 32)?;
        }
        all.append(&mut names);
        Ok(())
    }

    fn matching_names(&mut self, field: &[Unit]) -> Step<Vec<String>> {
        let mut found = vec![String::new()];
        let mut components = field.split(|unit| slash(*unit)).peekable();
        let mut was_special = false;
        while let Some(component) = components.next() {
            let slash = if components.peek().is_some() { "/" } else { "" };
            let pattern = self.pattern(component);
            let mut next = Vec::new();
            if let Some(literal) = pattern.literal() {
                let literal = self.text(literal)?;
                for base in found {
                    next.push(format!("{base}{literal}{slash}"));
                }
                found = next;
                continue;
            }
            was_special = true;
            for base in found {
                let dir = if base.is_empty() { "." } else { &base };
                let mut names = match self.files()?.list(dir) {
                    Ok(names) => names,
                    Err(FileError::Reason(reason)) => return Err(self.stop(reason)),
                    Err(_) => continue,
                };
                // They are in every directory; bash leaves them out.
                if pattern.begins_with_dot() && !self.environment.options.bash {
                    names.extend([".".to_owned(), "..".to_owned()]);
                }
                self.work(names.len() * 8)?;
                for name in names {
                    let is_seen = pattern.begins_with_dot() || !name.starts_with('.');
                    if is_seen && self.matching(|budget| pattern.matches_all(name.as_bytes(), budget))? {
                        self.count(base.len() + name.len())?;
                        next.push(format!("{base}{name}{slash}"));
                    }
                }
                if next.len() > NAMES_MAX {
                    return Err(self.stop(Reason::Limit("100000 path names of one pattern")));
                }
            }
            found = next;
        }
        let mut names = Vec::new();
        for name in found {
            self.work(16)?;
            // A link that leads nowhere has a name too.
            match self.files()?.stat(&name, name.ends_with('/')) {
                Ok(_) if was_special => names.push(name),
                Err(FileError::Reason(reason)) => return Err(self.stop(reason)),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(names)
    }
}

fn slash(unit: Unit) -> bool {
    matches!(unit, Unit::Plain(b'/') | Unit::Quoted(b'/'))
}
