//! ucf's commands: configuration files that packages make from templates and that keep an administrator's changes (ucf(1), ucfr(1),
//! ucfq(1), after their sources of version 3.0052).
//!
//! What they remember lies in `/var/lib/ucf` of the tree, where later calls find it; an image does without it.

mod copy;
mod query;
mod register;
mod state;

#[cfg(test)]
mod tests;

use super::super::debian::Tool;

/// The command of this name.
pub(super) fn find(name: &str) -> Option<Tool> {
    Some(match name {
        "ucf" => copy::ucf,
        "ucfq" => query::ucfq,
        "ucfr" => register::ucfr,
        _ => return None,
    })
}
