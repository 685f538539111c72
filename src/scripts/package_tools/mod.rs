//! Commands of packages' administration: debconf's, dpkg's, ucf's.

mod compare;
mod debconf;
mod diversions;
mod divert;
mod maintscript_helper;
mod options;
mod packages;
mod patterns;
mod query;
#[cfg(test)]
mod sample;
mod statoverride;
mod trigger;
mod ucf;

use super::debian::{Debian, Tool};
use crate::shell::{Answer, Call};

/// The command of this name, if it is modelled.
pub(super) fn find(name: &str) -> Option<Tool> {
    Some(match name {
        "dpkg" => compare::dpkg,
        "dpkg-divert" => divert::dpkg_divert,
        "dpkg-maintscript-helper" => maintscript_helper::dpkg_maintscript_helper,
        "dpkg-query" => query::dpkg_query,
        "dpkg-statoverride" => statoverride::dpkg_statoverride,
        "dpkg-trigger" => trigger::dpkg_trigger,
        _ => return debconf::find(name).or_else(|| ucf::find(name)),
    })
}

/// A file that is sourced and modelled as a whole. All other libraries of packages are shell text in the tree, which the
/// evaluator reads itself.
pub(super) fn sourced(debian: &mut Debian<'_>, path: &str, call: &mut Call<'_>) -> Option<Answer> {
    debconf::sourced(debian, path, call)
}
