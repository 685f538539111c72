//! The cluster room through its public face: secrets that stay secret, identities that stay the same, leaks that are
//! found.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod identity;
mod leaks;
mod secrets;

#[path = "../support/mod.rs"]
mod support;
