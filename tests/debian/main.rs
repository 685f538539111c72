//! The `debian` room against Debian's own tools: `apt-get`, `dpkg`, `dpkg-deb`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apt;
mod deb;
mod deb_hostile;
#[path = "../support/debs.rs"]
mod debs;
#[path = "../support/draw.rs"]
#[expect(dead_code, reason = "turns of commits are the business of tests that cost minutes")]
mod draw;
mod resolve;
mod version;
