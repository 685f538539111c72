//! The squashfs writer, read back by `unsquashfs` and `backhand`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod any_tree;
mod cost;
#[path = "../host_tree/mod.rs"]
mod host_tree;
mod readers;
mod refusals;
mod samples;

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use imgbuild::format::NoStore;
use imgbuild::format::squashfs::{Entry, EntryKind, Options, SquashfsError, write};
use imgbuild::tree::{Content, Kind, Node};

use readers::{check, check_with_backhand, expected_listing, extract, listing, run, without_directory_sizes};
use samples::{Data, OPTIONS, image, noise, text, tree, try_image};

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
        ("dev/sda", Node::of(Kind::BlockDevice { major: 8, minor: 16 }, 0o660).owned(0, 6)),
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

/// `unsquashfs -ll` cuts large device numbers, hence not part of the test above.
#[test]
fn large_device_numbers_are_packed_as_linux_does_and_too_large_ones_refused() {
    let device = |major, minor| tree([("device", Node::of(Kind::CharDevice { major, minor }, 0o600))]);
    for (major, minor) in [(4095, 1_048_575), (8, 256), (259, 77_777)] {
        let tree = device(major, minor);
        check_with_backhand(&tree, image(&tree, &OPTIONS));
    }
    for (major, minor) in [(4096, 0), (0, 1 << 20)] {
        let error = try_image(&device(major, minor), &OPTIONS, &NoStore).unwrap_err();
        assert!(matches!(error, SquashfsError::Device { .. }), "{error}");
    }
}

#[test]
fn long_names_links_and_deep_paths_come_back() {
    let deep: Vec<String> = (0..60).map(|depth| format!("directory-{depth}")).collect();
    let tree = tree([
        ("n".repeat(255), Node::file(0o644, "long name")),
        ("ü".repeat(127), Node::file(0o644, "not ASCII")),
        ("target".to_owned(), Node::symlink("t/".repeat(127))),
        (deep.join("/"), Node::file(0o644, "deep")),
    ]);
    check(&tree, &OPTIONS);
}

/// `backhand` reads targets of up to 256 bytes only.
#[test]
fn the_longest_target_of_a_link_comes_back_and_a_longer_one_is_refused() {
    let link = |len: usize| tree([("link", Node::symlink("t".repeat(len)))]);
    let longest = link(4095);
    assert_eq!(without_directory_sizes(listing(&image(&longest, &OPTIONS))), expected_listing(&longest));
    for len in [0, 4096] {
        let error = try_image(&link(len), &OPTIONS, &NoStore).unwrap_err();
        assert!(matches!(error, SquashfsError::Symlink { .. }), "{error}");
    }
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
    // A revision 2 capability set (`include/uapi/linux/capability.h`): CAP_NET_RAW, effective.
    let capability: Vec<u8> = [0x0200_0001_u32, 1 << 13, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
    let many = (0..400).map(|i| (format!("many/{i}"), with(&[("user.number", format!("{}", i / 2).as_bytes())], "")));
    let mut tree = tree(many);
    tree.put("dir", dir).unwrap();
    tree.put("long", with(&[("user.long", &long), ("user.short", b"\0\xff")], "x")).unwrap();
    // Only root may set these, so only root's unsquashfs can bring them back.
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        tree.put("ping", with(&[("security.capability", &capability), ("trusted.t", b"t"), ("user.u", b"")], "x"))
            .unwrap();
    }
    let (_dir, root) = extract(&image(&tree, &OPTIONS));
    let attributes = |path: &str| {
        let output =
            run(Command::new("getfattr").args(["-d", "-m", "-", "-e", "hex", "--absolute-names"]).arg(root.join(path)));
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
fn an_image_starts_where_its_writer_stands() {
    let tree = tree([("file", Node::file(0o644, "content"))]);
    let contents = Content::from("content");
    let data = Data(&contents);
    let none = BTreeMap::new();
    let entries = [("", EntryKind::Dir), ("file", EntryKind::File(&data))].map(|(path, kind)| Entry {
        path,
        mode: if path.is_empty() { 0o755 } else { 0o644 },
        uid: 0,
        gid: 0,
        xattrs: &none,
        kind,
    });
    let mut out = Cursor::new(vec![7; 10_000]);
    out.set_position(10_000);
    write(&entries, &OPTIONS, &NoStore, &mut out).unwrap();
    assert_eq!(out.position(), out.get_ref().len() as u64);
    assert!(out.get_ref()[..10_000].iter().all(|byte| *byte == 7));
    assert!(out.get_ref()[10_000..] == image(&tree, &OPTIONS));
}
