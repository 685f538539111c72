//! Threads, blocks kept from image to image, and size.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor};
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use imgbuild::format::squashfs::{Entry, EntryKind, FileData, Options, SquashfsError, write};
use imgbuild::format::{NoStore, Store};
use imgbuild::tree::{Content, Node, Tree};

use crate::host_tree;
use crate::readers::{run, scratch};
use crate::samples::{Data, OPTIONS, image, noise, text, tree, try_image};

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

impl Store for Memory {
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
    assert!(costs[costs.len() * 9 / 10] <= 2, "{costs:?}");
}

/// Content that must not be read.
struct Sealed<'a>(&'a Content);

impl FileData for Sealed<'_> {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn digest(&self) -> [u8; 32] {
        self.0.digest().0
    }

    fn read_range(&self, _: u64, _: u64) -> io::Result<Cow<'_, [u8]>> {
        Err(io::Error::other("sealed"))
    }
}

#[test]
fn an_unchanged_image_reads_no_content() {
    let content = Content::from(noise(1, 300_000));
    let none = BTreeMap::new();
    let entries = |file| {
        [("", EntryKind::Dir), ("file", EntryKind::File(file))].map(|(path, kind)| Entry {
            path,
            mode: 0o755,
            uid: 0,
            gid: 0,
            xattrs: &none,
            kind,
        })
    };
    let store = Memory::default();
    let mut images = [Cursor::new(Vec::new()), Cursor::new(Vec::new())];
    let (open, sealed) = (Data(&content), Sealed(&content));
    write(&entries(&open), &OPTIONS, &store, &mut images[0]).unwrap();
    write(&entries(&sealed), &OPTIONS, &store, &mut images[1]).unwrap();
    assert!(images[0] == images[1]);
    let error = write(&entries(&sealed), &OPTIONS, &NoStore, &mut images[1]).unwrap_err();
    assert!(matches!(&error, SquashfsError::Read { path, .. } if path == "file"), "{error}");
}

#[test]
fn a_block_damaged_in_the_store_is_made_again() {
    let tree = many_small_files();
    let store = Memory::default();
    let sound = try_image(&tree, &OPTIONS, &store).unwrap().0;
    for block in store.blocks.lock().unwrap().values_mut() {
        block.truncate(block.len() / 2);
    }
    assert!(try_image(&tree, &OPTIONS, &store).unwrap().0 == sound);
}

#[test]
fn an_image_is_no_larger_than_that_of_mksquashfs_by_more_than_5_percent() {
    let tree = host_tree::read(Path::new("/usr/share/doc"));
    let dir = scratch();
    let theirs = dir.path().join("theirs");
    for (block_size, name) in [(1 << 17, "128K"), (1 << 20, "1M")] {
        run(Command::new("mksquashfs")
            .args(["/usr/share/doc".as_ref(), theirs.as_os_str()])
            .args(["-comp", "zstd", "-Xcompression-level", "3", "-b", name])
            .args(["-noappend", "-no-xattrs", "-no-progress"]));
        let ours = image(&tree, &Options { block_size, ..OPTIONS }).len() as u64;
        let theirs = fs::metadata(&theirs).unwrap().len();
        assert!(ours * 100 <= theirs * 105, "{ours} against {theirs} bytes with blocks of {name}");
    }
}
