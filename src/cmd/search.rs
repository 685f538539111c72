//! What a build looks for, so that no secret gets into what may be published: files are searched before they are compressed,
//! outputs when they are finished and have no name yet.

use std::collections::BTreeSet;
use std::io::Read;

use crate::cli::Unlock;
use crate::cluster::leaks::{SHORTEST, Scanner};
use crate::cluster::secrets::{Secret, Secrets, parts};
use crate::cmd::cluster::{self, Member};
use crate::cmd::session::Session;
use crate::exit::Failure;
use crate::image::ImageError;

/// What to look for; nothing where there are no secrets.
pub(super) struct Searcher {
    scanner: Option<Scanner>,
    is_complete: bool,
}

impl Searcher {
    /// For the secrets of the workspace, and what is derived from them. Secrets that cannot be opened here are not looked
    /// for, which is said: those who build for others have none.
    pub(super) fn of_workspace(session: &Session<'_>, unlock: &Unlock) -> Result<Self, Failure> {
        let without = "the outputs are not searched for secrets";
        let Some(secrets) = cluster::open_secrets(session, unlock, without)? else {
            return Ok(Self { scanner: None, is_complete: false });
        };
        let derived = cluster::derived(session, &secrets)?;
        let derived: Vec<_> = derived.iter().map(|(name, secret)| (name.as_str(), secret)).collect();
        Ok(Self::new(session, &secrets, &derived))
    }

    /// For what a node's own seed holds.
    pub(super) fn of_member(session: &Session<'_>, member: &Member) -> Self {
        let derived: Vec<_> = member.seed.private.iter().map(|(name, secret)| (*name, secret)).collect();
        Self::new(session, &member.secrets, &derived)
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
                "the outputs are not searched for {names}: what is shorter than {SHORTEST} bytes is in any file by chance; \
                 set a longer value, `imgbuild secrets set NAME`"
            ));
        }
        Self { scanner: Some(scanner), is_complete: true }
    }

    /// Whether all secrets of the workspace are looked for.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Looks through a file or an output, `place`.
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
