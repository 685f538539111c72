//! `imgbuild images`: the container images that a profile's manifests and their charts start, and their digests.

mod helm;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Outcome;
use super::lock as locking;
use super::session::Session;
use crate::cli::Images;
use crate::cluster::manifests::{self, ChartUse};
use crate::exit::{Code, Failure};
use crate::fetch::charts::ChartName;
use crate::lock::Lock;
use crate::output::count;
use crate::profile::{self, ImageName, PinnedImage, Profile};
use helm::Helm;

pub(super) fn run(args: &Images, session: &Session<'_>) -> Outcome {
    let Some(name) = &args.profile else {
        return Err(Failure::refused("no profile is named").hint("name one: `imgbuild images --profile NAME`"));
    };
    let profile = profile::load(&session.workspace, name)?;
    session.open_cache()?;
    let lock = locking::load(session)?;
    let found = Found::of(&profile, &lock, session);
    let mut pinned = Pinned::default();
    if args.digests {
        pinned.ask(found.images.keys(), session);
    }
    let value = json!({
        "profile": profile.name,
        "images": found.images.iter().map(|(image, from)| json!({"image": image, "from": from})).collect::<Vec<_>>(),
        "not_rendered": found.missing.iter().map(|(what, why)| json!({"what": what, "why": why})).collect::<Vec<Value>>(),
        "preload": pinned.lines,
        "without_digest": pinned.failed.iter().map(|(image, why)| json!({"image": image, "why": why})).collect::<Vec<_>>(),
    });
    for (what, why) in &found.missing {
        session.console.progress().warn(&format!("{what} is not looked into: {why}"));
    }
    for (image, why) in &pinned.failed {
        session.console.progress().warn(&format!("no digest of {image}: {why}"));
    }
    let text = if args.digests { pinned.text() } else { found.text() };
    session.console.result(&value, &text);
    match pinned.failed.len() {
        0 => Ok(()),
        failed => {
            let message = format!("no digest of {} is known", count(failed, "container image"));
            let failure = Failure { code: Code::Download, ..Failure::refused(message) };
            Err(failure.hint("the warnings say why; run it again where a registry was busy or away"))
        }
    }
}

/// Images and where each is named, and what could not be looked into.
#[derive(Default)]
struct Found {
    images: BTreeMap<String, BTreeSet<String>>,
    missing: Vec<(String, String)>,
}

impl Found {
    fn of(profile: &Profile, lock: &Lock, session: &Session<'_>) -> Self {
        let mut found = Self::default();
        let helm = Helm::find();
        let kubernetes = lock.release_of(&profile.name).or(profile.k3s.as_ref().map(|k3s| k3s.version.as_str()));
        for (name, text) in manifests::outlines(profile) {
            let text = match text {
                Ok(text) => text,
                Err(error) => {
                    found.missing.push((format!("manifest {name}"), error.to_string()));
                    continue;
                }
            };
            match manifests::images(&text) {
                Ok(images) => found.add(images, name),
                Err(error) => found.missing.push((format!("manifest {name}"), error.message)),
            }
            for chart in manifests::charts(&text).unwrap_or_default() {
                let asked =
                    ChartName { chart: &chart.chart, repo: chart.repo.as_deref(), version: chart.version.as_deref() };
                match rendered(&chart, &asked, helm.as_ref(), kubernetes, lock, session) {
                    Ok(images) => found.add(images, &format!("{} in {name}", asked.spoken())),
                    Err(why) => found.missing.push((format!("{} in {name}", asked.spoken()), why)),
                }
            }
        }
        found
    }

    fn add(&mut self, images: BTreeSet<String>, from: &str) {
        for image in images.into_iter().filter(|image| !image.contains(manifests::STAND_IN)) {
            self.images.entry(image).or_default().insert(from.to_owned());
        }
    }

    fn text(&self) -> String {
        if self.images.is_empty() {
            return "its manifests name no container image".to_owned();
        }
        let line = |(image, from): (&String, &BTreeSet<String>)| {
            format!("{image}\n    {}", from.iter().cloned().collect::<Vec<_>>().join("\n    "))
        };
        self.images.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// The images of a chart with the values of its manifest, or why they are not known.
fn rendered(
    chart: &ChartUse,
    asked: &ChartName<'_>,
    helm: Option<&Helm>,
    kubernetes: Option<&str>,
    lock: &Lock,
    session: &Session<'_>,
) -> Result<BTreeSet<String>, String> {
    let helm = helm.ok_or("`helm` is not on PATH")?;
    let cached = lock.chart(asked).and_then(|locked| session.fetcher.cached_path(&locked.sha256));
    let path = match cached {
        Some(path) => path,
        None => {
            let found = session.fetcher.chart(asked).map_err(|error| in_a_line(error.into()))?;
            session.fetcher.cached_path(&found.sha256).ok_or("it is not in the cache")?
        }
    };
    let text = helm.template(&path, chart, kubernetes)?;
    manifests::images(&text).map_err(|error| format!("what helm makes of it is no YAML: {}", error.message))
}

/// Entries for `preload`, and images without a digest.
#[derive(Default)]
struct Pinned {
    lines: Vec<String>,
    failed: Vec<(String, String)>,
}

impl Pinned {
    fn ask<'i>(&mut self, images: impl Iterator<Item = &'i String>, session: &Session<'_>) {
        for image in images {
            match pin(image, session) {
                Ok(pinned) => self.lines.push(pinned.to_string()),
                Err(why) => self.failed.push((image.clone(), why)),
            }
        }
    }

    /// As they stand in a profile.
    fn text(&self) -> String {
        let entries: String = self.lines.iter().flat_map(|line| ["    \"", line, "\",\n"]).collect();
        format!("preload = [\n{entries}]")
    }
}

fn pin(image: &str, session: &Session<'_>) -> Result<PinnedImage, String> {
    let (name, digest) = ImageName::parse(image)?;
    let sha256 = match digest {
        Some(digest) => digest,
        None => session.fetcher.digest_of(&name).map_err(|error| in_a_line(error.into()))?,
    };
    Ok(PinnedImage { name, sha256 })
}

/// A failure with its causes, as one line.
fn in_a_line(failure: Failure) -> String {
    std::iter::once(failure.message).chain(failure.causes).collect::<Vec<_>>().join(": ")
}
