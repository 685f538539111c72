//! Finds secrets where they must not be: in files before they are compressed, in finished outputs, and in texts of servers.
//!
//! ```text
//! secrets ─▶ forms (as they are, base64, percent-encoded, …) ─▶ one automaton
//! a reader ─▶ window by window, the end of each kept for the next ─▶ hits
//! a message ─▶ redact ─▶ the message, with names in the place of secrets
//! ```
//!
//! A scan reads every byte once, however many secrets there are. Data must be scanned before it is compressed or encrypted. A hit
//! tells which secret was found, in which form and where, but never the value.

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

/// Bytes read at once.
const WINDOW: usize = 1 << 20;

/// Number of parts of a window that are searched at the same time.
const LANES: usize = 4;

/// A secret that was found.
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

/// Searches for all forms of all secrets.
pub struct Scanner {
    automaton: DFA,
    start: StateID,
    /// The secret and form of each needle.
    needles: Vec<(String, Encoding)>,
    /// Bytes of overlap between two windows: one less than the length of the longest needle.
    overlap: usize,
    skipped: Vec<String>,
}

impl fmt::Debug for Scanner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The automaton contains the secrets, so it is not shown.
        out.debug_struct("Scanner").field("needles", &self.needles).finish_non_exhaustive()
    }
}

impl Scanner {
    /// A scanner for these secrets, given with their names for hits.
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
        // If two secrets have the same form, a hit has the name of the first one.
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

    /// Names of the secrets that are too short to be searched for.
    #[must_use]
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The first place of each secret in each form, in order of place.
    ///
    /// # Errors
    /// The error of the reader.
    pub fn scan(&self, mut reader: impl Read) -> io::Result<Vec<Hit>> {
        let mut found = FirstPlaces::new();
        let mut window = vec![0; WINDOW.max(self.overlap * 4)];
        // The number of bytes at the window's start that overlap the previous one, and the window's offset in the stream.
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

    /// Searches one window. Each step of the automaton depends on the previous one, so several parts of the window are
    /// searched at the same time, for speed. Each part begins early enough to find needles that reach into it.
    fn search(&self, window: &[u8], start: u64, found: &mut FirstPlaces) {
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
            // The loop above has searched the common length of all parts; this is the rest of the longer ones.
            for (index, byte) in (together..).zip(&part[together..]) {
                step(lane, index, *byte);
            }
        }
    }

    /// Needles that end here.
    #[cold]
    fn note(&self, state: StateID, end: u64, found: &mut FirstPlaces) {
        for nth in 0..self.automaton.match_len(state) {
            let pattern = self.automaton.match_pattern(state, nth);
            let start = end - self.automaton.pattern_len(pattern) as u64;
            let first = found.entry(pattern.as_usize()).or_insert(start);
            *first = start.min(*first);
        }
    }
}

/// Values shorter than this are not redacted, since they would be found in any sentence.
const SHORTEST_IN_WORDS: usize = 4;

/// Replaces secrets by their names in a text that may quote them, such as a server's error: in plain form and, from
/// [`SHORTEST`] bytes on, in the encodings that the scanner searches for.
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
    // The longest first, since one may be a part of another.
    known.sort_by_key(|(form, _)| Reverse(form.len()));
    let texts = known.iter().filter_map(|(form, name)| Some((std::str::from_utf8(form).ok()?, name)));
    texts.fold(text.to_owned(), |text, (form, name)| text.replace(form, &format!("[secret {name}]")))
}

/// First places by needle.
type FirstPlaces = BTreeMap<usize, u64>;

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
