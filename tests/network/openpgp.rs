//! Signatures made by `GnuPG`, a foreign implementation, with keys that are new, expired, revoked, or not pinned.

use std::fs;
use std::path::Path;

use crate::gpg::{DAY, Gpg, NOW};
use crate::support;
use imgbuild::debian::openpgp::{Reason, SignatureError, Verified, verify};
use imgbuild::profile::SourceKey;
use pgp::composed::{ArmorOptions, Deserializable as _, SignedPublicKey};
use pgp::packet::{Subpacket, SubpacketData};

const TEXT: &str = "Suite: stable\nDescription: first\n- dashed\n  trailing \t\nlast\n";

fn read_certificate(gpg: &Gpg, name: &str) -> SignedPublicKey {
    let armour = gpg.gpg(&["--armor", "--export", name]);
    SignedPublicKey::from_string(&armour).unwrap().0
}

fn pinned(certificate: &SignedPublicKey) -> SourceKey {
    SourceKey::Certificates(certificate.to_armored_bytes(ArmorOptions::default()).unwrap())
}

fn reason(result: Result<Verified, SignatureError>) -> Reason {
    match result.unwrap_err() {
        SignatureError::NoneGood { refusals } => refusals[0].reason,
        other => panic!("{other}"),
    }
}

#[test]
fn a_signing_subkey_of_a_pinned_certificate_is_good() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    let verified = verify(signed.as_bytes(), &gpg.export("archive"), NOW).unwrap();
    assert_eq!(verified.fingerprint, gpg.fingerprints("archive")[0]);
    // A cleartext signature does not cover blanks at the ends of lines, so they are not handed on.
    assert_eq!(verified.text.trim_end(), "Suite: stable\nDescription: first\n- dashed\n  trailing\nlast");
    // Binary certificates, and several in one file, serve as well.
    gpg.new_key("second", "0");
    support::ok(gpg.home(), "gpg", &["--homedir", ".", "--output", "keys", "--export"]);
    let keys = SourceKey::Certificates(fs::read(gpg.home().join("keys")).unwrap());
    assert_eq!(verify(signed.as_bytes(), &keys, NOW).unwrap(), verified);
}

#[test]
fn a_primary_key_that_may_sign_is_good() {
    let gpg = Gpg::new();
    gpg.at(NOW - DAY, &["--quick-gen-key", "archive", "rsa2048", "cert,sign", "0"]);
    let primary = gpg.fingerprints("archive").remove(0);
    let signed = gpg.clearsign(TEXT, NOW, &primary, &[]);
    assert_eq!(verify(signed.as_bytes(), &gpg.export("archive"), NOW).unwrap().fingerprint, primary);
}

#[test]
fn a_changed_text_is_refused() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let keys = gpg.export("archive");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    for (from, to) in [("stable", "stabler"), ("first", "first\nMore: text"), ("\nlast", "")] {
        let changed = signed.replace(from, to);
        assert_ne!(changed, signed);
        assert_eq!(reason(verify(changed.as_bytes(), &keys, NOW)), Reason::Bad);
    }
}

#[test]
fn text_around_the_signed_message_is_never_taken_for_signed() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let keys = gpg.export("archive");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    for message in [format!("Suite: evil\n\n{signed}"), format!("{signed}\nSuite: evil\n"), format!("{signed}{signed}")]
    {
        let error = verify(message.as_bytes(), &keys, NOW).unwrap_err();
        assert!(matches!(error, SignatureError::Message { .. }), "{error}");
    }
    // A header of the armour is not signed either.
    let injected = signed.replacen("Hash: ", "Suite: evil\nHash: ", 1);
    assert!(verify(injected.as_bytes(), &keys, NOW).is_err());
}

#[test]
fn what_is_no_signed_message_is_refused() {
    for text in ["", "Suite: stable\n", "-----BEGIN PGP SIGNED MESSAGE-----\n", "\u{0}\u{1}"] {
        assert!(
            matches!(verify(text.as_bytes(), &SourceKey::Debian, NOW), Err(SignatureError::Message { .. })),
            "{text}"
        );
    }
}

#[test]
fn what_is_malformed_is_said_in_a_few_words_of_ours() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    let told = |text: &str| verify(text.as_bytes(), &SourceKey::Debian, NOW).unwrap_err();
    let page = told("<!DOCTYPE html><title>Log in</title>");
    let begin = "it does not begin with `-----BEGIN PGP SIGNED MESSAGE-----`";
    assert_eq!(page.to_string(), format!("not a cleartext-signed OpenPGP message: {begin}"));
    assert!(page.hint().unwrap().contains("something else than the mirror"));
    let damaged = "not a cleartext-signed OpenPGP message: it is cut off or damaged, or has more than one text with its signatures";
    let header = signed.replacen("Hash: ", "Comment: x\nHash: ", 1);
    for text in [header, format!("{signed}{signed}"), signed[..signed.len() / 2].to_owned()] {
        assert_eq!(told(&text).to_string(), damaged);
    }
}

#[test]
fn a_file_of_nothing_but_lines_or_signatures_is_refused_before_they_cost_their_square() {
    let lines = format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{}", "\n".repeat(1 << 20));
    let error = verify(lines.as_bytes(), &SourceKey::Debian, NOW).unwrap_err();
    assert!(error.to_string().ends_with("it has more lines than any Release file"), "{error}");
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    let message = pgp::composed::CleartextSignedMessage::from_string(&signed).unwrap().0;
    let many = |count: usize| {
        let signatures = vec![message.signatures()[0].clone(); count];
        let signed = pgp::composed::CleartextSignedMessage::new_many(TEXT.trim_end(), |_| Ok(signatures)).unwrap();
        verify(&signed.to_armored_bytes(ArmorOptions::default()).unwrap(), &gpg.export("archive"), NOW)
    };
    assert!(many(16).is_ok());
    assert_eq!(many(17).unwrap_err(), SignatureError::TooMany { found: 17 });
}

#[test]
fn a_key_that_is_not_pinned_is_refused() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    gpg.new_key("other", "0");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    let result = verify(signed.as_bytes(), &gpg.export("other"), NOW);
    assert!(result.as_ref().unwrap_err().to_string().contains(&subkey));
    assert_eq!(reason(result), Reason::UnknownKey);
    assert_eq!(reason(verify(signed.as_bytes(), &SourceKey::Debian, NOW)), Reason::UnknownKey);
}

#[test]
fn one_good_signature_among_others_is_enough() {
    let gpg = Gpg::new();
    let (first, second) = (gpg.new_key("first", "0"), gpg.new_key("second", "0"));
    let signed = gpg.clearsign(TEXT, NOW, &first, &["--local-user", &format!("{second}!")]);
    for name in ["first", "second"] {
        let verified = verify(signed.as_bytes(), &gpg.export(name), NOW).unwrap();
        assert_eq!(verified.fingerprint, gpg.fingerprints(name)[0]);
    }
}

#[test]
fn an_expired_subkey_is_refused() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "20d");
    let keys = gpg.export("archive");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    let end = NOW + 10 * DAY;
    verify(signed.as_bytes(), &keys, end - 1).unwrap();
    assert_eq!(reason(verify(signed.as_bytes(), &keys, end)), Reason::ExpiredKey(end));
}

#[test]
fn an_expired_certificate_is_refused_whatever_its_subkey_says() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let primary = gpg.fingerprints("archive").remove(0);
    gpg.gpg(&["--quick-set-expire", &primary, "5d"]);
    let keys = gpg.export("archive");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    verify(signed.as_bytes(), &keys, NOW).unwrap();
    assert!(matches!(reason(verify(signed.as_bytes(), &keys, NOW + 6 * DAY)), Reason::ExpiredKey(_)));
}

#[test]
fn an_expired_signature_is_refused() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &["--default-sig-expire", "2d"]);
    let keys = gpg.export("archive");
    verify(signed.as_bytes(), &keys, NOW + DAY).unwrap();
    assert_eq!(reason(verify(signed.as_bytes(), &keys, NOW + 2 * DAY)), Reason::Expired(NOW + 2 * DAY));
}

#[test]
fn a_signature_from_the_future_is_refused() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let signed = gpg.clearsign(TEXT, NOW + 2 * DAY, &subkey, &[]);
    assert_eq!(reason(verify(signed.as_bytes(), &gpg.export("archive"), NOW)), Reason::Future(NOW + 2 * DAY));
}

#[test]
fn a_sha1_signature_is_refused() {
    let gpg = Gpg::new();
    gpg.at(NOW - DAY, &["--quick-gen-key", "archive", "rsa2048", "cert,sign", "0"]);
    let primary = gpg.fingerprints("archive").remove(0);
    let signed = gpg.clearsign(TEXT, NOW, &primary, &["--digest-algo", "SHA1"]);
    assert!(signed.contains("Hash: SHA1"));
    assert_eq!(reason(verify(signed.as_bytes(), &gpg.export("archive"), NOW)), Reason::WeakHash);
}

#[test]
fn a_subkey_that_did_not_agree_to_its_certificate_is_refused() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    let mut certificate = read_certificate(&gpg, "archive");
    let binding = &mut certificate.public_subkeys[0].signatures[0];
    let is_back_signature = |packet: &Subpacket| matches!(packet.data, SubpacketData::EmbeddedSignature(_));
    let position = binding.config().unwrap().unhashed_subpackets().position(is_back_signature).unwrap();
    binding.unhashed_subpacket_remove(position).unwrap();
    assert_eq!(reason(verify(signed.as_bytes(), &pinned(&certificate), NOW)), Reason::UnusableKey);
}

#[test]
fn a_foreign_subkey_that_was_slipped_into_a_pinned_certificate_is_refused() {
    let gpg = Gpg::new();
    gpg.new_key("archive", "0");
    let foreign = gpg.new_key("foreign", "0");
    let signed = gpg.clearsign(TEXT, NOW, &foreign, &[]);
    let mut certificate = read_certificate(&gpg, "archive");
    certificate.public_subkeys.append(&mut read_certificate(&gpg, "foreign").public_subkeys);
    assert_eq!(reason(verify(signed.as_bytes(), &pinned(&certificate), NOW)), Reason::UnusableKey);
}

#[test]
fn a_revoked_certificate_is_refused() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let primary = gpg.fingerprints("archive").remove(0);
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    // GnuPG stores a revocation for every new key, its armour broken by a colon against accidents.
    let path = gpg.home().join("openpgp-revocs.d").join(format!("{primary}.rev"));
    let revocation = fs::read_to_string(path).unwrap().replace(":-----BEGIN", "-----BEGIN");
    fs::write(gpg.home().join("revocation"), revocation).unwrap();
    gpg.gpg(&["--import", "revocation"]);
    assert_eq!(reason(verify(signed.as_bytes(), &gpg.export("archive"), NOW)), Reason::RevokedKey);
}

#[test]
fn a_revoked_subkey_is_refused() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    let edit = "key 1\nrevkey\ny\n0\n\ny\nsave\n";
    fs::write(gpg.home().join("commands"), edit).unwrap();
    gpg.gpg(&["--command-file", "commands", "--no-tty", "--edit-key", "archive"]);
    assert_eq!(reason(verify(signed.as_bytes(), &gpg.export("archive"), NOW)), Reason::RevokedKey);
}

#[test]
fn a_subkey_that_is_not_for_signing_is_refused() {
    let gpg = Gpg::new();
    // The primary key certifies only; its signature over a text counts for nothing.
    gpg.at(NOW - DAY, &["--quick-gen-key", "archive", "rsa2048", "cert,sign", "0"]);
    let primary = gpg.fingerprints("archive").remove(0);
    let signed = gpg.clearsign(TEXT, NOW, &primary, &[]);
    fs::write(gpg.home().join("commands"), "change-usage\ns\nq\nsave\n").unwrap();
    gpg.gpg(&["--command-file", "commands", "--no-tty", "--edit-key", "archive"]);
    assert_eq!(reason(verify(signed.as_bytes(), &gpg.export("archive"), NOW)), Reason::UnusableKey);
}

#[test]
fn pinned_keys_that_cannot_be_read_are_named_as_the_cause() {
    let gpg = Gpg::new();
    let subkey = gpg.new_key("archive", "0");
    let signed = gpg.clearsign(TEXT, NOW, &subkey, &[]);
    let damaged = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n".to_vec();
    for keys in [Vec::new(), b"not a key".to_vec(), damaged] {
        let error = verify(signed.as_bytes(), &SourceKey::Certificates(keys), NOW).unwrap_err();
        assert!(matches!(error, SignatureError::Keys { .. }), "{error}");
    }
}

#[test]
fn the_embedded_keys_are_those_of_debians_keyring() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/debian/keys");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let installed = format!("/usr/share/keyrings/{name}.gpg");
        let show = |file: &str| {
            let listing = support::ok(Path::new("/"), "gpg", &["--batch", "--with-colons", "--show-keys", file]);
            let keys = listing.lines().filter(|line| line.starts_with("fpr:")).map(str::to_owned);
            keys.collect::<Vec<_>>()
        };
        assert_eq!(show(path.to_str().unwrap()), show(&installed), "{name}");
        names.push(name);
    }
    assert_eq!(names.len(), 6);
}
