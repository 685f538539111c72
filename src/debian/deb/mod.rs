//! Reads `.deb` files (deb(5)) into [`Package`]s.
//!
//! Data flow: `ar` finds the two archives → `unpack` decompresses each once, `tar` copying it to a pack
//! in the cache and hashing every file → `members` and `control` check what is in them → `pack` keeps an index
//! beside the pack, so that the next time nothing but the index is read. File contents stay slices of the pack.
//! `tarball` goes the same way with archives that are no packages.

mod ar;
mod control;
mod error;
mod members;
mod pack;
mod tar;
mod tarball;
mod unpack;

pub use error::{DebError, Flaw};

use std::fs::{self, File};
use std::io::{self, Cursor};
use std::path::Path;

use tempfile::NamedTempFile;

use super::Package;
use super::package::Member;
use crate::tree::{Digest, Kind};
use error::Problem;
use pack::{Files, Index};

/// The package whose file has the digest `sha256`, if [`open`] unpacked it to `packs_dir` before.
#[must_use]
pub fn unpacked(sha256: Digest, packs_dir: &Path) -> Option<Package> {
    Files::of(sha256, packs_dir).load()
}

/// What the archive holds whose file has the digest `sha256`, if [`contents`] unpacked it to `packs_dir` before.
#[must_use]
pub fn unpacked_contents(sha256: Digest, packs_dir: &Path) -> Option<Vec<Member>> {
    Files::of(sha256, packs_dir).members()
}

/// Removes the pack of the package or archive whose file has the digest `sha256` if its contents are damaged. Returns whether it
/// was removed.
///
/// # Errors
/// The error of removing it.
pub fn discard_damaged(sha256: Digest, packs_dir: &Path) -> io::Result<bool> {
    let files = Files::of(sha256, packs_dir);
    let Some(members) = files.members() else { return Ok(false) };
    let is_sound = |member: &Member| match &member.node.kind {
        Kind::File(content) => content.read().is_ok(),
        _ => true,
    };
    if members.iter().all(is_sound) {
        return Ok(false);
    }
    files.remove().map(|()| true)
}

/// Opens the package file at `deb`, whose digest the caller has checked to be `sha256`. Decompressed data is
/// kept below `packs_dir`, which is made if it is missing; if it is there already, `deb` is not even read.
///
/// # Errors
/// The package is damaged or not acceptable, or files cannot be read or written.
pub fn open(deb: &Path, sha256: Digest, packs_dir: &Path) -> Result<Package, DebError> {
    let files = Files::of(sha256, packs_dir);
    load_or_unpack(deb, &files, Files::load, |input, output| unpack::unpack(input, output))
}

/// What the archive at `archive` holds, whose digest the caller has checked to be `sha256`, in its order; the nodes have no
/// origin. It is a tar archive, plain or compressed, or a Debian package, of which only what it would install counts. Messages
/// call it `name`. Decompressed data is kept as [`open`] keeps it.
///
/// # Errors
/// A file that is no archive, or one that is damaged or could do harm; files that cannot be read or written.
pub fn contents(archive: &Path, name: &str, sha256: Digest, packs_dir: &Path) -> Result<Vec<Member>, DebError> {
    let files = Files::of(sha256, packs_dir);
    load_or_unpack(archive, &files, Files::members, |input, output| tarball::unpack(input, name, output))
}

/// As [`contents`], of an archive in memory, such as one that a package has; nothing is kept.
///
/// # Errors
/// What is wrong with the archive.
pub fn contents_in_memory(archive: &[u8], name: &str) -> Result<Vec<Member>, DebError> {
    let place = Path::new(name);
    let mut data = Vec::new();
    let index = tarball::unpack(&mut Cursor::new(archive), name, &mut data);
    let members = index.map_err(|problem| problem.named(place, place))?.in_memory(&data);
    members
        .ok_or_else(|| DebError::Flawed { deb: place.to_owned(), flaw: Flaw::Truncated { archive: name.to_owned() } })
}

/// What `load` finds in the pack at `files`, which is made of `archive` by `unpack` if it is not there.
fn load_or_unpack<T>(
    archive: &Path,
    files: &Files,
    load: impl Fn(&Files) -> Option<T>,
    unpack: impl FnOnce(&mut File, &mut NamedTempFile) -> Result<Index, Problem>,
) -> Result<T, DebError> {
    if let Some(found) = load(files) {
        return Ok(found);
    }
    let named = |problem: Problem| problem.named(archive, &files.pack);
    let mut input = File::open(archive).map_err(|source| named(Problem::Input(source)))?;
    let cache = |source: io::Error| named(Problem::Output(source));
    let dir = files.pack.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(cache)?;
    let mut output = NamedTempFile::new_in(dir).map_err(cache)?;
    let index = unpack(&mut input, &mut output).map_err(named)?;
    files.store(output, &index).map_err(cache)?;
    load(files).ok_or_else(|| cache(io::Error::other("what was written cannot be read back")))
}

/// Checks the bytes of a `.deb` as [`open`] does, keeping nothing. The entry point of the fuzz targets.
///
/// # Errors
/// What is wrong with the package.
pub fn check(deb: &[u8]) -> Result<(), DebError> {
    let in_memory = Path::new("(in memory)");
    unpack::unpack(&mut Cursor::new(deb), io::sink()).map(drop).map_err(|problem| problem.named(in_memory, in_memory))
}

/// As [`check`], of an archive as [`contents`] takes it.
///
/// # Errors
/// What is wrong with the archive.
pub fn check_contents(archive: &[u8]) -> Result<(), DebError> {
    let in_memory = Path::new("(in memory)");
    let read = tarball::unpack(&mut Cursor::new(archive), "archive", io::sink());
    read.map(drop).map_err(|problem| problem.named(in_memory, in_memory))
}
