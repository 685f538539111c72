//! dd(1) of coreutils, as far as it copies a part of a file.

use super::links::refuse;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

/// Bytes that it copies at most.
const MAX: usize = 16 << 20;

/// dd(1) with `if=`, `of=`, `bs=`, `count=`, `skip=` and `status=`.
pub(super) fn dd(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let (mut input, mut output, mut size, mut count, mut skip) = (None, None, 512, None, 0);
    for arg in call.args {
        let unknown = || Reason::unsupported("dd", format!("`{arg}`"));
        let number = |text: &str| text.parse::<usize>().map_err(|_| unknown());
        match arg.split_once('=') {
            Some(("if", path)) => input = Some(path.to_owned()),
            Some(("of", path)) => output = Some(path.to_owned()),
            Some(("bs", text)) => size = number(text)?,
            Some(("count", text)) => count = Some(number(text)?),
            Some(("skip", text)) => skip = number(text)?,
            Some(("status", _)) => {}
            _ => return Err(unknown()),
        }
    }
    let wanted = count.map(|count| count.saturating_mul(size));
    if wanted.is_some_and(|wanted| wanted > MAX) {
        return Err(Reason::Limit("16 MiB copied by dd"));
    }
    let bytes = match (input.as_deref(), wanted) {
        (Some("/dev/zero"), Some(wanted)) => vec![0; wanted],
        (Some("/dev/zero"), None) => return Err(Reason::unsupported("dd", "`if=/dev/zero` without `count=`")),
        (Some(device), _) if device.starts_with("/dev/") && device != "/dev/null" => {
            return Err(Reason::differs("dd", format!("the device {device}")));
        }
        (Some(path), _) => match call.files.read(path) {
            Ok(bytes) => bytes.into_owned(),
            Err(FileError::Reason(reason)) => return Err(reason),
            Err(error) => return call.failed("dd", path, error),
        },
        (None, _) => call.stdin.to_vec(),
    };
    let bytes = bytes.get(skip.saturating_mul(size)..).unwrap_or_default();
    let bytes = bytes.get(..wanted.unwrap_or(bytes.len())).unwrap_or(bytes);
    match output {
        Some(path) => call.files.write(&path, bytes).map_err(refuse)?,
        None => call.out.extend_from_slice(bytes),
    }
    call.complain("records copied");
    Ok(0)
}
