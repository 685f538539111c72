//! What the program and its sandbox say to each other: an order with the sandbox's files, and an answer with the modules.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The time of all files, and what `date` answers, in seconds since 1970: the first of January 2000. Whatever a source may
/// write into a module, it is never a build's own time, so that locking anew does not change a module.
pub(super) const EPOCH: u64 = 946_684_800;
/// Bytes of the longest order, which is one line of JSON.
pub(super) const LONGEST: u64 = 1 << 20;

/// What the sandbox shall do. In the pipe a tar archive of all its files follows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The program and its arguments.
    pub make: Vec<String>,
    /// Where it runs.
    pub dir: String,
    /// All variables that it has.
    pub env: Vec<(String, String)>,
    /// The modules that it makes, below `dir`.
    pub modules: Vec<String>,
    /// The program that takes debug information off a module.
    pub strip: String,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The system allows no sandbox: what it refused, and its error's number.
    Refused { step: Step, errno: i32 },
    /// The sandbox's files could not be written.
    Unwritten { error: String, is_full: bool },
    /// A program ended with an error, or could not be started.
    Failed { program: String, status: String },
    /// A module was not made; these were.
    Missing { module: String, made: Vec<String> },
    /// The modules follow, of these lengths in bytes, in the order of their names in the [`Order`].
    Made { lens: Vec<u64> },
}

/// What a sandbox needs of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Namespaces of its own, for which an ordinary user needs a user namespace.
    Namespaces,
    /// A user's number in it.
    User,
    /// Mounts of its own.
    Mounts,
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Namespaces => "namespaces of its own",
            Self::User => "a user of its own",
            Self::Mounts => "mounts of its own",
        })
    }
}
