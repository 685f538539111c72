//! What the kernel does with names, owners and modes.

use super::{Absent, FileError, Files};
use crate::tree::{Kind, Node, Tree};

fn files() -> Files {
    let mut tree = Tree::new();
    for (path, node) in [
        ("dir", Node::dir(0o755)),
        ("dir/file", Node::file(0o4755, "text")),
        ("empty", Node::dir(0o755)),
        ("shared", Node::dir(0o2775).owned(0, 50)),
        ("plain", Node::file(0o644, "plain")),
        ("again", Node::hard_link("plain")),
        ("to-dir", Node::symlink("dir/")),
        ("to-file", Node::symlink("/dir/file")),
        ("dangling", Node::symlink("nowhere")),
        ("loop", Node::symlink("loop")),
        ("dev", Node::dir(0o755)),
        ("proc", Node::dir(0o555)),
    ] {
        tree.put(path, node).unwrap();
    }
    Files::new(tree, "test")
}

#[test]
fn a_path_leads_where_the_kernel_would_go() {
    let files = files();
    let cases: &[(&str, bool, Result<&str, FileError>)] = &[
        ("dir/file", true, Ok("dir/file")),
        ("/dir/../plain", true, Ok("plain")),
        ("missing/../plain", true, Err(FileError::Missing)),
        ("plain/../plain", true, Err(FileError::NotDirectory)),
        ("plain/", true, Err(FileError::NotDirectory)),
        ("dir/", false, Ok("dir")),
        ("to-dir", false, Ok("to-dir")),
        ("to-dir/", false, Ok("dir")),
        ("to-dir/file", false, Ok("dir/file")),
        ("to-file", true, Ok("dir/file")),
        ("to-file/", true, Err(FileError::NotDirectory)),
        ("dangling", true, Ok("nowhere")),
        ("dangling/x", true, Err(FileError::Missing)),
        ("loop", true, Err(FileError::Loop)),
        ("loop", false, Ok("loop")),
        ("../..", true, Ok("")),
        ("", true, Err(FileError::Missing)),
    ];
    for (path, follow, expected) in cases {
        let expected = expected.clone().map(str::to_owned);
        assert_eq!(files.locate(path, *follow), expected, "{path}");
    }
    assert_eq!(files.locate(&"x".repeat(256), true), Err(FileError::TooLong));
    assert!(matches!(files.locate("/proc/self", true), Err(FileError::Reason(_))));
}

#[test]
fn the_canonical_form_allows_what_may_be_missing() {
    let files = files();
    let cases: &[(&str, Absent, Option<&str>)] = &[
        ("to-dir/file", Absent::Nothing, Some("/dir/file")),
        ("dir/none", Absent::Nothing, None),
        ("dir/none", Absent::Last, Some("/dir/none")),
        ("dir/none/", Absent::Last, Some("/dir/none")),
        ("dir/none/more", Absent::Last, None),
        ("dir/none/more", Absent::Anything, Some("/dir/none/more")),
        ("plain/more", Absent::Last, None),
        ("plain/", Absent::Last, None),
        ("plain/../x", Absent::Anything, Some("/x")),
        ("dangling", Absent::Last, Some("/nowhere")),
        ("/dev/null", Absent::Nothing, Some("/dev/null")),
        ("loop", Absent::Anything, None),
    ];
    for (path, absent, expected) in cases {
        assert_eq!(files.canonical(path, *absent).ok().as_deref(), *expected, "{path}");
    }
}

#[test]
fn new_names_take_the_mask_and_the_group_of_a_set_group_id_directory() {
    let mut files = files();
    files.umask = 0o027;
    files.mkdir("shared/new/", 0o7777).unwrap();
    files.write("shared/file", b"x").unwrap();
    files.mkdir("plain-dir", 0o777).unwrap();
    let of = |path: &str| files.tree().get(path).map(|node| (node.mode, node.gid)).unwrap();
    assert_eq!(of("shared/new"), (0o3750, 50));
    assert_eq!(of("shared/file"), (0o640, 50));
    assert_eq!(of("plain-dir"), (0o750, 0));
    assert_eq!(files.mkdir("dir/.", 0o777), Err(FileError::Exists));
    assert_eq!(files.symlink("x", "new/"), Err(FileError::Missing));
    assert_eq!(files.write("new/", b""), Err(FileError::IsDirectory));
}

#[test]
fn a_new_owner_takes_set_id_bits_and_capabilities_of_files_away() {
    let mut files = files();
    files.set_attribute("dir/file", "security.capability", Some(vec![1])).unwrap();
    files.chown("to-file", Some(7), None, true).unwrap();
    let node = files.tree().get("dir/file").unwrap();
    assert_eq!((node.mode, node.uid, node.xattrs.len()), (0o755, 7, 0));
    files.chmod("shared", 0o2770).unwrap();
    files.chown("shared", Some(7), Some(8), true).unwrap();
    assert_eq!(files.tree().get("shared").unwrap().mode, 0o2770);
    files.chmod("plain", 0o2644).unwrap();
    files.chown("plain", None, None, true).unwrap();
    assert_eq!(files.tree().get("plain").unwrap().mode, 0o2644);
}

#[test]
fn a_file_with_two_names_loses_one_and_keeps_its_data() {
    let mut files = files();
    assert_eq!(files.names("plain"), 2);
    files.chmod("again", 0o600).unwrap();
    files.unlink("plain").unwrap();
    let node = files.tree().get("again").unwrap();
    assert!(matches!(node.kind, Kind::File(_)));
    assert_eq!(node.mode, 0o600);

    files.hard_link("again", "third").unwrap();
    files.place("again", Node::symlink("x")).unwrap();
    assert_eq!(&*files.read("third").unwrap(), b"plain");
    files.tree().check().unwrap();
}

#[test]
fn renaming_carries_other_names_and_what_lies_below() {
    let mut files = files();
    files.rename("again", "plain").unwrap();
    assert!(files.exists("again").unwrap() && files.exists("plain").unwrap());

    files.rename("plain", "dir/moved").unwrap();
    files.rename("dir", "empty").unwrap();
    assert_eq!(&*files.read("again").unwrap(), b"plain");
    assert_eq!(&*files.read("empty/moved").unwrap(), b"plain");
    files.tree().check().unwrap();

    files.chdir("empty").unwrap();
    files.rename("../empty", "../there").unwrap();
    assert_eq!(files.cwd(), "/there");
    for (old, new, error) in [
        ("/there", "/there/below", FileError::Invalid),
        ("/there", "/again", FileError::NotDirectory),
        ("/again", "/there", FileError::IsDirectory),
        ("/shared", "/there", FileError::NotEmpty),
        ("/again/", "/x", FileError::NotDirectory),
        ("/there/.", "/x", FileError::Busy),
        ("/none", "/x", FileError::Missing),
    ] {
        assert_eq!(files.rename(old, new), Err(error), "{old} {new}");
    }
}

#[test]
fn removing_judges_the_last_component() {
    let mut files = files();
    for (path, error) in [
        ("dir", FileError::IsDirectory),
        ("plain/", FileError::NotDirectory),
        ("to-dir/", FileError::NotDirectory),
        ("none", FileError::Missing),
    ] {
        assert_eq!(files.unlink(path), Err(error), "{path}");
    }
    for (path, error) in [
        ("dir", FileError::NotEmpty),
        ("to-dir/", FileError::NotDirectory),
        ("empty/.", FileError::Invalid),
        ("empty/..", FileError::NotEmpty),
        ("/", FileError::Busy),
    ] {
        assert_eq!(files.rmdir(path), Err(error), "{path}");
    }
    files.rmdir("empty/").unwrap();
}

#[test]
fn the_null_device_takes_everything_and_gives_nothing() {
    let mut files = files();
    files.write("/dev/null", b"x").unwrap();
    assert!(files.read("/dev/null").unwrap().is_empty());
    assert!(files.exists("/dev/null").unwrap());
    assert!(!files.is_file("/dev/null").unwrap());
}
