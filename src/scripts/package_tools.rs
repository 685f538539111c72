//! Commands of packages' administration: debconf's, dpkg's, ucf's.

use super::debian::{Debian, Tool};
use crate::shell::{Answer, Call};

/// The command of this name, if it is modelled.
pub(super) fn find(_name: &str) -> Option<Tool> {
    None
}

/// A file that is sourced and modelled as a whole.
pub(super) fn sourced(_debian: &mut Debian<'_>, _path: &str, _call: &mut Call<'_>) -> Option<Answer> {
    None
}
