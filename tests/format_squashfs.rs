//! The squashfs writer, read back by `unsquashfs` and `backhand`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor};
use std::num::NonZero;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use imgbuild::format::squashfs::{
    BlockStore, Entry, EntryKind, FileData, NoStore, Options, SquashfsError, Summary, write,
};
use imgbuild::tree::{Content, Kind, Node, Tree};
use proptest::prelude::*;
use tempfile::TempDir;

const OPTIONS: Options = Options { block_size: 1 << 17, level: 3, mtime: 1_600_000_000, threads: None };

/// A tree's content as the writer wants it.
struct Data<'a>(&'a Content);

impl FileData for Data<'_> {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn digest(&self) -> [u8; 32] {
        self.0.digest().0
    }

    fn read_range(&self, start: u64, len: u64) -> io::Result<Cow<'_, [u8]>> {
        self.0.read_range(start, len)
    }
}

fn try_image(tree: &Tree, options: &Options, store: &dyn BlockStore) -> Result<(Vec<u8>, Summary), SquashfsError> {
    let contents: BTreeMap<&str, Data<'_>> = tree
        .iter()
        .filter_map(
            |(path, node)| if let Kind::File(content) = &node.kind { Some((path, Data(content))) } else { None },
        )
        .collect();
    let entries: Vec<Entry<'_>> = tree
        .iter()
        .map(|(path, node)| Entry {
            path,
            mode: node.mode,
            uid: node.uid,
            gid: node.gid,
            xattrs: &node.xattrs,
            kind: match &node.kind {
                Kind::Dir => EntryKind::Dir,
                Kind::File(_) => EntryKind::File(&contents[path]),
                Kind::Symlink(target) => EntryKind::Symlink(target),
                Kind::HardLink(target) => EntryKind::HardLink(target),
                &Kind::CharDevice { major, minor } => EntryKind::CharDevice { major, minor },
                &Kind::BlockDevice { major, minor } => EntryKind::BlockDevice { major, minor },
                Kind::Fifo => EntryKind::Fifo,
            },
        })
        .collect();
    let mut out = Cursor::new(Vec::new());
    let summary = write(&entries, options, store, &mut out)?;
    assert_eq!(summary.image_len, out.get_ref().len() as u64);
    assert_eq!(summary.image_len % 4096, 0);
    Ok((out.into_inner(), summary))
}

fn image(tree: &Tree, options: &Options) -> Vec<u8> {
    try_image(tree, options, &NoStore).expect("the tree can be written").0
}

/// A directory of this test's own on the target directory's file system, which knows attributes.
fn scratch() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch directory")
}

fn run(command: &mut Command) -> String {
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
fn listing(image: &[u8]) -> BTreeMap<String, String> {
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
fn expected_listing(tree: &Tree) -> BTreeMap<String, String> {
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
fn permissions(mode: u16) -> String {
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

fn without_directory_sizes(listing: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let blank = |(path, facts): (String, String)| {
        let mut words: Vec<&str> = facts.split(' ').collect();
        if facts.starts_with('d') {
            words[2] = "";
        }
        (path, words.join(" "))
    };
    listing.into_iter().map(blank).collect()
}

fn extract(image: &[u8]) -> (TempDir, PathBuf) {
    let dir = scratch();
    let (file, root) = (dir.path().join("image"), dir.path().join("root"));
    fs::write(&file, image).unwrap();
    run(Command::new("unsquashfs").arg("-no-progress").arg("-d").arg(&root).arg(file));
    (dir, root)
}

/// Lets both readers read `tree`'s image and compares all they say with the tree.
fn check(tree: &Tree, options: &Options) {
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

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

fn check_with_backhand(tree: &Tree, image: Vec<u8>) {
    use backhand::{FilesystemReader, InnerNode};
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
            (InnerNode::CharacterDevice(_), Kind::CharDevice { .. })
            | (InnerNode::BlockDevice(_), Kind::BlockDevice { .. }) => {}
            _ => panic!("{path} is not {}", wanted.kind.describe()),
        }
        paths.push(path);
    }
    paths.sort();
    assert_eq!(paths, tree.iter().map(|(path, _)| path.to_owned()).collect::<Vec<_>>());
}

/// Bytes without any pattern (splitmix64).
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..len.div_ceil(8)).flat_map(|_| next().to_le_bytes()).take(len).collect()
}

/// Text of `len` bytes that compresses, different for each seed.
fn text(seed: usize, len: usize) -> Vec<u8> {
    (0..).flat_map(|line| format!("line {line} of text {seed}\n").into_bytes()).take(len).collect()
}

fn tree(nodes: impl IntoIterator<Item = (impl AsRef<str>, Node)>) -> Tree {
    let mut tree = Tree::new();
    for (path, node) in nodes {
        tree.put(path.as_ref(), node).expect("a test's tree is sound");
    }
    tree
}

#[test]
fn files_around_the_block_size_come_back() {
    for block_size in [4096, 1 << 17, 1 << 20] {
        let size = block_size as usize;
        let mut holes = vec![0; 4 * size];
        holes[2 * size] = 1;
        let tree = tree([
            ("empty", Node::file(0o644, "")),
            ("one", Node::file(0o644, "x")),
            ("less", Node::file(0o644, text(1, size - 1))),
            ("exact", Node::file(0o644, text(2, size))),
            ("more", Node::file(0o644, text(3, size + 1))),
            ("twice", Node::file(0o644, text(4, 2 * size))),
            ("noise", Node::file(0o644, noise(5, 3 * size + 77))),
            ("small-noise", Node::file(0o644, noise(6, size / 3))),
            ("zeros", Node::file(0o644, vec![0; 3 * size + 5])),
            ("few-zeros", Node::file(0o644, vec![0; 100])),
            ("holes", Node::file(0o644, holes)),
            ("same-as-more", Node::file(0o644, text(3, size + 1))),
        ]);
        check(&tree, &Options { block_size, ..OPTIONS });
    }
}

#[test]
fn every_kind_mode_and_owner_is_listed_as_given() {
    let tree = tree([
        ("dev/null", Node::of(Kind::CharDevice { major: 1, minor: 3 }, 0o666)),
        ("dev/large", Node::of(Kind::CharDevice { major: 4095, minor: 1_048_575 }, 0o600).owned(0, 5)),
        ("dev/sda", Node::of(Kind::BlockDevice { major: 8, minor: 256 }, 0o660).owned(0, 6)),
        ("run/initctl", Node::of(Kind::Fifo, 0o600)),
        ("usr/bin/su", Node::file(0o4755, "su")),
        ("usr/bin/wall", Node::file(0o2755, "wall").owned(0, 5)),
        ("tmp", Node::dir(0o1777)),
        ("var/mail", Node::dir(0o2775).owned(0, 8)),
        ("home/u", Node::dir(0o700).owned(4_000_000_000, 4_000_000_001)),
        ("link", Node::symlink("usr/bin/su")),
        ("empty-dir", Node::dir(0o755)),
        ("empty", Node::file(0o000, "")),
    ]);
    let image = image(&tree, &OPTIONS);
    assert_eq!(without_directory_sizes(listing(&image)), expected_listing(&tree));
    check_with_backhand(&tree, image);
}

#[test]
fn long_names_links_and_deep_paths_come_back() {
    let deep: Vec<String> = (0..60).map(|depth| format!("directory-{depth}")).collect();
    let tree = tree([
        ("n".repeat(255), Node::file(0o644, "long name")),
        ("ü".repeat(127), Node::file(0o644, "not ASCII")),
        ("target".to_owned(), Node::symlink("t/".repeat(2047))),
        (deep.join("/"), Node::file(0o644, "deep")),
    ]);
    check(&tree, &OPTIONS);
}

#[test]
fn hard_links_share_an_inode_wherever_their_names_are() {
    let tree = tree([
        ("a/first", Node::hard_link("m/file")),
        ("m/file", Node::file(0o755, text(1, 300_000)).owned(1, 2)),
        ("m/other", Node::hard_link("m/file")),
        ("z/last", Node::hard_link("m/file")),
        ("z/equal-but-apart", Node::file(0o644, text(1, 300_000))),
    ]);
    check(&tree, &OPTIONS);
}

#[test]
fn directories_link_to_their_subdirectories() {
    let tree = tree([("a/b", Node::dir(0o755)), ("a/c", Node::dir(0o755)), ("a/file", Node::file(0o644, ""))]);
    let (summary, image) = {
        let (image, summary) = try_image(&tree, &OPTIONS, &NoStore).unwrap();
        (summary, image)
    };
    assert_eq!(summary.inodes, 5);
    let (_dir, root) = extract(&image);
    assert!(root.join("a/b").is_dir());
}

#[test]
fn a_directory_of_70_000_files_is_listed_and_looked_up() {
    let file = |number| (format!("big/file-{number:05}"), Node::file(0o644, format!("{}", number % 1000)));
    let tree = tree((0..70_000).map(file));
    let image = image(&tree, &OPTIONS);
    assert_eq!(without_directory_sizes(listing(&image)), expected_listing(&tree));
}

#[test]
fn many_owners_are_kept_apart_and_too_many_refused() {
    let file = |id: u32| (format!("{id:05}"), Node::file(0o644, "").owned(id, 100_000));
    let tree_of = |ids| tree((0..ids).map(file));
    let fits = tree_of(65_533);
    assert_eq!(without_directory_sizes(listing(&image(&fits, &OPTIONS))), expected_listing(&fits));
    let error = try_image(&tree_of(65_535), &OPTIONS, &NoStore).unwrap_err();
    assert!(matches!(error, SquashfsError::TooMany { .. }), "{error}");
}

#[test]
fn extended_attributes_come_back_and_equal_sets_are_kept_once() {
    let with = |pairs: &[(&str, &[u8])], content: &str| {
        let mut node = Node::file(0o644, content);
        node.xattrs = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
        node
    };
    let mut dir = Node::dir(0o755);
    dir.xattrs.insert("user.dir".to_owned(), b"d".to_vec());
    let long = vec![b'v'; 3000];
    let many = (0..400).map(|i| (format!("many/{i}"), with(&[("user.number", format!("{}", i / 2).as_bytes())], "")));
    let mut tree = tree(many);
    tree.put("dir", dir).unwrap();
    tree.put("long", with(&[("user.long", &long), ("user.short", b"\0\xff")], "x")).unwrap();
    let (_dir, root) = extract(&image(&tree, &OPTIONS));
    let attributes = |path: &str| {
        let output = run(Command::new("getfattr").args(["-d", "-e", "hex", "--absolute-names"]).arg(root.join(path)));
        let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        output.lines().filter_map(pair).collect::<BTreeMap<String, String>>()
    };
    for (path, node) in tree.iter() {
        let hex = |bytes: &[u8]| bytes.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}"));
        let wanted: BTreeMap<String, String> =
            node.xattrs.iter().map(|(name, value)| (name.clone(), hex(value))).collect();
        assert_eq!(attributes(path), wanted, "{path}");
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let file = |number: usize| (format!("{}/{number}", number % 7), Node::file(0o644, text(number, number * 97)));
    let mut tree = tree((0..500).map(file));
    tree.put("large", Node::file(0o644, noise(1, 1_000_000))).unwrap();
    let with = |threads| image(&tree, &Options { threads: NonZero::new(threads), block_size: 1 << 16, ..OPTIONS });
    let one = with(1);
    assert!(one == with(2) && one == with(7));
}

/// A store that counts.
#[derive(Default)]
struct Memory {
    blocks: Mutex<BTreeMap<[u8; 32], Vec<u8>>>,
}

impl Memory {
    fn len(&self) -> usize {
        self.blocks.lock().unwrap().len()
    }
}

impl BlockStore for Memory {
    fn get(&self, key: &[u8; 32]) -> Option<Vec<u8>> {
        self.blocks.lock().unwrap().get(key).cloned()
    }

    fn put(&self, key: &[u8; 32], block: &[u8]) {
        self.blocks.lock().unwrap().insert(*key, block.to_vec());
    }
}

fn many_small_files() -> Tree {
    tree((0..4000).map(|number| {
        let len = 100 + number * 7919 % 9000;
        (format!("usr/share/{:02}/{number:04}", number % 40), Node::file(0o644, text(number, len)))
    }))
}

#[test]
fn a_changed_small_file_costs_one_or_two_blocks() {
    let mut tree = many_small_files();
    let store = Memory::default();
    try_image(&tree, &OPTIONS, &store).unwrap();
    assert!(store.len() > 100, "{} blocks", store.len());
    let mut costs = Vec::new();
    for number in (0..4000).step_by(37) {
        let path = format!("usr/share/{:02}/{number:04}", number % 40);
        let before = store.len();
        *tree.get_mut(&path).unwrap() = Node::file(0o644, text(number + 10_000, 100 + number * 31 % 9000));
        try_image(&tree, &OPTIONS, &store).unwrap();
        costs.push(store.len() - before);
    }
    costs.sort_unstable();
    println!("{costs:?}");
    assert!(costs[costs.len() * 9 / 10] <= 2, "{costs:?}");
}
