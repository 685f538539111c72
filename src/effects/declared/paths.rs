//! Directories, files and links: as mkdir(1), chmod(1), chown(1), cp(1) and ln(1) of a script would have made them.

use std::collections::BTreeSet;

use toml::Spanned;

use super::values::AccountName;
use super::{Directory, Entry, Fault, File, Link, ORIGIN};
use crate::diagnostic::{Diagnostic, Mistakes};
use crate::effects::accounts::Owners;
use crate::effects::error::did_you_mean;
use crate::effects::{Context, EffectError};
use crate::profile::values::{ImagePath, Mode};
use crate::tree::{Content, Kind, Node, Tree, TreeError};

/// Makes what the context declares: directories, then files, which may lie in them, then links. Comes after the accounts, and
/// after the effects that go by what packages ship, so that it shows what these have done already. Files of profiles and
/// overlays come later and win.
///
/// # Errors
/// All that would change nothing or cannot be made.
pub(in crate::effects) fn paths(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let declared = context.declared;
    if declared.is_empty() {
        return Ok(());
    }
    let mut work = Work { owners: Owners::read(tree)?, tree, taken: BTreeSet::new(), wrong: Vec::new() };
    for (entry, directory) in declared.each(|effects| &effects.directories) {
        let made = work.directory(directory);
        work.note(entry, &directory.path, "directory", made);
    }
    for (entry, file) in declared.each(|effects| &effects.files) {
        let made = work.file(file);
        work.note(entry, &file.path, "file", made);
    }
    for (entry, link) in declared.each(|effects| &effects.links) {
        let made = work.link(link);
        work.note(entry, &link.path, "link", made);
    }
    Mistakes::check(work.wrong).map_err(EffectError::Mistakes)
}

struct Work<'t> {
    tree: &'t mut Tree,
    owners: Owners,
    /// What was declared before.
    taken: BTreeSet<String>,
    wrong: Vec<Diagnostic>,
}

impl From<TreeError> for Fault {
    fn from(error: TreeError) -> Self {
        Self::new(error.to_string(), "give it a path below a directory")
    }
}

impl Work<'_> {
    fn note(&mut self, entry: &Entry, path: &Spanned<ImagePath>, kind: &str, made: Result<(), Fault>) {
        if let Err(fault) = made {
            self.wrong.push(entry.mistake(path, format!("{kind} `{}`", path.get_ref().0), fault));
        }
    }

    fn directory(&mut self, Directory { path, mode, user, group }: &Directory) -> Result<(), Fault> {
        let at = self.place(path, false)?;
        let wanted = Metadata {
            mode: mode.map_or(0o755, |Mode(mode)| mode),
            uid: self.user(user.as_ref())?.unwrap_or(0),
            gid: self.group(group.as_ref())?.unwrap_or(0),
        };
        match self.tree.get_mut(&at) {
            None => Ok(self.tree.put(&at, wanted.of(Node::dir(0)))?),
            Some(node) if !node.is_dir() => Err(in_the_way(node)),
            Some(node) if Metadata::from(&*node) == wanted => Err(Fault::idle(format!(
                "the image has it already, with mode {:04o} and this owner ({})",
                node.mode, node.origin
            ))),
            Some(node) => {
                (node.mode, node.uid, node.gid) = (wanted.mode, wanted.uid, wanted.gid);
                Ok(())
            }
        }
    }

    fn file(&mut self, file: &File) -> Result<(), Fault> {
        let content = match (&file.content, &file.copy) {
            (Some(text), _) => Content::from(text.as_str()),
            (None, Some(ImagePath(from))) => self.tree.file(relative(from)).cloned().ok_or_else(|| {
                Fault::new(
                    format!("there is no file `{from}` to copy"),
                    "write the path of a file that a package ships, or give `content`",
                )
            })?,
            (None, None) => return self.metadata(file),
        };
        let at = self.place(&file.path, false)?;
        let wanted = Metadata {
            mode: file.mode.map_or(0o644, |Mode(mode)| mode),
            uid: self.user(file.user.as_ref())?.unwrap_or(0),
            gid: self.group(file.group.as_ref())?.unwrap_or(0),
        };
        if let Some(node) = self.tree.get(&at) {
            let old = match &node.kind {
                Kind::File(_) => Some(node),
                Kind::HardLink(target) => self.tree.get(target),
                _ => return Err(in_the_way(node)),
            };
            if let Some(old @ Node { kind: Kind::File(text), origin, .. }) = old
                && Metadata::from(old) == wanted
                && text.digest() == content.digest()
            {
                return Err(Fault::idle(format!(
                    "the image has the same file already, with this mode and owner ({origin})"
                )));
            }
        }
        Ok(self.tree.put(&at, wanted.of(Node::file(0, content)))?)
    }

    /// Gives a file that is there another mode or owner.
    fn metadata(&mut self, File { path, mode, user, group, .. }: &File) -> Result<(), Fault> {
        let at = self.place(path, true)?;
        let (uid, gid) = (self.user(user.as_ref())?, self.group(group.as_ref())?);
        // An inode has one owner and one mode, whatever name it is called by.
        let at = match self.tree.get(&at).map(|node| &node.kind) {
            Some(Kind::HardLink(target)) => target.clone(),
            _ => at,
        };
        let Some(node) = self.tree.get_mut(&at) else {
            return Err(Fault::new(
                "the image has no such file",
                "write the path of one, or give it `content` or `copy`",
            ));
        };
        if node.is_dir() {
            return Err(Fault::new("it is a directory", "declare it as one, below `[[script.directory]]`"));
        }
        let old = Metadata::from(&*node);
        let wanted = Metadata {
            mode: mode.map_or(old.mode, |Mode(mode)| mode),
            uid: uid.unwrap_or(old.uid),
            gid: gid.unwrap_or(old.gid),
        };
        if old == wanted {
            return Err(Fault::idle(format!("the file has this mode and owner already ({})", node.origin)));
        }
        (node.mode, node.uid, node.gid) = (wanted.mode, wanted.uid, wanted.gid);
        Ok(())
    }

    fn link(&mut self, Link { path, target }: &Link) -> Result<(), Fault> {
        let at = self.place(path, false)?;
        match self.tree.get(&at) {
            Some(Node { kind: Kind::Symlink(old), origin, .. }) if *old == target.0 => {
                Err(Fault::idle(format!("the image has this link already ({origin})")))
            }
            Some(node) if !matches!(node.kind, Kind::Symlink(_)) => Err(in_the_way(node)),
            _ => Ok(self.tree.put(&at, Node::symlink(target.0.as_str()).from(ORIGIN))?),
        }
    }

    /// Where a declared path leads to, which no other may have declared.
    fn place(&mut self, path: &Spanned<ImagePath>, follow: bool) -> Result<String, Fault> {
        let at = self.tree.resolve(relative(&path.get_ref().0), follow)?;
        if self.taken.insert(at.clone()) {
            return Ok(at);
        }
        Err(Fault::new("it is declared before, with another kind, mode, owner or content", "keep one of the two"))
    }

    fn user(&self, name: Option<&AccountName>) -> Result<Option<u32>, Fault> {
        let Some(AccountName(name)) = name else { return Ok(None) };
        let missing = || unknown("user", "account", name, &self.owners.users().collect::<Vec<_>>());
        self.owners.user(name).ok_or_else(missing).map(Some)
    }

    fn group(&self, name: Option<&AccountName>) -> Result<Option<u32>, Fault> {
        let Some(AccountName(name)) = name else { return Ok(None) };
        let missing = || unknown("group", "group", name, &self.owners.groups().collect::<Vec<_>>());
        self.owners.group(name).ok_or_else(missing).map(Some)
    }
}

/// Mode and owner of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Metadata {
    mode: u16,
    uid: u32,
    gid: u32,
}

impl From<&Node> for Metadata {
    fn from(node: &Node) -> Self {
        Self { mode: node.mode, uid: node.uid, gid: node.gid }
    }
}

impl Metadata {
    fn of(self, node: Node) -> Node {
        Node { mode: self.mode, ..node }.owned(self.uid, self.gid).from(ORIGIN)
    }
}

fn relative(path: &str) -> &str {
    path.trim_start_matches('/')
}

fn in_the_way(node: &Node) -> Fault {
    Fault::new(
        format!("the image has {} there ({})", node.kind.describe(), node.origin),
        "give it another path; a file of another package can be moved away with `[[script.diversion]]`",
    )
}

fn unknown(kind: &str, table: &str, name: &str, known: &[&str]) -> Fault {
    let otherwise = format!("declare it too, `[[script.{table}]]` with `name = \"{name}\"`");
    Fault::new(format!("the image has no {kind} `{name}`"), did_you_mean(name, known.iter().copied(), &otherwise))
}
