//! `imgbuild flash`: an image, with a node's seed if one is named, onto a stick that is proved to hold it.
//!
//! ```text
//! profile ─▶ build ┐
//!                  ├─▶ image + manifest (+ seed) ─▶ disk, confirmed ─▶ child writes and reads back ─▶ eject
//! file, URL, tag ──┘ (foreign: proved whole)
//! ```

mod choose;
mod eject;
mod errors;
mod find;
mod foreign;
mod image;
mod place;
mod show;
mod sidecars;
mod spawn;
mod stick;
mod unpack;
mod walk;
mod writer;

use super::Outcome;
use super::elsewhere;
use super::session::Session;
use crate::cli::Flash;

pub(super) use writer::run as run_writer;

pub(super) fn run(args: &Flash, session: &Session<'_>) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(elsewhere::flash(args.profile.as_deref()));
    }
    if args.all { walk::run(args, session) } else { stick::write(args, args.node.as_deref(), &mut Vec::new(), session) }
}
