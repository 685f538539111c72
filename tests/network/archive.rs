//! From mirrors to proved indexes: Debian's real suites, and a small archive that is tampered with.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::gpg::{DAY, Gpg, NOW};
use crate::http::{Answer, Server};
use crate::support;
use imgbuild::debian::archive::{ArchiveError, FetchedIndex, fetch_indexes};
use imgbuild::debian::index;
use imgbuild::debian::mirror::{AptMirrors, Mirror};
use imgbuild::fetch::{Download, FetchError, Fetcher, Patience};
use imgbuild::output::Silent;
use imgbuild::profile::{Arch, Source, SourceKey};
use imgbuild::tree::Digest;

const PACKAGES: &str = "Package: parcel\nVersion: 1\nArchitecture: all\n";
/// `PACKAGES` is small enough to be served uncompressed.
const INDEX: &str = "main/binary-arm64/Packages";

fn source(name: &str, archive: &str, suite: &str, components: &[&str], key: SourceKey) -> Source {
    Source {
        name: name.to_owned(),
        archive: archive.to_owned(),
        suite: suite.to_owned(),
        components: components.iter().map(|&component| component.to_owned()).collect(),
        key,
        only: Vec::new(),
        versions: None,
        priority: Source::PRIORITY,
    }
}

#[test]
fn trixies_suites_verify_and_their_packages_can_be_fetched() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let cache = tempfile::tempdir().unwrap();
    let mirror = Mirror::choose(None, &AptMirrors::of_host(Path::new("/")), None).unwrap();
    let fetcher = Fetcher::new(cache.path(), false);
    let components = ["main", "non-free-firmware"];
    let sources = [
        source("debian", "debian", "trixie", &components, SourceKey::Debian),
        source("updates", "debian", "trixie-updates", &components, SourceKey::Debian),
        source("security", "debian-security", "trixie-security", &components, SourceKey::Debian),
    ];
    let indexes = fetch_indexes(&sources, Arch::Arm64, &mirror, &fetcher, now, &Silent).unwrap();
    for (index, source) in indexes.iter().zip(&sources) {
        assert_eq!(index.state.name, source.name);
        assert_eq!(index.state.signed_by.len(), 40);
    }

    let FetchedIndex { state, text } = &indexes[0];
    let stanzas = index::parse(text).unwrap();
    assert!(stanzas.len() > 60_000, "{} packages", stanzas.len());
    assert!(stanzas.iter().any(|stanza| stanza.name == "raspi-firmware"), "the second component is missing");
    let hostname = stanzas.iter().find(|stanza| stanza.name == "hostname").unwrap();
    let download = Download {
        name: "hostname".to_owned(),
        urls: mirror.urls(&state.archive, hostname.filename, state.date),
        sha256: hostname.sha256,
        size: Some(hostname.size),
    };
    let paths = fetcher.fetch_all(std::slice::from_ref(&download), &Silent).unwrap();
    assert!(std::fs::read(&paths[0]).unwrap().starts_with(b"!<arch>\ndebian-binary"));

    let offline = Fetcher::new(cache.path(), true);
    assert_eq!(offline.fetch_all(&[download], &Silent).unwrap(), paths);
}

/// A small archive, served by path; suite `test`, valid for a day.
struct Archive {
    files: BTreeMap<String, Vec<u8>>,
    key: SourceKey,
    index: Vec<u8>,
}

impl Archive {
    fn new() -> Self {
        Self::with_index(INDEX, PACKAGES.as_bytes())
    }

    /// With an index of `bytes` listed as `path`, signed and found by its digest.
    fn with_index(path: &str, bytes: &[u8]) -> Self {
        Self::with_sizes(path, bytes, bytes.len() as u64, PACKAGES.len() as u64)
    }

    /// As [`Archive::with_index`], with these sizes of the index and of the plain one in the Release file.
    fn with_sizes(path: &str, bytes: &[u8], size: u64, plain: u64) -> Self {
        let gpg = Gpg::new();
        let subkey = gpg.new_key("archive", "0");
        let digest = Digest::of(bytes);
        let release = format!(
            "Suite: test\nDate: Wed, 31 Dec 2025 00:00:00 UTC\nValid-Until: Fri, 02 Jan 2026 00:00:00 UTC\n\
             Acquire-By-Hash: yes\nArchitectures: all arm64\nNo-Support-for-Architecture-all: Packages\n\
             SHA256:\n {digest} {size} {path}\n {} {plain} {INDEX}\n",
            Digest::of(PACKAGES.as_bytes()),
        );
        let mut files = BTreeMap::new();
        let signed = gpg.clearsign(&release, NOW, &subkey, &[]);
        files.insert("/debian/dists/test/InRelease".to_owned(), signed.into_bytes());
        files.insert(format!("/debian/dists/test/main/binary-arm64/by-hash/SHA256/{digest}"), bytes.to_vec());
        Self { files, key: gpg.export("archive"), index: bytes.to_vec() }
    }

    fn inrelease(&mut self) -> &mut Vec<u8> {
        self.files.get_mut("/debian/dists/test/InRelease").unwrap()
    }

    fn by_hash(&mut self) -> &mut Vec<u8> {
        let digest = Digest::of(&self.index);
        self.files.get_mut(&format!("/debian/dists/test/main/binary-arm64/by-hash/SHA256/{digest}")).unwrap()
    }

    fn source(&self) -> Source {
        source("tiny", "debian", "test", &["main"], self.key.clone())
    }

    fn fetch(&self, source: Source, now: u64) -> Result<FetchedIndex, ArchiveError> {
        let files = self.files.clone();
        let server = Server::start(move |request| {
            files.get(&request.path).map_or_else(Answer::not_found, |file| Answer::honest(request, file))
        });
        let cache = tempfile::tempdir().unwrap();
        let mirror = Mirror::choose(Some(&server.url("/debian")), &AptMirrors::default(), None).unwrap();
        let patience = Patience { pause: Duration::from_millis(1), ..Patience::default() };
        let fetcher = Fetcher::with_patience(cache.path(), Some(patience));
        fetch_indexes(&[source], Arch::Arm64, &mirror, &fetcher, now, &Silent).map(|mut all| all.remove(0))
    }
}

#[test]
fn an_index_is_fetched_by_its_digest() {
    let mut archive = Archive::new();
    let fetched = archive.fetch(archive.source(), NOW).unwrap();
    assert_eq!(fetched.text.trim_end(), PACKAGES.trim_end());
    assert_eq!(fetched.state.sha256, Digest::of(archive.inrelease()));
    assert_eq!(fetched.state.date, NOW - DAY);
}

#[test]
fn compressed_indexes_are_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Packages"), PACKAGES).unwrap();
    for (tool, suffix) in [("xz", "xz"), ("gzip", "gz")] {
        support::ok(folder.path(), tool, &["--keep", "Packages"]);
        let bytes = std::fs::read(folder.path().join(format!("Packages.{suffix}"))).unwrap();
        let archive = Archive::with_index(&format!("{INDEX}.{suffix}"), &bytes);
        assert_eq!(archive.fetch(archive.source(), NOW).unwrap().text.trim_end(), PACKAGES.trim_end());
        let truncated = Archive::with_index(&format!("{INDEX}.{suffix}"), &bytes[..bytes.len() / 2]);
        let error = truncated.fetch(truncated.source(), NOW).unwrap_err();
        assert!(matches!(error, ArchiveError::Index { .. }), "{error}");
    }
}

#[test]
fn an_index_that_grows_beyond_what_was_signed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bomb"), vec![b'\n'; 10_000_000]).unwrap();
    support::ok(folder.path(), "xz", &["bomb"]);
    let archive = Archive::with_index(&format!("{INDEX}.xz"), &std::fs::read(folder.path().join("bomb.xz")).unwrap());
    let error = archive.fetch(archive.source(), NOW).unwrap_err();
    assert!(error.to_string().contains(&format!("larger than {} bytes", PACKAGES.len())), "{error}");
}

#[test]
fn sizes_that_no_index_has_are_refused_whatever_signed_them() {
    let packed = gzip(PACKAGES.as_bytes());
    let path = format!("{INDEX}.gz");
    for plain in [u64::MAX, 3 << 30] {
        // The plain size is not needed: what comes out is bounded in any case, and proved.
        let archive = Archive::with_sizes(&path, &packed, packed.len() as u64, plain);
        assert_eq!(archive.fetch(archive.source(), NOW).unwrap().text.trim_end(), PACKAGES.trim_end());
        let archive = Archive::with_sizes(&path, &packed, plain, PACKAGES.len() as u64);
        let error = archive.fetch(archive.source(), NOW).unwrap_err().to_string();
        assert!(
            error.contains(&format!("the Release file says {plain} bytes, and more than 536870912 are not fetched")),
            "{error}"
        );
    }
}

#[test]
fn an_index_that_unpacks_to_gigabytes_is_left_at_half_a_gibibyte() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let megabyte = vec![b'\n'; 1 << 20];
    for _ in 0..513 {
        packed.write_all(&megabyte).unwrap();
    }
    let packed = packed.finish().unwrap();
    let archive = Archive::with_sizes(&format!("{INDEX}.gz"), &packed, packed.len() as u64, 3 << 30);
    let error = archive.fetch(archive.source(), NOW).unwrap_err().to_string();
    assert!(error.contains("larger than 536870912 bytes"), "{error}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_tampered_release_file_is_refused() {
    let mut archive = Archive::new();
    let text = String::from_utf8(archive.inrelease().clone()).unwrap();
    *archive.inrelease() = text.replace("Valid-Until: Fri, 02 Jan 2026", "Valid-Until: Fri, 02 Jan 2126").into_bytes();
    let error = archive.fetch(archive.source(), NOW).unwrap_err();
    assert!(matches!(error, ArchiveError::Signature { .. }), "{error}");
    assert!(error.to_string().starts_with("source `tiny`: http://") && error.hint().is_some());
}

#[test]
fn an_archive_signed_by_another_key_is_refused() {
    let archive = Archive::new();
    let error = archive.fetch(Source { key: SourceKey::Debian, ..archive.source() }, NOW).unwrap_err();
    assert!(error.to_string().contains("not one of the pinned ones"), "{error}");
}

#[test]
fn an_expired_release_file_is_refused() {
    let archive = Archive::new();
    let error = archive.fetch(archive.source(), NOW + DAY).unwrap_err();
    assert!(error.to_string().contains("it expired on 2026-01-02T00:00:00Z"), "{error}");
    assert!(error.hint().unwrap().contains("clock"));
}

#[test]
fn a_release_file_of_another_suite_is_refused() {
    let mut archive = Archive::new();
    let moved = archive.inrelease().clone();
    archive.files.insert("/debian/dists/other/InRelease".to_owned(), moved);
    let error = archive.fetch(Source { suite: "other".to_owned(), ..archive.source() }, NOW).unwrap_err();
    assert!(error.to_string().contains("of `test`, not of `other`"), "{error}");
}

#[test]
fn a_tampered_index_is_refused() {
    let mut archive = Archive::new();
    archive.by_hash()[0] = b'p';
    let error = archive.fetch(archive.source(), NOW).unwrap_err();
    assert!(error.to_string().contains("its SHA-256 is"), "{error}");
}

#[test]
fn a_component_that_the_suite_does_not_have_is_named() {
    let archive = Archive::new();
    let error = archive.fetch(Source { components: vec!["extra".to_owned()], ..archive.source() }, NOW).unwrap_err();
    assert_eq!(error.to_string(), "source `tiny`: suite `test` has no component `extra` for arm64");
}

#[test]
fn a_suite_that_the_mirror_does_not_have_is_named_with_its_address() {
    let archive = Archive::new();
    let error = archive.fetch(Source { suite: "gone".to_owned(), ..archive.source() }, NOW).unwrap_err();
    assert!(matches!(&error, ArchiveError::Fetch(FetchError::Unavailable { .. })));
    assert!(error.to_string().contains("/debian/dists/gone/InRelease: not found"), "{error}");
}
