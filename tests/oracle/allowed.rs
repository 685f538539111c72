//! The reviewed list of differences that are meant to be.

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use crate::compare::Difference;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    allow: Vec<Allow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    /// A glob over clean paths; `*` stays within a directory, `**` does not.
    path: String,
    /// Which differences.
    what: Vec<String>,
    reason: String,
}

/// What is wrong: differences that no line allows, and lines that allow nothing.
pub fn judge(differences: &[Difference]) -> Vec<String> {
    let file: File = toml::from_str(include_str!("allowed.toml")).unwrap();
    let lines: Vec<(GlobMatcher, Allow)> = file
        .allow
        .into_iter()
        .map(|line| {
            assert!(!line.reason.is_empty(), "{} has no reason", line.path);
            (
                GlobBuilder::new(&line.path)
                    .literal_separator(true)
                    .empty_alternates(true)
                    .build()
                    .unwrap()
                    .compile_matcher(),
                line,
            )
        })
        .collect();
    let mut used = vec![false; lines.len()];
    let mut complaints = Vec::new();
    for difference in differences {
        let mut allowed = false;
        for ((glob, line), used) in lines.iter().zip(&mut used) {
            if glob.is_match(&difference.path) && line.what.iter().any(|what| what == difference.what) {
                allowed = true;
                *used = true;
            }
        }
        if !allowed {
            complaints.push(difference.to_string());
        }
    }
    for ((_, line), used) in lines.iter().zip(used) {
        if !used {
            complaints.push(format!("allowed.toml: nothing needs {} {:?}", line.path, line.what));
        }
    }
    complaints
}
