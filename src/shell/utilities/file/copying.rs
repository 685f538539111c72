//! How cp(1) copies a file, a link or a directory with all below it ("cp invocation" in the manual of coreutils; POSIX, "cp").

use std::collections::{BTreeMap, BTreeSet};

use super::options::{join, quoted};
use super::targets::same_name;
use crate::shell::{Absent, Call, FileError, Files, Reason};
use crate::tree::{Kind, Node};

/// Which links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Follow {
    #[default]
    Always,
    /// Those that the command line names.
    Start,
    Never,
}

/// What the options of a command line ask for.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are the options, each of which may be there or not")]
pub(super) struct Rules {
    pub follow: Follow,
    pub recursive: bool,
    pub keep_mode: bool,
    /// `--no-preserve=mode`: as a file that is made anew.
    pub drop_mode: bool,
    pub keep_owner: bool,
    pub keep_links: bool,
    pub keep_attributes: bool,
    /// `-n`
    pub keep_old: bool,
    pub remove_first: bool,
    /// `-f`, which also replaces what is in the way of a link.
    pub force: bool,
    pub link: bool,
    pub symbolic: bool,
    pub verbose: bool,
}

/// Copies, and remembers what it has copied.
#[derive(Debug)]
pub(super) struct Copier {
    name: &'static str,
    rules: Rules,
    /// Where the first name of each file with several went.
    linked: BTreeMap<String, String>,
    /// What was made, which a later operand may not replace.
    made: BTreeSet<String>,
    /// Operands that were there already.
    sources: BTreeSet<String>,
}

/// Whether it worked; if not, it was complained of.
type Worked = Result<bool, Reason>;

impl Copier {
    pub fn new(name: &'static str, rules: Rules) -> Self {
        Self { name, rules, linked: BTreeMap::new(), made: BTreeSet::new(), sources: BTreeSet::new() }
    }

    /// Copies an operand.
    pub fn copy(&mut self, call: &mut Call<'_>, source: &str, target: &str) -> Worked {
        if let Ok(place) = call.files.locate(source, false)
            && !call.files.is_dir(source)?
            && !self.sources.insert(place)
        {
            call.complain(&format!("{}: '{source}' specified more than once", self.name));
            return Ok(true);
        }
        self.one(call, source, target, true)
    }

    fn fail(&self, call: &mut Call<'_>, path: &str, error: FileError) -> Worked {
        call.failed(self.name, path, error).map(|_| false)
    }

    /// Complains: it did not work.
    fn refuse(&self, call: &mut Call<'_>, what: &str) -> bool {
        call.complain(&format!("{}: {what}", self.name));
        false
    }

    fn one(&mut self, call: &mut Call<'_>, source: &str, target: &str, start: bool) -> Worked {
        let follow = self.rules.follow == Follow::Always || self.rules.follow == Follow::Start && start;
        let (inode, node) = match call.files.stat(source, follow) {
            Ok((inode, node)) => (inode, node.clone()),
            Err(error) => return self.fail(call, source, error),
        };
        if node.is_dir() && !self.rules.recursive {
            return Ok(self.refuse(call, &format!("-r not specified; omitting directory '{source}'")));
        }
        let regular = matches!(node.kind, Kind::File(_));
        let is_link = matches!(node.kind, Kind::Symlink(_));
        // Whether a link at the target is written through.
        let replaces = self.rules.symbolic || self.rules.link || self.rules.remove_first;
        let through = !replaces && (regular || !self.rules.recursive && !node.is_dir() && !is_link);
        let mut there = match call.files.stat(target, through) {
            Ok((inode, old)) => Some((inode, old.clone())),
            Err(FileError::Missing) => None,
            Err(error) => return self.fail(call, target, error),
        };
        if let Some((old_inode, old)) = &there {
            if self.is_same(call, (source, &inode, is_link), (target, old_inode), follow) {
                if self.rules.link && !is_link {
                    return Ok(true);
                }
                return Ok(self.refuse(call, &format!("'{source}' and '{target}' are the same file")));
            }
            if !node.is_dir() && self.rules.keep_old {
                return Ok(true);
            }
            if node.is_dir() != old.is_dir() {
                return Ok(self.refuse(call, &format!("cannot overwrite '{target}' with '{source}'")));
            }
            if !old.is_dir() && self.made.contains(old_inode) {
                return Ok(self.refuse(call, &format!("will not overwrite just-created '{target}'")));
            }
            let several = self.rules.keep_links && call.files.names(old_inode) > 1;
            let is_special = self.rules.follow == Follow::Never && !regular;
            if !old.is_dir() && (self.rules.remove_first || several || is_special) {
                if let Err(error) = call.files.unlink(target) {
                    return self.fail(call, target, error);
                }
                there = None;
                // The source may have led through what was removed.
                if let Err(error) = call.files.stat(source, follow) {
                    return self.fail(call, source, error);
                }
            }
        }
        if self.rules.verbose && (!node.is_dir() || there.is_none()) {
            call.print(&format!("{} -> {}\n", quoted(self.name, source)?, quoted(self.name, target)?));
        }
        let worked = if node.is_dir() {
            self.directory(call, source, target, &node, there.is_none())?
        } else {
            self.file(call, (source, &inode, &node), target, there.is_some())?
        };
        if worked && let Ok((inode, _)) = call.files.stat(target, false) {
            self.made.insert(inode);
        }
        Ok(worked)
    }

    /// Whether copying would be onto itself.
    fn is_same(
        &self,
        call: &Call<'_>,
        (source, inode, is_link): (&str, &str, bool),
        (target, old): (&str, &str),
        follow: bool,
    ) -> bool {
        let files = &call.files;
        let same_entry = same_name(call, source, target);
        let target_is_link = files.read_link(target).is_ok();
        if inode == old {
            // Another name of the file may go first, but not what a link leads to.
            return !self.rules.remove_first || same_entry || files.read_link(source).is_ok();
        }
        if is_link && target_is_link {
            return same_entry;
        }
        // One is a link to the other: what is written through it would be the source.
        let led = |path: &str| files.stat(path, true).map(|(inode, _)| inode).ok();
        let same = led(source).is_some() && led(source) == led(target);
        let replaces_link = target_is_link && (self.rules.remove_first || self.rules.symbolic || self.rules.link);
        same && !replaces_link && !(follow && !target_is_link && self.rules.remove_first)
    }

    fn directory(&mut self, call: &mut Call<'_>, source: &str, target: &str, node: &Node, new: bool) -> Worked {
        if let (Ok(from), Ok(to)) =
            (call.files.canonical(source, Absent::Nothing), call.files.canonical(target, Absent::Last))
            && (to == from || to.starts_with(&format!("{}/", from.trim_end_matches('/'))))
        {
            return Err(Reason::unsupported(self.name, "a directory copied into itself"));
        }
        let names = match call.files.list(source) {
            Ok(names) => names,
            Err(error) => return self.fail(call, source, error),
        };
        if self.rules.verbose && names.len() > 1 {
            // One after the other, as the file system has them.
            return Err(Reason::differs(self.name, "the order of a directory"));
        }
        // Whether a directory's second copy is taken for a link to the first depends on how the file system counts its links.
        if self.rules.keep_links
            && let Ok(place) = call.files.canonical(source, Absent::Nothing)
            && self.linked.insert(place, target.to_owned()).is_some()
        {
            return Err(Reason::unsupported(self.name, "a directory copied twice"));
        }
        if new {
            let mode = if self.rules.drop_mode { 0o777 } else { node.mode };
            if let Err(error) = call.files.mkdir(target, mode) {
                return self.fail(call, target, error);
            }
        }
        let mut worked = true;
        for name in names {
            worked &= self.one(call, &join(source, &name), &join(target, &name), false)?;
        }
        Ok(self.attributes(call, target, node)? && worked)
    }

    fn file(
        &mut self,
        call: &mut Call<'_>,
        (source, inode, node): (&str, &str, &Node),
        target: &str,
        there: bool,
    ) -> Worked {
        let files = &mut *call.files;
        if self.rules.keep_links
            && let Some(first) = self.linked.get(inode)
        {
            if there && let Err(error) = files.unlink(target) {
                return self.fail(call, target, error);
            }
            let done = call.files.hard_link(first, target);
            return done.map_or_else(|error| self.fail(call, target, error), |()| Ok(true));
        }
        let linked = |files: &mut Files| {
            if self.rules.link { files.hard_link(&format!("/{inode}"), target) } else { files.symlink(source, target) }
        };
        let done = if self.rules.link || self.rules.symbolic {
            if self.rules.symbolic && !source.starts_with('/') && target.trim_end_matches('/').contains('/') {
                return Ok(self.refuse(call, "can make relative symbolic links only in current directory"));
            }
            match linked(files) {
                Err(FileError::Exists) if self.rules.force => files.unlink(target).and_then(|()| linked(files)),
                done => done,
            }
        } else {
            match &node.kind {
                Kind::Symlink(link) => files.symlink(link, target),
                Kind::File(content) if there => files.overwrite(target, content.clone()),
                Kind::File(content) => {
                    let mode = if self.rules.drop_mode { 0o666 } else { node.mode & 0o777 };
                    files.create(target, mode, content.clone())
                }
                kind if self.rules.recursive => files.mknod(target, kind.clone(), node.mode & 0o777),
                _ => files.content(source).and_then(|content| {
                    if there {
                        files.overwrite(target, content)
                    } else {
                        files.create(target, node.mode & 0o777, content)
                    }
                }),
            }
        };
        if let Err(error) = done {
            return self.fail(call, target, error);
        }
        if self.rules.keep_links && (call.files.names(inode) > 1 || self.rules.follow != Follow::Never) {
            let place = call.files.locate(target, false).unwrap_or_default();
            self.linked.insert(inode.to_owned(), format!("/{place}"));
        }
        if self.rules.link || self.rules.symbolic {
            return Ok(true);
        }
        self.attributes(call, target, node)
    }

    /// Gives the copy what is kept of the original beside its data.
    fn attributes(&self, call: &mut Call<'_>, target: &str, node: &Node) -> Worked {
        let is_link = matches!(node.kind, Kind::Symlink(_));
        let files = &mut *call.files;
        if self.rules.keep_mode
            && !is_link
            && let Ok((_, copy)) = files.stat(target, true)
            && copy.mode & 0o7000 & !node.mode != 0
        {
            // Whether they go with the mode that is copied changed in coreutils 9.2.
            return Err(Reason::unsupported(self.name, "-p onto set-id bits"));
        }
        let done = (|| {
            if self.rules.keep_owner {
                files.chown(target, Some(node.uid), Some(node.gid), !is_link)?;
            }
            if self.rules.keep_attributes {
                for (name, value) in &node.xattrs {
                    let place = format!("/{}", files.locate(target, !is_link)?);
                    files.set_attribute(&place, name, Some(value.clone()))?;
                }
            }
            if self.rules.keep_mode && !is_link {
                files.chmod(target, node.mode)?;
            }
            Ok(())
        })();
        done.map_or_else(|error| self.fail(call, target, error), |()| Ok(true))
    }
}
