//! Finding secrets where they must not be: in files before they are compressed, in finished outputs, and in what others say.
//!
//! ```text
//! secrets ─▶ forms (as they are, base64, percent-encoded, …) ─▶ one automaton
//! a reader ─▶ window by window, the end of each kept for the next ─▶ hits
//! a message ─▶ redact ─▶ the message, with names in the place of secrets
//! ```
//!
//! A scan reads every byte once, whatever the number of secrets. What is compressed or encrypted has to be scanned
//! before it is. A hit tells which secret, in which form and where; never the value.

mod forms;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::dfa::DFA;
use zeroize::Zeroizing;

use super::secrets::Secret;

pub use forms::Encoding;

/// Shorter secrets would be found by chance.
pub const SHORTEST: usize = 8;

/// How much is read at once.
const WINDOW: usize = 1 << 20;

/// How many parts of it are walked at the same time.
const LANES: usize = 4;

/// A secret where none may be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// The secret's name.
    pub name: String,
    pub encoding: Encoding,
    /// Where it begins, in bytes from the start of what was read.
    pub offset: u64,
}

impl fmt::Display for Hit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` {} at byte {}", self.name, self.encoding, self.offset)
    }
}

/// Knows what all secrets look like.
pub struct Scanner {
    automaton: DFA,
    start: StateID,
    /// What each needle is of.
    needles: Vec<(String, Encoding)>,
    /// How far a needle can reach over a border: one byte less than the longest one's length.
    overlap: usize,
    skipped: Vec<String>,
}

impl fmt::Debug for Scanner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The automaton is made of the secrets.
        out.debug_struct("Scanner").field("needles", &self.needles).finish_non_exhaustive()
    }
}

impl Scanner {
    /// A scanner for these secrets, with the names that hits shall have.
    ///
    /// # Panics
    /// Never with secrets that fit into a file: together they would have to be longer than a gigabyte.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a Secret)>) -> Self {
        let mut skipped = Vec::new();
        let mut known = Vec::new();
        for (name, secret) in secrets {
            if secret.expose().len() < SHORTEST {
                skipped.push(name.to_owned());
                continue;
            }
            known.extend(forms::of(secret.expose()).into_iter().map(|(needle, encoding)| (needle, name, encoding)));
        }
        // Where two secrets look the same, one name is enough to act on: the first one's.
        known.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        known.dedup_by(|(a, ..), (b, ..)| a == b);
        // A prefilter gains nothing with this many needles, and matches that overlap must all be seen.
        let automaton = DFA::builder().prefilter(false).build(known.iter().map(|(needle, ..)| needle));
        let automaton = automaton.expect("the needles are far fewer than an automaton can hold");
        let needles = known.into_iter().map(|(_, name, encoding)| (name.to_owned(), encoding)).collect();
        let start = automaton.start_state(Anchored::No).expect("it is built for searches that begin anywhere");
        let overlap = automaton.max_pattern_len().saturating_sub(1);
        Self { automaton, start, needles, overlap, skipped }
    }

    /// Names of the secrets that are too short to be looked for.
    #[must_use]
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The first place of each secret in each form, in order of place.
    ///
    /// # Errors
    /// Whatever the reader reports.
    pub fn scan(&self, mut reader: impl Read) -> io::Result<Vec<Hit>> {
        let mut found = Found::new();
        let mut window = vec![0; WINDOW.max(self.overlap * 4)];
        // Bytes at the window's start that were there in the one before too, and where in the stream it starts.
        let (mut kept, mut start) = (0, 0);
        loop {
            let length = kept + fill(&mut reader, &mut window[kept..])?;
            if length == kept {
                break;
            }
            self.search(&window[..length], start, &mut found);
            let next = length.saturating_sub(self.overlap);
            window.copy_within(next..length, 0);
            (kept, start) = (length - next, start + next as u64);
        }
        let mut places = BTreeMap::new();
        for (needle, offset) in found {
            let first = places.entry(&self.needles[needle]).or_insert(offset);
            *first = offset.min(*first);
        }
        let mut hits: Vec<Hit> = places
            .into_iter()
            .map(|((name, encoding), offset)| Hit { name: name.clone(), encoding: *encoding, offset })
            .collect();
        hits.sort_by_key(|hit| hit.offset);
        Ok(hits)
    }

    /// Looks through one window. Each step of an automaton waits for the one before, so several parts of the window
    /// are walked at the same time; each begins early enough to see what reaches into it.
    fn search(&self, window: &[u8], start: u64, found: &mut Found) {
        let size = window.len().div_ceil(LANES);
        let from: [usize; LANES] =
            std::array::from_fn(|lane| (lane * size).min(window.len()).saturating_sub(self.overlap));
        let parts: [&[u8]; LANES] =
            std::array::from_fn(|lane| &window[from[lane]..((lane + 1) * size).min(window.len())]);
        let mut states = [self.start; LANES];
        let together = parts.iter().map(|part| part.len()).min().unwrap_or_default();
        let heads = parts.map(|part| &part[..together]);
        let mut step = |lane: usize, index: usize, byte: u8| {
            let state = self.automaton.next_state(Anchored::No, states[lane], byte);
            states[lane] = state;
            if self.automaton.is_special(state) && self.automaton.is_match(state) {
                self.note(state, start + (from[lane] + index + 1) as u64, found);
            }
        };
        for index in 0..together {
            for (lane, head) in heads.iter().enumerate() {
                step(lane, index, head[index]);
            }
        }
        for (lane, part) in parts.iter().enumerate() {
            // The loop above has done what all parts have; the rest is that of the longer ones.
            for (index, byte) in (together..).zip(&part[together..]) {
                step(lane, index, *byte);
            }
        }
    }

    /// Needles that end here.
    #[cold]
    fn note(&self, state: StateID, end: u64, found: &mut Found) {
        for nth in 0..self.automaton.match_len(state) {
            let pattern = self.automaton.match_pattern(state, nth);
            let start = end - self.automaton.pattern_len(pattern) as u64;
            let first = found.entry(pattern.as_usize()).or_insert(start);
            *first = start.min(*first);
        }
    }
}

/// Values that are shorter stay in messages: they would be found in any sentence.
const SHORTEST_IN_WORDS: usize = 4;

/// A text that quotes what it is about, such as a server's error, with names in the place of these secrets: as they are,
/// and, from [`SHORTEST`] bytes on, in the encodings that the scanner looks for.
#[must_use]
pub fn redact<'a>(text: &str, secrets: impl IntoIterator<Item = (&'a str, &'a Secret)>) -> String {
    let mut known = Vec::new();
    for (name, value) in secrets.into_iter().map(|(name, secret)| (name, secret.expose())) {
        match value.len() {
            0..SHORTEST_IN_WORDS => {}
            SHORTEST_IN_WORDS..SHORTEST => known.push((Zeroizing::new(value.as_bytes().to_vec()), name)),
            _ => known.extend(forms::of(value).into_iter().map(|(form, _)| (form, name))),
        }
    }
    // The longest first: one may be a part of another.
    known.sort_by_key(|(form, _)| Reverse(form.len()));
    let texts = known.iter().filter_map(|(form, name)| Some((std::str::from_utf8(form).ok()?, name)));
    texts.fold(text.to_owned(), |text, (form, name)| text.replace(form, &format!("[secret {name}]")))
}

/// First places by needle.
type Found = BTreeMap<usize, u64>;

/// Reads until the buffer is full or the stream ends.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
