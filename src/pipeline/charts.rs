//! Helm's charts that an image carries for its server: which ones its manifests have installed, and what is locked of them.

use std::collections::BTreeMap;

use super::{PipelineError, Tools};
use crate::cluster::manifests::{self, ChartUse, Home};
use crate::fetch::charts::ChartName;
use crate::lock::{Lock, LockedChart, OutdatedError};
use crate::profile::{Charts, Profile, Role};

/// Whether the image of `profile` carries the charts of its manifests.
pub(crate) fn are_baked(profile: &Profile) -> bool {
    profile.k3s.as_ref().is_some_and(|k3s| k3s.charts == Charts::Baked && k3s.role == Role::Server)
}

/// The charts that an image of `profile` carries; none if it leaves them to the nodes. What Git brings is not among them: who
/// applies that, fetches its charts itself.
///
/// # Errors
/// A manifest that cannot be told without a cluster; a chart without a version; two charts of one name.
pub(crate) fn wanted(profile: &Profile) -> Result<Vec<ChartUse>, PipelineError> {
    if !are_baked(profile) {
        return Ok(Vec::new());
    }
    let mut found: BTreeMap<String, ChartUse> = BTreeMap::new();
    for (name, text) in manifests::outlines(profile) {
        let template = &profile.manifests[name];
        if manifests::uses(template)?.home(template.via) == Home::Git {
            continue;
        }
        let unclear = |chart: &str, reason: &'static str| PipelineError::UnclearChart {
            manifest: template.source.path.clone(),
            chart: chart.to_owned(),
            reason,
        };
        let text = text?;
        // What is no YAML is told by lints.
        for chart in manifests::charts(&text).unwrap_or_default() {
            let parts = [Some(&chart.chart), chart.repo.as_ref(), chart.version.as_ref()];
            if parts.into_iter().flatten().any(|part| part.contains(manifests::STAND_IN)) {
                return Err(unclear(&chart.release, "it differs from cluster to cluster"));
            }
            let Some(file) = chart.file() else { return Err(unclear(&chart.release, "it has no version")) };
            if let Some(other) = found.get(&file) {
                if (&other.chart, &other.repo) != (&chart.chart, &chart.repo) {
                    return Err(unclear(&chart.release, "another chart has the same name and version"));
                }
                continue;
            }
            found.insert(file, chart);
        }
    }
    Ok(found.into_values().collect())
}

/// What is to be locked of the charts of `profile`: what the lock has of them already, else what servers have.
///
/// # Errors
/// As [`wanted`]; a chart that cannot be had.
pub(crate) fn choose(profile: &Profile, lock: &Lock, tools: Tools<'_>) -> Result<Vec<LockedChart>, PipelineError> {
    let mut chosen = Vec::new();
    for chart in wanted(profile)? {
        let name = named(&chart);
        chosen.push(match lock.chart(&name) {
            Some(known) => LockedChart { profiles: Vec::new(), ..known.clone() },
            None => LockedChart::new(&name, tools.fetcher.chart(&name)?),
        });
    }
    Ok(chosen)
}

/// Whether the lock has just the charts that the manifests of `profile` name. What cannot be told is told when locking.
///
/// # Errors
/// A chart that it lacks, or has and should not.
pub(crate) fn expect(profile: &Profile, lock: &Lock) -> Result<(), OutdatedError> {
    let Ok(wanted) = wanted(profile) else { return Ok(()) };
    let outdated = |what: String| OutdatedError::Charts { profile: profile.name.clone(), what };
    for chart in &wanted {
        let name = named(chart);
        if !lock.charts_of(&profile.name).any(|locked| locked.is(&name)) {
            return Err(outdated(format!("has not {}", name.spoken())));
        }
    }
    match lock.charts_of(&profile.name).find(|locked| !wanted.iter().any(|it| locked.is(&named(it)))) {
        Some(extra) => Err(outdated(format!("has chart `{}` {}, which no manifest names", extra.name, extra.version))),
        None => Ok(()),
    }
}

/// A chart as servers are asked for it.
fn named(chart: &ChartUse) -> ChartName<'_> {
    ChartName { chart: &chart.chart, repo: chart.repo.as_deref(), version: chart.version.as_deref() }
}
