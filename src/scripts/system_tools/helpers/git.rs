//! git(1), as far as git-lfs sets it up for all accounts.

use super::links::refuse;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

const SETTINGS: &str = "/etc/gitconfig";

/// `git lfs install --system`: the filter `lfs` in git's settings (git-lfs-install(1); `filterAttribute` of lfs/attribute.go, 3.6, which
/// goes through its four values in an order of chance; ours is that of the source). The form is git-config(1)'s.
pub(super) fn git(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let words: Vec<&str> = call.args.iter().map(String::as_str).collect();
    if debian.package.name != "git-lfs" || words != ["lfs", "install", "--skip-repo", "--system"] {
        return Err(Reason::unsupported("git", words.join(" ")));
    }
    if call.files.exists(SETTINGS)? {
        return Err(Reason::unsupported("git lfs", "settings that are there"));
    }
    call.files.write(SETTINGS, FILTER.as_bytes()).map_err(refuse)?;
    call.print("Git LFS initialized.\n");
    Ok(0)
}

const FILTER: &str = "[filter \"lfs\"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n\tprocess = git-lfs filter-process\n\trequired = true\n";
