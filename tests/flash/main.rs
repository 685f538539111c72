//! `flash` and `verify` through the program, on real block devices: loop devices, which need root.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod artifact;
mod bench;
mod confirm;
mod killed;
mod machine;
mod private;
mod refused;
mod rights;
mod sidecars;
mod stick;
mod udisks;
mod used;
mod written;

#[path = "../support/draw.rs"]
#[expect(dead_code, reason = "turns of commits are the business of tests that cost minutes")]
mod draw;
#[path = "../support/http.rs"]
mod http;
#[path = "../flash_memory/image.rs"]
mod image;
#[path = "../support/machine.rs"]
mod kernel;
#[path = "../support/signatures.rs"]
mod signatures;
#[path = "../support/gpt.rs"]
mod sums;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/terminal.rs"]
mod terminal;
