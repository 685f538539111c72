//! Debian's real suites, from the mirror that this host uses: signature, index, package.

use std::path::Path;

use imgbuild::debian::archive::{FetchedIndex, fetch_indexes};
use imgbuild::debian::index;
use imgbuild::debian::mirror::{AptMirrors, Mirror};
use imgbuild::fetch::{Download, Fetcher};
use imgbuild::output::Silent;
use imgbuild::profile::{Arch, Source, SourceKey};

fn source(name: &str, archive: &str, suite: &str) -> Source {
    Source {
        name: name.to_owned(),
        archive: archive.to_owned(),
        suite: suite.to_owned(),
        components: vec!["main".to_owned(), "non-free-firmware".to_owned()],
        key: SourceKey::Debian,
    }
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

#[test]
fn trixies_suites_verify_and_their_packages_can_be_fetched() {
    let cache = tempfile::tempdir().unwrap();
    let mirror = Mirror::choose(None, &AptMirrors::of_host(Path::new("/")), None).unwrap();
    let fetcher = Fetcher::new(cache.path(), false).unwrap();
    let sources = [
        source("debian", "debian", "trixie"),
        source("updates", "debian", "trixie-updates"),
        source("security", "debian-security", "trixie-security"),
    ];
    let indexes = fetch_indexes(&sources, Arch::Arm64, &mirror, &fetcher, now(), &Silent).unwrap();
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

    let offline = Fetcher::new(cache.path(), true).unwrap();
    assert_eq!(offline.fetch_all(&[download], &Silent).unwrap(), paths);
}
