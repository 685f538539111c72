//! Commands of subsystems that packages share: indexes and caches, web servers' modules, facts of the machine.
//!
//! Programs that are shell scripts of the tree themselves (add-shell, update-exim4.conf, phpenmod, locale-gen, service) are not
//! here: they are evaluated as they are.

mod apache;
mod dd;
mod getopt;
mod git;
mod links;
mod machine;
mod nothing;
mod shells;
mod vim;

use super::options;
use crate::scripts::debian::Tool;
use crate::shell::{Answer, Call};

/// The command of this name, if it is one of these.
pub(super) fn find(name: &str) -> Option<Tool> {
    Some(match name {
        "a2enmod" => apache::a2enmod,
        "a2dismod" => apache::a2dismod,
        "a2enconf" => apache::a2enconf,
        "a2disconf" => apache::a2disconf,
        "a2ensite" => apache::a2ensite,
        "a2dissite" => apache::a2dissite,
        "a2query" => apache::a2query,
        "git" => git::git,
        "icinga2" => links::icinga2,
        "lighty-enable-mod" => links::lighty_enable_mod,
        "add-shell" => shells::add_shell,
        "remove-shell" => shells::remove_shell,
        "uname" => machine::uname,
        "arch" => machine::arch,
        "ischroot" => machine::ischroot,
        "runlevel" => machine::runlevel,
        "mountpoint" => machine::mountpoint,
        "locale" => machine::locale,
        "pg_lsclusters" => machine::pg_lsclusters,
        "dd" => dd::dd,
        "getopt" => getopt::getopt,
        "helpztags" => vim::helpztags,
        _ => return None,
    })
}

/// A command that does nothing to an image, or that differs between installations.
pub(super) fn nothing(name: &str, call: &mut Call<'_>) -> Option<Answer> {
    nothing::run(name, call)
}

#[cfg(test)]
mod tests;
