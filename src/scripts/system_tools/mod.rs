//! Commands of the system's administration: accounts, alternatives, units, indexes.
//!
//! Each follows the manual page or source that it names. Those that change files do so in the tree, those whose work an effect does
//! for all packages at once only say so.

mod accounts;
mod alternatives;
mod date;
mod helpers;
pub(super) mod options;
#[cfg(test)]
pub(super) mod sample;
mod settings;
mod units;

use super::debian::Tool;
use crate::shell::{Answer, Call};

/// The command of this name, if it is modelled.
pub(super) fn find(name: &str) -> Option<Tool> {
    match name {
        "date" => Some(date::date),
        "pam_getenv" => Some(settings::pam_getenv),
        "pg_conftool" => Some(settings::pg_conftool),
        "update-alternatives" => Some(alternatives::update_alternatives),
        _ => accounts::find(name).or_else(|| units::find(name)).or_else(|| helpers::find(name)),
    }
}

/// Carries out a command that does nothing to an image, if it is one.
pub(super) fn nothing(name: &str, call: &mut Call<'_>) -> Option<Answer> {
    helpers::nothing(name, call)
}
