//! Random draws for series that are too long for each run: a run tries a few moments, other ones every time.

use std::io::Write as _;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// Whether all of every series was asked for (`tests/run.sh --long`).
pub fn is_long() -> bool {
    std::env::var_os("IMGBUILD_LONG").is_some_and(|value| !value.is_empty())
}

/// A number that changes from commit to commit; 0 where there is no repository.
pub fn commit() -> usize {
    let output = Command::new("git").args(["rev-parse", "--short=7", "HEAD"]).output();
    let digits = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    usize::from_str_radix(digits.get(..7).unwrap_or_default(), 16).unwrap_or(0)
}

/// Whether a test that costs minutes is among those of this commit: of a series of `of` each has one. All of them run where all was
/// asked for, and so does one that is asked for by its name. The others end at once and count as passed: only what is printed tells.
pub fn is_turn(test: &str, number: usize, of: usize) -> bool {
    let is_turn = is_long() || commit() % of == number || std::env::args().any(|arg| test.contains(&arg));
    if !is_turn {
        let _ = writeln!(std::io::stderr(), "{test}: another commit's turn; `--long` runs it");
    }
    is_turn
}

/// Random numbers (`SplitMix64`).
pub struct Draw(u64);

impl Draw {
    /// Begins with the seed that the environment's `variable` holds, which repeats an earlier run; else with one of its own.
    /// Prints it, past what keeps a test's output until it fails: whoever ends a run that hangs has seen it too.
    pub fn new(variable: &str) -> Self {
        let given = std::env::var(variable).ok().map(|seed| seed.parse().expect("a number"));
        let seed = given.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
            since.as_secs()
        });
        let _ = writeln!(std::io::stderr(), "{variable}={seed}");
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((word ^ (word >> 31)) % bound as u64).expect("less than a usize")
    }

    /// As many of a series as a run has time for, in the series' order; all of it where all was asked for.
    pub fn some<T>(&mut self, series: impl IntoIterator<Item = T>, count: usize) -> Vec<T> {
        let mut drawn: Vec<(usize, T)> = series.into_iter().enumerate().collect();
        while !is_long() && drawn.len() > count {
            let out = self.below(drawn.len());
            drawn.swap_remove(out);
        }
        drawn.sort_by_key(|(place, _)| *place);
        drawn.into_iter().map(|(_, item)| item).collect()
    }
}
