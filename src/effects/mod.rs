//! What maintainer scripts would have done, each a pure transformation of the tree.
//!
//! No script is ever run. When locking, the script ledger accounts for every line of every script; when
//! building, `apply` runs the effects in a fixed order over the tree that the packages made.

pub mod alternatives;
pub mod depmod;
pub mod dpkg_db;
mod error;
mod files;
pub mod ledger;
mod network;
mod settings;
mod trim;
pub mod units;
pub mod unpack;
pub mod ledger;
pub mod units;

pub use error::EffectError;
pub mod ldconfig;

use crate::debian::Package;
use crate::lock::IdMap;
use crate::profile::Profile;

/// What effects may read: the packages, in dependency order, and the profile. Nothing of the host.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub profile: &'a Profile,
    /// The packages in the tree, sorted by name.
    pub packages: &'a [Package],
    /// Pinned account numbers from the lock.
    pub ids: &'a IdMap,
    /// Seconds since 1970 for every date that an effect has to write.
    pub epoch: u64,
}

impl Context<'_> {
    /// Whether a package of this name is in the set.
    #[must_use]
    pub fn has(&self, package: &str) -> bool {
        self.packages.iter().any(|found| found.name == package)
    }
}
