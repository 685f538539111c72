//! gzip, where it unpacks to standard output (`gzip -cd`, as zcat and `gunzip -c` call it): the manual of GNU gzip 1.13.

use std::io::Read as _;

use flate2::bufread::MultiGzDecoder;

use super::input;
use super::options::Spec;
use crate::shell::call::{Answer, Call};
use crate::shell::files::FileError;
use crate::shell::reason::Reason;

const GZIP: Spec = Spec {
    utility: "gzip",
    short: "cdqn",
    long: &[
        ("decompress", 'd'),
        ("no-name", 'n'),
        ("quiet", 'q'),
        ("stdout", 'c'),
        ("to-stdout", 'c'),
        ("uncompress", 'd'),
    ],
};

/// gzip(1)
pub(super) fn gzip(call: &mut Call<'_>) -> Answer {
    let parsed = GZIP.parse(call.args)?;
    if !parsed.has('d') || !(parsed.has('c') || parsed.operands.iter().all(|name| name == "-")) {
        return Err(Reason::unsupported("gzip", "anything but unpacking to standard output"));
    }
    let mut status = 0;
    for name in input::or_stdin(parsed.operands) {
        let Some(packed) = packed(call, &name)? else {
            status = 1;
            continue;
        };
        if let Some(text) = unpacked(&packed)? {
            call.out.extend(text);
        } else {
            call.complain(&format!("gzip: {name}: not in gzip format"));
            status = 1;
        }
    }
    Ok(status)
}

/// The file of that name, or of that name with `.gz`.
fn packed(call: &mut Call<'_>, name: &str) -> Result<Option<Vec<u8>>, Reason> {
    match input::bytes(call, name) {
        Ok(packed) => Ok(Some(packed)),
        Err(FileError::Missing) if name.strip_suffix(".gz").is_none() => {
            input::operand(call, "gzip", &format!("{name}.gz"))
        }
        Err(error) => call.failed("gzip", name, error).map(|_| None),
    }
}

/// What is packed; none if it is not whole.
fn unpacked(packed: &[u8]) -> Result<Option<Vec<u8>>, Reason> {
    let mut text = Vec::new();
    let limit = input::OUTPUT_MAX as u64 + 1;
    let read = MultiGzDecoder::new(packed).take(limit).read_to_end(&mut text);
    input::bounded(text.len())?;
    Ok(read.is_ok().then_some(text))
}
