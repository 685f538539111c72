//! The utilities of POSIX and coreutils that maintainer scripts use, each a pure function over a [`Call`].

pub mod file;
pub mod text;

use super::call::{Call, Utility};

/// The utility of this name, if it is modelled.
#[must_use]
pub fn find(name: &str) -> Option<Utility> {
    Some(match name {
        "true" => |_: &mut Call<'_>| Ok(0),
        "false" => |_: &mut Call<'_>| Ok(1),
        _ => return file::find(name).or_else(|| text::find(name)),
    })
}
