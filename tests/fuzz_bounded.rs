//! A bounded run of the fuzz targets: fixed seeds, a fixed sequence of changes, a fixed number of rounds. A
//! panic, an overflow or a broken promise of `fuzz/src/lib.rs` fails the test; inputs stay small, so time and
//! memory do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/debs.rs"]
mod debs;
#[path = "../fuzz/src/lib.rs"]
mod entry;
#[path = "flash_memory/image.rs"]
#[expect(dead_code, reason = "the manifest alone is needed")]
mod image;
#[path = "support/numbers.rs"]
mod numbers;
#[path = "support/shell_tokens.rs"]
mod shell_tokens;

use std::collections::BTreeSet;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use debs::{CONTROL, Tar, ar, control_tar, deb_of, gzip, xz};
use imgbuild::cluster::manifests::Manifest;
use imgbuild::debian::openpgp;
use imgbuild::format::gpt::{self, Entry};
use imgbuild::format::{fat, kmod};
use imgbuild::image::initrd;
use imgbuild::lock::Lock;
use imgbuild::profile::SourceKey;
use object::elf::EM_X86_64;
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

#[test]
fn any_fat_file_system_is_read_or_refused() {
    // One reserved sector, two tables of a sector, and four clusters of one: the root directory, and a file in two of them.
    let mut disk = vec![0; 7 * 512];
    for (at, bytes) in [
        (11, &[0, 2, 1, 1, 0, 2][..]),
        (32, &[7]),
        (36, &[1]),
        (44, &[2]),
        (510, &[0x55, 0xaa]),
        (1536, b"CMDLINE TXT"),
        (1536 + 26, &[3, 0, 0, 3]),
        (2048, b"roothash="),
    ] {
        disk[at..at + bytes.len()].copy_from_slice(bytes);
    }
    for table in [512, 1024] {
        for (cluster, next) in [0x0fff_fff8_u32, 0x0fff_ffff, 0x0fff_ffff, 4, 0x0fff_ffff].into_iter().enumerate() {
            disk[table + 4 * cluster..table + 4 * cluster + 4].copy_from_slice(&next.to_le_bytes());
        }
    }
    let mut volume = fat::Volume::open(std::io::Cursor::new(&disk)).unwrap();
    assert!(volume.file("cmdline.txt", 768).unwrap().starts_with(b"roothash="));
    run(&[disk], entry::fat);
}

#[test]
fn of_any_signed_file_nothing_comes_but_what_was_signed() {
    let keys = SourceKey::Certificates(entry::KEY.as_bytes().to_vec());
    assert_eq!(openpgp::verify(entry::INRELEASE.as_bytes(), &keys, entry::NOW).unwrap().text, entry::SIGNED);
    let crlf = entry::INRELEASE.replace('\n', "\r\n");
    run(&[entry::INRELEASE.as_bytes().to_vec(), crlf.into_bytes()], entry::inrelease);
}

#[test]
fn any_release_file_is_read_or_refused() {
    let hash = "ab".repeat(32);
    let text = format!(
        "Origin: a\nSuite: test\nCodename: t\nDate: Sat, 21 Nov 2026 00:53:03 UTC\nValid-Until: Sat, 28 Nov 2026 00:53:03 +0100\n\
         Acquire-By-Hash: yes\nNo-Support-for-Architecture-all: Packages\nArchitectures: all amd64\nSHA256:\n \
         {hash} 0 main/binary-amd64/Packages\n {hash} 18446744073709551615 main/binary-amd64/Packages.xz\n"
    );
    run(&[text.into_bytes()], entry::release);
}

/// A section: name, type, the section that it links to, bytes.
type Section<'a> = (&'a str, u32, u32, Vec<u8>);

/// A little-endian ELF file of 64 bits with these sections and one that has their names; a dynamic section has a segment too.
fn elf(kind: u16, sections: &[Section<'_>]) -> Vec<u8> {
    let names: Vec<u8> = sections.iter().flat_map(|(name, ..)| [name.as_bytes(), &[0]].concat()).collect();
    let names = [&[0_u8][..], &names, b".shstrtab\0"].concat();
    let all: Vec<Section<'_>> = sections.iter().cloned().chain([(".shstrtab", 3, 0, names)]).collect();
    let mut file = vec![0; 64];
    let mut table = vec![0; 64];
    let mut name = 1_u32;
    for (text, of, link, bytes) in &all {
        let (at, len) = (file.len() as u64, bytes.len() as u64);
        let entry_size = match of {
            2 => 24,
            6 => 16,
            _ => 0_u64,
        };
        table.extend([name.to_le_bytes(), of.to_le_bytes()].concat());
        table.extend([0, 0, at, len].map(u64::to_le_bytes).concat());
        table.extend([link.to_le_bytes(), 0_u32.to_le_bytes()].concat());
        table.extend([4, entry_size].map(u64::to_le_bytes).concat());
        file.extend(bytes);
        file.resize(file.len().next_multiple_of(8), 0);
        name += u32::try_from(text.len()).unwrap() + 1;
    }
    let at = file.len() as u64;
    file.extend(table);
    let count = u16::try_from(all.len() + 1).unwrap();
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    file[16..18].copy_from_slice(&kind.to_le_bytes());
    file[18..20].copy_from_slice(&62_u16.to_le_bytes());
    file[20..24].copy_from_slice(&1_u32.to_le_bytes());
    file[40..48].copy_from_slice(&at.to_le_bytes());
    for (place, number) in [(52, 64), (54, 56), (58, 64), (60, count), (62, count - 1)] {
        file[place..place + 2].copy_from_slice(&u16::to_le_bytes(number));
    }
    file
}

fn symbols(names: &[u32]) -> Vec<u8> {
    // Global, undefined, without value and size.
    let symbol = |name: &u32| [name.to_le_bytes().to_vec(), vec![0x10, 0, 0, 0], vec![0; 16]].concat();
    let mut all = vec![0; 24];
    all.extend(names.iter().flat_map(symbol));
    all
}

fn module(names: &[u32], strings: &[u8]) -> Vec<u8> {
    let info = b"license=GPL\0alias=pci:v*d-1\0softdep=pre: b\0".to_vec();
    elf(1, &[(".modinfo", 1, 0, info), (".symtab", 2, 3, symbols(names)), (".strtab", 3, 0, strings.to_vec())])
}

/// A module that fits the kernel of the target: it needs a symbol of it, and exports one of its own with a checksum.
fn loadable() -> Vec<u8> {
    let info = format!("vermagic={}\0name=a\0license=GPL\0depends=b\0import_ns=B\0", entry::VERMAGIC);
    let mut this = vec![0; 128];
    this[24] = b'a';
    let version = |crc: u8, name: &[u8]| {
        let mut entry = vec![0; 64];
        entry[0] = crc;
        entry[8..8 + name.len()].copy_from_slice(name);
        entry
    };
    let strings = b"\0needed\0__ksymtab_own\0__crc_own\0__kstrtabns_own\0";
    // Symbols of the sections 1 to 3, local and without a size.
    let own = |name: u32, section: u8| [name.to_le_bytes().to_vec(), vec![0, 0, section, 0], vec![0; 16]].concat();
    let table = [symbols(&[1]), own(8, 1), own(22, 2), own(32, 3)].concat();
    elf(
        1,
        &[
            ("__ksymtab_gpl", 1, 0, vec![0; 12]),
            ("__kcrctab_gpl", 1, 0, vec![7, 0, 0, 0]),
            ("__ksymtab_strings", 1, 0, b"A\0".to_vec()),
            (".symtab", 2, 5, table),
            (".strtab", 3, 0, strings.to_vec()),
            (".modinfo", 1, 0, info.into_bytes()),
            (".gnu.linkonce.this_module", 1, 0, this),
            ("__versions", 1, 0, [version(1, b"module_layout"), version(2, b"needed")].concat()),
            ("__version_ext_names", 1, 0, b"module_layout\0needed\0".to_vec()),
            ("__version_ext_crcs", 1, 0, vec![1, 0, 0, 0, 2, 0, 0, 0]),
        ],
    )
}

fn library(entries: &[(u64, u64)], strings: &[u8]) -> Vec<u8> {
    let dynamic = entries.iter().flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()].concat()).collect();
    let json = b"[{\"priority\":\"required\",\"soname\":[\"libc.so.6\"]}]\0";
    let head = [4, u32::try_from(json.len()).unwrap(), 0x407c_0c0a].map(u32::to_le_bytes).concat();
    let mut note = [&head[..], b"FDO\0", json].concat();
    note.resize(note.len().next_multiple_of(4), 0);
    elf(3, &[(".dynamic", 6, 2, dynamic), (".dynstr", 3, 0, strings.to_vec()), (".note.dlopen", 7, 0, note)])
}

#[test]
fn any_program_and_kernel_module_is_read_or_refused() {
    let module = module(&[1, 10], b"\0__crc_ab\0needed\0");
    let found = kmod::Module::parse("kernel/a.ko", &module).unwrap();
    assert_eq!((found.exports, found.needs), (vec!["ab".to_owned()], vec!["__crc_ab".to_owned(), "needed".to_owned()]));
    let library = library(&[(1, 1), (29, 11), (0, 0)], b"\0libz.so.1\0/usr/lib:/opt\0");
    let needs = initrd::elf::needs(&library).unwrap();
    assert_eq!((needs.libraries, needs.on_demand), (vec!["libz.so.1".to_owned()], vec!["libc.so.6".to_owned()]));
    assert_eq!(needs.directories, ["/usr/lib", "/opt"]);
    let loadable = loadable();
    let exports = kmod::KernelExports::parse(entry::SYMVERS).unwrap();
    kmod::fit(&[("kernel/a.ko", &loadable)], &exports, entry::VERMAGIC, EM_X86_64).unwrap();
    run(&[module, library, loadable], entry::elf);
}

#[test]
fn any_list_of_what_a_kernel_exports_is_read_or_its_line_is_told() {
    run(&[entry::SYMVERS.as_bytes().to_vec()], entry::symvers);
}

#[test]
fn tables_that_all_point_at_one_long_text_are_refused() {
    let long = [b"\0".as_slice(), &[b'x'; 1000], b"\0"].concat();
    let error = kmod::Module::parse("kernel/a.ko", &module(&[1; 1000], &long)).unwrap_err();
    assert!(error.to_string().contains("names are longer than the file"), "{error}");
    let error = initrd::elf::needs(&library(&[(1, 1); 1000], &long)).unwrap_err();
    assert_eq!(error.to_string(), "what its tables point at is longer than the file");
}

#[test]
fn any_lock_is_read_or_its_mistake_is_told() {
    let snapshot =
        include_str!("../src/lock/tests/snapshots/imgbuild__lock__tests__the_file_reads_well_in_a_pull_request.snap");
    let text = &snapshot[snapshot.find("# Made by").unwrap()..];
    assert!(Lock::parse(text, Path::new("imgbuild.lock")).is_ok());
    run(&[text.as_bytes().to_vec()], entry::lock);
}

#[test]
fn any_cluster_file_is_read_or_its_mistake_is_shown() {
    run(&[include_bytes!("../workspace/cluster.toml").to_vec(), CLUSTER.as_bytes().to_vec()], entry::cluster_toml);
    assert!(imgbuild::cluster::parse_str(CLUSTER, "cluster.toml").is_ok());
}

const CLUSTER: &str = "schema = 1\nname = \"home\"\nserver = \"https://192.168.1.10:6443\"\nssh_keys = []\ndns = [\"192.168.1.1\"]\n\
    [k3s]\ncluster_cidr = \"10.42.0.0/16\"\nsecrets_encryption = true\n[values]\nzone = \"a\"\n\
    [node.a]\nprofile = \"control\"\naddress = \"192.168.1.10/24\"\nmac = \"dc:a6:32:01:02:03\"\nlabels = { a = \"b\" }\n";

#[test]
fn any_property_list_of_disks_is_read_or_refused() {
    let mac: toml::Table = include_str!("fixtures/diskutil.toml").parse().unwrap();
    run(&["list", "disk4"].map(|name| mac[name].as_str().unwrap().as_bytes().to_vec()), entry::plist);
}

#[test]
fn any_manifest_is_read_or_its_fault_lies_in_it() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- &a {kind: ConfigMap, data: {a: \"b\\n\", c: 'd', e: !!str 1}}\n- <<: *a\n  kind: x\n\
        - |\n  block\n  text\n- >-\n  folded\n---\nkind: Pod\nspec: [1, 0x1f, 1e3, ~, yes, -.5]\n...\n";
    assert_eq!(Manifest::parse("a.yaml", text).unwrap().objects.len(), 5);
    run(&[text.as_bytes().to_vec()], entry::manifest_yaml);
}

#[test]
fn what_a_manifest_stands_for_has_a_limit_in_bytes_and_nesting_too() {
    let fault = |text: &str| Manifest::parse("a.yaml", text).unwrap_err().message;
    // 64 KiB named a thousand times, and named by anchors within anchors.
    let long = "x".repeat(64 << 10);
    assert!(fault(&format!("- &a {long}\n{}", "- *a\n".repeat(1100))).contains("aliases"));
    let nested = (0..50).fold(String::new(), |text, number| format!("{text}[&a{number} "));
    assert!(fault(&format!("{nested}{}{}", "x".repeat(1400 << 10), "]".repeat(50))).contains("aliases"));
    for deep in ["[".repeat(100_000), "- ".repeat(100_000), "a: {".repeat(100_000)] {
        assert!(!fault(&deep).is_empty());
    }
    let keys = (0..50_000).fold(String::new(), |text, number| format!("{text}k{number}: 1\n"));
    assert_eq!(Manifest::parse("a.yaml", &keys).unwrap().objects[0].root.entries().len(), 50_000);
}

#[test]
fn any_manifest_is_one_whose_numbers_can_be_gone_by_or_is_refused() {
    let image = image::Image::new(100_000);
    let text = serde_json::to_string(&image.manifest).unwrap();
    // Numbers at the borders of what they may be, where a change of bytes alone hardly ever leads.
    let number = |old: u64, new: u64| text.replace(&format!(":{old},"), &format!(":{new},"));
    let size = image.manifest.image_size;
    let seeds = [number(size, u64::MAX), number(size, 1 << 44), number(image::MIB, u64::MAX), number(65536, 1 << 63)];
    let seeds: Vec<Vec<u8>> = seeds.into_iter().chain([text.clone()]).map(String::into_bytes).collect();
    assert!(seeds.iter().filter(|seed| **seed != text.as_bytes()).count() == 4);
    run(&seeds, entry::manifest);
}

#[test]
fn any_list_of_sums_is_read_or_its_line_is_told() {
    let line = |name: &str| format!("{}  {name}\n", "0a".repeat(32));
    let seeds = [line("node.img.zst") + &line("node.manifest.json"), line("a").replace("  ", " *"), String::new()];
    run(&seeds.map(String::into_bytes), entry::sha256sums);
}

#[test]
fn any_signature_is_read_or_refused() {
    // Made with `minisign` for this test; the key signs nothing else.
    let seed = "RWRmdXp6ZnV6ejz1cKruK3M7auuApkbYf1bi/byBg1DR0HJSgktZzlFg\n\
                untrusted comment: signature of SHA256SUMS\n\
                RURmdXp6ZnV6elZcC7yuxT8ayO0Fy9JggtqAX6fvGZNjtAVoHS0sJY43x/yu8WSjaEMlmly6PUdSavG3sWG/JuHPcUofHK6AdAo=\n\
                trusted comment: imgbuild v1\n\
                L9HdFrfo9oTZlNAyVibxnaOY0voap8UCwrBJ0T+62wWC0XGfTRpqtxzQqQ1/iG7/u7s3n+8lnXP1ge/HrPrmAw==\n";
    let (key, signature) = seed.split_once('\n').unwrap();
    assert_eq!(imgbuild::release::verify(key, b"sums", signature).unwrap(), "imgbuild v1");
    run(&[seed.as_bytes().to_vec()], entry::signature);
}

#[test]
fn any_head_of_an_answer_is_understood_without_a_sum_that_overflows() {
    let head = |status: u8, length: u64, have: u64, size: u64, range: &str| {
        [&[status][..], &length.to_le_bytes(), &have.to_le_bytes(), &size.to_le_bytes(), &[0], range.as_bytes()]
            .concat()
    };
    let seeds = [
        head(6, 5, 5, u64::MAX, "bytes 5-9/10"),
        head(6, u64::MAX - 3, 5, u64::MAX, "bytes 5-9/10"),
        head(0, u64::MAX - 1, 0, u64::MAX, ""),
        head(216, 0, 10, u64::MAX, "bytes */10"),
    ];
    run(&seeds, entry::http_head);
}

/// Scripts as maintainers write them.
const SCRIPTS: [&str; 3] = [
    include_str!("fixtures/scripts/preinst"),
    include_str!("fixtures/scripts/postinst"),
    include_str!("fixtures/scripts/config"),
];

/// Carries out `target` for scripts with tokens changed, each of a few lines of a seed or of all of it.
fn run_scripts(rounds: usize, target: fn(&[u8])) {
    let seeds = SCRIPTS.map(shell_tokens::tokens);
    let all = seeds.concat();
    let mut numbers = numbers::Numbers::new(3);
    for seed in &seeds {
        target(seed.concat().as_bytes());
    }
    for round in 0..rounds {
        let seed = &seeds[round % seeds.len()];
        let start = numbers.below(seed.len());
        let part = if numbers.once_in(4) { seed } else { &seed[start..(start + 80).min(seed.len())] };
        target(shell_tokens::changed(part, &all, &mut numbers).as_bytes());
    }
}

#[test]
fn any_script_is_read_or_its_line_is_told() {
    assert!(SCRIPTS.iter().all(|script| imgbuild::shell::parse(script).is_ok()));
    run(&SCRIPTS.map(|script| script.as_bytes().to_vec()), entry::shell_parse);
    run_scripts(ROUNDS, entry::shell_parse);
}

#[test]
fn any_script_comes_to_an_end_and_to_the_same_each_time() {
    // Without `while` no change makes a loop that only ends at the limit of commands, which has a test of its own.
    assert!(SCRIPTS.iter().all(|script| !script.contains("while") && !script.contains("until")));
    run_scripts(ROUNDS / 4, entry::shell_evaluate);
}

/// Compiling them under libFuzzer would compile everything that the project depends on once more; `tests/run.sh --long` does.
#[test]
fn every_entry_of_the_library_is_a_target_of_libfuzzer_and_nothing_else_is() {
    let entries: Vec<&str> = include_str!("../fuzz/src/lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub fn ")?.strip_suffix("(data: &[u8]) {"))
        .collect();
    assert!(entries.len() > 20, "{entries:?}");
    let manifest: toml::Table = include_str!("../fuzz/Cargo.toml").parse().unwrap();
    let targets = manifest["bin"].as_array().unwrap();
    let names: Vec<&str> = targets.iter().map(|target| target["name"].as_str().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>(), entries.iter().collect());
    for (target, name) in targets.iter().zip(names) {
        let path = target["path"].as_str().unwrap();
        let text = std::fs::read_to_string(Path::new("fuzz").join(path)).unwrap();
        let call = format!("libfuzzer_sys::fuzz_target!(|data: &[u8]| imgbuild_fuzz::{name}(data));");
        assert_eq!(text, format!("#![no_main]\n\n{call}\n"), "{path}");
    }
    // What the library uses beside the project is what the targets' own manifest names.
    let needs = manifest["dependencies"].as_table().unwrap();
    assert_eq!(needs.keys().collect::<Vec<_>>(), ["imgbuild", "libfuzzer-sys", "object", "serde_json"]);
}
