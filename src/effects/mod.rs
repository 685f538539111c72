//! What maintainer scripts would have done, each a pure transformation of the tree.
//!
//! No script is ever run. When locking, the script ledger accounts for every line of every script; when
//! building, `apply` runs the effects in a fixed order over the tree that the packages made.

mod access;
pub mod accounts;
pub(crate) mod alternatives;
pub mod ca;
pub mod cdi;
pub mod declared;
pub mod depmod;
pub(crate) mod dpkg_db;
mod error;
pub mod files;
pub(crate) mod first_boot;
pub(crate) mod glx;
pub mod ldconfig;
pub mod ledger;
mod network;
pub mod nsswitch;
pub mod pam;
pub(crate) mod paths;
mod requests;
#[cfg(test)]
mod sample;
mod settings;
mod shells;
pub(crate) mod tmpfiles;
mod trim;
pub(crate) mod units;
pub mod unpack;
mod words;

pub use error::EffectError;
pub use requests::Requests;

use crate::debian::Package;
use crate::format::Store;
use crate::lock::IdMap;
use crate::profile::Profile;
use crate::tree::{Tree, TreeError};
use declared::Declared;
use depmod::DepmodError;
use ldconfig::LdconfigError;

/// What effects may read: the packages, in dependency order, and the profile. Nothing of the host.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub profile: &'a Profile,
    /// The packages in the tree, sorted by name.
    pub packages: &'a [Package],
    /// Pinned account numbers from the lock.
    pub ids: &'a IdMap,
    /// What the workspace's ledger declares beside scripts of the packages.
    pub declared: &'a Declared,
    /// What scripts asked for that were evaluated.
    pub requests: &'a Requests,
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

/// The first effect that failed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Effect(#[from] EffectError),
    #[error(transparent)]
    Ldconfig(#[from] LdconfigError),
    #[error(transparent)]
    Depmod(#[from] DepmodError),
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl ApplyError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Effect(error) => error.hint(),
            Self::Ldconfig(_) | Self::Depmod(_) | Self::Tree(_) => None,
        }
    }
}

/// Tells when locking what a build would refuse of what the workspace's ledger declares, as far as packages, scripts and the profile's
/// files tell it; nothing is asked of a workspace that declares nothing.
///
/// # Errors
/// A declared effect that would change nothing or cannot be made; an effect before it that fails.
pub fn rehearse(mut tree: Tree, context: &Context<'_>) -> Result<(), EffectError> {
    if context.declared.is_empty() {
        return Ok(());
    }
    of_packages(&mut tree, context)?;
    files::files(&mut tree, context)?;
    units::rehearse(&mut tree, context)
}

/// What scripts would have done before anything of the profile counts.
fn of_packages(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    tmpfiles::tmpfiles(tree)?;
    declared::paths(tree, context)?;
    alternatives::alternatives(tree, context)
}

/// What is done over the tree that the packages made before their scripts are evaluated: accounts, which all that has an owner needs,
/// and the files of scripts that were reviewed.
///
/// # Errors
/// The first effect that fails.
pub fn prepare(tree: &mut Tree, context: &Context<'_>) -> Result<(), ApplyError> {
    accounts::accounts(tree, context)?;
    paths::paths(tree, context)?;
    Ok(())
}

/// Runs all other effects over the tree that packages and scripts made. `store` keeps what is dear to compute.
///
/// The order is that of need: the profile's own files before the units that they
/// may bring, dpkg's records after what adds to them, and indexes over what is left in the end, of which the last names files
/// that containers are given.
///
/// # Errors
/// The first effect that fails.
pub fn apply(tree: &mut Tree, context: &Context<'_>, store: &dyn Store) -> Result<(), ApplyError> {
    of_packages(tree, context)?;
    glx::glx(tree, context)?;
    shells::shells(tree)?;
    nsswitch::nsswitch(tree, context)?;
    pam::pam(tree)?;
    access::access(tree, context)?;
    settings::settings(tree, context)?;
    network::network(tree, &context.profile.networks)?;
    files::files(tree, context)?;
    ca::ca(tree, context)?;
    units::units(tree, context)?;
    dpkg_db::dpkg_db(tree, context)?;
    trim::trim(tree, &context.profile.dropped());
    ldconfig::ldconfig(tree, context.profile.board.arch())?;
    depmod::depmod(tree, store)?;
    cdi::cdi(tree, context)?;
    Ok(())
}
