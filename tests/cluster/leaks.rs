//! The leak scanner: whatever is planted is found and named, and nothing else is.

use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use imgbuild::cluster::identity::{Identity, IdentitySeed};
use imgbuild::cluster::leaks::{Encoding, Hit, Scanner, redact};
use imgbuild::cluster::secrets::Secret;
use proptest::prelude::*;

/// Gives a few bytes at a time, as a pipe does.
struct Drops<'a>(&'a [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(buffer.len());
        Read::take(&mut self.0, length as u64).read(buffer)
    }
}

fn noise(length: usize, mut state: u64) -> Vec<u8> {
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length.div_ceil(8)).flat_map(|_| next()).take(length).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn scanner(secrets: &[(&str, &str)]) -> Scanner {
    let secrets: Vec<(&str, Secret)> =
        secrets.iter().map(|(name, value)| (*name, Secret::from((*value).to_owned()))).collect();
    Scanner::new(secrets.iter().map(|(name, value)| (*name, value)))
}

/// `value` as others write it, amid other bytes of the same text: what is written, and what it is to be found as.
fn written(value: &str, way: usize, before: &[u8], behind: &[u8]) -> (Vec<u8>, Encoding) {
    let all = [before, value.as_bytes(), behind].concat();
    let escaped = |keep: &dyn Fn(u8) -> bool, upper: bool| -> Vec<u8> {
        let escape = |byte: u8| match (keep(byte), upper) {
            (true, _) => char::from(byte).to_string(),
            (_, true) => format!("%{byte:02X}"),
            (_, false) => format!("%{byte:02x}"),
        };
        value.bytes().map(escape).collect::<Vec<_>>().concat().into_bytes()
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    match way {
        0 => (all, Encoding::Raw),
        1 => (STANDARD.encode(all).into_bytes(), Encoding::Base64),
        2 => (URL_SAFE_NO_PAD.encode(all).into_bytes(), Encoding::Base64Url),
        3 => (escaped(&unreserved, true), Encoding::Percent),
        4 => (escaped(&unreserved, false), Encoding::Percent),
        5 => (escaped(&|_| false, true), Encoding::Percent),
        6 => (escaped(&|_| false, false), Encoding::Percent),
        7 => (serde_json::to_vec(&serde_json::json!({"key": value})).unwrap(), Encoding::Json),
        8 => (hex(&all).into_bytes(), Encoding::Hex),
        _ => (hex(&all).to_uppercase().into_bytes(), Encoding::Hex),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_secret_is_found_in_any_encoding_at_any_place(
        value in r#"[ -~]{8,90}|[0-9a-f]{64}|[A-Za-z0-9+/=\n"\\]{8,40}|\PC{8,30}"#,
        way in 0_usize..10,
        before in prop::collection::vec(any::<u8>(), 0..20),
        behind in prop::collection::vec(any::<u8>(), 0..20),
        place in 0_usize..3000,
        drop in 1_usize..700,
        state in 1_u64..,
    ) {
        let mut stream = noise(3000, state);
        let (planted, encoding) = written(&value, way, &before, &behind);
        let end = place + planted.len();
        stream.splice(place..place, planted);
        let scanner = scanner(&[("other", "correct horse battery staple"), ("planted", &value)]);
        let hits = scanner.scan(Drops(&stream, drop)).unwrap();
        prop_assert!(!hits.is_empty());
        for hit in &hits {
            prop_assert_eq!(&hit.name, "planted");
            let range = place as u64..end as u64;
            prop_assert!(range.contains(&hit.offset), "{} outside {:?}", hit, range);
        }
        // Many secrets look the same in several encodings; then the plainest is named.
        let plainest = hits.iter().map(|hit| hit.encoding).min().unwrap();
        prop_assert!(plainest <= encoding, "{:?}", hits);
        // What the scanner finds in a text, `redact` takes out of it.
        let text = format!("before {} behind", String::from_utf8_lossy(&stream[place..end]));
        let secret = Secret::from(value);
        let redacted = redact(&text, [("planted", &secret)]);
        prop_assert_eq!(scanner.scan(redacted.as_bytes()).unwrap(), [], "{}", redacted);
        prop_assert!(redacted == text || redacted.contains("[secret planted]"), "{}", redacted);
    }
}

#[test]
fn a_message_has_names_in_the_place_of_secrets() {
    let secrets = [("key", "hush"), ("password", "corr@ect horse"), ("pin", "123")];
    let secrets = secrets.map(|(name, value)| (name, Secret::from(value.to_owned())));
    let redacted = |text: &str| redact(text, secrets.iter().map(|(name, value)| (*name, value)));
    for password in ["corr@ect horse", "corr%40ect%20horse", "corr%40ect+horse", &hex(b"corr@ect horse")] {
        assert_eq!(redacted(&format!("no `{password}`, 123 times")), "no `[secret password]`, 123 times");
    }
    assert_eq!(redacted("hush, hush"), "[secret key], [secret key]");
    assert!(!redacted(&STANDARD.encode("k3s:corr@ect horse")).contains("NvcnJAZWN0IGhvcnN"));
}

#[test]
fn a_secret_is_found_across_every_border_of_the_scanners_own() {
    let secret = "0123456789-abcdefghijklmnopqrstuvwxyz";
    let scanner = scanner(&[("token", secret)]);
    let mib = 1 << 20;
    // The windows are 1 MiB long, and walked in quarters.
    for border in [mib / 4, mib / 2, mib / 4 * 3, mib, mib + 17, 2 * mib, 2 * mib + mib / 4] {
        for before in [0, 1, 10, secret.len() - 1, secret.len()] {
            let mut stream = noise(3 * mib, 99);
            let place = border - before;
            stream[place..place + secret.len()].copy_from_slice(secret.as_bytes());
            let expected = Hit { name: "token".to_owned(), encoding: Encoding::Raw, offset: place as u64 };
            assert_eq!(scanner.scan(&stream[..]).unwrap(), [expected], "{before} before {border}");
        }
    }
}

#[test]
fn random_bytes_and_public_halves_are_no_leaks() {
    let identity = Identity::derive(&IdentitySeed::from_bytes([3; 32]), "pi1");
    let secrets: Vec<(String, Secret)> =
        (0..30).map(|index| (format!("secret-{index}"), hex(&noise(32, index + 1)).into())).collect();
    let all = secrets.iter().map(|(name, value)| (name.as_str(), value)).chain(identity.private());
    let scanner = Scanner::new(all);
    let bytes = noise(4 << 20, 12345);
    let texts = [STANDARD.encode(&bytes[..1 << 20]), hex(&bytes[..1 << 19])];
    assert_eq!(scanner.scan(&bytes[..]).unwrap(), []);
    for text in texts {
        assert_eq!(scanner.scan(text.as_bytes()).unwrap(), []);
    }
    let public = format!(
        "{}\n{}\n{}\n{}\n",
        identity.machine_id, identity.ssh_host_public, identity.ssh_fingerprint, identity.initiator_name
    );
    assert_eq!(scanner.scan(public.as_bytes()).unwrap(), []);
}

#[test]
fn a_key_in_an_indented_block_is_found() {
    let identity = Identity::derive(&IdentitySeed::from_bytes([9; 32]), "pi1");
    let scanner = Scanner::new(identity.private());
    let indented = identity.ssh_host_key.expose().replace('\n', "\n      ");
    let hits = scanner.scan(format!("stringData:\n  key: |\n      {indented}").as_bytes()).unwrap();
    assert_eq!(
        hits.iter().map(|hit| (hit.name.as_str(), hit.encoding)).collect::<Vec<_>>(),
        [("SSH host key", Encoding::PemLine)]
    );
}

#[test]
fn the_bytes_behind_hexadecimal_digits_are_found_too() {
    let bytes = noise(32, 5);
    let digits = hex(&bytes);
    let scanner = scanner(&[("identity-seed", &digits)]);
    for (stream, encoding) in [
        (bytes.clone(), Encoding::Bytes),
        (digits.to_uppercase().into_bytes(), Encoding::Raw),
        (STANDARD.encode(&bytes).into_bytes(), Encoding::Base64),
    ] {
        let hits = scanner.scan(&[b"before ", &stream[..], b" behind"].concat()[..]).unwrap();
        assert_eq!(hits, [Hit { name: "identity-seed".to_owned(), encoding, offset: 7 }]);
    }
}

#[test]
fn secrets_within_secrets_are_all_named() {
    let scanner = scanner(&[("inner", "password1234"), ("outer", "postgres://u:password1234@db")]);
    let hits = scanner.scan(&b"url=postgres://u:password1234@db"[..]).unwrap();
    let found: Vec<(&str, u64)> = hits.iter().map(|hit| (hit.name.as_str(), hit.offset)).collect();
    assert_eq!(found, [("outer", 4), ("inner", 17)]);
}

#[test]
fn short_secrets_are_skipped_and_reported() {
    let scanner = scanner(&[("pin", "1234567"), ("empty", ""), ("token", "12345678")]);
    assert_eq!(scanner.skipped(), ["pin", "empty"]);
    assert_eq!(scanner.scan(&b"1234567 and 12345678"[..]).unwrap().len(), 1);
    assert_eq!(self::scanner(&[]).scan(&b"anything"[..]).unwrap(), []);
}

#[test]
fn neither_scanner_nor_hit_shows_a_value() {
    let scanner = scanner(&[("token", "a-rather-secret-value")]);
    let hits = scanner.scan(&b"xx a-rather-secret-value"[..]).unwrap();
    let shown = format!("{scanner:?} {hits:?} {}", hits[0]);
    assert!(shown.contains("`token` as it is at byte 3") && !shown.contains("rather"), "{shown}");
}
