//! Commands of packages' administration: debconf's, dpkg's, ucf's.

mod debconf;

use super::debian::{Debian, Tool};
use crate::shell::{Answer, Call};

/// The command of this name, if it is modelled.
pub(super) fn find(name: &str) -> Option<Tool> {
    debconf::find(name)
}

/// A file that is sourced and modelled as a whole. All other libraries of packages are shell text in the tree, which the
/// evaluator reads itself.
pub(super) fn sourced(debian: &mut Debian<'_>, path: &str, call: &mut Call<'_>) -> Option<Answer> {
    debconf::sourced(debian, path, call)
}

#[cfg(test)]
mod sample;
