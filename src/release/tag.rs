//! A release's tag: what a release is asked for by, and what its signature says that it is.

use super::ReleaseError;

/// The name of a release, as version control has it (`v1.2`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// A tag is part of an address and of a comment, so what could lead elsewhere or mean something else in either is none.
    ///
    /// # Errors
    /// What is none.
    pub fn parse(text: &str) -> Result<Self, ReleaseError> {
        let is_plain = |char: char| char.is_alphanumeric() || "._-+/@".contains(char);
        let is_part = |part: &str| !matches!(part, "" | "." | "..");
        if text.chars().all(is_plain) && text.split('/').all(is_part) {
            return Ok(Self(text.to_owned()));
        }
        Err(ReleaseError::Tag { text: text.to_owned() })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The trusted comment of a release's signature, which the signature covers. Signatures of sums that are of no release have
    /// other ones.
    #[must_use]
    pub fn comment(&self) -> String {
        format!("imgbuild {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_leads_nowhere_else_and_is_one_word() {
        for good in ["v1", "v1.2.3-rc1+b2", "release/2026", "...", "ü1"] {
            assert_eq!(Tag::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "/", "a/", "/a", "a//b", "a/../b", "a b", "a\\b", "%2e%2e", "a?b", "a#b", "a\n"] {
            assert!(Tag::parse(bad).is_err(), "{bad:?}");
        }
    }
}
