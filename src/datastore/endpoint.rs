//! Parses the datastore's URL.
//!
//! It follows the parsers that read the URL on the node: Go's `net/url`, kine (`pkg/drivers/pgsql`, `prepareConfig`) and pgx
//! (`pgconn/config.go`, `parseURLSettings`). In places they are stricter than the URL standard.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::placeholder::{has_placeholder, is_placeholder};
use super::{Host, UrlFault, UrlPart};

/// K3s's default for the database's name (kine, `pkg/drivers/pgsql`).
const DATABASE: &str = "kubernetes";

/// A datastore's host, account and connection parameters.
#[derive(Clone)]
pub struct Endpoint {
    /// A name, or an address without brackets, as written in the URL.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub(super) password: Zeroizing<Vec<u8>>,
    pub database: String,
    /// The parameters after the `?`, by name. If one is given twice, the first counts, as for kine. Values may be secret.
    pub(super) parameters: BTreeMap<String, Zeroizing<String>>,
}

impl Endpoint {
    /// The endpoint of `postgres://USER:PASSWORD@HOST:PORT/DATABASE?NAME=VALUE&…`.
    ///
    /// # Errors
    /// What is wrong with the first part that is wrong. It does not quote the URL, which holds a password.
    pub fn parse(url: &str) -> Result<Self, UrlFault> {
        let (scheme, rest) = url.split_once("://").ok_or(UrlFault::NoUrl)?;
        if !["postgres", "postgresql"].contains(&scheme) {
            return Err(UrlFault::Scheme);
        }
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if rest.contains('@') {
            // The password is cut off at the character that should be percent-encoded.
            let password = authority.split_once(':').filter(|(user, _)| !authority.contains('@') && !user.is_empty());
            return Err(match (password, rest.chars().next()) {
                (Some((_, password)), Some(char)) => {
                    UrlFault::Character { part: UrlPart::Password, char, position: password.chars().count() + 1 }
                }
                _ => UrlFault::LateAt,
            });
        }
        let (user_info, host) = authority.rsplit_once('@').ok_or(UrlFault::NoUser)?;
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        let (host, port) = place(host)?;
        if rest.contains('#') {
            return Err(UrlFault::Fragment);
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = path.trim_start_matches('/');
        for (part, text, is_unset) in [
            (UrlPart::User, user, has_placeholder(user)),
            (UrlPart::Password, password, is_placeholder(password)),
            (UrlPart::Database, path, is_placeholder(path)),
        ] {
            if is_unset {
                return Err(UrlFault::Placeholder(part));
            }
            check(part, text)?;
        }
        if user.is_empty() {
            return Err(UrlFault::NoUser);
        }
        if password.is_empty() {
            return Err(UrlFault::NoPassword);
        }
        let decoded = |part, text: &str| {
            percent_decode_str(text).decode_utf8().map(Cow::into_owned).map_err(|_| UrlFault::Text(part))
        };
        let database = decoded(UrlPart::Database, path)?;
        Ok(Self {
            host: host.to_owned(),
            port,
            user: decoded(UrlPart::User, user)?,
            password: Zeroizing::new(percent_decode_str(password).collect()),
            // kine converts it to lower case too, as PostgreSQL does with unquoted names.
            database: if database.is_empty() { DATABASE.to_owned() } else { database.to_lowercase() },
            parameters: parameters(query)?,
        })
    }

    /// The host as an address or a normalised name.
    #[must_use]
    pub fn host_kind(&self) -> Host {
        Host::of(&self.host)
    }

    /// Names of the parameters, sorted.
    pub fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.parameters.keys().map(String::as_str)
    }

    /// A parameter's value.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(|value| value.as_str())
    }
}

/// Host and port of an authority.
fn place(text: &str) -> Result<(&str, u16), UrlFault> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or(UrlFault::Host)?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    if text.contains(',') {
        return Err(UrlFault::SeveralHosts);
    }
    if has_placeholder(host) || is_placeholder(text) {
        return Err(UrlFault::Placeholder(UrlPart::Host));
    }
    let port = match port.strip_prefix(':') {
        // Go accepts a colon without a number, as no port.
        Some("") => 5432,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port > 0).ok_or(UrlFault::Port)?
        }
        None if port.is_empty() => 5432,
        Some(_) | None => return Err(UrlFault::Port),
    };
    if host.is_empty() {
        return Err(UrlFault::NoHost);
    }
    if text.starts_with('[') {
        // A percent sign separates the interface of a link-local address.
        let address = host.split('%').next().unwrap_or(host);
        address.parse::<IpAddr>().ok().filter(IpAddr::is_ipv6).ok_or(UrlFault::Host)?;
    } else if host.contains('%') {
        return Err(UrlFault::EncodedHost);
    } else if host.parse::<IpAddr>().is_err() && !is_name(host) {
        return Err(UrlFault::Host);
    }
    Ok((host, port))
}

/// Whether it is a valid DNS name. A name whose last label is a number is a malformed address.
fn is_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    host.len() <= 253 && host.split('.').all(is_label) && !is_number
}

/// Refuses characters that Go's `net/url` refuses in this part, or would misread.
fn check(part: UrlPart, text: &str) -> Result<(), UrlFault> {
    let allowed = |char: char| match part {
        UrlPart::Database => !char.is_control() && char != ' ',
        _ => char.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:%".contains(char),
    };
    for (position, (start, char)) in (1..).zip(text.char_indices()) {
        if !allowed(char) {
            return Err(UrlFault::Character { part, char, position });
        }
        let digits = text.as_bytes().get(start + 1..start + 3);
        if char == '%' && !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(UrlFault::Escape { part, position });
        }
    }
    Ok(())
}

/// Parses the text after the `?`, as Go's `url.ParseQuery` does.
fn parameters(query: &str) -> Result<BTreeMap<String, Zeroizing<String>>, UrlFault> {
    if query.contains(';') {
        return Err(UrlFault::Semicolon);
    }
    let decoded = |text: &str| {
        let spaced = Zeroizing::new(text.replace('+', " "));
        let decoded = percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned);
        decoded.map_err(|_| UrlFault::Text(UrlPart::Parameters))
    };
    let mut parameters = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let digits = |start: usize| pair.as_bytes().get(start + 1..start + 3);
        let whole = |start| digits(start).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if let Some((start, _)) = pair.match_indices('%').find(|(start, _)| !whole(*start)) {
            // The position in the whole list, counted in characters from 1.
            let before = pair.as_ptr() as usize - query.as_ptr() as usize;
            let position = query[..before + start].chars().count() + 1;
            return Err(UrlFault::Escape { part: UrlPart::Parameters, position });
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, Zeroizing::new(decoded(value)?));
        parameters.entry(name).or_insert(value);
    }
    Ok(parameters)
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Endpoint").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// `HOST:PORT`, with brackets around an IPv6 address.
impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(out, "[{host}]:{port}") } else { write!(out, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(url: &str) -> UrlFault {
        Endpoint::parse(url).expect_err(url)
    }

    #[test]
    fn a_url_is_read_as_k3s_reads_it() {
        let endpoint =
            Endpoint::parse("postgres://k%40s:p%2Fw%20d@[fd00::5]:6432/K3S?sslmode=verify-full&a=1&a=2").unwrap();
        assert_eq!(endpoint.to_string(), "[fd00::5]:6432");
        assert_eq!((endpoint.user.as_str(), endpoint.database.as_str()), ("k@s", "k3s"));
        assert_eq!(endpoint.password.as_slice(), b"p/w d");
        assert_eq!(endpoint.parameter_names().collect::<Vec<_>>(), ["a", "sslmode"]);
        assert_eq!(endpoint.parameter("a"), Some("1"));
        let bare = Endpoint::parse("postgresql://k3s:secret@db.example.org").unwrap();
        assert_eq!((bare.to_string().as_str(), bare.database.as_str()), ("db.example.org:5432", "kubernetes"));
        let dashed = Endpoint::parse("postgres://k3s:secret@db.example.org:/home-lab").unwrap();
        assert_eq!((dashed.port, dashed.database.as_str()), (5432, "home-lab"));
    }

    #[test]
    fn the_password_is_in_no_text() {
        let endpoint = Endpoint::parse("postgres://k3s:hush@db/k3s").unwrap();
        assert!(!format!("{endpoint:?} {endpoint}").contains("hush"));
    }

    #[test]
    fn the_first_character_that_is_wrong_is_told_with_its_place() {
        let at = |part, char, position| UrlFault::Character { part, char, position };
        assert_eq!(fault("postgres://k3s:pa^ss@db/k3s"), at(UrlPart::Password, '^', 3));
        assert_eq!(fault("postgres://k 3s:pass@db/k3s"), at(UrlPart::User, ' ', 2));
        assert_eq!(fault("postgres://k3s:grün@db/k3s"), at(UrlPart::Password, 'ü', 3));
        assert_eq!(fault("postgres://k3s:pa@ss@db/k3s"), at(UrlPart::Password, '@', 3));
        assert_eq!(fault("postgres://k3s:pa/ss@db/k3s"), at(UrlPart::Password, '/', 3));
        assert_eq!(fault("postgres://k3s:p?ss@db/k3s"), at(UrlPart::Password, '?', 2));
        assert_eq!(fault("postgres://k3s:#pass@db/k3s"), at(UrlPart::Password, '#', 1));
        assert_eq!(fault("postgres://k3s:pw@db/k3s?a=b@c"), UrlFault::LateAt);
        assert_eq!(fault("postgres://k3s:100%@db/k3s"), UrlFault::Escape { part: UrlPart::Password, position: 4 });
        assert_eq!(
            fault("postgres://k3s:pw@db/k3s?a=1&b=%x"),
            UrlFault::Escape { part: UrlPart::Parameters, position: 7 }
        );
    }

    #[test]
    fn placeholders_are_found_in_every_part() {
        for (url, part) in [
            ("postgres://postgres:[YOUR-PASSWORD]@db.abc.supabase.co:5432/k3s", UrlPart::Password),
            ("postgres://postgres.[PROJECT-REF]:pw@aws-0-eu-west-1.pooler.supabase.com:5432/k3s", UrlPart::User),
            ("postgres://USER:PASSWORD@HOST:5432/DATABASE", UrlPart::Host),
            ("postgres://postgres:pw@db.<project>.supabase.co:5432/k3s", UrlPart::Host),
            ("postgres://k3s:pw@[HOST]:5432/k3s", UrlPart::Host),
            ("postgres://k3s:pw@db/<database>", UrlPart::Database),
        ] {
            assert_eq!(fault(url), UrlFault::Placeholder(part), "{url}");
        }
    }

    #[test]
    fn a_host_is_one_address_or_one_name() {
        for host in
            ["db", "db.example.org.", "DB.example.org", "my_db.lan", "192.168.1.5", "[fd00::5]", "[fe80::1%25eth0]"]
        {
            Endpoint::parse(&format!("postgres://k3s:pw@{host}/k3s")).expect(host);
        }
        for (host, expected) in [
            ("a.lan,b.lan", UrlFault::SeveralHosts),
            ("a.lan:5432,b.lan:5432", UrlFault::SeveralHosts),
            ("%6cocalhost", UrlFault::EncodedHost),
            ("%2Frun%2Fpostgresql", UrlFault::EncodedHost),
            ("127.1", UrlFault::Host),
            ("0x7f.0.0.1", UrlFault::Host),
            ("2130706433", UrlFault::Host),
            ("büro.lan", UrlFault::Host),
            ("fd00::5", UrlFault::Port),
            ("[db1]", UrlFault::Host),
            ("db:0", UrlFault::Port),
            ("db:65536", UrlFault::Port),
            ("db:+1", UrlFault::Port),
            ("", UrlFault::NoHost),
        ] {
            assert_eq!(fault(&format!("postgres://k3s:pw@{host}/k3s")), expected, "{host}");
        }
    }
}
