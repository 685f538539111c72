//! systemd-sysusers(8) and systemd-tmpfiles(8), which scripts call for the files of their packages.

use super::options;
use crate::effects::tmpfiles;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

/// systemd-sysusers(8): the effect `accounts` has made the accounts of all packages before any script, but for those that
/// [wait](crate::scripts::awaited) for this call.
pub(super) fn systemd_sysusers(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("systemd-sysusers", call.args, &["root="])?;
    if given.operands.iter().any(|file| file == "-") {
        return Err(Reason::unsupported("systemd-sysusers", "declarations on its standard input"));
    }
    let names: Vec<&str> = given.operands.iter().map(|path| path.rsplit('/').next().unwrap_or(path)).collect();
    let declared = debian.accounts.awaited.declare(call.files.tree_mut(), &names);
    declared.map(|()| 0).map_err(|error| Reason::Refused(error.to_string()))
}

/// systemd-tmpfiles(8) with `--create`: makes what the named files ask for, also what lies on another file system of the node, since
/// scripts give it to others or put something in it. What is left of that as it was made, the effect `tmpfiles` takes
/// away again: the node makes it at boot.
pub(super) fn systemd_tmpfiles(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given =
        options::read("systemd-tmpfiles", call.args, &["root=", "create", "remove", "clean", "exclude-prefix="])?;
    if given.operands.iter().any(|file| file == "-") {
        return Err(Reason::unsupported("systemd-tmpfiles", "lines on its standard input"));
    }
    if given.has("remove") || given.has("clean") || given.has("exclude-prefix") {
        return Err(Reason::unsupported("systemd-tmpfiles", "other than --create"));
    }
    if !given.has("create") {
        call.complain("You need to specify at least one of --clean, --create, --remove, or --purge.");
        return Ok(1);
    }
    match tmpfiles::create(call.files.tree_mut(), &given.operands) {
        Ok(made) => {
            for path in made {
                call.files.note(format!("made /{path} (tmpfiles.d)"));
            }
            Ok(0)
        }
        Err(error) => {
            call.complain(&error.to_string());
            Ok(1)
        }
    }
}
