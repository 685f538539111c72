//! Unpacked packages and archives in the cache that are no longer what they were: derived data, so they are made anew.
//!
//! Damage shows when contents are read, which is anywhere in a build; nothing made of it is ever kept. What is known then
//! is one pack. All of the image are looked at before the work is done again, so that it is done twice at most.

use rayon::prelude::*;

use super::{PipelineError, Tools};
use crate::debian::deb;
use crate::fetch::Download;
use crate::tree::is_damage;

/// Does `work`, which reads these `unpacked` downloads; again if it met with damage and what is damaged could be removed.
///
/// # Errors
/// Of `work`, and of removing.
pub(crate) fn repairing<T>(
    unpacked: &[&Download],
    tools: Tools<'_>,
    work: impl Fn() -> Result<T, PipelineError>,
) -> Result<T, PipelineError> {
    let error = match work() {
        Err(error) if is_damage(&error) => error,
        done => return done,
    };
    let packs = tools.cache.packs();
    let removed = unpacked.par_iter().filter_map(|download| {
        let found = deb::discard_damaged(download.sha256, &packs);
        match found {
            Ok(false) => None,
            Ok(true) => Some(Ok(download.name.as_str())),
            Err(source) => Some(Err(PipelineError::Repair { dir: packs.clone(), source })),
        }
    });
    let removed = removed.collect::<Result<Vec<_>, PipelineError>>()?;
    if removed.is_empty() {
        return Err(error);
    }
    let names = removed.join(", ");
    tools.progress.warn(&format!("{}: damaged in the cache, unpacked anew: {names}", packs.display()));
    work()
}
