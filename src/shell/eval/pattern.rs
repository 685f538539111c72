//! Patterns (XCU 2.14): `*`, `?` and `[…]`, what is quoted standing for itself.

/// One element of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Element {
    /// Stands for itself.
    Literal(char),
    /// `?`
    Any,
    /// `*`
    Many,
    /// `[…]`
    Bracket { negated: bool, ranges: Vec<(char, char)>, classes: Vec<fn(&char) -> bool> },
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    elements: Vec<Element>,
}

/// A character, and whether it was quoted.
pub type Quoted = (char, bool);

impl Pattern {
    /// The pattern that these characters are.
    #[must_use]
    pub fn new(characters: &[Quoted]) -> Self {
        let mut elements = Vec::new();
        let mut at = 0;
        while let Some((character, quoted)) = characters.get(at) {
            at += 1;
            elements.push(match (character, quoted) {
                ('*', false) => Element::Many,
                ('?', false) => Element::Any,
                ('[', false) => match bracket(characters.get(at..).unwrap_or_default()) {
                    Some((element, length)) => {
                        at += length;
                        element
                    }
                    None => Element::Literal('['),
                },
                (character, _) => Element::Literal(*character),
            });
        }
        Self { elements }
    }

    /// Whether anything in it is special.
    #[must_use]
    pub fn is_special(&self) -> bool {
        self.elements.iter().any(|element| !matches!(element, Element::Literal(_)))
    }

    /// Whether it begins with a `.` that stands for itself: only such a pattern matches a name that does (XCU 2.14.3).
    #[must_use]
    pub fn begins_with_dot(&self) -> bool {
        matches!(self.elements.first(), Some(Element::Literal('.')))
    }

    /// Whether it matches all of `text`. Time goes with the product of both lengths.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        self.lengths(&text).last() == Some(&text.len())
    }

    /// How many characters of the beginning of `text` it matches: all such numbers, from small to large.
    #[must_use]
    pub fn lengths(&self, text: &[char]) -> Vec<usize> {
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        for element in &self.elements {
            let mut next = vec![false; text.len() + 1];
            if *element == Element::Many {
                let first = reached.iter().position(|here| *here).unwrap_or(next.len());
                next.iter_mut().skip(first).for_each(|here| *here = true);
            } else {
                for (at, character) in text.iter().enumerate() {
                    next[at + 1] = reached[at] && element.is(*character);
                }
            }
            reached = next;
        }
        reached.iter().enumerate().filter(|(_, here)| **here).map(|(at, _)| at).collect()
    }
}

impl Element {
    fn is(&self, character: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == character,
            Self::Any => true,
            Self::Many => false,
            Self::Bracket { negated, ranges, classes } => {
                let found = ranges.iter().any(|(low, high)| (*low..=*high).contains(&character))
                    || classes.iter().any(|class| class(&character));
                found != *negated
            }
        }
    }
}

/// A bracket expression (XBD 9.3.5) whose `[` stands before `characters`, and how long it is.
fn bracket(characters: &[Quoted]) -> Option<(Element, usize)> {
    let is = |at: usize, wanted: char| characters.get(at) == Some(&(wanted, false));
    let negated = is(0, '!') || is(0, '^');
    let mut at = usize::from(negated);
    let first = at;
    let (mut ranges, mut classes) = (Vec::new(), Vec::new());
    loop {
        let (character, _) = characters.get(at)?;
        if is(at, ']') && at > first {
            return Some((Element::Bracket { negated, ranges, classes }, at + 1));
        }
        if is(at, '[') && is(at + 1, ':') {
            let name: String = characters.get(at + 2..)?.iter().map(|(character, _)| *character).collect();
            let (name, _) = name.split_once(":]")?;
            classes.push(class(name)?);
            at += name.chars().count() + 4;
            continue;
        }
        if is(at + 1, '-') && !is(at + 2, ']') {
            let (high, _) = characters.get(at + 2)?;
            ranges.push((*character, *high));
            at += 3;
        } else {
            ranges.push((*character, *character));
            at += 1;
        }
    }
}

/// A character class (XBD 7.3.1) in the locale C.
fn class(name: &str) -> Option<fn(&char) -> bool> {
    Some(match name {
        "alnum" => char::is_ascii_alphanumeric,
        "alpha" => char::is_ascii_alphabetic,
        "blank" => |character| matches!(character, ' ' | '\t'),
        "cntrl" => char::is_ascii_control,
        "digit" => char::is_ascii_digit,
        "graph" => char::is_ascii_graphic,
        "lower" => char::is_ascii_lowercase,
        "print" => |character| character.is_ascii_graphic() || *character == ' ',
        "punct" => char::is_ascii_punctuation,
        "space" => |character| character.is_ascii_whitespace() || *character == '\x0b',
        "upper" => char::is_ascii_uppercase,
        "xdigit" => char::is_ascii_hexdigit,
        _ => return None,
    })
}
