//! Secrets: kept in one file of the workspace, overridden by the environment, never printed.
//!
//! ```text
//! secrets.toml (0600)  ┐ vault            document        overrides
//!  or                  ├──────▶ text ─────▶ names, values ◀───────── IMGBUILD_SECRET_NAME[_FILE]
//! secrets.toml.age     ┘ (sealed)                 │
//!                                                 ▼
//!                                   Secrets ──▶ needs: which node lacks what
//! ```
//!
//! The recipients of an encrypted file are compared with a list of public keys beside it (`recipients`) before anything in it is
//! used.
//!
//! A [`Secret`] can be read only through [`Secret::expose`], and is overwritten in memory when it is dropped. No error contains a
//! value, or anything that could be one by mistake: an invalid name, a malformed line, a path from the environment.

mod document;
mod error;
mod known;
mod needs;
mod overrides;
mod parts;
mod private;
mod recipients;
mod sealed;
mod value;
mod vault;

pub use error::SecretsError;
pub use known::{
    AGENT_TOKEN, DATASTORE_URL, IDENTITY_SEED, SECURE_BOOT, SECURE_BOOT_DB, SECURE_BOOT_KEK, SECURE_BOOT_PK,
    SERVER_TOKEN, is_name, known, problem,
};
pub use needs::{NodeNeeds, Role, Row, State, check};
pub use overrides::{are_overridden, variable};
pub use parts::{is_searched_by_parts, parts};
pub use value::{Secret, Secrets, Source};
pub use vault::Vault;
