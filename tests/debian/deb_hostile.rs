//! `.deb` files that are damaged or out to do harm: each is refused with an error that names file and member,
//! and nothing stays in the cache.

use std::fs;
use std::path::Path;

use imgbuild::debian::Package;
use imgbuild::debian::deb::{self, DebError};
use imgbuild::tree::{Digest, Kind};
use tar::EntryType;

use crate::debs::{CONTROL, Tar, ar, control_tar, deb_of, deb_with, gzip, xz};

/// Writes `deb` to `dir` and opens it with its packs in `dir/packs`.
fn open(dir: &Path, deb: &[u8]) -> Result<Package, DebError> {
    let path = dir.join("sample.deb");
    fs::write(&path, deb).unwrap();
    deb::open(&path, Digest::of(deb), &dir.join("packs"))
}

/// The error's text, without the file's name, which it has to start with.
fn refused(deb: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let error = open(dir.path(), deb).unwrap_err().to_string();
    assert_eq!(fs::read_dir(dir.path().join("packs")).unwrap().count(), 0, "left over after: {error}");
    let prefix = format!("package file `{}`: ", dir.path().join("sample.deb").display());
    error.strip_prefix(&prefix).unwrap_or_else(|| panic!("no file name in {error}")).to_owned()
}

fn refused_data(tar: Tar) -> String {
    refused(&deb_of(&tar.finish()))
}

fn accepted(deb: &[u8]) -> Package {
    open(tempfile::tempdir().unwrap().path(), deb).unwrap()
}

#[test]
fn paths_that_leave_the_root_are_refused() {
    let evil = |name| refused_data(Tar::default().file(name, "x"));
    assert_eq!(evil("../etc/passwd"), "member `../etc/passwd`: path `../etc/passwd` climbs out with `..`");
    assert_eq!(evil("./usr/../../x"), "member `./usr/../../x`: path `./usr/../../x` climbs out with `..`");
    assert_eq!(evil("/etc/passwd"), "member `/etc/passwd`: path `/etc/passwd` is absolute");
}

#[test]
fn names_from_extension_headers_are_checked_alike() {
    let gnu = Tar::default().entry(EntryType::GNULongName, "././@LongLink", "", b"../long\0").file("short", "x");
    assert!(refused_data(gnu).starts_with("member `../long`: "));
    let pax = Tar::default().pax(&[("path", b"/abs")]).file("short", "x");
    assert!(refused_data(pax).starts_with("member `/abs`: "));
    let nul = Tar::default().pax(&[("path", b"a\0b")]).file("short", "x");
    assert!(refused_data(nul).contains("holds a NUL byte"));
    let long = Tar::default().pax(&[("path", "x".repeat(300).as_bytes())]).file("short", "x");
    assert!(refused_data(long).contains("too long"));
}

#[test]
fn a_name_that_is_not_utf8_is_refused() {
    let tar = Tar::default().with(EntryType::Regular, b"usr/caf\xe9", "", b"", |_| {});
    assert_eq!(refused_data(tar), "member `usr/caf\\xe9` is not named in UTF-8");
}

#[test]
fn nothing_may_lie_below_a_link_or_a_file_in_whichever_order() {
    let after = Tar::default().symlink("./lib", "/etc").file("./lib/passwd", "x");
    let text = "member `lib/passwd` lies below `lib`, which is a symbolic link, not a directory";
    assert_eq!(refused_data(after), text);
    let before = Tar::default().file("./lib/passwd", "x").symlink("./lib", "/etc");
    assert_eq!(refused_data(before), text);
    let deep = Tar::default().symlink("./lib", "/etc").file("./lib/a/b/c", "x");
    assert!(refused_data(deep).contains("`lib/a/b/c` lies below `lib`"));
    let file = Tar::default().file("./lib", "x").file("./lib/passwd", "x");
    assert!(refused_data(file).contains("a regular file, not a directory"));
}

#[test]
fn hard_links_go_to_files_before_them_only() {
    let link = |target| {
        Tar::default().symlink("./s", "f").dir("./d").entry(EntryType::Link, "./h", target, b"").file("./f", "x")
    };
    assert_eq!(
        refused_data(link("./gone")),
        "member `./h` is a hard link to `./gone`, which is not a regular file before it in the archive"
    );
    assert!(refused_data(link("./f")).contains("not a regular file before it"));
    assert!(refused_data(link("./s")).contains("not a regular file before it"));
    assert!(refused_data(link("./d")).contains("not a regular file before it"));
    assert!(refused_data(link("../f")).contains("climbs out"));
    assert!(refused_data(link("/f")).contains("absolute"));
}

#[test]
fn a_path_may_come_twice_only_if_both_are_the_same() {
    let twice = Tar::default().file("./f", "one").file("f", "two");
    assert_eq!(refused_data(twice), "member `f` appears twice, with different contents");
    let over = Tar::default().dir("./d/").file("./d", "x");
    assert!(refused_data(over).contains("appears twice"));
    let same = Tar::default().dir("./d/").dir("./d/").file("./d/f", "x");
    assert_eq!(accepted(&deb_of(&same.finish())).members.len(), 2);
}

#[test]
fn kinds_that_packages_do_not_have_are_refused() {
    let sparse = Tar::default().entry(EntryType::GNUSparse, "f", "", b"");
    assert_eq!(refused_data(sparse), "member `f` is of type `S`, which packages do not have");
    let global = Tar::default().entry(EntryType::XGlobalHeader, "g", "", b"");
    assert!(refused_data(global).contains("of type `g`"));
    let unknown = Tar::default().entry(EntryType::new(b'Z'), "z", "", b"");
    assert!(refused_data(unknown).contains("of type `Z`"));
    let empty = Tar::default().symlink("s", "");
    assert!(refused_data(empty).contains("member `s` has a name or link target that is empty"));
}

#[test]
fn what_a_sound_archive_may_hold_is_read() {
    let capability = b"\x01\0\0\x02\0\x04\n\0";
    let long = format!("./usr/{}", "long/".repeat(60));
    let tar = Tar::default()
        .dir("./")
        .with(EntryType::Regular, b"./ping", "", b"ELF", |header| {
            header.set_mode(0o104755);
            header.set_gid(42);
        })
        .entry(EntryType::Link, "./hard", "./ping", b"")
        .entry(EntryType::Char, "./null", "", b"")
        .entry(EntryType::Fifo, "./fifo", "", b"")
        .pax(&[("mtime", b"1.5"), ("path", long.as_bytes()), ("SCHILY.xattr.security.capability", capability)])
        .file("./ignored", "x");
    let package = accepted(&deb_of(&tar.finish()));
    assert_eq!((package.name.as_str(), package.field("description")), ("sample", Some("a sample\n of two lines")));
    let paths: Vec<&str> = package.members.iter().map(|member| member.path.as_str()).collect();
    assert_eq!(paths, ["ping", "hard", "null", "fifo", long[2..].trim_end_matches('/')]);
    let node = |at: usize| &package.members[at].node;
    assert_eq!((node(0).mode, node(0).gid, node(0).origin.as_str()), (0o4755, 42, "sample"));
    assert!(matches!(&node(1).kind, Kind::HardLink(target) if target == "ping"));
    assert!(matches!(node(2).kind, Kind::CharDevice { major: 1, minor: 3 }));
    assert!(matches!(node(3).kind, Kind::Fifo));
    assert_eq!(node(4).xattrs["security.capability"], capability);
}

#[test]
fn truncated_and_lying_archives_are_refused() {
    let tar = Tar::default().file("./f", "content").finish();
    assert_eq!(refused(&deb_of(&tar[..512])), "`data.tar` ends too early");
    assert_eq!(refused(&deb_of(&Tar::default().file("./f", "content").0)), "`data.tar` ends too early");
    let trailing = [tar.as_slice(), b"more"].concat();
    assert_eq!(refused(&deb_of(&trailing)), "`data.tar` has data after its end");
    let big = Tar::default().with(EntryType::Regular, b"f", "", b"", |header| header.set_size(1 << 40));
    assert_eq!(refused_data(big), "`data.tar` unpacks to more than 4294967296 bytes");
    let huge = Tar::default().with(EntryType::Regular, b"f", "", b"", |header| header.set_size(u64::MAX >> 1));
    assert_eq!(refused_data(huge), "`data.tar` unpacks to more than 4294967296 bytes");
    let name = Tar::default().with(EntryType::GNULongName, b"n", "", b"", |header| header.set_size(1 << 30));
    assert_eq!(refused_data(name), "`data.tar` has a bad header at byte 0: extension too long");
    let mut checksum = tar.clone();
    checksum[0] ^= 1;
    assert_eq!(refused(&deb_of(&checksum)), "`data.tar` has a bad header at byte 0: checksum");
    let owner = Tar::default().with(EntryType::Regular, b"f", "", b"", |header| header.set_uid(1 << 40));
    assert_eq!(refused_data(owner), "`data.tar` has a bad header at byte 0: owner");
    let size = Tar::default().pax(&[("size", b"1")]).file("f", "x");
    assert_eq!(refused_data(size), "`data.tar` has a bad header at byte 0: pax extension");
}

#[test]
fn damaged_compression_is_refused() {
    let control = control_tar(CONTROL);
    let data = Tar::default().file("./f", &"content ".repeat(1000)).finish();
    let with = |name: &str, data: &[u8]| ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), (name, data)]);
    let good = xz(&data);
    assert_eq!(accepted(&with("data.tar.xz", &good)).members.len(), 1);
    assert!(
        refused(&with("data.tar.xz", &good[..good.len() / 2])).starts_with("`data.tar.xz` cannot be decompressed: ")
    );
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    assert!(refused(&with("data.tar.xz", &flipped)).contains("`data.tar.xz`"));
    assert!(refused(&with("data.tar.xz", b"")).contains("`data.tar.xz`"));
    let gz = gzip(&data);
    assert!(refused(&with("data.tar.gz", &gz[..gz.len() - 4])).contains("`data.tar.gz` cannot be decompressed: "));
    assert!(refused(&with("data.tar.zst", b"nonsense")).contains("`data.tar.zst` cannot be decompressed: "));
    let unsupported = "the compression of `data.tar.bz2` is not supported (xz, gzip, zstd and none are)";
    assert_eq!(refused(&with("data.tar.bz2", &data)), unsupported);
    assert!(refused(&with("data.tar.lzma", &data)).contains("not supported"));
}

#[test]
fn a_decompression_bomb_is_refused() {
    // 65 MiB of zeros in the control archive, which may have 64.
    let zeros = vec![0; 65 << 20];
    let bomb = Tar::default().entry(EntryType::Regular, "./control", "", &zeros).finish();
    let deb = ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &gzip(&bomb)), ("data.tar", b"")]);
    assert_eq!(refused(&deb), "`control.tar.gz` unpacks to more than 67108864 bytes");
}

#[test]
fn the_outer_container_has_to_be_as_specified() {
    let (control, data) = (control_tar(CONTROL), Tar::default().finish());
    let good = deb_of(&data);
    accepted(&good);
    assert_eq!(refused(b"PK\x03\x04 not a deb"), "not a Debian package (no `!<arch>` archive)");
    assert_eq!(refused(b""), "`ar` ends too early");
    assert_eq!(refused(b"!<arch>\n"), "`ar` ends too early");
    let text = refused(&good[..good.len() - 1]);
    assert_eq!(text, "member `data.tar` should have 1024 bytes, but only 1023 follow");
    let version = ar(&[("debian-binary", b"3.0\n"), ("control.tar", &control), ("data.tar", &data)]);
    assert_eq!(refused(&version), "format version `3.0`, only 2.x is known");
    let swapped = ar(&[("debian-binary", b"2.0\n"), ("data.tar", &data), ("control.tar", &control)]);
    assert!(refused(&swapped).starts_with("member `data.tar` where another was expected"));
    let unversioned = ar(&[("control.tar", &control), ("data.tar", &data)]);
    assert!(refused(&unversioned).starts_with("member `control.tar` where another was expected"));
    let mut negative = good.clone();
    negative[8 + 48] = b'-';
    assert_eq!(refused(&negative), "bad member header at byte 8");
    let signed = ar(&[
        ("debian-binary", b"2.0\n"),
        ("_gpg", b"odd"),
        ("control.tar", &control),
        ("data.tar/", &data),
        ("x", b""),
    ]);
    accepted(&signed);
}

#[test]
fn control_data_has_to_say_what_the_package_is() {
    let data = Tar::default().finish();
    let refused = |control: &str| refused(&deb_with(&control_tar(control), &data));
    assert_eq!(refused("Version: 1\nArchitecture: all\n"), "control file has no usable `Package` field");
    assert_eq!(refused(&CONTROL.replace("sample", "../up")), "control file has no usable `Package` field");
    assert_eq!(refused("Package: a\nArchitecture: all\n"), "control file has no usable `Version` field");
    assert_eq!(refused("Package: a\nVersion: 1\n"), "control file has no usable `Architecture` field");
    assert!(refused(&CONTROL.replace("1.0-1", "1/0")).starts_with("control file: version `1/0` has the character `/`"));
    assert_eq!(refused(&format!("{CONTROL}\n{CONTROL}")), "control file has 2 paragraphs instead of one");
    assert_eq!(refused("nonsense"), "control file: line 1: neither a field (`Name: value`) nor a continuation line");
    assert_eq!(refused(""), "control file has 0 paragraphs instead of one");
}

#[test]
fn control_members_are_plain_files_at_the_top() {
    let data = Tar::default().finish();
    let refused = |tar: Tar| refused(&deb_with(&tar.finish(), &data));
    let control = || Tar::default().file("./control", CONTROL);
    assert_eq!(refused(Tar::default().dir("./")), "no `control` file");
    assert_eq!(refused(control().file("./a/b", "")), "control member `./a/b` is not a regular file at the top");
    assert_eq!(
        refused(control().symlink("./postinst", "/bin/sh")),
        "control member `./postinst` is not a regular file at the top"
    );
    assert!(refused(control().file("../postinst", "")).contains("climbs out"));
    assert_eq!(refused(control().file("control", "")), "member `control` appears twice, with different contents");
}

#[test]
fn extension_headers_before_one_member_are_counted_before_they_are_read() {
    let attribute = vec![b'x'; 1 << 20 >> 1];
    let mut tar = Tar::default();
    for number in 0..64 {
        tar = tar.pax(&[(&format!("SCHILY.xattr.user.{number}"), &attribute)]);
    }
    // The archive ends within the next: nobody has got so far.
    assert!(
        refused(&deb_of(&tar.pax(&[("SCHILY.xattr.user.x", &attribute)]).0[..(65 << 19)]))
            .contains("too long for so many")
    );
}

#[test]
fn paths_and_targets_have_no_more_components_than_any_package_needs() {
    let deep = |components: usize| vec!["d"; components].join("/");
    let file =
        |components: usize| Tar::default().pax(&[("path", deep(components).as_bytes())]).file("short", "x").finish();
    assert_eq!(accepted(&deb_of(&file(128))).members.len(), 1);
    assert!(refused(&deb_of(&file(129))).contains("of more than 128 components"));
    let link = Tar::default().pax(&[("linkpath", deep(129).as_bytes())]).symlink("link", "x");
    assert!(refused_data(link).starts_with("member `link` has a path or link target of more than 128 components"));
}

#[test]
fn many_members_cost_no_more_than_each_of_them() {
    let mut control = Tar::default().file("./control", CONTROL);
    let mut data = Tar::default();
    for number in 0..30_000 {
        control = control.file(&format!("./{number}"), "");
        data = data.file(&format!("./d{}/{number}", number % 7), "");
    }
    let package = accepted(&deb_with(&control.finish(), &data.finish()));
    assert_eq!((package.control.len(), package.members.len()), (30_000, 30_000));
}

#[test]
fn names_that_only_begin_alike_are_not_taken_for_a_path_below() {
    let tar = Tar::default().symlink("a", "b").file("a-b/c", "x").file("a.d", "x").dir("a0");
    assert_eq!(accepted(&deb_of(&tar.finish())).members.len(), 4);
    let below = Tar::default().file("a-b", "x").file("a/b/c", "x").symlink("a", "b").file("a!", "x");
    assert!(refused_data(below).contains("lies below `a`, which is a symbolic link"));
}
