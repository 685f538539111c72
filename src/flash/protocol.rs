//! What the two halves say to each other.
//!
//! The parent writes one line of JSON, the [`Job`], and after that nothing but bytes of ranges, in the order in which the
//! child asked for them. The child writes one [`Event`] a line. Either one stops when the other goes away.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::WriteError;
use super::plan::Plan;

/// Raised when one half would not understand the other. They are one program, but `sudo` may find another copy.
pub const VERSION: u32 = 2;

/// Longest first line: thousands of ranges.
pub const LONGEST_JOB: u64 = 16 << 20;

/// What the child has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub version: u32,
    pub plan: Plan,
}

/// The disk that was confirmed, and what was allowed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Bytes.
    pub size: u64,
    /// The kernel's running number of it.
    pub diskseq: Option<u64>,
    pub serial: Option<String>,
    pub allow_large: bool,
    pub allow_loop: bool,
    /// Files whose disk is not to be written to.
    pub keep: Vec<PathBuf>,
}

/// A step of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Old partition tables are wiped.
    Clear,
    /// The capacity is probed.
    Probe,
    /// The device forgets what it held.
    Discard,
    Write,
    Verify,
    /// The new partition tables are written, and read back.
    Tables,
}

/// What the child tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The device is open, and is the right one.
    Opened {
        version: u32,
        size: u64,
        sector: u32,
    },
    /// A step begins.
    Phase {
        phase: Phase,
    },
    /// The bytes of these ranges, by number, are to be sent now.
    Want {
        ranges: Vec<usize>,
    },
    /// So many more bytes of the step are done, as the device says.
    Progress {
        phase: Phase,
        bytes: u64,
        /// So far, where it waits for two.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waits: Option<Waits>,
    },
    /// What was written did not come back, and is written again.
    Again {
        part: String,
        offset: u64,
    },
    /// All is written and was read back.
    Done(Waits),
    Failed {
        error: WriteError,
    },
}

/// What the writer waited for, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// For bytes of the image.
    pub source_ms: u64,
    /// For the device.
    pub device_ms: u64,
}

impl Waits {
    /// Who sets the pace.
    #[must_use]
    pub fn bottleneck(&self) -> &'static str {
        if self.device_ms >= self.source_ms { "the disk" } else { "the image" }
    }
}
