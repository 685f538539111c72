//! Helm's charts in the lock.

use super::store::{add, drop_profile};
use super::{Lock, LockedChart};
use crate::fetch::Download;
use crate::fetch::charts::{ChartName, FoundChart, MAX_CHART};
use crate::urls::WebUrl;

impl Lock {
    /// A profile's charts, sorted by name.
    pub fn charts_of<'a>(&'a self, profile: &'a str) -> impl Iterator<Item = &'a LockedChart> {
        self.charts.iter().filter(move |chart| chart.profiles.iter().any(|user| user == profile))
    }

    /// What any profile has of a chart.
    #[must_use]
    pub fn chart(&self, wanted: &ChartName<'_>) -> Option<&LockedChart> {
        self.charts.iter().find(|locked| locked.is(wanted))
    }

    /// Puts charts in place of those that a profile has.
    pub(super) fn put_charts(&mut self, profile: &str, charts: Vec<LockedChart>) {
        self.charts.retain_mut(|chart| drop_profile(&mut chart.profiles, profile));
        for chart in charts {
            let same = |old: &&mut LockedChart| {
                let profiles = old.profiles.clone();
                **old == LockedChart { profiles, ..chart.clone() }
            };
            match self.charts.iter_mut().find(same) {
                Some(old) => add(&mut old.profiles, profile),
                None => self.charts.push(LockedChart { profiles: vec![profile.to_owned()], ..chart }),
            }
        }
        self.charts.sort_by_cached_key(|chart| (chart.name.clone(), chart.version.clone(), chart.sha256));
    }
}

impl LockedChart {
    /// What is locked of a chart that was found.
    #[must_use]
    pub fn new(wanted: &ChartName<'_>, found: FoundChart) -> Self {
        Self {
            name: wanted.chart.to_owned(),
            version: wanted.version.unwrap_or_default().to_owned(),
            repo: wanted.repo.map(str::to_owned),
            url: found.url,
            size: found.size,
            sha256: found.sha256,
            profiles: Vec::new(),
        }
    }

    /// Whether it is the chart that a manifest names.
    #[must_use]
    pub fn is(&self, wanted: &ChartName<'_>) -> bool {
        (self.name.as_str(), self.version.as_str(), self.repo.as_deref())
            == (wanted.chart, wanted.version.unwrap_or_default(), wanted.repo)
    }

    /// How it is fetched.
    #[must_use]
    pub fn download(&self) -> Download {
        Download {
            name: format!("chart {} {}", self.name, self.version),
            urls: vec![self.url.clone()],
            sha256: self.sha256,
            size: Some(self.size),
        }
    }

    /// What the entry may get wrong by itself, in words.
    pub(super) fn check(&self) -> Result<(), String> {
        let what = format!("chart `{}` {}", self.name, self.version);
        if WebUrl::parse(&self.url).is_err() {
            return Err(format!("{what}: `{}` is no URL", self.url));
        }
        if self.size > MAX_CHART {
            return Err(format!("{what}: {} bytes are more than any chart has", self.size));
        }
        Ok(())
    }
}
