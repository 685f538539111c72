//! `[[artifact]]` of overlays: files that are downloaded.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::inherit::plain;
use super::marks::Written;
use super::schema::{ArtifactEntry, OverlayToml};
use super::values::Mode;
use super::{Board, Marks, ProfileArtifact, ProfileError, openings};
use crate::diagnostic::{Diagnostic, SourceText};
use crate::tree::{self, Digest};

/// Bits of a mode that give a program its owner's or its group's rights, whoever starts it.
const SETUID_SETGID: u16 = 0o6000;

/// By clean path, each with the place where that is written.
pub(super) type Placed = BTreeMap<String, (Range<usize>, ProfileArtifact)>;

/// The artifacts of an overlay for a board, taken out of `toml`.
///
/// # Errors
/// Two for one place; one where another entry is; one that would let somebody in.
pub(super) fn of(
    toml: &mut OverlayToml,
    board: Option<Board>,
    by: &Written,
    marks: &mut Marks,
) -> Result<Placed, ProfileError> {
    let at = &by.source;
    let mut artifacts = Placed::new();
    for entry in std::mem::take(&mut toml.artifacts) {
        // A profile without a board is refused elsewhere.
        if entry.architecture.is_some() && entry.architecture != board.map(Board::arch) {
            continue;
        }
        check(&entry, at)?;
        let (path, span) = (entry.path.0.get_ref().0.clone(), entry.path.0.span());
        let key = path.trim_start_matches('/').to_owned();
        marks.note_about("artifact.path", &key, by, Some(&entry.path));
        marks.note_about("artifact.unpack", &key, by, entry.unpack.as_ref());
        let artifact = ProfileArtifact {
            url: entry.url.into(),
            sha256: Digest::parse(&entry.sha256.0).expect("digests were checked when the overlay was read"),
            mode: entry.mode.map_or(0o644, |mode| mode.0.into_inner().0),
            unpack: entry.unpack.map(|member| member_path(&plain(member))),
            for_architecture: entry.architecture.is_some(),
            origin: by.origin.clone(),
        };
        if artifacts.insert(key, (span.clone(), artifact)).is_some() {
            let twice = Diagnostic::new(at, Some(span), format!("`{path}` is given twice in this file"));
            return Err(twice.hint("keep one of the two entries, or give each another `architecture`").into());
        }
    }
    beside(&artifacts, toml, at)?;
    Ok(artifacts)
}

/// Refuses what would give a download more rights than those of a file that somebody starts or reads.
fn check(entry: &ArtifactEntry, at: &Arc<SourceText>) -> Result<(), Diagnostic> {
    let path = &entry.path.0.get_ref().0;
    if openings::decides(path.trim_start_matches('/')) {
        let message = format!("`{path}` decides who comes in or becomes root, and would be a download");
        return Err(Diagnostic::new(at, Some(entry.path.0.span()), message)
            .hint("write the file itself, so that it can be checked"));
    }
    match entry.mode.as_ref().map(|mode| (mode.0.get_ref(), mode.0.span())) {
        Some((Mode(mode), span)) if mode & SETUID_SETGID != 0 => {
            let message = format!("`{path}` would be a download with root's rights for everybody who starts it");
            let plain = mode & !SETUID_SETGID;
            Err(Diagnostic::new(at, Some(span), message)
                .hint(format!("write `mode = \"{plain:04o}\"`: no download is setuid or setgid")))
        }
        _ => Ok(()),
    }
}

/// Refuses other entries of the same file for a place that an artifact has.
fn beside(artifacts: &Placed, toml: &OverlayToml, at: &Arc<SourceText>) -> Result<(), Diagnostic> {
    let files = toml.files.iter().map(|entry| {
        let cure = match entry.symlink {
            Some(_) => "keep one of the two entries",
            None => "leave this entry out: a download is root's, and its `mode` is a key of [[artifact]]",
        };
        (&entry.path, cure)
    });
    let directories = toml
        .directories
        .iter()
        .map(|entry| (&entry.path, "keep one of the two entries, or give the download a `path` below the directory"));
    for (path, cure) in files.chain(directories) {
        let text = &path.0.get_ref().0;
        if artifacts.contains_key(text.trim_start_matches('/')) {
            let message = format!("`{text}` is an [[artifact]] of this file too");
            return Err(Diagnostic::new(at, Some(path.0.span()), message).hint(cure));
        }
    }
    Ok(())
}

/// As the archive's reader calls it: some archives write `./` in front, and people `/`.
fn member_path(text: &str) -> String {
    tree::clean(text.trim_start_matches('/')).expect("paths were checked when the overlay was read")
}
