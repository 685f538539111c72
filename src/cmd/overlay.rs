//! `imgbuild overlay`: what overlays there are, and what each is by itself.

mod charts;
mod describe;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::charts::{ChartRow, charts_of};
use super::Outcome;
use super::list;
use super::session::Session;
use crate::cli::{Overlay, OverlayShow};
use crate::cluster::manifests::{ManifestError, Uses, uses};
use crate::profile::{self, ManifestTemplate, Outline};

pub(super) fn run(verb: &Overlay, session: &Session<'_>) -> Outcome {
    match verb {
        Overlay::List => list::overlays(session),
        Overlay::Show(args) => show(args, session),
    }
}

fn show(args: &OverlayShow, session: &Session<'_>) -> Outcome {
    let outline = profile::outline(&session.workspace, &args.name)?;
    let shown = Shown::of(outline)?;
    session.console.result(&shown, &shown.describe());
    Ok(())
}

/// An overlay with what its manifests use.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    outline: Outline,
    /// What each parameter decides.
    decides: BTreeMap<String, Decides>,
    manifests: Vec<ManifestRow>,
    /// Charts that its manifests install.
    charts: Vec<ChartRow>,
    /// Names of secrets that its manifests use.
    secrets: BTreeSet<String>,
    /// Keys of `[values]` of `cluster.toml` that they use.
    values: BTreeSet<String>,
}

/// What follows from a parameter.
#[derive(Debug, Default, Serialize)]
struct Decides {
    /// Whether more comes along for some of its values.
    when: bool,
    /// Sources whose versions it is.
    versions: BTreeSet<String>,
    /// Files of manifests that have it.
    manifests: BTreeSet<String>,
}

#[derive(Debug, Serialize)]
struct ManifestRow {
    file: String,
    /// `image`, `seed` or `git`.
    goes_to: &'static str,
    /// Whether it is taken as it is.
    verbatim: bool,
    params: BTreeSet<String>,
    secrets: BTreeSet<String>,
    values: BTreeSet<String>,
}

impl Shown {
    fn of(outline: Outline) -> Result<Self, ManifestError> {
        let manifests: Vec<ManifestRow> = outline.manifests.iter().map(manifest_row).collect::<Result<_, _>>()?;
        let decides = outline.params.keys().map(|param| (param.clone(), decides(param, &outline, &manifests)));
        let all = |names: fn(&ManifestRow) -> &BTreeSet<String>| manifests.iter().flat_map(names).cloned().collect();
        let (decides, secrets, values) = (decides.collect(), all(|row| &row.secrets), all(|row| &row.values));
        let charts = outline.manifests.values().flat_map(|template| charts_of(&template.source.text)).collect();
        Ok(Self { outline, decides, manifests, charts, secrets, values })
    }
}

fn manifest_row((file, template): (&String, &ManifestTemplate)) -> Result<ManifestRow, ManifestError> {
    let used = uses(template)?;
    let goes_to = used.home(template.via).name();
    let Uses { params, secrets, values, .. } = used;
    Ok(ManifestRow { file: file.clone(), goes_to, verbatim: template.verbatim, params, secrets, values })
}

fn decides(param: &str, outline: &Outline, manifests: &[ManifestRow]) -> Decides {
    let parts = std::iter::once(&outline.always).chain(outline.whens.iter().map(|when| &when.part));
    let sources = parts.flat_map(|part| &part.sources);
    let of_it = sources.filter(|source| source.versions_param.as_deref() == Some(param));
    let with_it = manifests.iter().filter(|row| row.params.contains(param));
    Decides {
        when: outline.whens.iter().any(|when| when.params.contains_key(param)),
        versions: of_it.map(|source| source.name.clone()).collect(),
        manifests: with_it.map(|row| row.file.clone()).collect(),
    }
}
