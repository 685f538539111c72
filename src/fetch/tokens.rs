//! What a registry of container images wants before it gives anything: a token, which it gives to everybody where images are
//! public (distribution/distribution, `docs/content/spec/auth/token.md`).
//!
//! ```text
//! GET /v2/…          ─▶ 401, WWW-Authenticate: Bearer realm="https://auth…/token",service="…",scope="repository:…:pull"
//! GET realm?service=…&scope=…  ─▶ {"token": "…"}
//! GET /v2/…, Authorization: Bearer …
//! ```
//! A token is for one path of one registry, and is sent there alone: where the registry leads to another host, the HTTP client
//! leaves it out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use url::{Host, Url};

/// Most bytes of the answer with a token; real ones have some thousand.
pub(super) const MAX_ANSWER: u64 = 64 << 10;

/// Most bytes of a token.
const MAX_TOKEN: usize = 32 << 10;

/// The kinds of manifests that are asked for: a registry that knows another one only says so.
pub(super) const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// Something in a registry: `/v2/PATH/manifests/…` or `/v2/PATH/blobs/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Scheme, host and port.
    origin: String,
    /// The path in the registry.
    repository: String,
    pub(super) is_manifest: bool,
}

/// What a token is asked for with, as the registry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    service: Option<String>,
    scope: Option<String>,
}

/// Tokens that were given, by what they are for.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<BTreeMap<(String, String), String>>);

impl Place {
    /// What a URL leads to; none if it is nothing in a registry.
    pub(super) fn of(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let path = url.path().strip_prefix("/v2/")?;
        let (repository, is_manifest) = match path.rsplit_once("/manifests/") {
            Some((repository, _)) => (repository, true),
            None => (path.rsplit_once("/blobs/")?.0, false),
        };
        Some(Self { origin: url.origin().ascii_serialization(), repository: repository.to_owned(), is_manifest })
    }

    /// The URL that gives a token for it; none where that would be asked for over a line that others can read.
    pub(super) fn token_url(&self, challenge: &Challenge) -> Option<Url> {
        let mut url = Url::parse(&challenge.realm).ok()?;
        let is_here = |url: &Url| match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
            None => false,
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && is_here(&url)) {
            return None;
        }
        let scope = challenge.scope.clone().unwrap_or_else(|| format!("repository:{}:pull", self.repository));
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = &challenge.service {
                query.append_pair("service", service);
            }
            query.append_pair("scope", &scope);
        }
        Some(url)
    }

    fn key(&self) -> (String, String) {
        (self.origin.clone(), self.repository.clone())
    }
}

impl Challenge {
    /// Reads a `WWW-Authenticate` header (RFC 9110, 11.6.1); none if it wants something else than a token.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest)?;
        let get = |name: &str| parameters.get(name).cloned();
        Some(Self { realm: get("realm")?, service: get("service"), scope: get("scope") })
    }
}

impl Tokens {
    /// The token for a place, if one was given.
    pub(super) fn get(&self, place: &Place) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&place.key()).cloned()
    }

    /// Keeps a token in place of an older one.
    pub(super) fn put(&self, place: &Place, token: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place.key(), token.to_owned());
    }
}

/// The token in a server's answer; none if it has none that a header can hold.
pub(super) fn token_in(answer: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        token: Option<String>,
        // OAuth 2's name of it, which some registries use alone.
        access_token: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(answer).ok()?;
    let token = answer.token.or(answer.access_token)?;
    let is_good = !token.is_empty() && token.len() <= MAX_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_good.then_some(token)
}

/// `name="value"` and `name=value`, with commas between them.
fn parameters(text: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let mut value = String::new();
                let mut chars = quoted.char_indices();
                loop {
                    match chars.next()? {
                        (end, '"') => break (value, &quoted[end + 1..]),
                        (_, '\\') => value.push(chars.next()?.1),
                        (_, char) => value.push(char),
                    }
                }
            }
            None => {
                let end = after.find(',').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        found.insert(name.trim().to_ascii_lowercase(), value);
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place::of("https://registry-1.docker.io/v2/library/busybox/manifests/sha256:00").unwrap()
    }

    #[test]
    fn what_is_asked_of_a_registry_is_told_by_its_path() {
        assert_eq!((place().repository.as_str(), place().is_manifest), ("library/busybox", true));
        let blob = Place::of("http://127.0.0.1:5000/v2/a/blobs/sha256:00").unwrap();
        assert_eq!((blob.origin.as_str(), blob.is_manifest), ("http://127.0.0.1:5000", false));
        for other in
            ["https://h/debian/pool/x.deb", "https://h/v2/", "https://h/v2/a/tags/list", "file:///v2/a/blobs/b", "x"]
        {
            assert!(Place::of(other).is_none_or(|place| place.origin == "null"), "{other}");
        }
    }

    #[test]
    fn a_token_is_asked_for_as_the_registry_says() {
        let header = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#;
        let url = place().token_url(&Challenge::parse(header).unwrap()).unwrap();
        let wanted = "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Aa%2Fb%3Apull%2Cpush";
        assert_eq!(url.as_str(), wanted);
        let header = "bearer realm=\"https://ghcr.io/token?x=1\"";
        let url = place().token_url(&Challenge::parse(header).unwrap()).unwrap();
        assert_eq!(url.as_str(), "https://ghcr.io/token?x=1&scope=repository%3Alibrary%2Fbusybox%3Apull");
    }

    #[test]
    fn a_login_or_a_place_that_others_could_read_is_not_answered() {
        for header in ["Basic realm=\"x\"", "Bearer", "Bearer service=\"x\"", "Bearer realm=\"x", "", "Negotiate"] {
            assert_eq!(Challenge::parse(header), None, "{header}");
        }
        for realm in ["http://auth.example.org/token", "file:///etc/passwd", "token", "ftp://h/"] {
            let challenge = Challenge { realm: realm.to_owned(), service: None, scope: None };
            assert_eq!(place().token_url(&challenge), None, "{realm}");
        }
        let here = Challenge { realm: "http://127.0.0.1:5001/token".to_owned(), service: None, scope: None };
        assert!(place().token_url(&here).is_some());
    }

    #[test]
    fn a_token_is_what_a_header_can_hold() {
        assert_eq!(token_in(br#"{"token":"abc","expires_in":300}"#).as_deref(), Some("abc"));
        assert_eq!(token_in(br#"{"access_token":"abc"}"#).as_deref(), Some("abc"));
        for bad in [&b"{}"[..], b"abc", br#"{"token":""}"#, br#"{"token":"a\nb"}"#, br#"{"token":1}"#] {
            assert_eq!(token_in(bad), None);
        }
    }
}
