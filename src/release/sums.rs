//! `SHA256SUMS`: the lines that `sha256sum --check` reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::{ReleaseError, SUMS};
use crate::files;
use crate::tree::Digest;

/// File names and their digests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums(BTreeMap<String, Digest>);

impl Sums {
    /// Reads lines of a digest, two blanks (or a blank and a star, for binary) and a name; the number of the first line that is
    /// none is the error. A name is that of a file in the same directory.
    ///
    /// # Errors
    /// The line, counted from 1.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let line = |line: &str| {
            let (digest, name) = line.split_once(' ')?;
            let name = name.strip_prefix([' ', '*'])?;
            let is_plain = !name.is_empty() && !name.contains('/');
            is_plain.then_some((name.to_owned(), Digest::parse(digest)?))
        };
        let lines = text.lines().enumerate().map(|(number, text)| line(text).ok_or(number + 1));
        lines.collect::<Result<_, _>>().map(Self)
    }

    /// Those in `dir` but of `own`, which are about to be written, of files that are still there; none if there are no sums. What
    /// is passed on, and perhaps signed, was found right.
    pub(super) fn beside(dir: &Path, own: &[&str]) -> Result<Self, ReleaseError> {
        let path = dir.join(SUMS);
        let text = match files::open(&path).and_then(io::read_to_string) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            read => read.map_err(|source| ReleaseError::Read { path: path.clone(), source })?,
        };
        let sums = Self::parse(&text).map_err(|line| ReleaseError::Sums { path, line })?;
        let mut right = Self::default();
        for (name, digest) in sums.0.into_iter().filter(|(name, _)| !own.contains(&name.as_str())) {
            let path = dir.join(&name);
            match files::open(&path).and_then(Digest::of_all) {
                Ok(found) if found == digest => right.put(&name, digest),
                Ok(_) => return Err(ReleaseError::Neighbour { path }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(ReleaseError::Read { path, source }),
            }
        }
        Ok(right)
    }

    pub(super) fn put(&mut self, name: &str, digest: Digest) {
        self.0.insert(name.to_owned(), digest);
    }

    /// The digest of the file `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Digest> {
        self.0.get(name).copied()
    }

    /// One line a file, by name.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (name, digest)| {
            let _ = writeln!(text, "{digest}  {name}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_anything_else_is_told_by_its_line() {
        let mut sums = Sums::default();
        sums.put("b.img.zst", Digest::of(b"b"));
        sums.put("a.bmap", Digest::of(b"a"));
        let text = sums.text();
        assert!(text.find("a.bmap") < text.find("b.img.zst"));
        assert_eq!(Sums::parse(&text), Ok(sums));
        let good = format!("{}  a", Digest::of(b"a"));
        for bad in
            ["", "x", &good[1..], &good.replace("  ", " "), &good.replace("  a", "  ../a"), &good.replace("  a", "  ")]
        {
            assert_eq!(Sums::parse(&format!("{good}\n{bad}\n")), Err(2), "{bad:?}");
        }
    }
}
