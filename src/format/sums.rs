//! Lists of SHA-256 sums: the lines that `sha256sum` writes, and reads with `--check`.

use std::collections::BTreeMap;

use crate::tree::Digest;

/// File names and their digests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums(BTreeMap<String, Digest>);

impl Sums {
    /// Reads a list, all of whose lines must be what [`parse_line`] reads; the number of the first that is not is the error.
    ///
    /// # Errors
    /// The line, counted from 1.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let lines = (1..).zip(text.lines());
        let entry = |(number, text)| parse_line(text).map(|(name, digest)| (name.to_owned(), digest)).ok_or(number);
        lines.map(entry).collect::<Result<_, _>>().map(Self)
    }

    /// Adds a file, or gives it another digest.
    pub fn put(&mut self, name: &str, digest: Digest) {
        self.0.insert(name.to_owned(), digest);
    }

    /// The digest of the file `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Digest> {
        self.0.get(name).copied()
    }

    /// All files with their digests, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Digest)> {
        self.0.iter().map(|(name, digest)| (name.as_str(), *digest))
    }

    /// One line a file, by name.
    #[must_use]
    pub fn text(&self) -> String {
        self.iter().map(|(name, digest)| line(name, digest)).collect()
    }
}

/// The line of the file `name`, with its line feed.
#[must_use]
pub fn line(name: &str, digest: Digest) -> String {
    format!("{digest}  {name}\n")
}

/// Reads one line: a digest, two blanks (or a blank and a star, for binary) and a name, which is that of a file in the same
/// directory.
#[must_use]
pub fn parse_line(text: &str) -> Option<(&str, Digest)> {
    let (digest, name) = text.split_once(' ')?;
    let name = name.strip_prefix([' ', '*'])?;
    let is_plain = !name.is_empty() && !name.contains('/');
    is_plain.then_some((name, Digest::parse(digest)?))
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
