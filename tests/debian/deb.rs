//! The `.deb` reader on real packages, against `dpkg-deb` and `tar` as foreign readers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use imgbuild::debian::index;
use imgbuild::debian::resolve::{Universe, resolve};
use imgbuild::debian::{Member, Package, deb};
use imgbuild::profile::Recommends;
use imgbuild::tree::{Content, Digest, Kind};

use crate::apt::Apt;
use crate::debs;

/// Setuid bits, other groups, hard links, a name in UTF-8, links, configuration, and a kernel in many xz
/// blocks.
const PACKAGES: [&str; 14] = [
    "base-files",
    "bash",
    "ca-certificates",
    "dbus",
    "iptables",
    "libc6",
    "openssh-client",
    "openssh-server",
    "passwd",
    "perl-base",
    "sudo",
    "systemd",
    "tzdata",
    "util-linux",
];

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn content(member: &Member) -> Option<&Content> {
    match &member.node.kind {
        Kind::File(content) => Some(content),
        _ => None,
    }
}

/// The members as `tar --list --verbose` prints them, without times, by path.
fn our_listing(package: &Package) -> BTreeMap<String, String> {
    let line = |member: &Member| {
        let node = &member.node;
        let (letter, size, link) = match &node.kind {
            Kind::Dir => ('d', 0, String::new()),
            Kind::File(content) => ('-', content.len(), String::new()),
            Kind::Symlink(target) => ('l', 0, format!(" -> {target}")),
            Kind::HardLink(target) => ('h', 0, format!(" link to ./{target}")),
            Kind::Fifo => ('p', 0, String::new()),
            other => panic!("{} is {}", member.path, other.describe()),
        };
        let mut mode: Vec<char> = "rwxrwxrwx".chars().collect();
        for (bit, letter) in mode.iter_mut().rev().enumerate() {
            if node.mode & (1 << bit) == 0 {
                *letter = '-';
            }
        }
        for (bit, at, set) in [(0o4000, 2, 's'), (0o2000, 5, 's'), (0o1000, 8, 't')] {
            if node.mode & bit != 0 {
                mode[at] = if mode[at] == 'x' { set } else { set.to_ascii_uppercase() };
            }
        }
        let mode: String = mode.into_iter().collect();
        format!("{letter}{mode} {}/{} {size}{link}", node.uid, node.gid)
    };
    package.members.iter().map(|member| (member.path.clone(), line(member))).collect()
}

fn their_listing(deb: &Path) -> BTreeMap<String, String> {
    let script = "dpkg-deb --fsys-tarfile \"$0\" | tar --list --verbose --numeric-owner --quoting-style=literal";
    let output = run(Command::new("sh").args(["-c", script]).arg(deb).env("LC_ALL", "C.UTF-8"));
    let entry = |line: &str| {
        let (mut fields, mut rest) = (Vec::new(), line);
        for _ in 0..5 {
            let (field, tail) = rest.trim_start().split_once(' ').unwrap();
            (fields, rest) = ([fields, vec![field]].concat(), tail);
        }
        let marks = [" -> ", " link to "];
        let mark = marks.iter().zip(["l", "h"]).find(|(_, kind)| line.starts_with(kind)).map(|(mark, _)| *mark);
        let (path, link) = mark.map_or((rest, ""), |mark| rest.split_at(rest.find(mark).unwrap()));
        let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
        (path, format!("{} {} {}{link}", fields[0], fields[1], fields[2]))
    };
    output.lines().map(entry).filter(|(path, _)| !path.is_empty()).collect()
}

/// Compares one package with what `dpkg-deb` makes of it.
fn compare(path: &Path, packs: &Path) -> Package {
    let digest = Digest::of(&fs::read(path).unwrap());
    let package = deb::open(path, digest, packs).unwrap();
    assert_eq!(our_listing(&package), their_listing(path), "{}", path.display());

    let extracted = tempfile::tempdir().unwrap();
    run(Command::new("dpkg-deb").arg("-x").arg(path).arg(extracted.path()));
    for member in &package.members {
        let Some(content) = content(member) else { continue };
        let theirs = fs::read(extracted.path().join(&member.path)).unwrap();
        assert_eq!(content.digest(), Digest::of(&theirs), "{}", member.path);
        assert!(content.read().unwrap() == theirs, "{}", member.path);
    }

    let control = tempfile::tempdir().unwrap();
    run(Command::new("dpkg-deb").arg("-e").arg(path).arg(control.path()));
    let mut names: Vec<String> =
        fs::read_dir(control.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != "control");
    names.sort();
    assert_eq!(package.control.keys().collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
    for (name, bytes) in &package.control {
        assert_eq!(*bytes, fs::read(control.path().join(name)).unwrap(), "{name}");
    }
    for field in ["Package", "Version", "Architecture", "Depends", "Description"] {
        let theirs = run(Command::new("dpkg-deb").arg("-f").arg(path).arg(field));
        assert_eq!(package.field(field).unwrap_or_default(), theirs.trim_end_matches('\n'), "{field}");
    }
    package
}

/// The package that the `linux-image-ARCH` of the archive stands for.
fn kernel(apt: &Apt) -> String {
    let suites = apt.suites();
    let universe =
        Universe::new("amd64", suites.iter().map(|suite| (suite.name, index::parse(&suite.text).unwrap()))).unwrap();
    let selection = resolve(&universe, &["linux-image-amd64".to_owned()], &Recommends::default()).unwrap();
    let images = selection.packages().map(|found| found.stanza.name).filter(|name| name.starts_with("linux-image-6."));
    images.last().unwrap().to_owned()
}

#[test]
fn real_packages_are_read_as_dpkg_reads_them() {
    let apt = Apt::amd64();
    let packs = tempfile::tempdir().unwrap();
    for path in apt.download(&PACKAGES) {
        compare(&path, packs.path());
    }
}

#[test]
fn a_kernel_is_read_as_dpkg_reads_it() {
    let apt = Apt::amd64();
    let packs = tempfile::tempdir().unwrap();
    let package = compare(&apt.download(&[&kernel(apt)])[0], packs.path());
    assert!(package.members.len() > 4000);
}

/// A package made by `dpkg-deb` with the given compression.
fn built(dir: &Path, compression: &str) -> PathBuf {
    let root = dir.join("root");
    fs::create_dir_all(root.join("DEBIAN")).unwrap();
    fs::create_dir_all(root.join("usr/share")).unwrap();
    fs::write(root.join("DEBIAN/control"), format!("{}Maintainer: nobody\n", debs::CONTROL)).unwrap();
    fs::write(root.join("usr/share/file"), "text\n".repeat(100_000)).unwrap();
    fs::write(root.join("usr/share/naïve name"), "").unwrap();
    let long = "component/".repeat(30);
    fs::create_dir_all(root.join("usr").join(&long)).unwrap();
    let _ = fs::hard_link(root.join("usr/share/file"), root.join("usr").join(long).join("hard link"));
    let deb = dir.join(format!("{compression}.deb"));
    let option = format!("-Z{compression}");
    run(Command::new("dpkg-deb")
        .args(["--root-owner-group", "--uniform-compression", &option, "--build"])
        .arg(root)
        .arg(&deb));
    deb
}

#[test]
fn every_compression_of_dpkg_is_read() {
    let dir = tempfile::tempdir().unwrap();
    for compression in ["xz", "gzip", "zstd", "none"] {
        compare(&built(dir.path(), compression), dir.path());
    }
}

fn listing_of_packs(packs: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(packs).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a_pack_serves_without_the_deb_and_is_rebuilt_when_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let packs = dir.path().join("packs");
    let path = built(dir.path(), "xz");
    let digest = Digest::of(&fs::read(&path).unwrap());
    let first = our_listing(&deb::open(&path, digest, &packs).unwrap());
    let files = listing_of_packs(&packs);
    assert_eq!(files.len(), 2, "{files:?}");
    let [index, pack] = [&files[0], &files[1]];
    assert!(index.ends_with(format!("{digest}.idx")) && pack.ends_with(format!("{digest}.tar")));

    assert_eq!(our_listing(&deb::open(Path::new("/nonexistent"), digest, &packs).unwrap()), first);

    let sound = (fs::read(index).unwrap(), fs::read(pack).unwrap());
    let damages: [&dyn Fn(); 6] = [
        &|| fs::remove_file(index).unwrap(),
        &|| fs::remove_file(pack).unwrap(),
        &|| fs::write(index, &sound.0[..sound.0.len() - 1]).unwrap(),
        &|| fs::write(index, String::from_utf8(sound.0.clone()).unwrap().replace("usr/share", "usr/shore")).unwrap(),
        &|| fs::write(index, "").unwrap(),
        &|| fs::write(pack, &sound.1[..sound.1.len() - 512]).unwrap(),
    ];
    for damage in damages {
        damage();
        assert!(deb::open(Path::new("/nonexistent"), digest, &packs).is_err());
        assert_eq!(our_listing(&deb::open(&path, digest, &packs).unwrap()), first);
        assert_eq!((fs::read(index).unwrap(), fs::read(pack).unwrap()), sound);
    }
}
