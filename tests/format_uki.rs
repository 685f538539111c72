//! The unified kernel image writer against binutils and the `object` crate, on systemd's own stub.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/boot_loader.rs"]
mod boot_loader;
mod support;

use std::fs;
use std::sync::LazyLock;

use boot_loader::{EFI, boot_loader};
use imgbuild::format::uki::{self, Section, UkiError};
use object::{Object, ObjectSection};
use support::{ok, run};

/// systemd's stub for this machine.
static STUB: LazyLock<&[u8]> = LazyLock::new(|| boot_loader(&format!("linux{EFI}.efi.stub")));

#[test]
fn foreign_readers_find_every_section_where_it_was_put() {
    let dir = tempfile::tempdir().unwrap();
    let (linux, initrd) = (vec![0x4d; 1_234_567], vec![9; 4097]);
    let sections = [
        Section { name: ".osrel", data: b"ID=debian\n" },
        Section { name: ".cmdline", data: b"roothash=00" },
        Section { name: ".uname", data: b"6.12" },
        Section { name: ".initrd", data: &initrd },
        Section { name: ".linux", data: &linux },
    ];
    let image = uki::append(&STUB, &sections).unwrap();

    let parsed = object::File::parse(image.as_slice()).unwrap();
    for section in &sections {
        let found = parsed.section_by_name(section.name).unwrap();
        assert!(found.data().unwrap().starts_with(section.data), "{} differs", section.name);
        assert_eq!(found.size(), section.data.len() as u64);
    }
    let before = object::File::parse(*STUB).unwrap();
    assert_eq!(parsed.entry(), before.entry());
    for section in before.sections() {
        let kept = parsed.section_by_name(section.name().unwrap()).unwrap();
        assert_eq!((kept.address(), kept.data().unwrap()), (section.address(), section.data().unwrap()));
    }
    let ends: Vec<(u64, u64)> = parsed.sections().map(|section| (section.address(), section.size())).collect();
    assert!(ends.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0), "{ends:x?}");

    fs::write(dir.path().join("uki.efi"), &image).unwrap();
    let headers = ok(dir.path(), "objdump", &["-h", "-p", "uki.efi"]);
    assert!(headers.contains(".linux") && headers.contains("Subsystem\t\t0000000a"), "{headers}");
    assert!(headers.contains("CheckSum\t\t00000000"), "{headers}");
    let size = headers.lines().find_map(|line| line.strip_prefix("SizeOfImage\t\t")).unwrap();
    let (address, length) = ends.last().unwrap();
    let end = address + length - parsed.relative_address_base();
    assert_eq!(u64::from_str_radix(size, 16).unwrap(), end.next_multiple_of(alignment(&headers)));
    assert!(run(dir.path(), "objcopy", &["--dump-section", ".linux=linux", "uki.efi"]).status.success());
    assert_eq!(fs::read(dir.path().join("linux")).unwrap()[..linux.len()], linux);
}

fn alignment(headers: &str) -> u64 {
    let alignment = headers.lines().find_map(|line| line.strip_prefix("SectionAlignment\t")).unwrap();
    u64::from_str_radix(alignment, 16).unwrap()
}

#[test]
fn a_stub_that_is_no_pe_file_or_is_cut_short_is_refused() {
    let sections = [Section { name: ".linux", data: b"x" }];
    assert!(matches!(uki::append(b"\x7fELF", &sections), Err(UkiError::NotPe(_))));
    for len in [0, 2, 0x3f, 0x80, 0x100, 0x200, STUB.len() / 2] {
        assert!(matches!(uki::append(&STUB[..len], &sections), Err(UkiError::NotPe(_))), "{len} bytes");
    }
}

#[test]
fn more_sections_than_the_header_has_room_for_are_refused() {
    let sections = vec![Section { name: ".profile", data: b"x" }; 40];
    let error = uki::append(&STUB, &sections).unwrap_err();
    assert!(matches!(error, UkiError::NoHeaderRoom { wanted: 40, .. }), "{error}");
    let long = [Section { name: ".too-long", data: b"x" }];
    assert!(matches!(uki::append(&STUB, &long), Err(UkiError::BadName(_))));
}
