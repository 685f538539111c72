//! The utilities on text against the real ones of this machine: what they put out, their exit status and the files that they leave
//! must be the same.
//!
//! Each case is a command line as one would type it. All cases of a test are carried out by one shell.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod awk;
mod grep;
mod harness;
mod mutated;
mod patterns;
mod sed;
mod small;
