//! Maintainer scripts, evaluated: what `config`, `preinst` and `postinst` do to the tree on a first installation, in a chroot
//! without a running systemd (the installation that mmdebstrap makes).
//!
//! ```text
//! packages in dpkg's order ─▶ each script in `shell` with Debian's commands ([`Debian`]) ─▶ changed tree, requests to effects
//!                                                                                      └▶ or the line that stops it
//! ```
//!
//! Commands are pure functions; what they ask of effects that do their work for all packages at once (units, PAM, certificates)
//! is kept in [`crate::effects::Requests`].

mod accounts;
mod awaited;
mod debconf;
mod debian;
mod diverted;
mod error;
mod host;
mod on_node;
mod order;
mod package_tools;
mod run;
#[cfg(test)]
mod sample;
mod system_tools;

pub use accounts::Accounts;
pub use debconf::{Debconf, Mistake};
pub use debian::Debian;
pub use diverted::diverted;
pub use error::{Unfollowed, UnfollowedScripts};
pub use run::{Input, Installed, Judged, Record, install};
