//! The cpio writer against GNU cpio.

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;

use imgbuild::format::cpio::{self, CpioError, Entry, Kind};
use support::ok;

fn entry<'a>(path: &'a str, kind: Kind<'a>, mode: u16) -> Entry<'a> {
    Entry { path, kind, mode, uid: 0, gid: 0 }
}

#[test]
fn gnu_cpio_lists_and_extracts_the_archive() {
    let (long, short) = (vec![7; 10_001], b"#!/bin/sh\n".to_vec());
    let entries = [
        entry("usr/bin/tool", Kind::File(&short), 0o4755),
        entry("usr", Kind::Dir, 0o755),
        entry("usr/bin", Kind::Dir, 0o755),
        entry("a-name-of-the-tool", Kind::HardLink("usr/bin/tool"), 0o644),
        entry("usr/share-big", Kind::File(&long), 0o640),
        entry("bin", Kind::Symlink("usr/bin"), 0o777),
        entry("dev", Kind::Dir, 0o755),
        entry("dev/console", Kind::CharDevice { major: 5, minor: 1 }, 0o600),
        entry("dev/sda", Kind::BlockDevice { major: 8, minor: 0 }, 0o660),
        entry("pipe", Kind::Fifo, 0o600),
    ];
    let mut archive = Vec::new();
    cpio::write(&entries, 86_400, &mut archive).unwrap();

    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("archive"), &archive).unwrap();
    let list = ok(dir.path(), "cpio", &["--list", "--verbose", "--numeric-uid-gid", "--quiet", "-F", "archive"]);
    let lines: Vec<String> = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "-rwsr-xr-x 2 0 0 10 Jan 2 1970 a-name-of-the-tool",
            "lrwxrwxrwx 1 0 0 7 Jan 2 1970 bin -> usr/bin",
            "drwxr-xr-x 2 0 0 0 Jan 2 1970 dev",
            "crw------- 1 0 0 5, 1 Jan 2 1970 dev/console",
            "brw-rw---- 1 0 0 8, 0 Jan 2 1970 dev/sda",
            "prw------- 1 0 0 0 Jan 2 1970 pipe",
            "drwxr-xr-x 2 0 0 0 Jan 2 1970 usr",
            "drwxr-xr-x 2 0 0 0 Jan 2 1970 usr/bin",
            "-rwsr-xr-x 2 0 0 0 Jan 2 1970 usr/bin/tool",
            "-rw-r----- 1 0 0 10001 Jan 2 1970 usr/share-big",
        ]
    );

    // Devices need root to extract; all else does not.
    let names = ["--extract", "--quiet", "-F", "archive", "usr*", "usr/*", "a-name*", "bin", "pipe"];
    ok(dir.path(), "cpio", &names);
    assert_eq!(fs::read(dir.path().join("usr/share-big")).unwrap(), long);
    assert_eq!(fs::read(dir.path().join("bin/tool")).unwrap(), short);
    let inode = |path: &str| fs::metadata(dir.path().join(path)).unwrap().ino();
    assert_eq!(inode("usr/bin/tool"), inode("a-name-of-the-tool"));
}

#[test]
fn the_archive_does_not_depend_on_the_order_given() {
    let data = b"data".to_vec();
    let mut entries = vec![
        entry("b", Kind::File(&data), 0o644),
        entry("a", Kind::HardLink("b"), 0o644),
        entry("c", Kind::Dir, 0o755),
    ];
    let (mut one, mut two) = (Vec::new(), Vec::new());
    cpio::write(&entries, 0, &mut one).unwrap();
    entries.reverse();
    cpio::write(&entries, 0, &mut two).unwrap();
    assert_eq!(one, two);
}

#[test]
fn a_hard_link_to_nothing_is_refused() {
    let error = cpio::write(&[entry("a", Kind::HardLink("gone"), 0o644)], 0, std::io::sink()).unwrap_err();
    assert!(matches!(error, CpioError::BadHardLink { .. }));
    assert_eq!(error.to_string(), "hard link `a` points at `gone`, which is not a regular file in the archive");
}
