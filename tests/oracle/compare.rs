//! Two root file systems, path by path.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{BufReader, Read};
use std::path::Path;

use backhand::{FilesystemReader, InnerNode, SquashfsFileReader};
use imgbuild::tree::{Digest, clean};

use crate::image::Image;

/// One path, owners by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    kind: &'static str,
    mode: u32,
    owner: String,
    /// A file's content.
    content: Option<Digest>,
    /// A link's target.
    target: Option<String>,
}

/// A root file system by clean path.
pub type Listing = BTreeMap<String, Entry>;

/// One way in which one path differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub path: String,
    /// `missing` (in ours), `extra`, `type`, `mode`, `owner`, `content` or `target`.
    pub what: &'static str,
    detail: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "/{}: {} {}", self.path, self.what, self.detail)
    }
}

/// The tree that mmdebstrap packed.
pub fn from_tar(path: &Path) -> Listing {
    let mut raw: BTreeMap<String, (Entry, u64, u64)> = BTreeMap::new();
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for entry in tar::Archive::new(std::fs::File::open(path).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = clean(entry.path().unwrap().to_str().unwrap()).unwrap();
        let header = entry.header().clone();
        let target = entry.link_name().unwrap().map(|target| target.to_str().unwrap().to_owned());
        if header.entry_type() == tar::EntryType::Link {
            let same = raw[&clean(&target.unwrap()).unwrap()].clone();
            raw.insert(path, same);
            continue;
        }
        let kind = match header.entry_type() {
            tar::EntryType::Directory => "directory",
            tar::EntryType::Symlink => "link",
            tar::EntryType::Regular => "file",
            _ => "device",
        };
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let content = (kind == "file").then(|| content(&path, &bytes));
        if matches!(path.as_str(), "etc/passwd" | "etc/group") {
            files.insert(path.clone(), bytes);
        }
        let entry = Entry { kind, mode: header.mode().unwrap() & 0o7777, owner: String::new(), content, target };
        raw.insert(path, (entry, header.uid().unwrap(), header.gid().unwrap()));
    }
    with_owners(raw, &files)
}

/// The root file system of an image, as another program than the one that wrote it reads it.
pub fn from_image(image: &Image) -> Listing {
    let file = BufReader::new(std::fs::File::open(&image.file).unwrap());
    let reader = FilesystemReader::from_reader_with_offset(file, image.root).unwrap();
    let read = |file: &SquashfsFileReader| {
        let mut bytes = Vec::new();
        reader.file(file).reader().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let mut raw: BTreeMap<String, (Entry, u64, u64)> = BTreeMap::new();
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for node in reader.files() {
        let path = node.fullpath.to_str().unwrap().trim_start_matches('/').to_owned();
        let (kind, content, target) = match &node.inner {
            InnerNode::Dir(_) => ("directory", None, None),
            InnerNode::File(file) => {
                let bytes = read(file);
                let content = content(&path, &bytes);
                if matches!(path.as_str(), "etc/passwd" | "etc/group") {
                    files.insert(path.clone(), bytes);
                }
                ("file", Some(content), None)
            }
            InnerNode::Symlink(link) => ("link", None, Some(link.link.to_str().unwrap().to_owned())),
            _ => ("device", None, None),
        };
        let mode = u32::from(node.header.permissions);
        let entry = Entry { kind, mode, owner: String::new(), content, target };
        raw.insert(path, (entry, node.header.uid.into(), node.header.gid.into()));
    }
    with_owners(raw, &files)
}

/// Owners by the names that the root file system itself gives them.
fn with_owners(raw: BTreeMap<String, (Entry, u64, u64)>, files: &BTreeMap<String, Vec<u8>>) -> Listing {
    let users = names(files.get("etc/passwd").map(Vec::as_slice));
    let groups = names(files.get("etc/group").map(Vec::as_slice));
    raw.into_iter()
        .map(|(path, (entry, uid, gid))| (path, Entry { owner: owner(&users, &groups, uid, gid), ..entry }))
        .collect()
}

/// The account that profiles have for people; packages know nothing of it.
const PERSON: &str = "admin";

/// What of a file's bytes counts. Account files are compared without order, numbers, dates and the account for people:
/// numbers are pinned by the lock, and a password's date is the day of installation.
fn content(path: &str, bytes: &[u8]) -> Digest {
    let blank: &[usize] = match path {
        "etc/passwd" => &[2, 3],
        "etc/group" | "etc/shadow" => &[2],
        // dpkg has its overrides in the order of a hash table.
        "etc/gshadow" | "etc/subuid" | "etc/subgid" | "var/lib/dpkg/statoverride" => &[],
        "var/lib/dpkg/diversions" => return Digest::of(diversions(bytes).as_bytes()),
        _ => return Digest::of(bytes),
    };
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| line.split(':').next() != Some(PERSON))
        .map(|line| {
            let fields = line.split(':').enumerate();
            let kept = fields.map(|(index, field)| match field {
                _ if blank.contains(&index) => String::new(),
                // Members of a group, which come last.
                field => field.split(',').filter(|member| *member != PERSON).collect::<Vec<_>>().join(","),
            });
            kept.collect::<Vec<_>>().join(":")
        })
        .collect();
    lines.sort();
    Digest::of(lines.join("\n").as_bytes())
}

/// The diversions in the order of their paths. Those outside of `/usr` are of names in aliased directories, guard upgrades from
/// before merged `/usr`, and are not in an image.
pub fn diversions(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    let mut diversions: Vec<_> = lines.chunks(3).filter(|diversion| diversion[0].starts_with("/usr/")).collect();
    diversions.sort_unstable();
    diversions.concat().join("\n")
}

/// Names by number from `passwd` or `group`.
fn names(file: Option<&[u8]>) -> BTreeMap<u64, String> {
    let text = String::from_utf8_lossy(file.unwrap_or_default()).into_owned();
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            Some((fields.nth(1)?.parse().ok()?, name.to_owned()))
        })
        .collect()
}

fn owner(users: &BTreeMap<u64, String>, groups: &BTreeMap<u64, String>, uid: u64, gid: u64) -> String {
    let name = |names: &BTreeMap<u64, String>, id: u64| match (names.get(&id), id) {
        (Some(name), _) => name.clone(),
        (None, 0) => "root".to_owned(),
        (None, id) => id.to_string(),
    };
    format!("{}:{}", name(users, uid), name(groups, gid))
}

/// All differences between what scripts made and what the image holds, in path order.
pub fn compare(installed: &Listing, ours: &Listing) -> Vec<Difference> {
    let mut differences = Vec::new();
    for path in installed.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
        let mut tell = |what: &'static str, detail: String| {
            differences.push(Difference { path: path.clone(), what, detail });
        };
        match (installed.get(path), ours.get(path)) {
            (Some(theirs), None) => tell("missing", format!("({} {:04o} {})", theirs.kind, theirs.mode, theirs.owner)),
            (None, Some(own)) => tell("extra", format!("({} {:04o} {})", own.kind, own.mode, own.owner)),
            (Some(theirs), Some(own)) => {
                if theirs.kind != own.kind {
                    tell("type", format!("{} there, {} here", theirs.kind, own.kind));
                    continue;
                }
                if theirs.kind != "link" && theirs.mode != own.mode {
                    tell("mode", format!("{:04o} there, {:04o} here", theirs.mode, own.mode));
                }
                if theirs.owner != own.owner {
                    tell("owner", format!("{} there, {} here", theirs.owner, own.owner));
                }
                if theirs.content != own.content {
                    tell("content", String::new());
                }
                if theirs.target != own.target {
                    tell("target", format!("{:?} there, {:?} here", theirs.target, own.target));
                }
            }
            (None, None) => {}
        }
    }
    differences
}
