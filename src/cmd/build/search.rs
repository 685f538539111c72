//! No secret gets into what may be published: files are searched before they are compressed, outputs when they are
//! finished and have no name yet.
//!
//! Of the tree only what this program or the user wrote is searched: packages and K3s are public, and locked by their
//! digests.

use std::io::Read;

use crate::cli::Unlock;
use crate::cluster::leaks::Scanner;
use crate::cluster::secrets::Secret;
use crate::cmd::cluster::{self, Member};
use crate::cmd::session::Session;
use crate::exit::Failure;
use crate::image::ImageError;
use crate::tree::{Content, Kind, Tree};

/// What to look for; nothing where there are no secrets.
pub(super) struct Searcher(Option<Scanner>);

impl Searcher {
    /// For the secrets of the workspace, and what is derived from them. Secrets that cannot be opened here are not looked
    /// for, which is said: those who build for others have none.
    pub(super) fn of_workspace(session: &Session<'_>, unlock: &Unlock) -> Result<Self, Failure> {
        let without = "the outputs are not searched for secrets";
        let Some(secrets) = cluster::open_secrets(session, unlock, without)? else { return Ok(Self(None)) };
        let derived = cluster::derived(session, &secrets)?;
        Ok(Self::new(secrets.iter().chain(derived.iter().map(|(name, secret)| (name.as_str(), secret)))))
    }

    /// For what a node's own seed holds.
    pub(super) fn of_member(member: &Member) -> Self {
        Self::new(member.private())
    }

    fn new<'s>(secrets: impl Iterator<Item = (&'s str, &'s Secret)>) -> Self {
        let secrets: Vec<_> = secrets.collect();
        Self((!secrets.is_empty()).then(|| Scanner::new(secrets)))
    }

    /// Looks through what was written for this image by hand or by this program.
    pub(super) fn search_tree(&self, tree: &Tree) -> Result<(), Failure> {
        for (path, node) in tree.iter() {
            if let Kind::File(Content::Bytes(bytes)) = &node.kind {
                self.search(&format!("file `/{path}` ({})", node.origin), &mut &bytes[..])?;
            }
        }
        Ok(())
    }

    /// Looks through one output.
    pub(super) fn search(&self, place: &str, reader: &mut dyn Read) -> Result<(), ImageError> {
        let Some(scanner) = &self.0 else { return Ok(()) };
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
