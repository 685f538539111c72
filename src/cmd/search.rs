//! Searches a build for secrets, so that none is published: files before they are compressed, outputs after they are written and
//! before they get their names.

use std::collections::BTreeSet;
use std::io::Read;

use crate::cli::Unlock;
use crate::cluster::leaks::{SHORTEST, Scanner};
use crate::cluster::secrets::{Secret, Secrets, parts};
use crate::cmd::cluster::{self, ResolvedNode};
use crate::cmd::session::Session;
use crate::exit::Failure;
use crate::image::ImageError;

/// Searches for the values of secrets; does nothing if there are none.
pub(super) struct Searcher {
    scanner: Option<Scanner>,
    is_complete: bool,
}

impl Searcher {
    /// Searches for the secrets of the workspace and the values derived from them. If the secrets cannot be decrypted here, a
    /// warning says that nothing is searched for.
    pub(super) fn of_workspace(session: &Session<'_>, unlock: &Unlock) -> Result<Self, Failure> {
        let without = "the outputs are not searched for secrets";
        let Some(secrets) = cluster::open_secrets(session, unlock, without)? else {
            return Ok(Self { scanner: None, is_complete: false });
        };
        let derived = cluster::derived(session, &secrets)?;
        let derived: Vec<_> = derived.iter().map(|(name, secret)| (name.as_str(), secret)).collect();
        Ok(Self::new(session, &secrets, &derived))
    }

    /// Searches for the secrets in a node's own seed.
    pub(super) fn of_node(session: &Session<'_>, node: &ResolvedNode) -> Self {
        let derived: Vec<_> = node.seed.private.iter().map(|(name, secret)| (*name, secret)).collect();
        Self::new(session, &node.secrets, &derived)
    }

    fn new(session: &Session<'_>, secrets: &Secrets, derived: &[(&str, &Secret)]) -> Self {
        let parts = parts(secrets);
        let parts = parts.iter().map(|(name, secret)| (*name, secret));
        let all: Vec<(&str, &Secret)> = secrets.iter().chain(parts).chain(derived.iter().copied()).collect();
        if all.is_empty() {
            return Self { scanner: None, is_complete: true };
        }
        let scanner = Scanner::new(all);
        let short: BTreeSet<String> = scanner.skipped().iter().map(|name| format!("`{name}`")).collect();
        if !short.is_empty() {
            let names = short.into_iter().collect::<Vec<_>>().join(", ");
            session.console.progress().warn(&format!(
                "the outputs are not searched for {names}: a value shorter than {SHORTEST} bytes is found by chance in any \
                 file; set a longer one: `imgbuild secrets set NAME`"
            ));
        }
        Self { scanner: Some(scanner), is_complete: true }
    }

    /// Whether all secrets of the workspace are searched for.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Searches a file or an output, which messages call `place`.
    pub(super) fn search(&self, place: &str, reader: &mut dyn Read) -> Result<(), ImageError> {
        let Some(scanner) = &self.scanner else { return Ok(()) };
        let hits = scanner.scan(reader).map_err(|source| ImageError::Read { what: "what was written", source })?;
        match hits.into_iter().next() {
            None => Ok(()),
            Some(hit) => {
                let place = format!("{place}, byte {} ({}),", hit.offset, hit.encoding);
                Err(ImageError::Leak { name: hit.name, place })
            }
        }
    }
}
