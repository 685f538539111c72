//! What is to be written, held against what is there: files that people changed are theirs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{GitopsError, Layout};
use crate::tree::Digest;

/// What a run does, and what it leaves alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// What is written or removed, in the order of paths.
    pub steps: Vec<Step>,
    /// Files that are the owner's.
    pub kept: Vec<Kept>,
    /// How many files are as they shall be.
    pub unchanged: usize,
    /// The digests of what is offered for each path, for the next run.
    #[serde(skip)]
    pub record: BTreeMap<String, Digest>,
    /// What is written, by path.
    #[serde(skip)]
    pub texts: BTreeMap<String, String>,
}

/// A file that is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "does", content = "path", rename_all = "lowercase")]
pub enum Step {
    Add(String),
    Change(String),
    Remove(String),
}

/// A file that is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    pub path: String,
    pub why: Why,
    /// Whether what imgbuild has for it is another thing than at the last run, or was never offered.
    pub is_news: bool,
}

/// Why a file is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// Its content is not what was written.
    Changed,
    /// It was there before.
    Foreign,
    /// It was removed.
    Removed,
    /// Nothing is made for it any more, and it was changed.
    Obsolete,
}

impl Plan {
    /// Whether the repository is not what it shall be: there is something to do, or something new about a file of the owner's.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.steps.is_empty() || self.kept.iter().any(|kept| kept.is_news)
    }
}

impl Step {
    #[must_use]
    pub fn path(&self) -> &str {
        let (Self::Add(path) | Self::Change(path) | Self::Remove(path)) = self;
        path
    }
}

/// Holds `layout` against the files that are `there`, by path, and the `record` of what was offered at the last run. A file whose
/// digest is in the record is as it was written; any other is the owner's, unless it is among those to be taken back (`ours`).
///
/// # Errors
/// An Application that is on and off; a path to be taken back that is none of the files.
pub fn plan(
    layout: &Layout,
    there: &BTreeMap<String, Digest>,
    record: &BTreeMap<String, Digest>,
    ours: &BTreeSet<String>,
) -> Result<Plan, GitopsError> {
    let mut plan = Plan::default();
    for (path, text) in settled(layout, there)? {
        let wanted = Digest::of(text.as_bytes());
        let offered = record.get(&path).or_else(|| record.get(&layout.twin(&path)?));
        let is_news = offered != Some(&wanted);
        let take = ours.contains(&path);
        let keep = |why| Some(Kept { path: path.clone(), why, is_news });
        let kept = match (there.get(&path), offered) {
            _ if take && there.get(&path) != Some(&wanted) => None,
            (Some(found), _) if *found == wanted => {
                plan.unchanged += 1;
                plan.record.insert(path, wanted);
                continue;
            }
            (Some(found), Some(offered)) if found == offered => None,
            (Some(_), Some(_)) => keep(Why::Changed),
            (Some(_), None) => keep(Why::Foreign),
            (None, Some(_)) => keep(Why::Removed),
            (None, None) => None,
        };
        plan.record.insert(path.clone(), wanted);
        match kept {
            Some(kept) => plan.kept.push(kept),
            None => {
                let step = if there.contains_key(&path) { Step::Change } else { Step::Add };
                plan.steps.push(step(path.clone()));
                plan.texts.insert(path, text);
            }
        }
    }
    let gone = record.iter().filter(|(path, _)| !plan.record.contains_key(*path));
    for (path, offered) in gone.collect::<Vec<_>>() {
        // One that was moved is looked after where it is now.
        let twin = layout.twin(path);
        let has_moved = twin.as_ref().is_some_and(|twin| plan.record.contains_key(twin));
        // Or goes there with its overlay.
        let path = match twin {
            Some(twin) if !has_moved && !there.contains_key(path) => twin,
            _ => path.clone(),
        };
        let path = &path;
        match there.get(path) {
            None => {}
            Some(_) if has_moved => {}
            Some(found) if found == offered => plan.steps.push(Step::Remove(path.clone())),
            Some(_) => plan.kept.push(Kept { path: path.clone(), why: Why::Obsolete, is_news: true }),
        }
    }
    plan.steps.sort_by(|one, two| one.path().cmp(two.path()));
    plan.kept.sort_by(|one, two| one.path.cmp(&two.path));
    let known: BTreeSet<&String> = plan.record.keys().collect();
    match ours.iter().find(|path| !known.contains(path)) {
        Some(path) => {
            let known = plan.kept.iter().map(|kept| kept.path.clone()).collect();
            Err(GitopsError::NoSuchFile { path: path.clone(), known })
        }
        None => Ok(plan),
    }
}

/// The files of a layout, each Application where its owner has it.
fn settled(layout: &Layout, there: &BTreeMap<String, Digest>) -> Result<BTreeMap<String, String>, GitopsError> {
    let mut settled = BTreeMap::new();
    for (path, text) in &layout.files {
        let off = layout.twin(path).filter(|twin| there.contains_key(twin));
        let path = match off {
            Some(disabled) if there.contains_key(path) => {
                return Err(GitopsError::OnAndOff { enabled: path.clone(), disabled });
            }
            Some(disabled) => disabled,
            None => path.clone(),
        };
        settled.insert(path, text.clone());
    }
    Ok(settled)
}
