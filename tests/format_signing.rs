//! Signatures of boot files, kernel modules and firmware variables, against sbsigntools, osslsigncode, efitools, OpenSSL and kmod.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/boot_loader.rs"]
mod boot_loader;
mod support;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use boot_loader::{EFI, boot_loader};
use imgbuild::format::authenticode::{self, AuthenticodeError, State, signatures};
use imgbuild::format::efi_variable::{Variable, signature_list, signed_setting};
use imgbuild::format::module_signature::{ModuleSignatureError, is_signed, sign_module};
use imgbuild::format::signing::{SigningError, SigningKey, certificate_of_file};
use imgbuild::format::uki::{self, Section};
use support::{ok, run};

/// Two owners' keys: making one takes seconds.
static KEYS: LazyLock<[SigningKey; 2]> =
    LazyLock::new(|| ["CN=owner db", "CN=stranger"].map(|name| SigningKey::make(name, 1_735_689_600).unwrap()));

/// A unified kernel image, and systemd's boot loader as it is.
fn programs() -> [Vec<u8>; 2] {
    let sections = [Section { name: ".cmdline", data: b"roothash=00" }, Section { name: ".linux", data: &[7; 12_345] }];
    let kernel = uki::append(boot_loader(&format!("linux{EFI}.efi.stub")), &sections).unwrap();
    [kernel, boot_loader(&format!("systemd-boot{EFI}.efi")).to_vec()]
}

/// Writes a certificate in PEM, as tools want it.
fn certificate(dir: &Path, key: &SigningKey, name: &str) {
    fs::write(dir.join("certificate.der"), key.certificate()).unwrap();
    ok(dir, "openssl", &["x509", "-inform", "DER", "-in", "certificate.der", "-out", name]);
}

#[test]
fn foreign_verifiers_accept_a_signed_program_and_only_with_its_own_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let [owner, stranger] = &*KEYS;
    certificate(dir.path(), owner, "owner.pem");
    certificate(dir.path(), stranger, "stranger.pem");
    for (program, has_gap) in programs().into_iter().zip([true, false]) {
        let signed = authenticode::sign(&program, owner).unwrap();
        assert_eq!(signed, authenticode::sign(&program, owner).unwrap(), "the same key gives the same bytes");
        fs::write(dir.path().join("signed.efi"), &signed).unwrap();
        let said = ok(dir.path(), "sbverify", &["--cert", "owner.pem", "signed.efi"]);
        assert!(said.contains("Signature verification OK"), "{said}");
        assert!(!run(dir.path(), "sbverify", &["--cert", "stranger.pem", "signed.efi"]).status.success());
        // The stub of systemd 252 has a table of symbols that is in no section. Firmware and sbverify pass over it, as Microsoft's
        // text says; osslsigncode digests the file as it lies.
        if !has_gap {
            let said = ok(dir.path(), "osslsigncode", &["verify", "-CAfile", "owner.pem", "-in", "signed.efi"]);
            assert!(said.contains("Signature verification: ok"), "{said}");
        }

        let found = signatures(&signed).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].subject, found[0].state), ("CN=owner db", State::Good));
        assert_eq!(found[0].fingerprint, owner.fingerprint());
    }
}

#[test]
fn a_changed_program_does_not_hold_and_a_second_signature_is_added_beside_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let [owner, stranger] = &*KEYS;
    certificate(dir.path(), owner, "owner.pem");
    certificate(dir.path(), stranger, "stranger.pem");
    let [program, _] = programs();
    let mut signed = authenticode::sign(&program, owner).unwrap();
    let twice = authenticode::sign(&signed, stranger).unwrap();
    fs::write(dir.path().join("twice.efi"), &twice).unwrap();
    for certificate in ["owner.pem", "stranger.pem"] {
        ok(dir.path(), "sbverify", &["--cert", certificate, "twice.efi"]);
    }
    let found: Vec<_> = signatures(&twice).unwrap().into_iter().map(|found| (found.subject, found.state)).collect();
    assert_eq!(found, [("CN=owner db".to_owned(), State::Good), ("CN=stranger".to_owned(), State::Good)]);

    let at = signed.windows(11).position(|bytes| bytes == b"roothash=00").unwrap();
    signed[at + 10] ^= 1;
    fs::write(dir.path().join("changed.efi"), &signed).unwrap();
    assert!(!run(dir.path(), "sbverify", &["--cert", "owner.pem", "changed.efi"]).status.success());
    assert_eq!(signatures(&signed).unwrap()[0].state, State::Changed);
    assert_eq!(signatures(&program).unwrap(), []);
    for cut in [0, 2, 0x40, 0x200, program.len() / 2] {
        let _ = signatures(&signed[..cut]);
        assert!(matches!(authenticode::sign(&signed[..cut], owner), Err(AuthenticodeError::NotPe(_))), "{cut}");
    }
}

#[test]
fn a_program_signed_by_another_tool_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let [owner, _] = &*KEYS;
    certificate(dir.path(), owner, "owner.pem");
    fs::write(dir.path().join("owner.key"), &*owner.to_pem().unwrap()).unwrap();
    let [program, _] = programs();
    fs::write(dir.path().join("program.efi"), &program).unwrap();
    ok(dir.path(), "sbsign", &["--key", "owner.key", "--cert", "owner.pem", "--output", "signed.efi", "program.efi"]);
    let found = signatures(&fs::read(dir.path().join("signed.efi")).unwrap()).unwrap();
    assert_eq!((&*found[0].subject, found[0].state), ("CN=owner db", State::Good));
}

#[test]
fn a_signed_module_is_one_for_kmod_and_its_signature_holds_for_openssl() {
    let dir = tempfile::tempdir().unwrap();
    let [owner, _] = &*KEYS;
    certificate(dir.path(), owner, "owner.pem");
    let source = "__attribute__((section(\".modinfo\"), used)) static const char licence[] = \"license=GPL\";\n";
    fs::write(dir.path().join("module.cc"), source).unwrap();
    ok(dir.path(), "c++", &["-c", "module.cc", "-o", "plain.ko"]);
    let plain = fs::read(dir.path().join("plain.ko")).unwrap();
    let signed = sign_module(&plain, owner).unwrap();
    assert_eq!(signed, sign_module(&plain, owner).unwrap());
    assert!(is_signed(&signed) && !is_signed(&plain));
    fs::write(dir.path().join("signed.ko"), &signed).unwrap();
    let fields = ok(dir.path(), "modinfo", &["./signed.ko"]);
    for field in ["sig_id:         PKCS#7", "signer:         owner db", "sig_hashalgo:   sha256"] {
        assert!(fields.contains(field), "{field}: {fields}");
    }

    let trailer = &signed[signed.len() - 40..];
    assert_eq!(&trailer[..8], [0, 0, 2, 0, 0, 0, 0, 0]);
    let length = u32::from_be_bytes(trailer[8..12].try_into().unwrap()) as usize;
    let signature = &signed[plain.len()..signed.len() - 40];
    assert_eq!((signature.len(), &signed[..plain.len()]), (length, &*plain));
    fs::write(dir.path().join("signature"), signature).unwrap();
    let verify = "cms -verify -binary -inform DER -in signature -content plain.ko -certfile owner.pem -CAfile owner.pem \
                  -purpose any -out out";
    ok(dir.path(), "openssl", &verify.split_whitespace().collect::<Vec<_>>());
    assert!(matches!(sign_module(&signed, owner), Err(ModuleSignatureError::Signed)));
    assert!(matches!(sign_module(b"\xfd7zXZ", owner), Err(ModuleSignatureError::NotElf)));
}

#[test]
fn efitools_and_openssl_read_what_firmware_enrols() {
    let dir = tempfile::tempdir().unwrap();
    let [owner, platform] = &*KEYS;
    let list = signature_list(owner.certificate(), b"owner").unwrap();
    fs::write(dir.path().join("db.esl"), &list).unwrap();
    ok(dir.path(), "sig-list-to-certs", &["db.esl", "found"]);
    assert_eq!(fs::read(dir.path().join("found-0.der")).unwrap(), owner.certificate());

    // What is signed is made again from the file by hand: name, vendor, attributes, time, content.
    certificate(dir.path(), platform, "platform.pem");
    let file = signed_setting(Variable::Db, &list, platform).unwrap();
    let length = u32::from_le_bytes(file[16..20].try_into().unwrap()) as usize;
    assert_eq!(file[16 + length..], list);
    assert_eq!(file[..16], [0xe9, 0x07, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "2025-01-01");
    let vendor = [0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f];
    let signed = [b"d\0b\0", &vendor[..], &[0x27, 0, 0, 0], &file[..16], &list].concat();
    fs::write(dir.path().join("signed"), signed).unwrap();
    // In the file the envelope that names its kind is left out; openssl wants it.
    let bare = &file[40..16 + length];
    let short = |bytes: usize| u16::try_from(bytes).unwrap().to_be_bytes();
    let kind = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    let head = [&[0x30, 0x82][..], &short(bare.len() + 15), &kind, &[0xa0, 0x82], &short(bare.len())].concat();
    fs::write(dir.path().join("signature"), [&head, bare].concat()).unwrap();
    let verify =
        "cms -verify -binary -inform DER -in signature -content signed -CAfile platform.pem -purpose any -out out";
    ok(dir.path(), "openssl", &verify.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn a_key_is_read_as_it_was_written_and_one_that_is_none_is_refused_without_being_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let [owner, stranger] = &*KEYS;
    let text = owner.to_pem().unwrap();
    let read = SigningKey::from_pem(&text).unwrap();
    assert_eq!((read.certificate(), read.fingerprint()), (owner.certificate(), owner.fingerprint()));
    assert!(!format!("{read:?}").contains("PRIVATE"));
    fs::write(dir.path().join("owner.pem"), &*text).unwrap();
    let shown = ok(dir.path(), "openssl", &["x509", "-in", "owner.pem", "-noout", "-text"]);
    for part in ["CN = owner db", "Digital Signature, Certificate Sign", "Public-Key: (2048 bit)"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let verified = ok(dir.path(), "openssl", &["verify", "-CAfile", "owner.pem", "owner.pem"]);
    assert!(verified.contains("OK"), "{verified}");
    assert_eq!(certificate_of_file(text.as_bytes()).unwrap(), owner.certificate());
    assert_eq!(certificate_of_file(owner.certificate()).unwrap(), owner.certificate());
    assert!(certificate_of_file(b"nothing").is_err());

    let (key, _) = text.split_once("-----BEGIN CERTIFICATE").unwrap();
    let other = stranger.to_pem().unwrap();
    let (_, foreign) = other.split_once("-----BEGIN CERTIFICATE").unwrap();
    let mixed = format!("{key}-----BEGIN CERTIFICATE{foreign}");
    assert!(matches!(SigningKey::from_pem(&mixed), Err(SigningError::NotAPair)));
    assert!(matches!(SigningKey::from_pem(key), Err(SigningError::NoPart("CERTIFICATE"))));
    assert!(matches!(SigningKey::from_pem("hush"), Err(SigningError::NoPart("PRIVATE KEY"))));
    let broken = text.replacen("MII", "AAA", 1);
    let error = SigningKey::from_pem(&broken).unwrap_err();
    assert!(matches!(error, SigningError::Unreadable("PRIVATE KEY")), "{error}");
}
