//! Applies an overlay's patches to a source in memory, as `patch -p1 --fuzz=0` does: lines may have moved, none may differ.

use std::io;

use diffy::Patch;

use crate::profile::ModulePatch;
use crate::tree::{Kind, Node, PathError, Tree, TreeError, clean};

/// Why a patch was not applied. Numbers of lines are those of the patch's own file.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    #[error("patch `{patch}`, line {line}: {reason}")]
    Malformed { patch: String, line: usize, reason: String },
    #[error("patch `{patch}` changes a file outside of the source")]
    Outside { patch: String, source: PathError },
    #[error("patch `{patch}` changes `{path}`, which the source does not have")]
    NoFile { patch: String, path: String },
    #[error("patch `{patch}` makes `{path}`, which the source has already")]
    Exists { patch: String, path: String },
    #[error(
        "patch `{patch}` does not apply to `{path}`: hunk {hunk} (line {line} of the patch) finds other text there"
    )]
    Hunk { patch: String, path: String, hunk: usize, line: usize },
    #[error("patch `{patch}` is in `{path}` already")]
    Applied { patch: String, path: String },
    #[error("patch `{patch}` removes `{path}`, but not all of its text")]
    Remains { patch: String, path: String },
    #[error("patch `{patch}` cannot read `{path}`")]
    Read { patch: String, path: String, source: io::Error },
    #[error("patch `{patch}` cannot make `{path}`")]
    Tree { patch: String, path: String, source: TreeError },
}

impl PatchError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Malformed { .. } => "a patch is what `diff -u` or `git diff` prints, with `a/` and `b/` before paths",
            Self::Outside { .. } => "paths in a patch begin at the source's directory",
            Self::Applied { .. } => "this source does not need it: narrow the patch's `kernels`, or take it out",
            _ => "it was made for another version of the source: make it anew for the locked one, or lock the version that it is for",
        }
        .to_owned()
    }
}

/// What a patch says of one file.
struct FileChange<'a> {
    /// Line of its `---` in the patch, from 1.
    line: usize,
    old: &'a str,
    new: &'a str,
    /// The two lines of its header.
    header: &'a str,
    hunks: Vec<Hunk<'a>>,
}

struct Hunk<'a> {
    line: usize,
    text: &'a str,
}

/// Applies `patch` to the files of `source`; either all of it or nothing.
///
/// # Errors
/// It is no patch, leaves the source, or does not fit.
pub(super) fn apply(source: &mut Tree, patch: &ModulePatch) -> Result<(), PatchError> {
    let mut changed = source.clone();
    for change in split(patch)? {
        apply_change(&mut changed, patch, &change)?;
    }
    *source = changed;
    Ok(())
}

fn apply_change(source: &mut Tree, patch: &ModulePatch, change: &FileChange<'_>) -> Result<(), PatchError> {
    let name = || patch.name.clone();
    let path_of = |text: &str| {
        let path = clean(text).map_err(|source| PatchError::Outside { patch: name(), source })?;
        let (_, path) = path.split_once('/').ok_or_else(|| PatchError::Malformed {
            patch: name(),
            line: change.line,
            reason: format!("`{text}` has no directory to leave out"),
        })?;
        Ok::<String, PatchError>(path.to_owned())
    };
    let (is_new, is_gone) = (change.old == NONE, change.new == NONE);
    let path = path_of(if is_gone { change.old } else { change.new })?;
    if !is_new && !is_gone && path_of(change.old)? != path {
        let reason = format!("it moves `{}` to `{}`, which is not supported", change.old, change.new);
        return Err(PatchError::Malformed { patch: name(), line: change.line, reason });
    }
    let read = |source| PatchError::Read { patch: name(), path: path.clone(), source };
    let before = match source.file(&path) {
        Some(_) if is_new => return Err(PatchError::Exists { patch: name(), path }),
        Some(content) => content.read().map_err(read)?.into_owned(),
        None if is_new => Vec::new(),
        None => return Err(PatchError::NoFile { patch: name(), path }),
    };
    let after = changed(&before, patch, change, &path)?;
    if is_gone {
        if !after.is_empty() {
            return Err(PatchError::Remains { patch: name(), path });
        }
        source.remove(&path);
        return Ok(());
    }
    match source.get_mut(&path) {
        Some(node) => node.kind = Kind::File(after.into()),
        None => {
            let put = source.put(&path, Node::file(0o644, after));
            put.map_err(|source| PatchError::Tree { patch: name(), path, source })?;
        }
    }
    Ok(())
}

/// How a patch names the file that is not there.
const NONE: &str = "/dev/null";

/// The bytes of a file after a change.
fn changed(before: &[u8], patch: &ModulePatch, change: &FileChange<'_>, path: &str) -> Result<Vec<u8>, PatchError> {
    // As many hunks as fit, from the first: so the one that does not is known.
    let up_to = |count: usize| {
        let text = change.header.to_owned() + &change.hunks[..count].iter().map(|hunk| hunk.text).collect::<String>();
        let parsed = Patch::from_bytes(text.as_bytes()).map_err(|error| PatchError::Malformed {
            patch: patch.name.clone(),
            line: change.hunks[count.saturating_sub(1)].line,
            reason: error.to_string(),
        })?;
        Ok::<_, PatchError>((
            diffy::apply_bytes(before, &parsed).ok(),
            diffy::apply_bytes(before, &parsed.reverse()).ok(),
        ))
    };
    let (whole, reversed) = up_to(change.hunks.len())?;
    if let Some(after) = whole {
        return Ok(after);
    }
    if reversed.is_some() {
        return Err(PatchError::Applied { patch: patch.name.clone(), path: path.to_owned() });
    }
    let mut failing = change.hunks.len();
    for count in 1..change.hunks.len() {
        if up_to(count)?.0.is_none() {
            failing = count;
            break;
        }
    }
    let line = change.hunks[failing - 1].line;
    Err(PatchError::Hunk { patch: patch.name.clone(), path: path.to_owned(), hunk: failing, line })
}

/// The changes of a patch, file by file. The numbers in a hunk's head say where it ends, whatever its lines look like.
fn split(patch: &ModulePatch) -> Result<Vec<FileChange<'_>>, PatchError> {
    let malformed = |line: usize, reason: &str| PatchError::Malformed {
        patch: patch.name.clone(),
        line: line + 1,
        reason: reason.to_owned(),
    };
    let lines: Vec<(usize, &str)> = lines(&patch.text).collect();
    let text = |at: usize| lines.get(at).map(|(_, line)| line.trim_end_matches(['\n', '\r']));
    let slice = |from: usize, to: usize| {
        let start = |at: usize| lines.get(at).map_or(patch.text.len(), |(start, _)| *start);
        &patch.text[start(from)..start(to)]
    };
    let (mut changes, mut at) = (Vec::new(), 0);
    while let Some(line) = text(at) {
        if line.starts_with("GIT binary patch") || line.starts_with("rename from ") {
            return Err(malformed(at, "only changes of text are supported"));
        }
        let names = line.strip_prefix("--- ").zip(text(at + 1).and_then(|next| next.strip_prefix("+++ ")));
        let Some((old, new)) = names else {
            if line.starts_with("@@ ") {
                return Err(malformed(at, "a hunk without the names of its file before it"));
            }
            at += 1;
            continue;
        };
        let name = |name: &'_ str| name.split('\t').next().unwrap_or_default().len();
        let (old, new) = (&old[..name(old)], &new[..name(new)]);
        let mut change = FileChange { line: at + 1, old, new, header: slice(at, at + 2), hunks: Vec::new() };
        at += 2;
        while let Some((mut olds, mut news)) = text(at).and_then(counts) {
            let head = at;
            at += 1;
            while olds > 0 || news > 0 || text(at).is_some_and(|line| line.starts_with('\\')) {
                let line = text(at).ok_or_else(|| malformed(head, "the hunk ends too early"))?;
                let (old, new) = match line.as_bytes().first() {
                    Some(b'-') => (1, 0),
                    Some(b'+') => (0, 1),
                    Some(b' ') | None => (1, 1),
                    Some(b'\\') => (0, 0),
                    Some(_) => return Err(malformed(at, "a line of a hunk begins with none of `-`, `+` and a blank")),
                };
                let left = |count: usize, less: usize| count.checked_sub(less);
                (olds, news) = left(olds, old)
                    .zip(left(news, new))
                    .ok_or_else(|| malformed(head, "the hunk has other lines than its head says"))?;
                at += 1;
            }
            change.hunks.push(Hunk { line: head + 1, text: slice(head, at) });
        }
        if change.hunks.is_empty() {
            return Err(malformed(change.line - 1, "no hunk (`@@ -1,2 +1,3 @@`) follows the names of a file"));
        }
        changes.push(change);
    }
    if changes.is_empty() {
        return Err(malformed(0, "it changes no file"));
    }
    Ok(changes)
}

/// The lines of a text with their ends, and where each starts.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        (at, line)
    })
}

/// How many lines of the old and of the new text the hunk with this head has.
fn counts(head: &str) -> Option<(usize, usize)> {
    let mut words = head.strip_prefix("@@ ")?.split(' ');
    let count = |word: &str, sign| -> Option<usize> {
        let range = word.strip_prefix(sign)?;
        range.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok())
    };
    Some((count(words.next()?, '-')?, count(words.next()?, '+')?))
}

#[cfg(test)]
mod tests;
