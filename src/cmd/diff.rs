//! `imgbuild diff`: what changed between two images, by package, artifact, unit, file, size and kernel command line.
//!
//! First all data of each image is compared with its manifest. Names and versions of packages and artifacts are known only from
//! the manifest, since an image has only their files.

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

/// Most lines of each list that are shown; `--json` has all of them.
const SHOWN: usize = 40;

pub(super) fn run(args: &Diff, console: &Console) -> Outcome {
    let (a, b) = (proved(&args.a)?, proved(&args.b)?);
    let difference = Difference::new(&a.manifest, &b.manifest, &a.listing()?, &b.listing()?);
    console.result(&difference, &difference.describe());
    Ok(())
}

/// The build at `path`, after its image was compared with its manifest.
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
    packages: Vec<Change>,
    artifacts: Vec<Change>,
    units: Vec<Change>,
    files: Vec<Change>,
    /// Of changed packages and artifacts, the overlays that want them; of changed paths, the overlay or profile that they are of. As
    /// `KIND:NAME`.
    origins: BTreeMap<String, Vec<String>>,
}

/// A line about a package or a path.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Change {
    line: String,
    /// Whose it is, as `KIND:NAME`.
    #[serde(skip)]
    origins: Vec<String>,
    #[serde(skip)]
    name: String,
    /// How it is theirs: `of`, `wanted by`.
    #[serde(skip)]
    owned: &'static str,
    /// Whether it is theirs no longer, and still there.
    #[serde(skip)]
    before: bool,
}

impl Change {
    /// For people: the line with whose it is.
    fn describe(&self) -> String {
        let Self { line, origins, owned, before, .. } = self;
        let owners = origins.iter().filter_map(|origin| origin.split_once(':'));
        let owners: Vec<String> = owners.map(|(kind, name)| format!("{kind} `{name}`")).collect();
        if owners.is_empty() {
            return line.clone();
        }
        let no_longer = if *before { "no longer " } else { "" };
        format!("{line}, {no_longer}{owned} {}", owners.join(" and "))
    }
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
        let moved = |old: &[ManifestPackage], new: &[ManifestPackage]| {
            changes(&versions(old), &versions(new), |old, new| format!(" {old} → {new}"), "wanted by")
        };
        let (packages, artifacts) = (moved(&a.packages, &b.packages), moved(&a.artifacts, &b.artifacts));
        let all = changes(&lines(a_files), &lines(b_files), |old, new| format!(" ({})", columns(old, new)), "of");
        let owned = packages.iter().chain(&artifacts).chain(&all).filter(|change| !change.origins.is_empty());
        let origins = owned.map(|change| (change.name.clone(), change.origins.clone())).collect();
        let (units, files) = all.into_iter().partition(|change| is_unit(&change.line));
        Self { same: a.image_sha256 == b.image_sha256, settings, packages, artifacts, units, files, origins }
    }

    fn describe(&self) -> String {
        if self.same {
            return "the images are the same, byte for byte".to_owned();
        }
        let mut text = String::new();
        let shown = |changes: &[Change]| changes.iter().map(Change::describe).collect::<Vec<_>>();
        for (title, list) in [
            ("image", self.settings.clone()),
            ("packages, by the manifests", shown(&self.packages)),
            ("artifacts, by the manifests", shown(&self.artifacts)),
            ("units", shown(&self.units)),
            ("files", shown(&self.files)),
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

/// A partition's content: offset in the partition, length and digest of each of its ranges.
type Content = Vec<(u64, u64, Digest)>;

/// The content of each partition, and of the space around them. The flag tells whether it is a partition, since one could have
/// the same label.
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

/// What is compared of a package or a file, and whose it is.
#[derive(Debug)]
struct Item<'a> {
    text: &'a str,
    /// As `KIND:NAME`; none of what just comes with a package.
    origins: Vec<&'a str>,
}

/// The versions of packages or artifacts, with the overlays that want them: the rest is of profiles, or comes with others.
fn versions(entries: &[ManifestPackage]) -> BTreeMap<String, Item<'_>> {
    fn item(entry: &ManifestPackage) -> (String, Item<'_>) {
        let overlays = entry.wanted_by.iter().map(String::as_str).filter(|origin| origin.starts_with("overlay:"));
        (entry.name.clone(), Item { text: &entry.version, origins: overlays.collect() })
    }
    entries.iter().map(item).collect()
}

/// A listing as path → the columns that are the file's own, with the profile or overlay that it is of.
fn lines(listing: &str) -> BTreeMap<String, Item<'_>> {
    fn item(rest: &str) -> Item<'_> {
        let (text, origin) = rest.rsplit_once('\t').unwrap_or((rest, ""));
        let is_own = ["overlay:", "profile:"].iter().any(|kind| origin.starts_with(kind));
        Item { text, origins: Some(origin).filter(|_| is_own).into_iter().collect() }
    }
    // The first line has the titles.
    let rows = listing.lines().skip(1).filter_map(|line| line.split_once('\t'));
    rows.map(|(path, rest)| (path.to_owned(), item(rest))).collect()
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

/// A line for each item that is not the same; `owned` is how it is its origins'.
fn changes(
    old: &BTreeMap<String, Item<'_>>,
    new: &BTreeMap<String, Item<'_>>,
    how: impl Fn(&str, &str) -> String,
    owned: &'static str,
) -> Vec<Change> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |name: &String| {
        let (line, item) = match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) if old.text == new.text => return None,
            (Some(old), Some(new)) => {
                let line = format!("~ {name}{}", how(old.text, new.text));
                (line, if new.origins.is_empty() { old } else { new })
            }
            (None, new) => (format!("+ {name}"), new?),
            (Some(old), None) => (format!("- {name}"), old),
        };
        let origins: Vec<String> = item.origins.iter().map(|&origin| origin.to_owned()).collect();
        let before = new.get(name).is_some_and(|new| new.origins.is_empty());
        Some(Change { line, origins, name: name.clone(), owned, before })
    };
    names.into_iter().filter_map(change).collect()
}

/// Whether a line is about a unit or the enablement of one.
fn is_unit(line: &str) -> bool {
    ["/usr/lib/systemd/system/", "/etc/systemd/system/"].iter().any(|dir| line.contains(dir))
}
