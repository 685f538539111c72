//! `imgbuild flash`: writes an image, with a node's seed if one is named, to a stick, and verifies it there.
//!
//! ```text
//! profile ─▶ build ┐
//!                  ├─▶ image + manifest (+ seed) ─▶ disk, confirmed ─▶ child writes and reads back ─▶ eject
//! file, URL, tag ──┘ (foreign: all of it verified)
//! ```

mod choose;
mod eject;
mod errors;
mod find;
mod flash_all;
mod foreign;
mod image;
mod location;
mod show;
mod sidecars;
mod spawn;
mod stick;
mod unpack;
mod writer;

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use super::Outcome;
use super::finished::Finished;
use super::session::Session;
use super::unsupported_host;
use crate::cli::Flash;
use crate::exit::Failure;

pub(super) use writer::run as run_writer;

/// Refuses a path in place of a name, and tells which option takes it.
pub(super) fn refuse_path(name: Option<&str>, session: &Session<'_>) -> Outcome {
    let Some(name) = name else { return Ok(()) };
    let path = Path::new(name);
    let kind = fs::metadata(path).map(|metadata| metadata.file_type());
    if kind.as_ref().is_ok_and(FileTypeExt::is_block_device) || path.starts_with("/dev") {
        let message = format!("`{name}` is a disk, and the image for it is not named");
        return Err(Failure::refused(message)
            .hint(format!("name a node or profile too: `imgbuild flash NAME --device {name}`")));
    }
    // Names of profiles and nodes have neither a slash nor a dot.
    if name.contains(['/', '.']) && !session.workspace.has_profile(name) {
        let (what, image) = match &kind {
            Ok(kind) if kind.is_dir() => match Finished::open(path) {
                Ok(build) => ("a directory", build.image().display().to_string()),
                Err(_) => ("a directory", "FILE".to_owned()),
            },
            _ => ("a file", name.to_owned()),
        };
        let message = format!("`{name}` is {what}, not the name of a node or a profile");
        return Err(Failure::refused(message).hint(format!("write an image with `imgbuild flash --image {image}`")));
    }
    Ok(())
}

pub(super) fn run(args: &Flash, session: &Session<'_>) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(unsupported_host::flash(args.profile.as_deref()));
    }
    if args.all {
        flash_all::run(args, session)
    } else {
        stick::write(args, args.node.as_deref(), &mut Vec::new(), session)
    }
}
