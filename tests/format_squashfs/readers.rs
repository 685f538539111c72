//! What `unsquashfs` and `backhand` say of an image, compared with the tree it was made of.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use backhand::{FilesystemReader, InnerNode};
use imgbuild::format::squashfs::Options;
use imgbuild::tree::{Kind, Node, Tree};
use tempfile::TempDir;

use crate::samples::{OPTIONS, image};

/// A directory of this test's own on the target directory's file system, which knows attributes.
pub fn scratch() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch directory")
}

pub fn run(command: &mut Command) -> String {
    let output = command.env("TZ", "UTC").output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("a listing in UTF-8")
}

/// What `unsquashfs` says of each path: permissions, `uid/gid`, size or device number, date and link target.
pub fn listing(image: &[u8]) -> BTreeMap<String, String> {
    let dir = scratch();
    let file = dir.path().join("image");
    fs::write(&file, image).unwrap();
    let text = run(Command::new("unsquashfs").args(["-lln", "-d", "R"]).arg(file));
    let parse = |line: &str| {
        let (facts, name) = line.split_once(" R").expect("a path below R");
        let facts: Vec<&str> = facts.split_whitespace().collect();
        let (path, target) = name.split_once(" -> ").unwrap_or((name, ""));
        let target = if target.is_empty() { String::new() } else { format!(" -> {target}") };
        (path.trim_start_matches('/').to_owned(), format!("{}{target}", facts.join(" ").replace(", ", ",")))
    };
    text.lines().filter(|line| line.contains(" R")).map(parse).collect()
}

/// What [`listing`] should say of `tree`; sizes of directories are left out, for they tell nothing.
pub fn expected_listing(tree: &Tree) -> BTreeMap<String, String> {
    let describe = |node: &Node| {
        let (letter, size, target) = match &node.kind {
            Kind::Dir => ('d', String::new(), String::new()),
            Kind::File(content) => ('-', content.len().to_string(), String::new()),
            Kind::Symlink(target) => ('l', target.len().to_string(), format!(" -> {target}")),
            Kind::CharDevice { major, minor } => ('c', format!("{major},{minor}"), String::new()),
            Kind::BlockDevice { major, minor } => ('b', format!("{major},{minor}"), String::new()),
            Kind::Fifo => ('p', "0".to_owned(), String::new()),
            Kind::HardLink(_) => unreachable!("described by its target"),
        };
        let mode = permissions(node.mode);
        format!("{letter}{mode} {}/{} {size} 2020-09-13 12:26{target}", node.uid, node.gid)
    };
    let node = |node: &Node| match &node.kind {
        Kind::HardLink(target) => describe(tree.get(target).expect("a hard link's target")),
        _ => describe(node),
    };
    tree.iter().map(|(path, found)| (path.to_owned(), node(found))).collect()
}

/// `rwxr-xr-x` with the letters for setuid, setgid and sticky.
pub fn permissions(mode: u16) -> String {
    let class = |shift: u16, special: u16, letters: [char; 2]| {
        let bits = mode >> shift;
        let last = match (mode & special != 0, bits & 1 != 0) {
            (true, true) => letters[0],
            (true, false) => letters[1],
            (false, true) => 'x',
            (false, false) => '-',
        };
        [if bits & 4 != 0 { 'r' } else { '-' }, if bits & 2 != 0 { 'w' } else { '-' }, last]
    };
    [class(6, 0o4000, ['s', 'S']), class(3, 0o2000, ['s', 'S']), class(0, 0o1000, ['t', 'T'])]
        .iter()
        .flatten()
        .collect()
}

pub fn without_directory_sizes(listing: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let blank = |(path, facts): (String, String)| {
        let mut words: Vec<&str> = facts.split(' ').collect();
        if facts.starts_with('d') {
            words[2] = "";
        }
        (path, words.join(" "))
    };
    listing.into_iter().map(blank).collect()
}

pub fn extract(image: &[u8]) -> (TempDir, PathBuf) {
    let dir = scratch();
    let (file, root) = (dir.path().join("image"), dir.path().join("root"));
    fs::write(&file, image).unwrap();
    run(Command::new("unsquashfs").arg("-no-progress").arg("-d").arg(&root).arg(file));
    (dir, root)
}

/// Lets both readers read `tree`'s image and compares all they say with the tree.
pub fn check(tree: &Tree, options: &Options) {
    let image = image(tree, options);
    assert_eq!(without_directory_sizes(listing(&image)), expected_listing(tree));
    let (_dir, root) = extract(&image);
    let names: BTreeMap<&str, u64> = tree
        .iter()
        .filter_map(|(path, node)| match &node.kind {
            Kind::File(_) => Some(path),
            Kind::HardLink(target) => Some(target.as_str()),
            _ => None,
        })
        .fold(BTreeMap::new(), |mut names, path| {
            *names.entry(path).or_default() += 1;
            names
        });
    for (path, node) in tree.iter() {
        let found = root.join(path);
        let owner = match &node.kind {
            Kind::File(_) => path,
            Kind::HardLink(target) => {
                assert_eq!(inode(&found), inode(&root.join(target)), "{path} is no hard link to {target}");
                target
            }
            _ => continue,
        };
        assert!(fs::read(&found).unwrap() == *tree.file(owner).unwrap().read().unwrap(), "content of {path}");
        assert_eq!(fs::metadata(&found).unwrap().nlink(), names[owner], "links of {path}");
    }
    check_with_backhand(tree, image);
}

pub fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

pub fn check_with_backhand(tree: &Tree, image: Vec<u8>) {
    let reader = FilesystemReader::from_reader(Cursor::new(image)).expect("backhand reads the image");
    let mut paths = Vec::new();
    for node in reader.files() {
        let path = node.fullpath.to_str().unwrap().trim_start_matches('/').to_owned();
        let mut wanted = tree.get(&path).unwrap_or_else(|| panic!("{path} is not in the tree"));
        if let Kind::HardLink(target) = &wanted.kind {
            wanted = tree.get(target).unwrap();
        }
        let header = node.header;
        assert_eq!(
            (header.permissions, header.uid, header.gid, header.mtime),
            (wanted.mode, wanted.uid, wanted.gid, OPTIONS.mtime),
            "{path}"
        );
        match (&node.inner, &wanted.kind) {
            (InnerNode::File(file), Kind::File(content)) => {
                let mut bytes = Vec::new();
                io::copy(&mut reader.file(file).reader(), &mut bytes).unwrap();
                assert!(bytes == *content.read().unwrap(), "content of {path}");
            }
            (InnerNode::Symlink(link), Kind::Symlink(target)) => assert_eq!(link.link, Path::new(target)),
            (InnerNode::Dir(_), Kind::Dir) | (InnerNode::NamedPipe, Kind::Fifo) => {}
            (InnerNode::CharacterDevice(device), &Kind::CharDevice { major, minor }) => {
                assert_eq!(device.device_number, new_encode_dev(major, minor), "{path}");
            }
            (InnerNode::BlockDevice(device), &Kind::BlockDevice { major, minor }) => {
                assert_eq!(device.device_number, new_encode_dev(major, minor), "{path}");
            }
            _ => panic!("{path} is not {}", wanted.kind.describe()),
        }
        paths.push(path);
    }
    paths.sort();
    assert_eq!(paths, tree.iter().map(|(path, _)| path.to_owned()).collect::<Vec<_>>());
}

/// A device number as `include/linux/kdev_t.h` packs it: 12 bits of major number inside 20 bits of minor number.
pub fn new_encode_dev(major: u32, minor: u32) -> u32 {
    (minor % 256) + (major * 256) + (minor / 256) * (1 << 20)
}
