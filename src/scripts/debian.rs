//! What Debian's commands know beside the tree: the packages that are installed, and what earlier scripts asked for.

use super::accounts::Accounts;
use super::debconf::Debconf;
use crate::debian::Package;
use crate::effects::Requests;
use crate::profile::Arch;
use crate::shell::{Answer, Call};

/// A command of Debian's.
pub(super) type Tool = fn(&mut Debian<'_>, &mut Call<'_>) -> Answer;

/// What Debian's commands have beside the tree.
#[derive(Debug)]
pub struct Debian<'a> {
    /// The package whose script runs.
    pub package: &'a Package,
    /// `config`, `preinst` or `postinst`.
    pub script: &'static str,
    /// All packages that are installed, sorted by name.
    pub packages: &'a [Package],
    pub arch: Arch,
    pub requests: Requests,
    /// Passed on from script to script.
    pub debconf: Debconf,
    /// Numbers for the accounts that scripts make.
    pub accounts: Accounts<'a>,
}
