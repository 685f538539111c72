//! chown(1) and chgrp(1), of POSIX and coreutils.

use super::below::{Start, below};
use super::options::{Parsed, Spec, Takes, parse};
use super::owner::{Invalid, Owner, parse_group, parse_owner};
use crate::shell::{Answer, Call, Files, Reason};
use crate::tree::Kind;

const OPTIONS: &[Spec] = &[
    ("recursive", "R", Takes::Nothing),
    ("no-dereference", "h", Takes::Nothing),
    ("dereference", "", Takes::Nothing),
    ("H", "H", Takes::Nothing),
    ("P", "P", Takes::Nothing),
    ("silent", "f", Takes::Nothing),
    ("quiet", "", Takes::Nothing),
    ("preserve-root", "", Takes::Nothing),
    ("no-preserve-root", "", Takes::Nothing),
    ("reference", "", Takes::Value),
    ("from", "", Takes::Value),
];

type Read = fn(&Files, &str) -> Result<Result<Owner, Invalid>, Reason>;

/// chown(1)
pub(super) fn chown(call: &mut Call<'_>) -> Answer {
    change_owner(call, "chown", parse_owner)
}

/// chgrp(1)
pub(super) fn chgrp(call: &mut Call<'_>) -> Answer {
    change_owner(call, "chgrp", |files, text| {
        if text.is_empty() {
            return Ok(Ok(Owner::default()));
        }
        Ok(parse_group(files, text)?.map(|gid| Owner { uid: None, gid: Some(gid) }))
    })
}

fn change_owner(call: &mut Call<'_>, name: &str, read: Read) -> Answer {
    let mut parsed = parse(name, OPTIONS, call.args)?;
    let owner = if let Some(path) = parsed.value("reference") {
        match call.files.stat(path, true) {
            Ok((_, node)) => Owner { uid: (name == "chown").then_some(node.uid), gid: Some(node.gid) },
            Err(error) => return call.failed(name, path, error),
        }
    } else {
        if parsed.operands.is_empty() {
            call.complain(&format!("{name}: missing operand"));
            return Ok(1);
        }
        match read(call.files, &parsed.operands.remove(0))? {
            Ok(owner) => owner,
            Err(Invalid(why)) => {
                call.complain(&format!("{name}: {why}"));
                return Ok(1);
            }
        }
    };
    let only = match parsed.value("from").map(|from| read(call.files, from)).transpose()? {
        Some(Err(Invalid(why))) => {
            call.complain(&format!("{name}: {why}"));
            return Ok(1);
        }
        from => from.and_then(Result::ok).unwrap_or_default(),
    };
    if parsed.operands.is_empty() {
        call.complain(&format!("{name}: missing operand"));
        return Ok(1);
    }
    let mut status = 0;
    for path in &parsed.operands {
        status |= change(call, name, &parsed, (owner, only), path)?;
    }
    Ok(status)
}

fn change(call: &mut Call<'_>, name: &str, parsed: &Parsed, (owner, only): (Owner, Owner), path: &str) -> Answer {
    let recursive = parsed.has("recursive");
    let start = if recursive && parsed.last(&["H", "P"]) == Some("H") { Start::Follow } else { Start::Keep };
    // Without -R links are followed, with it only where it says -H.
    let follow = match parsed.last(&["no-dereference", "dereference"]) {
        Some("dereference") if recursive && start == Start::Keep => {
            call.complain(&format!("{name}: -R --dereference requires either -H or -L"));
            return Ok(1);
        }
        Some(option) => option == "dereference",
        None => !recursive || start == Start::Follow,
    };
    let mut paths = vec![path.to_owned()];
    if recursive {
        match below(call.files, path, start) {
            Ok(found) => paths.extend(found),
            Err(error) => return call.failed(name, path, error),
        }
    }
    let mut status = 0;
    for path in &paths {
        let chosen = call.files.stat(path, follow).map(|(_, node)| {
            let of_user = only.uid.is_none_or(|uid| uid == node.uid);
            of_user && only.gid.is_none_or(|gid| gid == node.gid) && !matches!(node.kind, Kind::HardLink(_))
        });
        let done = match chosen {
            Ok(true) => call.files.chown(path, owner.uid, owner.gid, follow),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            status |= call.failed(name, path, error)?;
        }
    }
    Ok(status)
}
