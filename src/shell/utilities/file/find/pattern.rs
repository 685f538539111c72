//! Patterns of names as `fnmatch()` reads them (XCU 2.14.1), where neither a slash nor a leading dot is special.

/// A pattern of a name or a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    parts: Vec<Part>,
    ignore_case: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Char(char),
    Any,
    Many,
    /// Ranges, and whether the character must be outside of them.
    Set(Vec<(char, char)>, bool),
}

impl Pattern {
    /// Reads a pattern; none if it has a class, which we do not know.
    pub fn parse(text: &str, ignore_case: bool) -> Option<Self> {
        let text = if ignore_case { text.to_lowercase() } else { text.to_owned() };
        let chars: Vec<char> = text.chars().collect();
        let mut parts = Vec::new();
        let mut rest = chars.as_slice();
        while let Some((first, more)) = rest.split_first() {
            rest = more;
            parts.push(match first {
                '*' => Part::Many,
                '?' => Part::Any,
                '\\' => match more.split_first() {
                    Some((escaped, more)) => {
                        rest = more;
                        Part::Char(*escaped)
                    }
                    None => return None,
                },
                '[' => match set(more) {
                    Some((part, more)) => {
                        rest = more;
                        part
                    }
                    None if more.contains(&']') => return None,
                    None => Part::Char('['),
                },
                other => Part::Char(*other),
            });
        }
        Some(Self { parts, ignore_case })
    }

    /// Whether all of `text` is of this pattern.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> =
            if self.ignore_case { text.to_lowercase().chars().collect() } else { text.chars().collect() };
        // Where the text may be after each part.
        let mut places = vec![false; text.len() + 1];
        places[0] = true;
        for part in &self.parts {
            let mut next = vec![false; text.len() + 1];
            let mut many = false;
            for (at, reached) in places.iter().enumerate() {
                if *part == Part::Many {
                    many |= reached;
                    next[at] = many;
                } else if *reached && text.get(at).is_some_and(|char| part.takes(*char)) {
                    next[at + 1] = true;
                }
            }
            places = next;
        }
        places.last().copied().unwrap_or_default()
    }
}

impl Part {
    fn takes(&self, char: char) -> bool {
        match self {
            Self::Char(own) => *own == char,
            Self::Any | Self::Many => true,
            Self::Set(ranges, outside) => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&char)) != *outside
            }
        }
    }
}

/// A bracket expression behind its `[`, and what comes after it.
fn set(chars: &[char]) -> Option<(Part, &[char])> {
    let (outside, mut rest) = match chars.split_first() {
        Some(('!' | '^', more)) => (true, more),
        _ => (false, chars),
    };
    let mut ranges = Vec::new();
    loop {
        let (first, more) = rest.split_first()?;
        match (first, more) {
            (']', more) if !ranges.is_empty() => return Some((Part::Set(ranges, outside), more)),
            ('[', [':' | '.' | '=', ..]) | ('\\', _) => return None,
            (first, ['-', last, more @ ..]) if *last != ']' => {
                ranges.push((*first, *last));
                rest = more;
            }
            (first, more) => {
                ranges.push((*first, *first));
                rest = more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, text, matches) in [
            ("*", ".hidden", true),
            ("*.pem", "a.pem", true),
            ("*.pem", "a.pem~", false),
            ("*", "a/b", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("sa[0-9][0-9]", "sa07", true),
            ("sa[0-9][0-9]", "sa7x", false),
            ("[!a]x", "bx", true),
            ("[!a]x", "ax", false),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("[", "[", true),
            ("a*b*c", "aXbYbZc", true),
            ("", "", true),
            ("*A", "a", false),
        ] {
            assert_eq!(Pattern::parse(pattern, false).unwrap().matches(text), matches, "{pattern} {text}");
        }
        assert!(Pattern::parse("*.CONF", true).unwrap().matches("A.conf"));
        assert!(Pattern::parse("[[:digit:]]", false).is_none());
    }
}
