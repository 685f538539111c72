//! Commands of the system's administration: accounts, alternatives, units, indexes.

use super::debian::Tool;

/// The command of this name, if it is modelled.
pub(super) fn find(_name: &str) -> Option<Tool> {
    None
}
