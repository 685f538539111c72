//! A bounded run of the fuzz targets: fixed seeds, a fixed sequence of changes, a fixed number of rounds. A
//! panic, an overflow or a broken promise of `fuzz/src/lib.rs` fails the test; inputs stay small, so time and
//! memory do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/debs.rs"]
mod debs;
#[path = "../fuzz/src/lib.rs"]
mod entry;

use std::io::{Read as _, Seek as _};

use debs::{CONTROL, Tar, ar, control_tar, deb_of, gzip, xz};
use imgbuild::format::gpt::{self, Entry};
use tar::EntryType;
use uuid::Uuid;

const ROUNDS: usize = 4000;
/// Longest input, so that repeated insertion does not let it grow without end.
const MAX_LEN: usize = 1 << 16;
/// Bytes that mean something to one of the formats.
const TELLING: &[u8] = b"\0\n :/.,|()~-+9070xKLSg1256[]{}=\"'#\x7f\x80\xff";

/// A fixed sequence of numbers (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }
}

fn change(data: &mut Vec<u8>, numbers: &mut Numbers) {
    let at = numbers.below(data.len() + 1);
    let end = (at + numbers.below(64)).min(data.len());
    match numbers.below(6) {
        0 => data.truncate(at),
        1 => data.insert(at, TELLING[numbers.below(TELLING.len())]),
        2 => drop(data.drain(at..end)),
        3 => {
            let copy = data[at..end].to_vec();
            let to = numbers.below(data.len() + 1);
            data.splice(to..to, copy);
        }
        4 if at < data.len() => data[at] ^= 1 << numbers.below(8),
        _ if at < data.len() => data[at] = TELLING[numbers.below(TELLING.len())],
        _ => {}
    }
    data.truncate(MAX_LEN);
}

fn run(seeds: &[Vec<u8>], target: fn(&[u8])) {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for round in 0..ROUNDS {
        let mut data = seeds[round % seeds.len()].clone();
        // The first rounds see the seeds as they are.
        if round >= seeds.len() {
            for _ in 0..=numbers.below(8) {
                change(&mut data, &mut numbers);
            }
        }
        target(&data);
    }
}

fn sample() -> Tar {
    Tar::default()
        .dir("./")
        .dir("./usr/")
        .file("./usr/file", "content")
        .entry(EntryType::Link, "./usr/hard", "./usr/file", b"")
        .symlink("./usr/link", "file")
        .entry(EntryType::GNULongName, "././@LongLink", "", b"./usr/long\0")
        .file("./cut", "x")
        .pax(&[("path", b"./usr/pax"), ("SCHILY.xattr.user.a", b"b")])
        .file("./cut", "y")
        .entry(EntryType::Char, "./usr/null", "", b"")
}

#[test]
fn any_deb_is_read_or_refused() {
    let data = sample().finish();
    let compressed = |suffix: &str, pack: fn(&[u8]) -> Vec<u8>| {
        let (control, data) = (pack(&control_tar(CONTROL)), pack(&data));
        let names = (format!("control.tar.{suffix}"), format!("data.tar.{suffix}"));
        ar(&[("debian-binary", b"2.0\n"), (&names.0, &control), (&names.1, &data)])
    };
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    run(&[deb_of(&data), compressed("xz", xz), compressed("gz", gzip), compressed("zst", zstd)], entry::deb);
}

#[test]
fn any_tar_is_read_or_refused() {
    run(&[sample().finish(), Tar::default().file("./a", "b").finish()], entry::tar);
}

#[test]
fn any_index_is_read_or_refused() {
    let hash = "ab".repeat(32);
    let stanza = format!(
        "Package: a\nVersion: 1:2.0~rc1-3+b4\nArchitecture: amd64\nEssential: yes\n\
         Priority: required\nMulti-Arch: allowed\nDepends: b (>= 1.0), c:any | d (<< 2~), e\nProvides: v (= 1), w\nDescription: text\n more\n .\n\
         Filename: pool/main/a/a_2.0_amd64.deb\nSize: 1234\nSHA256: {hash}\n\n"
    );
    run(&[stanza.repeat(2).into_bytes(), stanza.into_bytes(), b"a (>= 1) | b:any, c".to_vec()], entry::deb822);
}

#[test]
fn any_two_versions_are_ordered_both_ways_alike() {
    let seeds = ["1:1.0~rc1-1+b2\n1:1.0-1", "1.2+\n1.2+0", "0:0\n0-0", "2.0.0~~+a.Z-1~\n2"];
    run(&seeds.map(|seed| seed.as_bytes().to_vec()), entry::version);
}

#[test]
fn any_profile_is_read_or_its_mistake_is_shown() {
    let all = "schema = 1\nextends = \"base\"\ndescription = \"ä\"\nboard = \"rpi4\"\nhostname = \"n-1\"\n\
               packages = [\"less\", \"-nano\"]\noverlays = [\"mine\"]\ndrop = [\"/usr/share/doc\"]\n\
               [kernel]\ncmdline = [\"quiet\"]\n[sysctl]\n\"vm.swappiness\" = 7\n[image]\nroot = \"1 GiB\"\n\
               [[source]]\nname = \"debian\"\narchive = \"debian\"\nsuite = \"trixie\"\ncomponents = [\"main\"]\n";
    let embedded = [include_str!("../profiles/demo.toml"), include_str!("../profiles/control.toml")];
    let seeds = embedded.iter().chain([&all]).map(|seed| seed.as_bytes().to_vec()).collect::<Vec<_>>();
    run(&seeds, entry::profile_toml);
}

#[test]
fn any_partition_table_is_read_or_refused() {
    let partition = |number: u64| Entry {
        name: format!("part-{number}"),
        type_guid: Uuid::from_u128(1),
        guid: Uuid::from_u128(u128::from(number)),
        offset: (33 + number) * 512,
        size: 512,
        attributes: 0,
    };
    let mut disk = gpt::write(Uuid::from_u128(7), 128 * 512, &[1, 2, 3].map(partition), &[]).unwrap();
    let mut bytes = Vec::new();
    disk.rewind().and_then(|()| disk.read_to_end(&mut bytes)).unwrap();
    let seed = |entries: usize| {
        [&bytes[512..604], &bytes[127 * 512..127 * 512 + 92], &bytes[1024..1024 + entries * 128]].concat()
    };
    run(&[seed(3), seed(0)], entry::gpt);
}
