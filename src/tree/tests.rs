use super::*;

fn sample() -> Tree {
    let mut tree = Tree::new();
    tree.put("usr/bin/dash", Node::file(0o755, "dash")).unwrap();
    tree.put("bin", Node::symlink("usr/bin")).unwrap();
    tree.put("usr/bin/sh", Node::symlink("dash")).unwrap();
    tree
}

#[test]
fn links_are_followed_in_every_component() {
    let tree = sample();
    assert_eq!(tree.resolve("bin/sh", true).unwrap(), "usr/bin/dash");
    assert_eq!(tree.resolve("bin/sh", false).unwrap(), "usr/bin/sh");
    assert_eq!(tree.file("bin/sh").unwrap().text().unwrap(), "dash");
}

#[test]
fn a_loop_of_links_is_an_error_and_dot_dot_stays_inside() {
    let mut tree = sample();
    tree.put("a", Node::symlink("b")).unwrap();
    tree.put("b", Node::symlink("a")).unwrap();
    tree.put("up", Node::symlink("../../usr/bin/dash")).unwrap();
    assert!(matches!(tree.resolve("a", true), Err(TreeError::LinkLoop { .. })));
    assert_eq!(tree.resolve("up", true).unwrap(), "usr/bin/dash");
}

#[test]
fn nothing_can_be_put_below_a_file_or_a_link() {
    let mut tree = sample();
    assert!(matches!(tree.put("usr/bin/dash/x", Node::dir(0o755)), Err(TreeError::ParentNotDirectory { .. })));
    assert!(matches!(tree.put("bin/x", Node::dir(0o755)), Err(TreeError::ParentNotDirectory { .. })));
}

#[test]
fn removing_a_file_leaves_its_hard_links_alive() {
    let mut tree = sample();
    tree.put("usr/bin/link1", Node::hard_link("usr/bin/dash")).unwrap();
    tree.put("usr/bin/link2", Node::hard_link("usr/bin/dash")).unwrap();
    assert_eq!(tree.remove("usr/bin/dash"), 1);
    assert!(matches!(tree.get("usr/bin/link1").unwrap().kind, Kind::File(_)));
    assert_eq!(tree.file("usr/bin/link2").unwrap().text().unwrap(), "dash");
    assert_eq!(tree.get("usr/bin/link1").unwrap().mode, 0o755);
    tree.check().unwrap();
}

#[test]
fn removing_a_directory_takes_what_it_holds_and_nothing_else() {
    let mut tree = sample();
    tree.put("usr/bin-extra", Node::dir(0o755)).unwrap();
    tree.remove("usr/bin");
    assert!(!tree.contains("usr/bin/dash"));
    assert!(tree.contains("usr/bin-extra"));
}

#[test]
fn the_children_of_a_directory_come_in_order_and_without_theirs() {
    let mut tree = Tree::new();
    for path in ["a/b/c", "a/b-c/d", "a/b.d", "a/b0", "a0", "z"] {
        tree.put(path, Node::file(0o644, "")).unwrap();
    }
    let names = |dir| tree.children(dir).map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(""), ["a", "a0", "z"]);
    assert_eq!(names("a"), ["b", "b-c", "b.d", "b0"]);
    assert_eq!(names("a/b"), ["c"]);
    assert_eq!(names("z").len(), 0);
}

#[test]
fn hostile_member_names_are_refused() {
    assert_eq!(clean("./usr//bin/").unwrap(), "usr/bin");
    assert!(matches!(clean("../etc/passwd"), Err(PathError::Escapes(_))));
    assert!(matches!(clean("a/../../b"), Err(PathError::Escapes(_))));
    assert!(matches!(clean("/etc/passwd"), Err(PathError::Absolute(_))));
    assert!(matches!(clean("a\0b"), Err(PathError::Nul(_))));
}

#[test]
fn a_part_of_a_large_slice_is_checked_and_a_changed_chunk_is_damage() {
    let bytes: Vec<u8> = (0..251).cycle().take(CHUNK * 2 + 100).collect();
    let mut hasher = Hasher::default();
    for piece in bytes.chunks(1000) {
        hasher.update(piece);
    }
    let (digest, chunks) = hasher.finish();
    assert_eq!((digest, chunks.len()), (Digest::of(&bytes), 3));

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pack");
    let slice = |changed: Option<usize>| {
        let mut stored = [&b"before"[..], &bytes].concat();
        if let Some(at) = changed {
            stored[6 + at] ^= 1;
        }
        std::fs::write(&path, stored).unwrap();
        let pack = Pack::open(&path).unwrap();
        let (len, chunks) = (bytes.len() as u64, chunks.clone());
        Content::Slice(std::sync::Arc::new(Slice { pack, offset: 6, len, digest, chunks }))
    };
    let chunk = CHUNK as u64;
    let whole = slice(None);
    assert_eq!(&whole.read().unwrap()[..], &bytes[..]);
    assert_eq!(&whole.read_range(chunk - 3, chunk + 10).unwrap()[..], &bytes[CHUNK - 3..2 * CHUNK + 7]);
    assert!(whole.read_range(chunk * 2 + 100, 1).is_err());

    let changed = slice(Some(CHUNK * 2 + 99));
    assert_eq!(&changed.read_range(0, chunk * 2).unwrap()[..], &bytes[..2 * CHUNK]);
    for (start, len) in [(0, chunk * 2 + 100), (chunk * 2, 1), (chunk, chunk + 1)] {
        let error = changed.read_range(start, len).unwrap_err();
        let damaged: &Damaged = error.get_ref().unwrap().downcast_ref().unwrap();
        assert_eq!(damaged.path, path);
    }
}

#[test]
fn every_chunk_that_holds_bytes_has_a_checksum() {
    for (len, chunks) in [(0, 0), (1, 1), (CHUNK, 1), (CHUNK + 1, 2), (2 * CHUNK, 2)] {
        let mut hasher = Hasher::default();
        hasher.update(&vec![7; len]);
        assert_eq!(hasher.finish().1.len(), chunks, "{len} bytes");
    }
}
