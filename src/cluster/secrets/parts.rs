//! The secret parts of a datastore's URL and of signing keys, which must not be published on their own either.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::{DATASTORE_URL, SECURE_BOOT, Secret, Secrets};
use crate::cluster::hex;
use crate::format::signing::SigningKey;

/// What must be searched for beside the secrets themselves, each with a name for messages: parts of the datastore's URL and of the
/// keys of Secure Boot.
#[must_use]
pub fn parts(secrets: &Secrets) -> Vec<(&'static str, Secret)> {
    let mut parts = of_url(secrets);
    parts.extend(SECURE_BOOT.into_iter().flat_map(|name| of_key(name, secrets)));
    parts
}

/// Whether a secret is searched for by its parts alone: a key in PEM is long, every form of it costs memory, and it comes with a
/// certificate, which is no secret.
#[must_use]
pub fn is_searched_by_parts(name: &str) -> bool {
    SECURE_BOOT.contains(&name)
}

/// A prime of a private key, whose bytes are in every file that has the key, and a line of its PEM text. Empty if it is none.
fn of_key(name: &'static str, secrets: &Secrets) -> Vec<(&'static str, Secret)> {
    let Some(text) = secrets.get(name).map(Secret::expose) else { return Vec::new() };
    let Ok(key) = SigningKey::from_pem(text) else { return Vec::new() };
    let prime = key.private_numbers().pop().map(|prime| Secret::from(hex::encode(&prime)));
    let body = text.split_once("-----BEGIN PRIVATE KEY-----").map_or("", |(_, body)| body);
    let body: Vec<&str> = body.lines().take_while(|line| !line.starts_with("-----")).collect();
    let line = body.get(body.len() / 2).map(|line| Secret::from(line.trim().to_owned()));
    prime.into_iter().chain(line).map(|part| (name, part)).collect()
}

/// The datastore's password, percent-encoded as in the URL and decoded, and the URL with the decoded password; each with a name
/// for messages. Empty if the URL is malformed.
fn of_url(secrets: &Secrets) -> Vec<(&'static str, Secret)> {
    const PASSWORD: &str = "datastore-url (its password)";
    let Some(url) = secrets.get(DATASTORE_URL).map(Secret::expose) else { return Vec::new() };
    let Some(spelled) = password(url) else { return Vec::new() };
    let mut parts = vec![(PASSWORD, Secret::from(spelled.to_owned()))];
    if let Cow::Owned(meant) = percent_decode_str(spelled).decode_utf8_lossy() {
        let meant = Zeroizing::new(meant);
        // The `@` after the password is the last one in the authority.
        let start = url.len() - url.split_once("://").map_or(url, |(_, rest)| rest).len();
        let from = start + url[start..].find(':').unwrap_or_default() + 1;
        let whole = [&url[..from], meant.as_str(), &url[from + spelled.len()..]].concat();
        parts.push((PASSWORD, Secret::from(meant)));
        parts.push((DATASTORE_URL, Secret::from(whole)));
    }
    parts
}

/// The text between the first `:` and the last `@` of a URL's authority.
fn password(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user_info, _) = authority.rsplit_once('@')?;
    user_info.split_once(':').map(|(_, password)| password).filter(|password| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;

    fn texts(url: &str) -> Vec<String> {
        let mut secrets = Secrets::default();
        secrets.insert(DATASTORE_URL, url.to_owned().into(), Source::File("secrets.toml"));
        parts(&secrets).into_iter().map(|(_, secret)| secret.expose().to_owned()).collect()
    }

    #[test]
    fn a_urls_password_is_a_secret_as_it_is_spelled_and_as_it_is_meant() {
        assert_eq!(texts("postgres://k3s:hush-hush@db/k3s"), ["hush-hush"]);
        assert_eq!(
            texts("postgres://k3s:p%40ss%2Fw:rd@db:5432/k3s?x=1"),
            ["p%40ss%2Fw:rd", "p@ss/w:rd", "postgres://k3s:p@ss/w:rd@db:5432/k3s?x=1"]
        );
        assert!(texts("postgres://k3s@db/k3s").is_empty() && texts("nothing").is_empty());
    }
}
