//! Utilities that work on text: what they are given are bytes, and lines of bytes, in the C locale.
//!
//! ```text
//! Call ─▶ options, input ─▶ the utility ─▶ bytes on standard output, exit status
//! ```
//!
//! Each follows its page of POSIX.1-2024 XCU and the manual of the GNU program that Debian has.

mod awk;
mod cat;
mod compare;
mod cut;
mod encode;
mod ends;
mod expr;
mod grep;
mod gzip;
mod input;
mod lines;
mod names;
mod options;
mod sed;
mod seq;
mod sort;
mod sums;
#[cfg(test)]
mod tests;
mod tr;
mod uniq;
pub(super) mod version;
mod wc;

use super::super::call::Utility;

/// The utility of this name, if it is modelled.
#[must_use]
pub fn find(name: &str) -> Option<Utility> {
    Some(match name {
        "awk" | "mawk" | "nawk" => awk::awk,
        "base64" => encode::base64,
        "basename" => names::basename,
        "cat" => cat::cat,
        "cmp" => compare::cmp,
        "comm" => compare::comm,
        "cut" => cut::cut,
        "diff" => compare::diff,
        "dirname" => names::dirname,
        "egrep" => grep::egrep,
        "expr" => expr::expr,
        "fgrep" => grep::fgrep,
        "fold" => lines::fold,
        "grep" => grep::grep,
        "gzip" => gzip::gzip,
        "head" => ends::head,
        "iconv" => encode::iconv,
        "md5sum" => sums::md5sum,
        "od" => encode::od,
        "paste" => lines::paste,
        "rev" => lines::rev,
        "sed" => sed::sed,
        "seq" => seq::seq,
        "sha1sum" => sums::sha1sum,
        "sha224sum" => sums::sha224sum,
        "sha256sum" => sums::sha256sum,
        "sha384sum" => sums::sha384sum,
        "sha512sum" => sums::sha512sum,
        "sort" => sort::sort,
        "tac" => lines::tac,
        "tail" => ends::tail,
        "tee" => lines::tee,
        "tr" => tr::tr,
        "uniq" => uniq::uniq,
        "wc" => wc::wc,
        _ => return None,
    })
}
