//! Where a datastore is, by the URL that K3s gets.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;
use zeroize::Zeroizing;

/// What K3s calls its database where the URL names none (kine, `pkg/drivers/pgsql`).
const DATABASE: &str = "kubernetes";

/// A datastore's place and the account there.
#[derive(Clone)]
pub struct Endpoint {
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub(super) password: Zeroizing<Vec<u8>>,
    pub database: String,
    /// Where tables are looked for and made, if the URL says.
    pub(super) search_path: Option<String>,
}

impl Endpoint {
    /// The endpoint of `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; none if it is no such URL.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let host = url.host_str()?.trim_matches(['[', ']']);
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned);
        let database = decoded(url.path().trim_start_matches('/'))?;
        let search_path = url.query_pairs().find(|(key, _)| key == "search_path").map(|(_, value)| value.into_owned());
        Some(Self {
            host: decoded(host)?,
            port: url.port().unwrap_or(5432),
            user: decoded(url.username())?,
            password: Zeroizing::new(percent_decode_str(url.password()?).collect()),
            // K3s writes it so too.
            database: if database.is_empty() { DATABASE.to_owned() } else { database.to_lowercase() },
            search_path,
        })
    }

    /// `text`, which comes from outside, without the password.
    pub(super) fn scrub(&self, text: &str) -> String {
        match std::str::from_utf8(&self.password) {
            Ok(password) if !password.is_empty() => text.replace(password, "…"),
            _ => text.to_owned(),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Endpoint").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// `HOST:PORT`, as a person writes it.
impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(out, "[{host}]:{port}") } else { write!(out, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_as_k3s_reads_it() {
        let endpoint = Endpoint::parse("postgres://k%40s:p%2Fw%20d@[fd00::5]:6432/K3S?sslmode=verify-full").unwrap();
        assert_eq!(endpoint.to_string(), "[fd00::5]:6432");
        assert_eq!((endpoint.user.as_str(), endpoint.database.as_str()), ("k@s", "k3s"));
        assert_eq!(endpoint.password.as_slice(), b"p/w d");
        let bare = Endpoint::parse("postgresql://k3s:secret@db.example.org").unwrap();
        assert_eq!((bare.to_string().as_str(), bare.database.as_str()), ("db.example.org:5432", "kubernetes"));
        assert!(Endpoint::parse("postgres://k3s@db.example.org/k3s").is_none());
    }

    #[test]
    fn the_password_is_in_no_text() {
        let endpoint = Endpoint::parse("postgres://k3s:hush@db/k3s").unwrap();
        assert!(!format!("{endpoint:?} {endpoint}").contains("hush"));
        assert_eq!(endpoint.scrub("no \"hush\" here"), "no \"…\" here");
    }
}
