//! Patterns (XCU 2.14): `*`, `?` and `[…]`, what is quoted standing for itself. They go by bytes, as in the locale C.

use std::rc::Rc;

/// One element of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Element {
    /// Stands for itself.
    Literal(u8),
    /// `?`
    Any,
    /// `*`
    Many,
    /// `[…]`
    Bracket(Rc<Set>),
}

/// The bytes that a bracket expression matches.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Set([bool; 256]);

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    elements: Vec<Element>,
}

/// A byte of a pattern, and whether it is quoted.
pub type Quoted = (u8, bool);

/// What a match may still cost: looking at one element for one byte costs one.
#[derive(Debug)]
pub(super) struct Budget(pub u64);

/// A match cost more than it may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

impl Budget {
    fn spend(&mut self, cost: usize) -> Result<(), TooMuch> {
        self.0 = self.0.checked_sub(cost as u64).ok_or(TooMuch)?;
        Ok(())
    }
}

impl Pattern {
    /// The pattern that these bytes are. An unquoted backslash quotes what follows it.
    #[must_use]
    pub fn new(bytes: &[Quoted]) -> Self {
        Self::of(bytes, false)
    }

    /// As [`Pattern::new`]; with `caret`, `[^…]` is `[!…]`, as bash has it.
    pub(super) fn of(bytes: &[Quoted], caret: bool) -> Self {
        let mut elements = Vec::new();
        let mut at = 0;
        while let Some((byte, quoted)) = bytes.get(at) {
            at += 1;
            elements.push(match (byte, quoted) {
                (b'*', false) => {
                    if elements.last() == Some(&Element::Many) {
                        continue;
                    }
                    Element::Many
                }
                (b'?', false) => Element::Any,
                (b'[', false) => match bracket(bytes.get(at..).unwrap_or_default(), caret) {
                    Some((set, length)) => {
                        at += length;
                        Element::Bracket(Rc::new(set))
                    }
                    None => Element::Literal(b'['),
                },
                (b'\\', false) => match bytes.get(at) {
                    Some((next, _)) => {
                        at += 1;
                        Element::Literal(*next)
                    }
                    None => Element::Literal(b'\\'),
                },
                (byte, _) => Element::Literal(*byte),
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
        matches!(self.elements.first(), Some(Element::Literal(b'.')))
    }

    /// What it stands for, if nothing in it is special.
    pub(super) fn literal(&self) -> Option<Vec<u8>> {
        let byte = |element: &Element| if let Element::Literal(byte) = element { Some(*byte) } else { None };
        self.elements.iter().map(byte).collect()
    }

    /// Whether it matches all of `text`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.matches_all(text.as_bytes(), &mut Budget(u64::MAX)).unwrap_or(false)
    }

    /// As [`Pattern::matches`], within a budget. After a `*` matched, what came before it never changes.
    pub(super) fn matches_all(&self, text: &[u8], budget: &mut Budget) -> Result<bool, TooMuch> {
        let (mut element, mut at) = (0, 0);
        // The last `*`, and where what comes after it was tried.
        let mut again: Option<(usize, usize)> = None;
        loop {
            budget.spend(1)?;
            match (self.elements.get(element), text.get(at)) {
                (Some(Element::Many), _) => {
                    element += 1;
                    again = Some((element, at));
                    continue;
                }
                (Some(one), Some(byte)) if one.is(*byte) => {
                    (element, at) = (element + 1, at + 1);
                    continue;
                }
                (None, None) => return Ok(true),
                _ => {}
            }
            match &mut again {
                Some((after, tried)) if *tried < text.len() => {
                    *tried += 1;
                    (element, at) = (*after, *tried);
                }
                _ => return Ok(false),
            }
        }
    }

    /// How many bytes of the beginning of `text` it matches: as many as it can, or as few.
    pub(super) fn prefix(&self, text: &[u8], longest: bool, budget: &mut Budget) -> Result<Option<usize>, TooMuch> {
        scan(&self.elements.iter().collect::<Vec<_>>(), text.iter(), longest, budget)
    }

    /// How many bytes of the end of `text` it matches: as many as it can, or as few.
    pub(super) fn suffix(&self, text: &[u8], longest: bool, budget: &mut Budget) -> Result<Option<usize>, TooMuch> {
        scan(&self.elements.iter().rev().collect::<Vec<_>>(), text.iter().rev(), longest, budget)
    }
}

/// How many bytes elements match from the beginning.
fn scan<'a>(
    elements: &[&Element],
    text: impl Iterator<Item = &'a u8>,
    longest: bool,
    budget: &mut Budget,
) -> Result<Option<usize>, TooMuch> {
    // The places in the pattern that what was read so far may have led to.
    let mut places = Vec::new();
    arrive(elements, 0, &mut places);
    let mut found = None;
    for (length, byte) in std::iter::once(None).chain(text.map(Some)).enumerate() {
        if let Some(byte) = byte {
            budget.spend(1 + places.len())?;
            let before = std::mem::take(&mut places);
            for place in before {
                match elements.get(place) {
                    Some(Element::Many) => arrive(elements, place, &mut places),
                    Some(element) if element.is(*byte) => arrive(elements, place + 1, &mut places),
                    _ => {}
                }
            }
        }
        if places.last() == Some(&elements.len()) {
            found = Some(length);
            if !longest {
                break;
            }
        }
        if places.is_empty() {
            break;
        }
    }
    Ok(found)
}

/// Adds a place, and what can be reached from it without a byte. A `*` makes what lies before it needless.
fn arrive(elements: &[&Element], place: usize, places: &mut Vec<usize>) {
    if elements.get(place).copied() == Some(&Element::Many) {
        places.retain(|other| *other >= place);
        if !places.contains(&place) {
            places.push(place);
        }
        arrive(elements, place + 1, places);
    } else if places.last() != Some(&place) {
        places.push(place);
    }
}

impl Element {
    fn is(&self, byte: u8) -> bool {
        match self {
            Self::Literal(literal) => *literal == byte,
            Self::Any => true,
            Self::Many => false,
            Self::Bracket(set) => set.0.get(usize::from(byte)).copied().unwrap_or(false),
        }
    }
}

/// A bracket expression (XBD 9.3.5) whose `[` stands before `bytes`, and how long it is.
fn bracket(bytes: &[Quoted], caret: bool) -> Option<(Set, usize)> {
    let is = |at: usize, wanted: u8| bytes.get(at) == Some(&(wanted, false));
    let negated = is(0, b'!') || (caret && is(0, b'^'));
    let first = usize::from(negated);
    let mut at = first;
    let mut set = Set([false; 256]);
    let mut add = |low: u8, high: u8| {
        for byte in low..=high {
            if let Some(there) = set.0.get_mut(usize::from(byte)) {
                *there = true;
            }
        }
    };
    // A byte that stands for itself: after an unquoted backslash, the next one.
    let one = |at: usize| match bytes.get(at)? {
        (b'\\', false) => bytes.get(at + 1).map(|(byte, _)| (*byte, at + 2)),
        (byte, _) => Some((*byte, at + 1)),
    };
    loop {
        if is(at, b']') && at > first {
            break;
        }
        if is(at, b'[')
            && let Some((class, length)) = class(bytes.get(at + 1..).unwrap_or_default())
        {
            (0..=u8::MAX).filter(class).for_each(|byte| add(byte, byte));
            at += 1 + length;
            continue;
        }
        let (low, next) = one(at)?;
        at = next;
        if is(at, b'-') && !is(at + 1, b']') {
            let (high, next) = one(at + 1)?;
            add(low, high);
            at = next;
        } else {
            add(low, low);
        }
    }
    if negated {
        for there in &mut set.0 {
            *there = !*there;
        }
    }
    Some((set, at + 1))
}

/// Whether a byte is of a class.
type Class = fn(&u8) -> bool;

/// A character class (XBD 7.3.1) in the locale C, of which `[` stands before `bytes`, and how long it is.
fn class(bytes: &[Quoted]) -> Option<(Class, usize)> {
    let name: Vec<u8> = bytes.iter().map_while(|(byte, quoted)| (!quoted && *byte != b']').then_some(*byte)).collect();
    let length = name.len() + 1;
    let name = str::from_utf8(&name).ok()?.strip_prefix(':')?.strip_suffix(':')?;
    let class: Class = match name {
        "alnum" => u8::is_ascii_alphanumeric,
        "alpha" => u8::is_ascii_alphabetic,
        "blank" => |byte| matches!(byte, b' ' | b'\t'),
        "cntrl" => u8::is_ascii_control,
        "digit" => u8::is_ascii_digit,
        "graph" => u8::is_ascii_graphic,
        "lower" => u8::is_ascii_lowercase,
        "print" => |byte| byte.is_ascii_graphic() || *byte == b' ',
        "punct" => u8::is_ascii_punctuation,
        "space" => |byte| matches!(byte, b' ' | b'\t'..=b'\r'),
        "upper" => u8::is_ascii_uppercase,
        "xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    };
    Some((class, length))
}
