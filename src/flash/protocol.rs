//! The protocol between the two processes.
//!
//! The parent writes one line of JSON, the [`Job`], and then only the bytes of ranges, in the order in which the child
//! requested them. The child writes one [`Event`] per line. Each process ends when the other one does.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::WriteError;
use super::plan::Plan;

/// Raised with each incompatible change. Both processes run the same program, but `sudo` may find another version of it.
pub const VERSION: u32 = 3;

/// Most bytes of the first line: enough for thousands of ranges.
pub const LONGEST_JOB: u64 = 16 << 20;

/// The work of the child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub version: u32,
    pub plan: Plan,
}

/// The disk that the user confirmed, and the options that were given for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Bytes.
    pub size: u64,
    /// The kernel's sequence number of the disk.
    pub diskseq: Option<u64>,
    pub serial: Option<String>,
    pub allow_large: bool,
    pub allow_loop: bool,
    /// Files and directories whose disk must not be written to.
    pub protected_paths: Vec<PathBuf>,
}

/// A phase of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Old partition tables are wiped.
    Clear,
    /// The capacity is probed.
    Probe,
    /// The device is told to discard its old content.
    Discard,
    Write,
    Verify,
    /// The new partition tables are written, and read back.
    Tables,
}

/// What the child reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The device is open, and is the right one.
    Opened {
        version: u32,
        size: u64,
        sector: u32,
    },
    /// A phase begins.
    Phase {
        phase: Phase,
    },
    /// The parent must now send the bytes of these ranges, by number.
    #[serde(rename = "want")]
    RequestRanges {
        ranges: Vec<usize>,
    },
    /// So many more bytes of the phase are done, as confirmed by the device.
    Progress {
        phase: Phase,
        bytes: u64,
        /// Waiting times since the start of the phase; only in phases that wait for both sides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waits: Option<StallTimes>,
    },
    /// A range read back differently, and is written again.
    #[serde(rename = "again")]
    Rewrite {
        part: String,
        offset: u64,
    },
    /// Everything was written and verified.
    Done(StallTimes),
    Failed {
        error: WriteError,
    },
}

/// How long the writer waited for each side, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StallTimes {
    /// For bytes of the image.
    pub source_ms: u64,
    /// For the device.
    pub device_ms: u64,
}

impl StallTimes {
    /// The side that limits the speed.
    #[must_use]
    pub fn bottleneck(&self) -> &'static str {
        if self.device_ms >= self.source_ms { "the disk" } else { "the image" }
    }
}
