//! Release files: a suite's names, its dates, and the digests of its indexes.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest as _, Sha512};

use super::date;
use super::deb822::{self, Deb822Error, Paragraph};
use super::openpgp;
use crate::tree::Digest;

/// The fields of a suite's Release file that are used here. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `stable`, `stable-security`.
    pub suite: Option<String>,
    /// `trixie`, `trixie-security`.
    pub codename: Option<String>,
    pub date: u64,
    /// The time of expiry; point releases have none.
    pub valid_until: Option<u64>,
    /// Whether indexes can be fetched by digest.
    pub by_hash: bool,
    /// Whether packages of architecture `all` are in a separate index only.
    pub splits_all: bool,
    /// Indexes by path below the suite's directory.
    pub files: BTreeMap<String, IndexFile>,
}

/// An index as a Release file lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexFile {
    pub size: u64,
    pub sum: Sum,
}

/// What a Release file proves an index with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    Sha256(Digest),
    /// Of an archive that lists no SHA-256, as that of NVIDIA's container toolkit does not (docs/gpu-packages.md).
    Sha512([u8; 64]),
}

impl Sum {
    /// Whether these bytes have it.
    #[must_use]
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Sha256(digest) => *digest == Digest::of(bytes),
            Self::Sha512(sum) => *sum == <[u8; 64]>::from(Sha512::digest(bytes)),
        }
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => write!(out, "SHA-256 {digest}"),
            Self::Sha512(sum) => sum.iter().try_for_each(|byte| write!(out, "{byte:02x}")),
        }
    }
}

/// Why a Release file was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    #[error(transparent)]
    Format(#[from] Deb822Error),
    #[error("it has {found} paragraphs instead of one")]
    Paragraphs { found: usize },
    #[error("no field `{field}`")]
    Missing { field: &'static str },
    #[error("field `{field}`: bad value `{value}`")]
    Value { field: &'static str, value: String },
    #[error("it is the Release file of `{found}`, not of `{asked}`")]
    OtherSuite { asked: String, found: String },
    #[error("it is of {}, which is to come; this machine's clock says {}", date::display(*date), date::display(*now))]
    Future { date: u64, now: u64 },
    #[error("it expired on {}; this machine's clock says {}", date::display(*until), date::display(*now))]
    Expired { until: u64, now: u64 },
}

impl ReleaseError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Expired { .. } => {
                "if the clock is right, the mirror no longer follows Debian (or somebody replays an old state): \
                 choose another one with `--mirror`"
            }
            Self::Future { .. } => {
                "check this machine's clock; if it is right, the archive's is not: tell its maintainers"
            }
            Self::OtherSuite { .. } => "name the suite in the profile's source by its code name",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// Reads the text of a Release file, whose signature must have been checked.
///
/// # Errors
/// The first field that is missing or malformed.
pub fn parse(text: &str) -> Result<Release, ReleaseError> {
    let paragraphs = deb822::parse(text)?;
    let [paragraph] = paragraphs.as_slice() else {
        return Err(ReleaseError::Paragraphs { found: paragraphs.len() });
    };
    let time = |field: &'static str| {
        let read = |value: &str| date::parse(value).ok_or(ReleaseError::Value { field, value: value.to_owned() });
        paragraph.get(field).map(read).transpose()
    };
    let has_word = |field, word| paragraph.get(field).unwrap_or_default().split_whitespace().any(|found| found == word);
    Ok(Release {
        suite: paragraph.get("Suite").map(str::to_owned),
        codename: paragraph.get("Codename").map(str::to_owned),
        date: time("Date")?.ok_or(ReleaseError::Missing { field: "Date" })?,
        valid_until: time("Valid-Until")?,
        by_hash: has_word("Acquire-By-Hash", "yes"),
        splits_all: has_word("Architectures", "all") && !has_word("No-Support-for-Architecture-all", "Packages"),
        files: listed(paragraph)?,
    })
}

/// The indexes, by SHA-256 where there is one: downloads are kept by it. apt takes either, too (`Hashes` in apt-pkg/hashes.cc).
fn listed(paragraph: &Paragraph<'_>) -> Result<BTreeMap<String, IndexFile>, ReleaseError> {
    match (paragraph.get("SHA256"), paragraph.get("SHA512")) {
        (Some(list), _) => files("SHA256", list, |text| Digest::parse(text).map(Sum::Sha256)),
        (None, Some(list)) => files("SHA512", list, |text| sha512(text).map(Sum::Sha512)),
        (None, None) => Err(ReleaseError::Missing { field: "SHA256" }),
    }
}

/// 128 hexadecimal digits.
fn sha512(text: &str) -> Option<[u8; 64]> {
    let (first, second) = text.split_at_checked(64)?;
    let halves = [Digest::parse(first)?.0, Digest::parse(second)?.0];
    halves.concat().try_into().ok()
}

/// The lines `<digest> <size> <path>` of a field.
fn files(
    field: &'static str,
    list: &str,
    sum: impl Fn(&str) -> Option<Sum>,
) -> Result<BTreeMap<String, IndexFile>, ReleaseError> {
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| file(line, &sum).ok_or_else(|| ReleaseError::Value { field, value: line.to_owned() })).collect()
}

fn file(line: &str, sum: impl Fn(&str) -> Option<Sum>) -> Option<(String, IndexFile)> {
    let mut words = line.split_ascii_whitespace();
    let (digest, size, path) = (words.next()?, words.next()?, words.next()?);
    let file = IndexFile { sum: sum(digest)?, size: size.parse().ok()? };
    // `apt-ftparchive` and others write paths of a flat repository with and without it.
    let path = path.strip_prefix("./").unwrap_or(path);
    words.next().is_none().then(|| (path.to_owned(), file))
}

impl Release {
    /// Checks that this is the suite `asked`, if one was asked for, and neither of a time to come nor expired at `now`.
    ///
    /// # Errors
    /// It is another suite's, of a time to come, or has expired.
    pub fn check(&self, asked: Option<&str>, now: u64) -> Result<(), ReleaseError> {
        let names = [self.codename.as_deref(), self.suite.as_deref()];
        if let Some(asked) = asked
            && !names.contains(&Some(asked))
        {
            let found = names.into_iter().flatten().next().unwrap_or("(unnamed)").to_owned();
            return Err(ReleaseError::OtherSuite { asked: asked.to_owned(), found });
        }
        // As apt has it (`Acquire::Max-FutureTime`), with more patience for clocks: what is locked is never gone back from, so a
        // date of a year to come would refuse every later state.
        if self.date > now.saturating_add(openpgp::CLOCK_SKEW) {
            return Err(ReleaseError::Future { date: self.date, now });
        }
        match self.valid_until {
            Some(until) if until <= now => Err(ReleaseError::Expired { until, now }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Origin: Debian
Suite: stable-security
Codename: trixie-security
Date: Sat, 21 Nov 2026 00:53:03 UTC
Valid-Until: Sat, 28 Nov 2026 00:53:03 UTC
Acquire-By-Hash: yes
No-Support-for-Architecture-all: Packages
Architectures: all amd64 arm64
SHA256:
 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855        0 main/binary-amd64/Packages
 5b9a010e6730e4019e90fcb81c92ad59f061955890d691b7d111637d3f8d3dab  9614816 main/binary-arm64/Packages.xz
";

    #[test]
    fn what_a_suite_says_of_itself_is_read() {
        let release = parse(TEXT).unwrap();
        assert_eq!(release.codename.as_deref(), Some("trixie-security"));
        assert_eq!(date::display(release.date), "2026-11-21T00:53:03Z");
        assert!(release.by_hash && !release.splits_all);
        assert_eq!(release.files["main/binary-amd64/Packages"].sum, Sum::Sha256(Digest::of(b"")));
        assert_eq!(release.files["main/binary-arm64/Packages.xz"].size, 9614816);
    }

    /// As the archive of NVIDIA's container toolkit has it.
    #[test]
    fn indexes_that_have_no_sha_256_are_proved_by_sha_512() {
        let sum = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
                   47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";
        let text = format!("Date: Fri, 27 Apr 2018 21:29:25 +0000\nSHA512:\n {sum} 0 Packages\n");
        let release = parse(&text).unwrap();
        let file = release.files["Packages"];
        assert!(file.sum.is_of(b"") && !file.sum.is_of(b"x"));
        // One that a SHA-256 is listed for keeps to that.
        let both = parse(&format!("{text}SHA256:\n {} 1 Packages\n", Digest::of(b"x"))).unwrap();
        assert_eq!(both.files["Packages"].sum, Sum::Sha256(Digest::of(b"x")));
        let error = parse(&text.replace("cf83", "xyz8")).unwrap_err().to_string();
        assert!(error.starts_with("field `SHA512`: bad value"), "{error}");
    }

    #[test]
    fn an_expired_release_is_refused_with_both_times() {
        let release = parse(TEXT).unwrap();
        let until = release.valid_until.unwrap();
        assert_eq!(release.check(Some("trixie-security"), until - 1), Ok(()));
        let error = release.check(Some("trixie-security"), until).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it expired on 2026-11-28T00:53:03Z; this machine's clock says 2026-11-28T00:53:03Z"
        );
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_release_of_a_time_to_come_is_refused() {
        let release = parse(TEXT).unwrap();
        let day = 24 * 60 * 60;
        assert_eq!(release.check(None, release.date - day), Ok(()));
        let error = release.check(None, release.date - day - 1).unwrap_err();
        assert!(error.to_string().starts_with("it is of 2026-11-21T00:53:03Z, which is to come"), "{error}");
    }

    #[test]
    fn another_suite_is_refused() {
        let release = parse(TEXT).unwrap();
        assert_eq!(release.check(Some("stable-security"), release.date), Ok(()));
        let error = release.check(Some("trixie"), release.date).unwrap_err();
        assert_eq!(error.to_string(), "it is the Release file of `trixie-security`, not of `trixie`");
    }

    #[test]
    fn what_is_malformed_is_named() {
        let cases = [
            (TEXT.replace("Date:", "Dato:"), "no field `Date`"),
            (TEXT.replace("SHA256:", "SHA1:"), "no field `SHA256`"),
            (TEXT.replace("SHA256:", "SHA512:"), "field `SHA512`: bad value"),
            (TEXT.replace("28 Nov", "48 Nov"), "field `Valid-Until`: bad value `Sat, 48 Nov 2026 00:53:03 UTC`"),
            (TEXT.replace("9614816", "-1"), "field `SHA256`: bad value"),
            (format!("{TEXT}\nSuite: other\n"), "it has 2 paragraphs instead of one"),
        ];
        for (text, message) in cases {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
