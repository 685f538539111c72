//! Reads a `.deb` through `dpkg-deb`, dpkg's own reader.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use imgbuild::debian::{Member, Package};
use imgbuild::tree::{Content, Digest, Kind, Node, Pack, clean};

/// Everything in the package at `path`.
pub fn open(path: &Path) -> Package {
    let mut control = BTreeMap::new();
    for entry in tar::Archive::new(run("--ctrl-tarfile", path).as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = clean(entry.path().unwrap().to_str().unwrap()).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if !name.is_empty() {
            control.insert(name, bytes);
        }
    }
    let fields = fields(std::str::from_utf8(&control["control"]).unwrap());
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).unwrap().1.clone();
    let name = field("Package");
    let members = members(path, &name);
    Package { name, version: field("Version"), arch: field("Architecture"), fields, control, members }
}

fn run(option: &str, path: &Path) -> Vec<u8> {
    let output = Command::new("dpkg-deb").arg(option).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", path.display());
    output.stdout
}

fn fields(control: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in control.lines() {
        if line.starts_with([' ', '\t']) {
            let (_, value) = fields.last_mut().unwrap();
            value.push('\n');
            value.push_str(line);
        } else if let Some((key, value)) = line.split_once(':') {
            fields.push((key.to_owned(), value.trim().to_owned()));
        }
    }
    fields
}

/// The members of `data.tar`, their contents in a file beside the package.
fn members(path: &Path, package: &str) -> Vec<Member> {
    let data = path.with_extension("data.tar");
    if !data.exists() {
        std::fs::write(&data, run("--fsys-tarfile", path)).unwrap();
    }
    let pack = Pack::open(&data).unwrap();
    let mut archive = tar::Archive::new(std::fs::File::open(&data).unwrap());
    let mut members = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = clean(entry.path().unwrap().to_str().unwrap()).unwrap();
        let header = entry.header().clone();
        let link = || entry.link_name().unwrap().unwrap().to_str().unwrap().to_owned();
        let kind = match header.entry_type() {
            tar::EntryType::Directory => Kind::Dir,
            tar::EntryType::Symlink => Kind::Symlink(link()),
            tar::EntryType::Link => Kind::HardLink(clean(&link()).unwrap()),
            tar::EntryType::Regular => {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes).unwrap();
                let (offset, len) = (entry.raw_file_position(), bytes.len() as u64);
                Kind::File(Content::Slice { pack: pack.clone(), offset, len, digest: Digest::of(&bytes) })
            }
            other => panic!("{path}: {other:?}"),
        };
        let mode = u16::try_from(header.mode().unwrap() & 0o7777).unwrap();
        let owner = |id: u64| u32::try_from(id).unwrap();
        let node = Node::of(kind, mode).owned(owner(header.uid().unwrap()), owner(header.gid().unwrap())).from(package);
        members.push(Member { path, node });
    }
    members
}
