//! What is fuzzed: the readers of what comes from outside, each with what has to hold whatever the input. The
//! targets here run them under libFuzzer, `tests/fuzz_bounded.rs` as a plain test.

use std::io::Cursor;

use imgbuild::debian::version::Version;
use imgbuild::debian::{deb, deb822, index, relation};
use imgbuild::format::gpt as table;
use imgbuild::{profile, tree};

#[path = "../../tests/support/gpt.rs"]
mod sums;

/// A whole `.deb`.
pub fn deb(data: &[u8]) {
    let _ = deb::check(data);
}

/// The walk of a `data.tar`, inside a sound package. Header checksums are made good, else nearly every input
/// would end at the first one.
pub fn tar(data: &[u8]) {
    let mut control = header("./control", CONTROL.len());
    control.extend_from_slice(CONTROL);
    control.resize(control.len().next_multiple_of(512) + 1024, 0);
    let data = with_checksums(data);
    let mut file = b"!<arch>\n".to_vec();
    for (name, bytes) in [("debian-binary", b"2.0\n".as_slice()), ("control.tar", &control), ("data.tar", &data)] {
        file.extend_from_slice(format!("{name:<48}{:<10}`\n", bytes.len()).as_bytes());
        file.extend_from_slice(bytes);
        if bytes.len() % 2 == 1 {
            file.push(b'\n');
        }
    }
    let _ = deb::check(&file);
}

/// Paragraphs, index stanzas and relations.
pub fn deb822(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let paragraphs = deb822::parse(text);
    if let Ok(stanzas) = index::parse(text) {
        assert_eq!(paragraphs.map(|paragraphs| paragraphs.len()), Ok(stanzas.len()));
        for stanza in stanzas {
            assert_eq!(tree::clean(stanza.filename).as_deref(), Ok(stanza.filename));
            let _ = (relation::parse(stanza.depends), relation::parse_flat(stanza.provides));
        }
    }
    let _ = relation::parse(text);
    let _ = deb822::parse(&deb822::without_comments(text));
}

/// Two versions, divided by a line's end.
pub fn version(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let (left, right) = text.split_once('\n').unwrap_or((text, "1"));
    let (Ok(left), Ok(right)) = (Version::parse(left), Version::parse(right)) else { return };
    assert_eq!(left.cmp(&right), right.cmp(&left).reverse());
    assert_eq!(Version::parse(left.as_str()), Ok(left));
}

/// A profile: it is read, or the mistake is shown with the place that it points at.
pub fn profile_toml(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Err(error) = profile::parse_str(text, "profiles/x.toml") {
        assert!(error.render(false).contains("profiles/x.toml"));
        assert!(!error.to_string().is_empty());
    }
}

/// A small disk: two headers of 92 bytes each, then what else there is to either table. Protective MBR and checksums are made
/// good, else nearly every input would end at them.
pub fn gpt(data: &[u8]) {
    const SIZE: usize = 128 * 512;
    let mut disk = vec![0; SIZE];
    let (primary, rest) = data.split_at(data.len().min(92));
    let (backup, entries) = rest.split_at(rest.len().min(92));
    let entries = &entries[..entries.len().min(32 * 512)];
    for (at, bytes) in [(512, primary), (SIZE - 512, backup), (1024, entries), (SIZE - 33 * 512, entries)] {
        disk[at..at + bytes.len()].copy_from_slice(bytes);
    }
    (disk[450], disk[510], disk[511]) = (0xee, 0x55, 0xaa);
    sums::seal(&mut disk);
    if let Ok(found) = table::read(Cursor::new(disk)) {
        assert!(found.entries.is_sorted_by_key(|(number, _)| *number));
        assert!(found.entries.iter().all(|(_, entry)| entry.offset.checked_add(entry.size).is_some()));
    }
}

const CONTROL: &[u8] = b"Package: a\nVersion: 1\nArchitecture: all\n";

fn header(name: &str, size: usize) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    with_checksums(&block)
}

/// Goes from header to header as a reader would and sets each one's checksum.
fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    let mut at = 0;
    while let Some(block) = data.get_mut(at..at + 512) {
        if block.iter().any(|&byte| byte != 0) {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        let size = str::from_utf8(&block[124..135]).ok().and_then(|size| usize::from_str_radix(size, 8).ok());
        at += 512 + size.unwrap_or(0).min(1 << 32).next_multiple_of(512);
    }
    data
}
