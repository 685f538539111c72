//! Redirections (XCU 2.7), where output goes and input comes from.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::descriptors::{OpenFile, Source, Target};
use super::state::{Flow, Shell, Step};
use crate::shell::ast::{Redirect, RedirectKind};
use crate::shell::files::{FileError, How, Opened};
use crate::shell::reason::Reason;
use crate::tree::Content;

/// Where a command reads from.
#[derive(Debug)]
pub(super) enum Input {
    /// There is nothing.
    Nothing,
    /// It cannot be read.
    Unreadable,
    Source(Rc<RefCell<Source>>),
    /// A file, and what it holds.
    File(Rc<OpenFile>, Arc<[u8]>),
}

impl Shell<'_> {
    /// Does `run` with redirections, after which the descriptors that they name are as before. None if one could not be made.
    pub(super) fn redirected<T>(
        &mut self,
        redirects: &[Redirect],
        run: impl FnOnce(&mut Self) -> Step<Option<T>>,
    ) -> Step<Option<T>> {
        if redirects.is_empty() {
            return run(self);
        }
        let mut saved: Vec<(u32, Option<Target>)> = Vec::new();
        for redirect in redirects {
            let descriptors: &[u32] = match (&redirect.kind, redirect.descriptor) {
                (_, Some(descriptor)) => &[descriptor],
                (RedirectKind::WriteBoth(_), None) => &[1, 2],
                (
                    RedirectKind::Read(_)
                    | RedirectKind::ReadWrite(_)
                    | RedirectKind::DuplicateInput(_)
                    | RedirectKind::Here(_),
                    None,
                ) => &[0],
                _ => &[1],
            };
            saved
                .extend(descriptors.iter().map(|descriptor| (*descriptor, self.descriptors.get(*descriptor).cloned())));
        }
        let result = match self.redirect(redirects) {
            Ok(true) => run(self),
            Ok(false) => Ok(None),
            Err(flow) => Err(flow),
        };
        for (descriptor, target) in saved.into_iter().rev() {
            match target {
                Some(target) => self.descriptors.set(descriptor, target),
                None => self.descriptors.close(descriptor),
            }
        }
        self.close_unused()?;
        result
    }

    /// Makes redirections in the table as it is. Says whether all could be made; the first that could not is reported.
    pub(super) fn redirect(&mut self, redirects: &[Redirect]) -> Step<bool> {
        if redirects.is_empty() {
            return Ok(true);
        }
        // All names are known before anything is opened, as in dash.
        let mut names = Vec::new();
        for redirect in redirects {
            names.push(match &redirect.kind {
                RedirectKind::Here(_) => String::new(),
                RedirectKind::Read(word)
                | RedirectKind::Write(word)
                | RedirectKind::Append(word)
                | RedirectKind::ReadWrite(word)
                | RedirectKind::DuplicateInput(word)
                | RedirectKind::DuplicateOutput(word)
                | RedirectKind::WriteBoth(word) => self.expand_text(word)?,
            });
        }
        for (redirect, name) in redirects.iter().zip(&names) {
            let of = |default: u32| redirect.descriptor.unwrap_or(default);
            let made = match &redirect.kind {
                RedirectKind::Read(_) => self.open(&[of(0)], name, How::Read)?,
                RedirectKind::ReadWrite(_) => self.open(&[of(0)], name, How::ReadWrite)?,
                RedirectKind::Write(_) => self.open(&[of(1)], name, How::Write)?,
                RedirectKind::Append(_) => self.open(&[of(1)], name, How::Append)?,
                RedirectKind::WriteBoth(_) => self.open(&[1, 2], name, How::Write)?,
                RedirectKind::DuplicateInput(_) => self.duplicate(of(0), name)?,
                RedirectKind::DuplicateOutput(_) => self.duplicate(of(1), name)?,
                RedirectKind::Here(text) => match text.get().map(|word| self.expand_bytes(word)) {
                    Some(Ok(bytes)) => {
                        self.count(bytes.len())?;
                        self.descriptors.feed(of(0), bytes);
                        true
                    }
                    Some(Err(Flow::Error)) | None => false,
                    Some(Err(flow)) => return Err(flow),
                },
            };
            if !made {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes descriptors lead to the file at `path`.
    fn open(&mut self, descriptors: &[u32], path: &str, how: How) -> Step<bool> {
        let same = match standard(path) {
            Some(same) => Some(self.descriptors.get(same).cloned().unwrap_or(Target::Null)),
            // There is no terminal: whatever is said there is not seen.
            None if path == "/dev/tty" || path == "/dev/console" => Some(Target::Null),
            None => None,
        };
        if let Some(target) = same {
            for descriptor in descriptors {
                self.descriptors.set(*descriptor, target.clone());
            }
            return Ok(true);
        }
        let target = match self.files()?.open(path, how) {
            Ok(Opened::Null) => Target::Null,
            Ok(Opened::Directory) => Target::Directory,
            Ok(Opened::File(number)) => {
                let file = Rc::new(OpenFile {
                    number,
                    offset: Cell::new(0),
                    readable: matches!(how, How::Read | How::ReadWrite),
                    writable: how != How::Read,
                    append: how == How::Append,
                    seen: RefCell::new(None),
                });
                self.descriptors.opened(&file);
                Target::File(file)
            }
            Err(FileError::Reason(reason)) => return Err(self.stop(reason)),
            Err(error) => {
                let verb = if how == How::Read { "open" } else { "create" };
                self.complain(&format!("cannot {verb} {path}: {error}"))?;
                return Ok(false);
            }
        };
        for descriptor in descriptors {
            self.descriptors.set(*descriptor, target.clone());
        }
        Ok(true)
    }

    fn duplicate(&mut self, descriptor: u32, of: &str) -> Step<bool> {
        if of == "-" {
            self.descriptors.close(descriptor);
            return Ok(true);
        }
        let bash = self.environment.options.bash;
        let of: u32 = match of.parse() {
            Ok(number) if bash || (of.len() == 1 && of != "+") => number,
            _ if bash => return Err(self.stop(Reason::Construct(format!("`>&{of}` of bash")))),
            _ => return self.fail(&format!("Bad fd number: {of}")),
        };
        if of == descriptor {
            return Ok(true);
        }
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

    /// Sends bytes to where a descriptor leads. Says whether they could be written.
    pub(super) fn send(&mut self, descriptor: u32, bytes: &[u8]) -> Step<bool> {
        if bytes.is_empty() {
            return Ok(true);
        }
        self.count(bytes.len())?;
        match self.descriptors.get(descriptor).cloned() {
            Some(Target::Null) => Ok(true),
            Some(Target::Sink(sink)) => {
                sink.borrow_mut().extend_from_slice(bytes);
                Ok(true)
            }
            Some(Target::File(file)) if file.writable => {
                let offset = (!file.append).then(|| file.offset.get());
                match self.unsettled().write_opened(file.number, offset, bytes) {
                    Ok(end) => file.offset.set(end),
                    Err(FileError::Reason(reason)) => return Err(self.stop(reason)),
                    Err(_) => return Ok(false),
                }
                Ok(true)
            }
            None | Some(Target::Directory | Target::Source(_) | Target::File(_)) => Ok(false),
        }
    }

    /// Prints to standard output.
    pub(super) fn print(&mut self, text: &str) -> Step<()> {
        self.print_bytes(text.as_bytes())
    }

    /// Prints to standard output. A builtin that could not ends with status 1.
    pub(super) fn print_bytes(&mut self, bytes: &[u8]) -> Step<()> {
        if !self.send(1, bytes)? {
            self.unwritten = true;
        }
        Ok(())
    }

    /// Prints a line of diagnostics.
    pub(super) fn complain(&mut self, text: &str) -> Step<()> {
        let line = format!("{}: {}: {text}\n", self.environment.name, self.line);
        self.send(2, line.as_bytes())?;
        Ok(())
    }

    /// What a descriptor reads from.
    pub(super) fn input(&mut self, descriptor: u32) -> Step<Input> {
        Ok(match self.descriptors.get(descriptor).cloned() {
            Some(Target::Null) => Input::Nothing,
            Some(Target::Source(source)) => Input::Source(source),
            Some(Target::File(file)) if file.readable => {
                let content = match self.files()?.opened_content(file.number) {
                    Ok(content) => content,
                    Err(FileError::Reason(reason)) => return Err(self.stop(reason)),
                    Err(_) => return Ok(Input::Unreadable),
                };
                let bytes = self.bytes_of(&file, &content)?;
                Input::File(file, bytes)
            }
            None | Some(Target::Directory | Target::Sink(_) | Target::File(_)) => Input::Unreadable,
        })
    }

    /// What an open file holds, which is read from the package once.
    fn bytes_of(&mut self, file: &OpenFile, content: &Content) -> Step<Arc<[u8]>> {
        if let Content::Bytes(bytes) = content {
            return Ok(Arc::clone(bytes));
        }
        if let (Some((Content::Slice(before), bytes)), Content::Slice(now)) = (&*file.seen.borrow(), content)
            && Arc::ptr_eq(before, now)
        {
            return Ok(Arc::clone(bytes));
        }
        let bytes: Arc<[u8]> = match content.read() {
            Ok(bytes) => bytes.into(),
            Err(_) => return Err(self.stop(Reason::Unreadable("a file that it reads".to_owned()))),
        };
        self.count(bytes.len())?;
        *file.seen.borrow_mut() = Some((content.clone(), Arc::clone(&bytes)));
        Ok(bytes)
    }
}

impl Input {
    /// Gives what is left to `read`, which says how much of it it took.
    pub(super) fn take<T>(&self, read: impl FnOnce(&[u8]) -> (T, usize)) -> T {
        match self {
            Self::Nothing | Self::Unreadable => read(&[]).0,
            Self::Source(source) => {
                let mut source = source.borrow_mut();
                let (result, taken) = read(source.bytes.get(source.at..).unwrap_or_default());
                source.at = source.at.saturating_add(taken).min(source.bytes.len());
                if source.at == source.bytes.len() {
                    (source.bytes, source.at) = (Vec::new(), 0);
                }
                result
            }
            Self::File(file, bytes) => {
                let start = usize::try_from(file.offset.get()).unwrap_or(usize::MAX);
                let (result, taken) = read(bytes.get(start..).unwrap_or_default());
                file.offset.set(file.offset.get().saturating_add(taken as u64));
                result
            }
        }
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
