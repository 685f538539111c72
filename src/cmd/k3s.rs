//! What `lock` and `build` say of K3s.

use std::collections::BTreeSet;

use super::session::{Session, today};
use crate::exit::Failure;
use crate::fetch::k3s::K3sError;
use crate::lock::Lock;
use crate::pipeline::Moves;
use crate::profile::{End, Profile, Tag};

/// What to say of the lines of the releases that `moves` led to, for a person and for programs.
pub(super) fn ends(moves: &Moves) -> (Vec<String>, Vec<serde_json::Value>) {
    let tags: BTreeSet<Tag> = moves.values().filter_map(|tag| Tag::parse(tag)).collect();
    let today = today();
    let text = |tag: &Tag| {
        let line = tag.line;
        match line.end() {
            End::On(end) if today.is_some_and(|today| end < today) => {
                format!("K3s {tag}: Kubernetes {line} ended on {end} and gets no more fixes")
            }
            End::On(end) => format!("K3s {tag}: Kubernetes {line} is mended until {end}"),
            End::LongAgo => format!("K3s {tag}: Kubernetes {line} ended long ago"),
            End::Unknown => format!("K3s {tag}: this program does not know when Kubernetes {line} ends"),
        }
    };
    let json = |tag: &Tag| {
        let end = match tag.line.end() {
            End::On(end) => Some(end.to_string()),
            End::LongAgo | End::Unknown => None,
        };
        serde_json::json!({"release": tag.to_string(), "line": tag.line.to_string(), "end_of_life": end})
    };
    (tags.iter().map(text).collect(), tags.iter().map(json).collect())
}

fn without(name: &str) -> String {
    format!(
        "`{name}` is locked WITHOUT K3s, until `imgbuild lock --update k3s --profile {name}` (with `--k3s-dir DIR` where there \
         is no network)"
    )
}

/// Says of a profile that was locked earlier that K3s is missing, if it is.
pub(super) fn warn_missing(session: &Session<'_>, profile: &Profile, lock: &Lock) {
    if lock.lacks_release(profile) {
        session.console.progress().warn(&without(&profile.name));
    }
}

/// Says why a profile is locked without K3s.
pub(super) fn warn_out_of_reach(session: &Session<'_>, profile: &Profile, error: K3sError) {
    let Failure { message, causes, .. } = error.into();
    session.console.progress().warn(&format!("{}: {message}: {}", without(&profile.name), causes.join("; ")));
}
