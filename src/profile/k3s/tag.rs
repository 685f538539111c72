//! Releases of K3s by their tags, `v1.36.5+k3s1`: a release of Kubernetes and K3s's own count behind it.

use std::fmt;

/// A release of K3s. Later ones are greater.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    pub line: Line,
    pub patch: u32,
    stage: Stage,
    /// K3s's own count, behind `+k3s`.
    build: u32,
}

/// The releases of Kubernetes that differ in their patch alone, `v1.36`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub major: u32,
    pub minor: u32,
}

/// Candidates come before what they are candidates of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Candidate(String),
    Final,
}

impl Tag {
    /// Reads a tag; none if it is no release of K3s.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kubernetes, build) = text.strip_prefix('v')?.split_once("+k3s")?;
        let (base, stage) = match kubernetes.split_once('-') {
            Some((base, candidate)) => {
                let is_word = |char: char| char.is_ascii_alphanumeric() || char == '.';
                let is_good = !candidate.is_empty() && candidate.chars().all(is_word);
                (base, is_good.then(|| Stage::Candidate(candidate.to_owned()))?)
            }
            None => (kubernetes, Stage::Final),
        };
        let mut numbers = base.split('.').map(number);
        let (major, minor, patch) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let tag = Self { line: Line { major, minor }, patch, stage, build: number(build)? };
        numbers.next().is_none().then_some(tag)
    }

    /// A release that is not a candidate, for tables.
    #[must_use]
    pub const fn of(minor: u32, patch: u32) -> Self {
        Self::rebuilt(minor, patch, 1)
    }

    /// As [`Tag::of`], with another count of K3s's own.
    #[must_use]
    pub const fn rebuilt(minor: u32, patch: u32, build: u32) -> Self {
        Self { line: Line { major: 1, minor }, patch, stage: Stage::Final, build }
    }

    /// Whether it has what came into each line with a release of `first`, one a line: those and all newer releases of their
    /// lines have it, all newer lines, and no older line.
    #[must_use]
    pub fn is_since(&self, first: &[Self]) -> bool {
        match first.iter().find(|first| first.line == self.line) {
            Some(first) => self >= first,
            None => first.iter().all(|first| self.line > first.line),
        }
    }

    /// Whether it is released, as opposed to a candidate.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.stage == Stage::Final
    }
}

/// Digits, as a tag spells a number: with no zero before it.
fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl fmt::Display for Tag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.line, self.patch)?;
        if let Stage::Candidate(name) = &self.stage {
            write!(out, "-{name}")?;
        }
        write!(out, "+k3s{}", self.build)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "v{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_written_alike() {
        for text in ["v1.36.5+k3s1", "v1.37.0-rc1+k3s1", "v1.35.0+k3s3", "v1.9.10+k3s12"] {
            assert_eq!(Tag::parse(text).map(|tag| tag.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_tag_is_none() {
        for text in [
            "",
            "latest",
            "v1.36",
            "1.36.5+k3s1",
            "v1.36.5",
            "v1.36.5+rke2r1",
            "v1.36.5.1+k3s1",
            "v1.036.5+k3s1",
            "v1.36.5-+k3s1",
            "v1.36.5+k3s1/../..",
            "v1.36.99999999999+k3s1",
            "v1.36.5+k3s+1",
        ] {
            assert_eq!(Tag::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_came_with_a_patch_is_in_that_line_since_and_in_all_newer_lines() {
        let first = [Tag::of(34, 10), Tag::of(36, 3)];
        for (tag, has) in [
            ("v1.33.20+k3s1", false),
            ("v1.34.9+k3s1", false),
            ("v1.34.10+k3s1", true),
            ("v1.35.1+k3s1", false),
            ("v1.36.2+k3s1", false),
            ("v1.36.10+k3s1", true),
            ("v1.37.0+k3s1", true),
        ] {
            assert_eq!(Tag::parse(tag).unwrap().is_since(&first), has, "{tag}");
        }
    }

    #[test]
    fn tags_are_in_the_order_of_their_numbers() {
        let sorted = [
            "v1.9.10+k3s1",
            "v1.36.0-rc1+k3s1",
            "v1.36.0+k3s1",
            "v1.36.0+k3s2",
            "v1.36.9+k3s1",
            "v1.36.10+k3s1",
            "v1.37.0+k3s1",
        ];
        let tags: Vec<Tag> = sorted.iter().map(|text| Tag::parse(text).unwrap()).collect();
        assert!(tags.is_sorted());
        assert!(!tags[1].is_final() && tags[2].is_final());
    }
}
