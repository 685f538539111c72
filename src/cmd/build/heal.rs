//! Unpacked packages in the cache that are no longer what they were: derived data, so they are made anew.
//!
//! Damage shows when contents are read, which is anywhere in a build; nothing made of it is ever kept. What is known then
//! is one pack. All of the profile are looked at before the work is done again, so that it is done twice at most.

use rayon::prelude::*;

use crate::cmd::session::Session;
use crate::debian::deb;
use crate::exit::{Code, Failure};
use crate::fetch::Download;

/// Does `work`, which reads the unpacked `packages`; again if it met with damage and what is damaged could be removed.
pub(in crate::cmd) fn healing<T>(
    session: &Session<'_>,
    packages: &[Download],
    work: impl Fn() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let failure = match work() {
        Err(failure) if failure.damaged => failure,
        done => return done,
    };
    let packs = session.cache.packs();
    let removed = packages.par_iter().filter_map(|package| match deb::discard_damaged(package.sha256, &packs) {
        Ok(false) => None,
        Ok(true) => Some(Ok(package.name.as_str())),
        Err(error) => {
            let message = format!("cannot remove damaged files from `{}`", packs.display());
            Some(Err(Failure::io(Code::Unexpected, message, &error).hint("delete the directory; all of it is derived")))
        }
    });
    let removed = removed.collect::<Result<Vec<_>, Failure>>()?;
    if removed.is_empty() {
        return Err(failure);
    }
    let names = removed.join(", ");
    session.console.progress().warn(&format!("{}: damaged in the cache, unpacked anew: {names}", packs.display()));
    work()
}
