//! The `debian` room against Debian's own tools: `apt-get`, `dpkg`, `dpkg-deb`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apt;
mod deb;
mod deb_hostile;
#[path = "../support/debs.rs"]
mod debs;
mod resolve;
mod version;
