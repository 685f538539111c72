//! Redirections (XCU 2.7), and where output goes.

use super::descriptors::Target;
use super::state::{Shell, Step};
use crate::shell::ast::{Redirect, RedirectKind, Word};
use crate::shell::files::FileError;
use crate::shell::reason::Reason;

impl Shell<'_> {
    /// Makes redirections in the table as it is. Says whether all could be made; the first that could not is reported.
    pub(super) fn redirect(&mut self, redirects: &[Redirect]) -> Step<bool> {
        for redirect in redirects {
            let descriptor = redirect.descriptor;
            let made = match &redirect.kind {
                RedirectKind::Read(word) | RedirectKind::ReadWrite(word) => {
                    self.open_input(descriptor.unwrap_or(0), word)?
                }
                RedirectKind::Write(word) => self.open_output(&[descriptor.unwrap_or(1)], word, false)?,
                RedirectKind::Append(word) => self.open_output(&[descriptor.unwrap_or(1)], word, true)?,
                RedirectKind::WriteBoth(word) => self.open_output(&[1, 2], word, false)?,
                RedirectKind::DuplicateInput(word) => self.duplicate(descriptor.unwrap_or(0), word)?,
                RedirectKind::DuplicateOutput(word) => self.duplicate(descriptor.unwrap_or(1), word)?,
                RedirectKind::Here(word) => {
                    let text = self.expand_text(word)?;
                    self.count(text.len())?;
                    self.descriptors.feed(descriptor.unwrap_or(0), text.into_bytes());
                    true
                }
            };
            if !made {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn open_input(&mut self, descriptor: u32, word: &Word) -> Step<bool> {
        let path = self.expand_text(word)?;
        if let Some(same) = standard(&path) {
            return self.copy(descriptor, same);
        }
        if path == "/dev/null" {
            self.descriptors.set(descriptor, Target::Null);
            return Ok(true);
        }
        let bytes = match self.files.read(&path) {
            Ok(bytes) => bytes.into_owned(),
            Err(error) => return self.cannot("open", &path, error),
        };
        self.count(bytes.len())?;
        self.descriptors.feed(descriptor, bytes);
        Ok(true)
    }

    fn open_output(&mut self, descriptors: &[u32], word: &Word, append: bool) -> Step<bool> {
        let path = self.expand_text(word)?;
        let target = if let Some(same) = standard(&path) {
            match self.descriptors.get(same).cloned() {
                Some(target) => target,
                None => Target::Null,
            }
        } else if path == "/dev/null" || path == "/dev/tty" || path == "/dev/console" {
            // There is no terminal: whatever is said there is not seen.
            Target::Null
        } else {
            let opened = if append { self.files.append(&path, b"") } else { self.files.write(&path, b"") };
            if let Err(error) = opened {
                return self.cannot("create", &path, error);
            }
            let absolute = if path.starts_with('/') { path } else { format!("{}/{path}", self.files.cwd()) };
            Target::File(absolute)
        };
        for descriptor in descriptors {
            self.descriptors.set(*descriptor, target.clone());
        }
        Ok(true)
    }

    fn duplicate(&mut self, descriptor: u32, word: &Word) -> Step<bool> {
        let of = self.expand_text(word)?;
        if of == "-" {
            self.descriptors.close(descriptor);
            return Ok(true);
        }
        match of.parse() {
            Ok(of) => self.copy(descriptor, of),
            Err(_) => self.fail(&format!("{of}: bad descriptor")),
        }
    }

    fn copy(&mut self, descriptor: u32, of: u32) -> Step<bool> {
        match self.descriptors.get(of).cloned() {
            Some(target) => {
                self.descriptors.set(descriptor, target);
                Ok(true)
            }
            None => {
                self.complain(&format!("{of}: Bad file descriptor"))?;
                Ok(false)
            }
        }
    }

    fn cannot(&mut self, verb: &str, path: &str, error: FileError) -> Step<bool> {
        match error {
            FileError::Reason(reason) => Err(self.stop(reason)),
            error => {
                self.complain(&format!("cannot {verb} {path}: {error}"))?;
                Ok(false)
            }
        }
    }

    /// Sends bytes to where a descriptor leads.
    pub(super) fn send(&mut self, descriptor: u32, bytes: &[u8]) -> Step<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.count(bytes.len())?;
        match self.descriptors.get(descriptor).cloned() {
            None | Some(Target::Null | Target::Source(_)) => Ok(()),
            Some(Target::Sink(number)) => {
                self.descriptors.push(number, bytes);
                Ok(())
            }
            Some(Target::File(path)) => match self.files.append(&path, bytes) {
                // A file that was removed while it was open takes what nobody can read any more.
                Ok(()) | Err(FileError::Missing) => Ok(()),
                Err(FileError::Reason(reason)) => Err(self.stop(reason)),
                Err(error) => Err(self.stop(Reason::Construct(format!("writing to `{path}` ({error})")))),
            },
        }
    }

    /// Prints to standard output.
    pub(super) fn print(&mut self, text: &str) -> Step<()> {
        self.send(1, text.as_bytes())
    }

    /// Prints a line of diagnostics.
    pub(super) fn complain(&mut self, text: &str) -> Step<()> {
        self.send(2, format!("{text}\n").as_bytes())
    }
}

/// The descriptor that a path names.
fn standard(path: &str) -> Option<u32> {
    match path {
        "/dev/stdin" => Some(0),
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        path => path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"))?.parse().ok(),
    }
}
