//! Random draws for series that are too long for each run: a run tries a few moments, other ones every time.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// Whether all of every series was asked for (`tests/run.sh --long`).
pub fn is_long() -> bool {
    std::env::var_os("IMGBUILD_LONG").is_some_and(|value| !value.is_empty())
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
}
