//! What comes over the network: downloads, signatures, indexes; from good and bad servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod archive;
mod fetch;
#[path = "../support/gpg.rs"]
mod gpg;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/registry.rs"]
mod images;
mod openpgp;
mod registry;
#[path = "../support/mod.rs"]
mod support;
