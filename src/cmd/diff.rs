//! `imgbuild diff`: what changed between two images, by package, artifact, unit, file, size and kernel command line.
//!
//! Each image is held against its manifest first, all data of it. Names and versions of packages and artifacts are the
//! manifest's word: an image holds what they made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::disk::Disk;
use super::finished::Finished;
use super::{Outcome, compare};
use crate::cli::Diff;
use crate::exit::Failure;
use crate::image::{Manifest, ManifestPackage, kind_of_mbr};
use crate::output::{Console, bytes};
use crate::tree::Digest;

/// Lines shown to people of each list; programs get all of them.
const SHOWN: usize = 40;

pub(super) fn run(args: &Diff, console: &Console) -> Outcome {
    let (a, b) = (proved(&args.a)?, proved(&args.b)?);
    let difference = Difference::new(&a.manifest, &b.manifest, &a.listing()?, &b.listing()?);
    console.result(&difference, &difference.describe());
    Ok(())
}

/// The build at `path`, whose image is what its manifest says.
fn proved(path: &Path) -> Result<Finished, Failure> {
    let build = Finished::open(path)?;
    let disk = Disk::open(&build.image())?;
    compare::check(&build, &disk)?;
    compare::verify(&build, &disk)?;
    Ok(build)
}

/// What differs. Lines begin with `+` for new, `-` for gone and `~` for changed.
#[derive(Debug, Serialize)]
struct Difference {
    same: bool,
    settings: Vec<String>,
    packages: Vec<String>,
    artifacts: Vec<String>,
    units: Vec<String>,
    files: Vec<String>,
}

impl Difference {
    fn new(a: &Manifest, b: &Manifest, a_files: &str, b_files: &str) -> Self {
        let mut settings = Vec::new();
        for (name, old, new) in [
            ("board", &a.board, &b.board),
            ("kernel", &a.kernel, &b.kernel),
            ("cmdline", &a.cmdline, &b.cmdline),
            ("root hash", &a.root_hash.to_string(), &b.root_hash.to_string()),
            ("partition table", &kind_of_mbr(&a.hybrid_mbr), &kind_of_mbr(&b.hybrid_mbr)),
        ] {
            if old != new {
                settings.push(format!("~ {name}: {old} → {new}"));
            }
        }
        let (old, new) = (contents(a), contents(b));
        for part in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let [old, new] = [&old, &new].map(|contents| contents.get(part).map_or(&[][..], Vec::as_slice));
            let label = part.0;
            let [before, after] = [old, new].map(|content| content.iter().map(|(_, length, _)| length).sum::<u64>());
            if before != after {
                settings.push(format!("~ data in {label}: {} → {}", bytes(before), bytes(after)));
            } else if old != new {
                settings.push(format!("~ {label}: content differs"));
            }
        }
        let versions = |entries: &[ManifestPackage]| -> BTreeMap<String, String> {
            entries.iter().map(|entry| (entry.name.clone(), entry.version.clone())).collect()
        };
        let moved = |old: &[ManifestPackage], new: &[ManifestPackage]| {
            changes(&versions(old), &versions(new), |old, new| format!(" {old} → {new}"))
        };
        let (packages, artifacts) = (moved(&a.packages, &b.packages), moved(&a.artifacts, &b.artifacts));
        let (old, new) = (lines(a_files), lines(b_files));
        let all = changes(&old, &new, |old, new| format!(" ({})", columns(old, new)));
        let (units, files) = all.into_iter().partition(|line| is_unit(line));
        Self { same: a.image_sha256 == b.image_sha256, settings, packages, artifacts, units, files }
    }

    fn describe(&self) -> String {
        if self.same {
            return "the images are the same, byte for byte".to_owned();
        }
        let mut text = String::new();
        for (title, list) in [
            ("image", &self.settings),
            ("packages, by the manifests", &self.packages),
            ("artifacts, by the manifests", &self.artifacts),
            ("units", &self.units),
            ("files", &self.files),
        ] {
            if list.is_empty() {
                continue;
            }
            let _ = writeln!(text, "{title}:");
            for line in list.iter().take(SHOWN) {
                let _ = writeln!(text, "  {line}");
            }
            if list.len() > SHOWN {
                let _ = writeln!(text, "  … and {} more; --json lists all", list.len() - SHOWN);
            }
        }
        text
    }
}

/// What a partition holds: start in it, length and digest of each of its ranges.
type Content = Vec<(u64, u64, Digest)>;

/// The content of each partition, and of what lies around them: that is no partition, whatever one may be called.
fn contents(manifest: &Manifest) -> BTreeMap<(&str, bool), Content> {
    let mut contents = BTreeMap::<_, Content>::new();
    for range in &manifest.ranges {
        let (part, start) = match manifest.partition_of(range) {
            Some(partition) => ((partition.label.as_str(), true), partition.offset),
            None => (("partition table", false), 0),
        };
        contents.entry(part).or_default().push((range.offset - start, range.length, range.sha256));
    }
    contents
}

/// A listing as path → the columns that are the file's own (its origin is left out).
fn lines(listing: &str) -> BTreeMap<String, String> {
    // The first line has the titles.
    let rows = listing.lines().skip(1).filter_map(|line| line.split_once('\t'));
    rows.map(|(path, rest)| (path.to_owned(), rest.rsplit_once('\t').map_or(rest, |(own, _)| own).to_owned())).collect()
}

/// Which columns of two listing lines differ.
fn columns(old: &str, new: &str) -> String {
    const NAMES: [&str; 7] = ["type", "mode", "uid", "gid", "size", "content", "xattrs"];
    let differing = NAMES.iter().zip(old.split('\t').zip(new.split('\t'))).filter(|(_, (old, new))| old != new);
    differing
        .map(|(name, (old, new))| match *name {
            "content" => "content".to_owned(),
            name => format!("{name} {old} → {new}"),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn changes(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    how: impl Fn(&str, &str) -> String,
) -> Vec<String> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) if old == new => None,
            (Some(old), Some(new)) => Some(format!("~ {name}{}", how(old, new))),
            (None, _) => Some(format!("+ {name}")),
            (_, None) => Some(format!("- {name}")),
        })
        .collect()
}

/// Whether a line is about a unit or the enablement of one.
fn is_unit(line: &str) -> bool {
    ["/usr/lib/systemd/system/", "/etc/systemd/system/"].iter().any(|dir| line.contains(dir))
}
