//! Sources whose key is fetched, and proved by its fingerprint.

use imgbuild::profile::SourceKey;

use crate::archive::{Archive, Online};
use crate::debs::Tar;
use crate::http::Answer;
use crate::place::Place;

const KEY: &str = "/debian/vendor.pub";

/// A vendor's flat repository with its certificate beside it, and that certificate's fingerprint.
fn vendor() -> (Archive, Vec<u8>, String) {
    let mut archive = Archive::new();
    archive.flat = true;
    let archive = archive.with("driver", &[], Tar::default().dir("./").dir("./usr/").file("./usr/driver", "driver"));
    let SourceKey::Certificates(key) = archive.gpg.export("archive") else { panic!("no certificates") };
    let fingerprint = archive.gpg.fingerprints("archive").remove(0);
    (archive, key, fingerprint)
}

/// The vendor's files on a server, with `key` for its certificate.
fn online(vendor: &Archive, key: &[u8]) -> Online {
    let mut files = vendor.files();
    files.insert(KEY.to_owned(), key.to_vec());
    vendor.serve(files, Answer::honest)
}

/// A workspace whose profile `node` has `driver` of the vendor, whose certificate is pinned by `fingerprint`.
fn place(debian: &Online, vendor: &Online, fingerprint: &str) -> Place {
    let place = debian.place(&["driver"]);
    let url = vendor.url();
    let source = format!(
        "[[source]]\nname = \"vendor\"\narchive = \"{url}\"\nsuite = \"/\"\nkey = \"{url}/vendor.pub\"\n\
         fingerprint = \"{fingerprint}\"\n"
    );
    place.write("profiles/node.toml", place.read("profiles/node.toml") + &source);
    place
}

#[test]
fn a_source_whose_certificate_is_fetched_is_locked_and_the_lock_says_who_signed() {
    let (debian, (archive, key, fingerprint)) = (Archive::new().online(), vendor());
    let vendor = online(&archive, &key);
    let place = place(&debian, &vendor, &fingerprint.to_lowercase());
    place.run(&["lock", "--profile", "node"]).ok();
    assert_eq!(vendor.paths()[..2], [KEY, "/debian/InRelease"]);
    let lock = place.read("imgbuild.lock");
    assert!(lock.contains(&format!("signed_by = \"{fingerprint}\"")), "{lock}");
    place.run(&["lock", "--check"]).ok();
    // Another pin is another source, told without a network.
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", profile.replace(&fingerprint.to_lowercase(), &"A".repeat(40)));
    assert!(place.run(&["lock", "--check"]).fails(3).contains("does not fit node"));
}

#[test]
fn a_certificate_with_another_fingerprint_is_refused_and_nothing_is_written() {
    let (debian, (archive, key, fingerprint)) = (Archive::new().online(), vendor());
    let (_, other, found) = self::vendor();
    let refused = |key: &[u8], pin: &str, words: &[&str]| {
        let vendor = online(&archive, key);
        let place = place(&debian, &vendor, pin);
        let before = place.files();
        let error = place.run(&["lock", "--profile", "node"]).fails(5);
        assert_eq!(place.files(), before, "something was written; {error}");
        for word in [&["source `vendor`", KEY], words].concat() {
            assert!(error.contains(word), "{word} is missing in {error}");
        }
        assert_eq!(vendor.paths(), [KEY], "something was fetched that the certificate is for");
    };
    refused(&other, &fingerprint, &[&found, &fingerprint, "compare `fingerprint`"]);
    refused(b"<html>please log in</html>", &fingerprint, &["it is no OpenPGP certificate", "in a browser"]);
    // The subkey's fingerprint is not the certificate's.
    refused(&key, &archive.gpg.fingerprints("archive")[1], &[&fingerprint]);
    // Longer than any certificate.
    let vendor = online(&archive, &vec![b'\n'; (1 << 20) + 1]);
    let place = place(&debian, &vendor, &fingerprint);
    assert!(place.run(&["lock", "--profile", "node"]).fails(5).contains("the certificate of source `vendor`"));
}

#[test]
fn a_url_without_a_fingerprint_and_a_fingerprint_without_a_url_are_told_at_their_place() {
    let pin = "02182E60104FCDC26EAE1B8597A5D4CB8793F200";
    let cases = [
        ("key = \"https://example.org/x.pub\"\n".to_owned(), "the certificate at this URL needs a fingerprint"),
        (format!("key = \"keys/x.asc\"\nfingerprint = \"{pin}\"\n"), "`fingerprint` belongs to a `key` that is a URL"),
        (format!("fingerprint = \"{pin}\"\n"), "`fingerprint` belongs to a `key` that is a URL"),
        (
            "key = \"https://example.org/x.pub\"\nfingerprint = \"8793F200\"\n".to_owned(),
            "`8793F200` is not a certificate's fingerprint",
        ),
        (format!("key = \"ftp://example.org/x\"\nfingerprint = \"{pin}\"\n"), "is not the URL of a file"),
    ];
    for (lines, message) in cases {
        let head = "schema = 1\nextends = \"demo\"\n[[source]]\nname = \"x\"\narchive = \"https://example.org/a\"\n";
        let place = Place::new().file("profiles/node.toml", format!("{head}suite = \"/\"\n{lines}"));
        let error = place.run(&["check", "--profile", "node"]).fails(1);
        assert!(error.contains(message) && error.contains("profiles/node.toml:"), "{error}");
    }
}

#[test]
fn a_vendor_that_does_not_answer_is_not_looked_for_at_another_mirror_of_debians() {
    let (debian, (archive, _, fingerprint)) = (Archive::new().online(), vendor());
    let vendor = archive.serve(archive.files(), Answer::honest);
    let place = place(&debian, &vendor, &fingerprint);
    let error = place.run(&["lock", "--profile", "node"]).fails(5);
    assert!(error.contains("cannot download the certificate of source `vendor`"), "{error}");
    assert!(error.contains("is named there, not with `--mirror`"), "{error}");
}
