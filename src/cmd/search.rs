//! Searches a build for secrets, so that none is published: files before they are compressed, outputs after they are written and
//! before they get their names.

use std::collections::BTreeSet;
use std::io::Read;

use crate::cli::Unlock;
use crate::cluster::leaks::{SHORTEST, Scanner};
use crate::cluster::secrets::{Secret, Secrets, is_searched_by_parts, parts};
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
    /// The secrets of the workspace; none, with a warning that nothing is searched for or signed, if they cannot be decrypted here.
    pub(super) fn open(session: &Session<'_>, unlock: &Unlock) -> Result<Option<Secrets>, Failure> {
        cluster::open_secrets(session, unlock, "the outputs are not searched for secrets, nor signed for Secure Boot")
    }

    /// Searches for these secrets of the workspace and the values derived from them; for nothing if they could not be opened.
    pub(super) fn of_workspace(session: &Session<'_>, secrets: Option<&Secrets>) -> Result<Self, Failure> {
        let Some(secrets) = secrets else {
            return Ok(Self { scanner: None, is_complete: false });
        };
        let derived = cluster::derived(session, secrets)?;
        let derived: Vec<_> = derived.iter().map(|(name, secret)| (name.as_str(), secret)).collect();
        Ok(Self::new(session, secrets, &derived))
    }

    /// Searches for the secrets in a node's own seed.
    pub(super) fn of_node(session: &Session<'_>, node: &ResolvedNode) -> Self {
        let derived: Vec<_> = node.seed.private.iter().map(|(name, secret)| (*name, secret)).collect();
        Self::new(session, &node.secrets, &derived)
    }

    fn new(session: &Session<'_>, secrets: &Secrets, derived: &[(&str, &Secret)]) -> Self {
        let parts = parts(secrets);
        let parts = parts.iter().map(|(name, secret)| (*name, secret));
        let whole = secrets.iter().filter(|(name, _)| !is_searched_by_parts(name));
        let all: Vec<(&str, &Secret)> = whole.chain(parts).chain(derived.iter().copied()).collect();
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
