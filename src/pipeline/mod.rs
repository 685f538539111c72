//! From a locked profile to an image: which stages there are, and in which order.
//!
//! ```text
//! profile + lock ─▶ Plan ─▶ packages ────────┬─▶ tree ─▶ image ─▶ files
//!                     ├───▶ artifacts ───────┤
//!                     ├───▶ container images ┤
//!                     └───▶ kernel modules ──┘
//! ```
//! A [`Plan`] says what will be fetched, from where, and what is made of it; it is made without looking at anything. Each
//! stage is a function from values to a value, and gets what it works with ([`Tools`]) as an argument. Nothing here knows of
//! the command line or prints; which profile, lock, seed and directory it is about, a verb decides.

mod artifacts;
pub(crate) mod charts;
pub(crate) mod declared;
mod error;
mod image;
pub(crate) mod images;
pub(crate) mod kernel_modules;
mod member;
mod module_needs;
mod packages;
mod plan;
mod releases;
mod repair;
pub(crate) mod scripts;
pub(crate) mod survey;
mod tree;
pub(crate) mod up_to_date;

pub(crate) use error::PipelineError;
pub(crate) use image::{Target, seed};
pub(crate) use packages::unpacked;
pub(crate) use plan::{Plan, PlannedPackage};
pub(crate) use releases::{ForProfile, Moves, Releases};
pub(crate) use repair::repairing;

use crate::cache::Cache;
use crate::effects::ledger::Ledger;
use crate::fetch::Fetcher;
use crate::image::Manifest;
use crate::output::Progress;
use crate::tree::Digest;

/// What stages work with: where derived data is kept, who brings what is missing, and who is told.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'a> {
    pub(crate) cache: &'a Cache,
    pub(crate) fetcher: &'a Fetcher,
    pub(crate) progress: &'a dyn Progress,
}

/// Makes the image of `plan` and writes it to `target`; `ledger` are the reviews of scripts that the workspace adds.
///
/// # Errors
/// Of the first stage that fails. Nothing is in the target's directory then that was not there before.
pub(crate) fn run(
    plan: &Plan<'_>,
    target: &Target<'_>,
    ledger: &Ledger,
    tools: Tools<'_>,
) -> Result<Manifest, PipelineError> {
    let _guard = tools.cache.guard();
    declared::expect(plan.profile, plan.packages.iter().map(|package| package.locked), ledger)?;
    repairing(&plan.packs(), tools, || {
        let packages = unpacked(&plan.packages, tools)?;
        let declared = ledger.declared_for(&packages)?;
        let ids = scripts::Ids { pinned: plan.ids, may_add: false };
        let subject = scripts::Subject {
            profile: plan.profile,
            packages: &packages,
            declared: &declared,
            ledger,
            epoch: plan.epoch,
        };
        // Also where `lock` could do it: a lock edited by hand must not let a script pass that nobody knows.
        let installed = scripts::install(subject, ids)?;
        let artifacts = artifacts::fetched(plan, tools)?;
        let images = images::fetched(plan, tools)?;
        let modules = kernel_modules::signed(kernel_modules::made(plan, tools)?, target.secure_boot)?;
        let compiled: Vec<Digest> = modules.iter().map(|modules| modules.digest).collect();
        let tree =
            tree::tree(plan, &packages, &declared, installed, tree::Brought { artifacts, images, modules }, tools)?;
        tree::search(&tree, target.search)?;
        image::write(plan, &packages, &compiled, &tree, target, tools)
    })
}
