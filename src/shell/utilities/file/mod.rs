//! Utilities for files and directories, each a pure function over a [`Call`].
//!
//! ```text
//! arguments ─▶ options ─▶ operands as pairs, modes, owners ─▶ calls of Files ─▶ exit status
//! ```

mod below;
mod capabilities;
mod chmod;
mod chown;
mod copy;
mod copying;
mod create;
mod directories;
pub mod find;
mod install;
mod link;
mod list;
mod machine;
mod mode;
mod move_files;
mod names;
mod options;
mod owner;
mod remove;
mod stat;
mod targets;
#[cfg(test)]
mod tests;

#[cfg(doc)]
use crate::shell::Call;
use crate::shell::Utility;

/// The utility of this name, if it is modelled.
#[must_use]
pub fn find(name: &str) -> Option<Utility> {
    Some(match name {
        "chgrp" => chown::chgrp,
        "chmod" => chmod::chmod,
        "chown" => chown::chown,
        "cp" => copy::cp,
        "getcap" => capabilities::getcap,
        "install" => install::install,
        "ln" => link::ln,
        "ls" => list::ls,
        "mkdir" => directories::mkdir,
        "mkfifo" => create::mkfifo,
        "mknod" => create::mknod,
        "mktemp" => create::mktemp,
        "mv" => move_files::mv,
        "readlink" => names::readlink,
        "realpath" => names::realpath,
        "rm" => remove::rm,
        "rmdir" => remove::rmdir,
        "setcap" => capabilities::setcap,
        "stat" => stat::stat,
        "touch" => create::touch,
        "truncate" => create::truncate,
        _ => return machine::find(name),
    })
}
