//! What is fuzzed: the readers of what comes from outside, each with what has to hold whatever the input. The
//! targets here run them under libFuzzer, `tests/fuzz_bounded.rs` as a plain test.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use imgbuild::cluster::{self, manifests::Manifest};
use imgbuild::debian::version::Version;
use imgbuild::debian::{deb, deb822, index, openpgp, relation, release as suite};
use imgbuild::device::diskutil;
use imgbuild::fetch::answer::{Answer, Head, MAX_UNSIZED};
use imgbuild::format::{Sums, fat as boot, gpt as table, kmod};
use imgbuild::image::{Manifest as ImageManifest, initrd};
use imgbuild::lock::Lock;
use imgbuild::profile::{self, SourceKey};
use imgbuild::shell::ast::{AndOr, Command, CommandKind};
use imgbuild::shell::{self, Call, Host};
use imgbuild::tree::{Node, Tree};
use imgbuild::{release as releases, tree};
use object::elf::EM_X86_64;

#[path = "../../tests/support/gpt.rs"]
mod sums;

/// A whole `.deb`, as a package and as any archive.
pub fn deb(data: &[u8]) {
    let _ = deb::check(data);
    let _ = deb::check_contents(data);
}

/// The walk of a `data.tar`, inside a sound package and by itself. Header checksums are made good, else nearly every input
/// would end at the first one.
pub fn tar(data: &[u8]) {
    let mut control = header("./control", CONTROL.len());
    control.extend_from_slice(CONTROL);
    control.resize(control.len().next_multiple_of(512) + 1024, 0);
    let data = with_checksums(data);
    let _ = deb::check_contents(&data);
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

/// A FAT32 file system as it is, however small: all that is found in its root directory is read too.
pub fn fat(data: &[u8]) {
    const MOST: u32 = 1 << 16;
    let Ok(mut volume) = boot::Volume::open(Cursor::new(data)) else { return };
    for found in volume.directory("").unwrap_or_default().into_iter().take(64) {
        let Ok(content) = volume.file(&found.name, MOST) else { continue };
        assert!(content.len() <= MOST as usize);
    }
    let _ = boot::inspect(&mut Cursor::new(data));
    for (start, end) in boot::used(&mut Cursor::new(data)).unwrap_or_default() {
        assert!(start < end);
    }
}

/// What [`INRELEASE`] signs, lines ending in `\n`.
pub const SIGNED: &str = "Suite: test\nDate: Wed, 31 Dec 2025 00:00:00 UTC\n- dashed\nSHA256:\n \
    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 main/binary-amd64/Packages";

/// A text signed by [`KEY`], as `gpg --clearsign` made it.
pub const INRELEASE: &str = "-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Suite: test
Date: Wed, 31 Dec 2025 00:00:00 UTC
- - dashed
SHA256:
 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 main/binary-amd64/Packages
-----BEGIN PGP SIGNATURE-----

iHUEARYIAB0WIQTvhCvaQ5AnJCrkGR7vWLY6G2mXTQUCaVW5AAAKCRDvWLY6G2mX
TedEAPwNCf94WOficB+79YLMIQ1swpP2UmB5z+LFZdlVYL981QEA63ZfM4+DvREB
8KriYAiTA63WwddOet5Vpok2g/TIpgA=
=RvWp
-----END PGP SIGNATURE-----
";

/// The key of [`INRELEASE`].
pub const KEY: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEaUiKABYJKwYBBAHaRw8BAQdA/6FidvOQ4EsQSK6LDhMVMWQWv9hh9/2qzseE
jq+GCsa0BGZ1enqIkAQTFggAOBYhBO+EK9pDkCckKuQZHu9YtjobaZdNBQJpSIoA
AhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEO9YtjobaZdNCPAA/3LCh/l/
eXH5csUm1lEUrB/2s/Y2f+Un3dEOOUvXfRgpAP9rNJ8WOBVJLah9s3NeWp0qfwId
KDFeCfnaJvXuQu4rBA==
=DaWx
-----END PGP PUBLIC KEY BLOCK-----
";

/// When [`INRELEASE`] was signed.
pub const NOW: u64 = 1_767_225_600;

/// A signed file: nothing but the text that was signed comes out, and what is wrong is said in a few words.
pub fn inrelease(data: &[u8]) {
    match openpgp::verify(data, &SourceKey::Certificates(KEY.as_bytes().to_vec()), NOW) {
        Ok(verified) => assert_eq!(verified.text, SIGNED),
        Err(error) => assert!(error.to_string().len() < 4096, "{error}"),
    }
}

/// A Release file's text.
pub fn release(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(release) = suite::parse(text) {
        let _ = release.check(Some("test"), NOW).map_err(|error| (error.to_string(), error.hint()));
    }
}

/// A program or library, and a kernel module: what comes out is no longer than what went in.
pub fn elf(data: &[u8]) {
    if let Ok(needs) = initrd::elf::needs(data) {
        let texts = needs.interpreter.iter().chain(&needs.libraries).chain(&needs.on_demand);
        assert!(texts.map(String::len).sum::<usize>() <= 3 * data.len());
    }
    let Ok(module) = kmod::Module::parse("kernel/a.ko", data) else { return };
    assert!(module.exports.iter().chain(&module.needs).map(String::len).sum::<usize>() <= 12 * data.len());
    let files = kmod::BuildFiles { order: "kernel/a.ko\n", builtin: "kernel/b.ko\n", builtin_modinfo: data };
    let _ = kmod::depmod(vec![module], files);
    let Ok(exports) = kmod::KernelExports::parse(SYMVERS) else { return };
    if let Err(error) = kmod::fit(&[("kernel/a.ko", data)], &exports, VERMAGIC, EM_X86_64) {
        // Each symbol is told with its owner, a licence and a namespace, all of which are short.
        let told: usize = error.misfits.iter().map(|(_, misfit)| misfit.to_string().len()).sum();
        assert!(told <= 12 * data.len() + 512 * error.misfits.len() && error.misfits.len() <= 2 * data.len());
    }
}

/// What the kernel exports that modules are held against.
pub const SYMVERS: &str = "0x00000001\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n\
    0x00000002\tneeded\tdrivers/b\tEXPORT_SYMBOL_GPL\tB\n";

/// The kernel that modules are held against.
pub const VERMAGIC: &str = "6.12 SMP modversions ";

/// A list of what a kernel exports.
pub fn symvers(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Err(kmod::SymversError::Line(line)) = kmod::KernelExports::parse(text) {
        assert!((1..=text.lines().count()).contains(&line));
    }
}

/// A lock file: what is read is written so that it is read again.
pub fn lock(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match Lock::parse(text, Path::new("imgbuild.lock")) {
        Ok(lock) => {
            let sizes = lock.packages.iter().map(|package| package.size);
            assert!(
                sizes
                    .chain(lock.artifacts.iter().map(|artifact| artifact.size))
                    .try_fold(0, u64::checked_add)
                    .is_some()
            );
            assert_eq!(Lock::parse(&lock.to_text(), Path::new("imgbuild.lock")).ok(), Some(lock));
        }
        Err(error) => assert!(error.to_string().contains("imgbuild.lock") && error.hint().is_some()),
    }
}

/// A cluster file: it is read, or the mistake is shown with the place that it points at.
pub fn cluster_toml(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Err(error) = cluster::parse_str(text, "cluster.toml") {
        assert!(!error.to_string().is_empty());
    }
}

/// What `diskutil` says of all disks, and of one.
pub fn plist(data: &[u8]) {
    let infos = BTreeMap::from([("disk4".to_owned(), data.to_vec())]);
    let _ = diskutil::disks(data, &infos);
}

/// The text of a first-boot manifest: it is read, or the fault lies within it.
pub fn manifest_yaml(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match Manifest::parse("a.yaml", text) {
        Ok(manifest) => {
            for object in &manifest.objects {
                let _ = (object.kind(), object.version());
            }
            assert!(manifest.twice.iter().all(|(_, place)| place.end <= text.len()));
        }
        Err(fault) => assert!(fault.span.start <= text.len() && !fault.message.is_empty()),
    }
}

/// A manifest: who goes by one may add any of its offsets and lengths, and hold any of its ranges in memory.
pub fn manifest(data: &[u8]) {
    let manifest = match ImageManifest::parse(data) {
        Ok(manifest) => manifest,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let ends: Vec<(u64, u64)> =
        manifest.ranges.iter().map(|range| (range.offset, range.offset + range.length)).collect();
    assert!(ends.iter().all(|(start, end)| start < end && end - start <= 16 << 20 && *end <= manifest.image_size));
    assert!(ends.windows(2).all(|pair| pair[0].1 <= pair[1].0));
    assert!(manifest.partitions.iter().all(|part| part.offset + part.size <= manifest.image_size));
    assert!(manifest.mapped() <= manifest.image_size && manifest.image_size < manifest.disk_size());
    assert!(!manifest.image.contains('/'));
    assert!(manifest.signature_places().iter().all(|(start, end)| start < end && *end <= manifest.image_size));
    let again = serde_json::to_vec(&manifest).unwrap_or_default();
    assert_eq!(ImageManifest::parse(&again).ok(), Some(manifest));
}

/// A list of sums.
pub fn sha256sums(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match Sums::parse(text) {
        Ok(sums) => {
            assert!(sums.iter().all(|(name, _)| !name.is_empty() && !name.contains(['/', '\n'])));
            assert_eq!(Sums::parse(&sums.text()), Ok(sums));
        }
        Err(line) => assert!((1..=text.lines().count()).contains(&line)),
    }
}

/// A public key of minisign on the first line, then a signature over the text `sums`.
pub fn signature(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Some((key, signature)) = text.split_once('\n') else { return };
    if let Ok(comment) = releases::verify(key, b"sums", signature) {
        // By chance nothing but the sample is one.
        assert_eq!(comment, "imgbuild v1");
    }
}

/// The head of an HTTP answer: `Content-Range` on the first line; before it status, length, bytes that are there and size, where a
/// number of all ones stands for none.
pub fn http_head(data: &[u8]) {
    let Some((numbers, range)) = data.split_first_chunk::<26>() else { return };
    let number = |at: usize| numbers[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let known = |at: usize| Some(number(at)).filter(|number| *number != u64::MAX);
    let status = 200 + u16::from(numbers[0]);
    let head = Head { status, content_range: str::from_utf8(range).ok(), content_length: known(1) };
    let (have, size) = (number(9), known(17));
    match head.answer(have, size) {
        Answer::Body { from_start, expected } => {
            assert!(from_start || status == 206);
            assert!(expected.is_none() || expected == size || expected.is_some_and(|all| all <= MAX_UNSIZED));
        }
        Answer::Complete => assert!(have > 0),
        _ => {}
    }
}

/// A text as a script of sh and of bash: it is read, or a line of it is told; and what is a list of commands is one within braces too.
pub fn shell_parse(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    for bash in [false, true] {
        let list = match shell::parse_at(text, 1, bash) {
            Ok(list) => list,
            Err(error) => {
                assert!((1..=lines(text)).contains(&error.line) && !error.what.is_empty(), "{error}");
                continue;
            }
        };
        // A here-document without its end, and a line that is continued, take the closing brace too.
        if list.is_empty() || text.contains("<<") || text.ends_with('\\') {
            continue;
        }
        let grouped = match shell::parse_at(&format!("{{\n{text}\n}}"), 0, bash) {
            Ok(grouped) => grouped,
            Err(error) => return assert!(error.what.contains("too deep"), "{error}"),
        };
        let [AndOr { first, rest, background: false }] = grouped.as_slice() else { panic!("{grouped:?}") };
        let [Command { kind: CommandKind::Group(within), .. }] = first.commands.as_slice() else { panic!("{first:?}") };
        assert!(rest.is_empty() && *within == list, "{within:?}");
    }
}

/// How many lines a text has, one that does not end counted in.
fn lines(text: &str) -> usize {
    text.matches('\n').count() + 1
}

/// A host without commands.
struct Nobody;

impl Host for Nobody {
    fn run(&mut self, _: &str, _: &mut Call<'_>) -> Option<shell::Answer> {
        None
    }

    fn sourced(&mut self, _: &str, _: &mut Call<'_>) -> Option<shell::Answer> {
        None
    }
}

/// Directories, files and programs of the tree that [`shell_evaluate`] begins with.
const SCRIPT_DIRS: [&str; 6] =
    ["etc/service", "tmp", "usr/bin", "usr/lib/service", "usr/share/service", "var/lib/service"];
const SCRIPT_FILES: [(&str, &str); 5] = [
    ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nservice:x:100:100::/nonexistent:/bin/false\n"),
    ("etc/group", "root:x:0:\n"),
    ("etc/service.conf", "user = service\nlisten=[::1]:80\n"),
    ("usr/share/service/functions", "say() { echo \"$@\"; }\n"),
    ("var/lib/service/a.tmp", "\0\u{e9}\n"),
];
const SCRIPT_PROGRAMS: [&str; 18] = [
    "awk", "cat", "chmod", "cp", "find", "grep", "head", "ln", "ls", "mkdir", "mktemp", "mv", "rm", "sed", "sort",
    "tail", "tr", "xargs",
];

/// A text as a maintainer script: it is followed to its end or a line is told, twice in the same way, and the tree stays one
/// that can be written.
pub fn shell_evaluate(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let (result, left) = evaluated(text);
    match &result {
        Ok(finished) => assert!(finished.line >= 1 && finished.out.len() + finished.err.len() < 256 << 20),
        Err(stop) => {
            // Another file's lines may be more; a text that is evaluated counts on from the line that does it.
            assert!(stop.line >= 1 && !stop.reason.to_string().is_empty(), "{stop}");
        }
    }
    assert!((result, left) == evaluated(text), "it differs from one time to the next");
}

/// What comes of a script, and what is in the tree then.
fn evaluated(text: &str) -> (Result<shell::Finished, shell::Stop>, Vec<String>) {
    let mut files = shell::Files::new(script_tree(), "fuzz");
    let args = ["configure".to_owned(), String::new()];
    let script = shell::Script { text, name: "postinst", args: &args, environment: &[] };
    let result = shell::run(script, &mut files, &mut Nobody);
    let mut left: Vec<String> = files.take_changes().iter().map(|change| format!("{change:?}")).collect();
    let tree = files.into_tree();
    assert!(tree.check().is_ok());
    for (path, node) in tree.iter() {
        assert_eq!(tree::clean(path).as_deref(), Ok(path));
        let content = tree.file(path).map(|content| content.read().map(std::borrow::Cow::into_owned).ok());
        left.push(format!("{path} {node:?} {content:?}"));
    }
    (result, left)
}

fn script_tree() -> Tree {
    let mut tree = Tree::new();
    let mut put = |path: &str, node: Node| assert!(tree.put(path, node).is_ok(), "{path}");
    for dir in SCRIPT_DIRS {
        put(dir, Node::dir(0o755));
    }
    for (path, text) in SCRIPT_FILES {
        put(path, Node::file(0o644, text));
    }
    for name in SCRIPT_PROGRAMS {
        put(&format!("usr/bin/{name}"), Node::file(0o755, "\x7fELF"));
    }
    put("tmp/loop", Node::symlink("loop"));
    put("tmp/up", Node::symlink("../../.."));
    tree
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
