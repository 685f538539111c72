//! The reviewed list of differences that are meant to be.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use crate::compare::Difference;

/// An image that was compared.
pub struct Compared {
    pub differences: Vec<Difference>,
    /// The names of its packages.
    pub packages: BTreeSet<String>,
}

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
    /// It is about these packages: only images that have one of them may and must need it. None if it is about any image.
    #[serde(default)]
    packages: BTreeSet<String>,
    reason: String,
}

impl Allow {
    fn is_about(&self, image: &Compared) -> bool {
        self.packages.is_empty() || !self.packages.is_disjoint(&image.packages)
    }
}

/// What is wrong: differences that no line allows, and lines that allow nothing in images that they are about. `all` says that the
/// images are those that the lines for any image are for; else some of these may not be needed.
pub fn judge(images: &[Compared], all: bool) -> Vec<String> {
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
    for image in images {
        for difference in &image.differences {
            let mut allowed = false;
            for ((glob, line), used) in lines.iter().zip(&mut used) {
                let fits = glob.is_match(&difference.path) && line.what.iter().any(|what| what == difference.what);
                if fits && line.is_about(image) {
                    allowed = true;
                    *used = true;
                }
            }
            if !allowed {
                complaints.push(difference.to_string());
            }
        }
    }
    for ((_, line), used) in lines.iter().zip(used) {
        let counts = if line.packages.is_empty() { all } else { images.iter().any(|image| line.is_about(image)) };
        if counts && !used {
            complaints.push(format!("allowed.toml: nothing needs {} {:?}", line.path, line.what));
        }
    }
    complaints
}
