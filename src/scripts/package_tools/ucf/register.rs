//! ucfr(1): which package a configuration file belongs to.

use super::super::super::system_tools::options;
use super::super::diversions;
use super::state;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call};

const NAME: &str = "ucfr";

const OPTIONS: [&str; 5] = ["f|force", "p|purge", "v|verbose", "state-dir=", "h|help"];

pub(super) fn ucfr(_debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read(NAME, call.args, &OPTIONS)?;
    if given.has("help") {
        return Ok(0);
    }
    let (package, file) = match given.operands.as_slice() {
        [package, file, rest @ ..] if !package.is_empty() && !file.is_empty() => {
            if !rest.is_empty() {
                call.complain("ucfr: *** ERROR: Need exactly two arguments");
                return Ok(3);
            }
            (package, file)
        }
        _ => {
            call.complain("ucfr: Unable to determine the package or the file");
            return Ok(1);
        }
    };
    state::refuse_settings(NAME, call.files)?;
    let real = state::real(call.files, file)?;
    let dir = state::dir(call, given.value("state-dir"));
    let registry = format!("{dir}/registry");
    if let Err(error) = state::make_dir(call.files, &dir) {
        return call.failed(NAME, &dir, error);
    }
    let known = state::text(call.files, &registry)?;
    let text = known.clone().unwrap_or_default();
    if known.is_none()
        && let Err(error) = call.files.write(&registry, b"")
    {
        return call.failed(NAME, &registry, error);
    }
    let owners: Vec<String> = state::keys(&text, &real).into_iter().map(str::to_owned).collect();
    let owner = match owners.as_slice() {
        [] => None,
        [owner] => Some(owner),
        several => {
            call.complain(&format!("ucfr: Corrupt registry: Duplicate entries for {file}"));
            return Ok(u8::try_from(several.len()).unwrap_or(u8::MAX));
        }
    };
    let is_forced = given.has("force");
    let rest = state::without(&text, &real);
    let text = match (given.has("purge"), owner) {
        (true, None) => return Ok(0),
        (true, Some(owner)) => {
            if owner != package {
                call.complain(&format!("ucfr: Association belongs to {owner}, not {package}"));
                if !is_forced {
                    return Ok(5);
                }
            }
            rest
        }
        (false, Some(owner)) if owner == package => return Ok(0),
        (false, owner) => {
            if let Some(owner) = owner {
                // A diverted file stays with whose it is.
                if diversions::read(call)?.iter().any(|diversion| diversion.from == *file) {
                    return Ok(0);
                }
                if !is_forced {
                    call.complain(&format!(
                        "ucfr: Attempt from package {package} to take {real} away from package {owner}"
                    ));
                    return Ok(4);
                }
            }
            format!("{rest}{package} \t {real}\n")
        }
    };
    match call.files.write(&registry, text.as_bytes()) {
        Ok(()) => Ok(0),
        Err(error) => call.failed(NAME, &registry, error),
    }
}
