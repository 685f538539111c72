//! Where a datastore is, by the URL that K3s gets.
//!
//! The URL is read by the rules of those who read it on the node: Go's `net/url`, kine (`pkg/drivers/pgsql`,
//! `prepareConfig`) and pgx (`pgconn/config.go`, `parseURLSettings`); they are stricter in places than the URL standard.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::placeholder::{has_placeholder, is_placeholder};
use super::{Fault, Host, Part};

/// What K3s calls its database where the URL names none (kine, `pkg/drivers/pgsql`).
const DATABASE: &str = "kubernetes";

/// A datastore's place, the account there, and how it is spoken to.
#[derive(Clone)]
pub struct Endpoint {
    /// A name, or an address without brackets, as the URL spells it.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub(super) password: Zeroizing<Vec<u8>>,
    pub database: String,
    /// Behind the `?`, by name; of one that is given twice kine takes the first. Values may be secret.
    pub(super) parameters: BTreeMap<String, Zeroizing<String>>,
}

impl Endpoint {
    /// The endpoint of `postgres://USER:PASSWORD@HOST:PORT/DATABASE?NAME=VALUE&…`.
    ///
    /// # Errors
    /// What is wrong with the first part that is; nothing of the URL is in it.
    pub fn parse(url: &str) -> Result<Self, Fault> {
        let (scheme, rest) = url.split_once("://").ok_or(Fault::NoUrl)?;
        if !["postgres", "postgresql"].contains(&scheme) {
            return Err(Fault::Scheme);
        }
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if rest.contains('@') {
            // The password's own part ends at the character that should be written otherwise.
            let password = authority.split_once(':').filter(|(user, _)| !authority.contains('@') && !user.is_empty());
            return Err(match (password, rest.chars().next()) {
                (Some((_, password)), Some(char)) => {
                    Fault::Character { part: Part::Password, char, position: password.chars().count() + 1 }
                }
                _ => Fault::LateAt,
            });
        }
        let (user_info, host) = authority.rsplit_once('@').ok_or(Fault::NoUser)?;
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        let (host, port) = place(host)?;
        if rest.contains('#') {
            return Err(Fault::Fragment);
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = path.trim_start_matches('/');
        for (part, text, is_unset) in [
            (Part::User, user, has_placeholder(user)),
            (Part::Password, password, is_placeholder(password)),
            (Part::Database, path, is_placeholder(path)),
        ] {
            if is_unset {
                return Err(Fault::Placeholder(part));
            }
            check(part, text)?;
        }
        if user.is_empty() {
            return Err(Fault::NoUser);
        }
        if password.is_empty() {
            return Err(Fault::NoPassword);
        }
        let decoded = |part, text: &str| {
            percent_decode_str(text).decode_utf8().map(Cow::into_owned).map_err(|_| Fault::Text(part))
        };
        let database = decoded(Part::Database, path)?;
        Ok(Self {
            host: host.to_owned(),
            port,
            user: decoded(Part::User, user)?,
            password: Zeroizing::new(percent_decode_str(password).collect()),
            // kine writes it so too, since PostgreSQL does with names that are not quoted.
            database: if database.is_empty() { DATABASE.to_owned() } else { database.to_lowercase() },
            parameters: parameters(query)?,
        })
    }

    /// What kind of place the host is.
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
fn place(text: &str) -> Result<(&str, u16), Fault> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or(Fault::Host)?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    if text.contains(',') {
        return Err(Fault::SeveralHosts);
    }
    if has_placeholder(host) || is_placeholder(text) {
        return Err(Fault::Placeholder(Part::Host));
    }
    let port = match port.strip_prefix(':') {
        // Go takes a colon without a number for no port.
        Some("") => 5432,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port > 0).ok_or(Fault::Port)?
        }
        None if port.is_empty() => 5432,
        Some(_) | None => return Err(Fault::Port),
    };
    if host.is_empty() {
        return Err(Fault::NoHost);
    }
    if text.starts_with('[') {
        // Behind a percent sign stands the interface of a link-local address.
        let address = host.split('%').next().unwrap_or(host);
        address.parse::<IpAddr>().ok().filter(IpAddr::is_ipv6).ok_or(Fault::Host)?;
    } else if host.contains('%') {
        return Err(Fault::EncodedHost);
    } else if host.parse::<IpAddr>().is_err() && !is_name(host) {
        return Err(Fault::Host);
    }
    Ok((host, port))
}

/// Whether it is a name that name servers may know. A name whose last label is a number is meant as an address, and is none.
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

/// Refuses what Go's `net/url` refuses in user and password, or what it would take for something else.
fn check(part: Part, text: &str) -> Result<(), Fault> {
    let allowed = |char: char| match part {
        Part::Database => !char.is_control() && char != ' ',
        _ => char.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:%".contains(char),
    };
    for (position, (start, char)) in (1..).zip(text.char_indices()) {
        if !allowed(char) {
            return Err(Fault::Character { part, char, position });
        }
        let digits = text.as_bytes().get(start + 1..start + 3);
        if char == '%' && !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            return Err(Fault::Escape { part, position });
        }
    }
    Ok(())
}

/// Reads what stands behind the `?`, as Go's `url.ParseQuery` does.
fn parameters(query: &str) -> Result<BTreeMap<String, Zeroizing<String>>, Fault> {
    if query.contains(';') {
        return Err(Fault::Semicolon);
    }
    let decoded = |text: &str| {
        let spaced = Zeroizing::new(text.replace('+', " "));
        let decoded = percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned);
        decoded.map_err(|_| Fault::Text(Part::Parameters))
    };
    let mut parameters = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let digits = |start: usize| pair.as_bytes().get(start + 1..start + 3);
        let whole = |start| digits(start).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        if let Some((start, _)) = pair.match_indices('%').find(|(start, _)| !whole(*start)) {
            // Where in the whole list, as the reader counts.
            let before = pair.as_ptr() as usize - query.as_ptr() as usize;
            let position = query[..before + start].chars().count() + 1;
            return Err(Fault::Escape { part: Part::Parameters, position });
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

    fn fault(url: &str) -> Fault {
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
        let at = |part, char, position| Fault::Character { part, char, position };
        assert_eq!(fault("postgres://k3s:pa^ss@db/k3s"), at(Part::Password, '^', 3));
        assert_eq!(fault("postgres://k 3s:pass@db/k3s"), at(Part::User, ' ', 2));
        assert_eq!(fault("postgres://k3s:grün@db/k3s"), at(Part::Password, 'ü', 3));
        assert_eq!(fault("postgres://k3s:pa@ss@db/k3s"), at(Part::Password, '@', 3));
        assert_eq!(fault("postgres://k3s:pa/ss@db/k3s"), at(Part::Password, '/', 3));
        assert_eq!(fault("postgres://k3s:p?ss@db/k3s"), at(Part::Password, '?', 2));
        assert_eq!(fault("postgres://k3s:#pass@db/k3s"), at(Part::Password, '#', 1));
        assert_eq!(fault("postgres://k3s:pw@db/k3s?a=b@c"), Fault::LateAt);
        assert_eq!(fault("postgres://k3s:100%@db/k3s"), Fault::Escape { part: Part::Password, position: 4 });
        assert_eq!(fault("postgres://k3s:pw@db/k3s?a=1&b=%x"), Fault::Escape { part: Part::Parameters, position: 7 });
    }

    #[test]
    fn placeholders_are_found_in_every_part() {
        for (url, part) in [
            ("postgres://postgres:[YOUR-PASSWORD]@db.abc.supabase.co:5432/k3s", Part::Password),
            ("postgres://postgres.[PROJECT-REF]:pw@aws-0-eu-west-1.pooler.supabase.com:5432/k3s", Part::User),
            ("postgres://USER:PASSWORD@HOST:5432/DATABASE", Part::Host),
            ("postgres://postgres:pw@db.<project>.supabase.co:5432/k3s", Part::Host),
            ("postgres://k3s:pw@[HOST]:5432/k3s", Part::Host),
            ("postgres://k3s:pw@db/<database>", Part::Database),
        ] {
            assert_eq!(fault(url), Fault::Placeholder(part), "{url}");
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
            ("a.lan,b.lan", Fault::SeveralHosts),
            ("a.lan:5432,b.lan:5432", Fault::SeveralHosts),
            ("%6cocalhost", Fault::EncodedHost),
            ("%2Frun%2Fpostgresql", Fault::EncodedHost),
            ("127.1", Fault::Host),
            ("0x7f.0.0.1", Fault::Host),
            ("2130706433", Fault::Host),
            ("büro.lan", Fault::Host),
            ("fd00::5", Fault::Port),
            ("[db1]", Fault::Host),
            ("db:0", Fault::Port),
            ("db:65536", Fault::Port),
            ("db:+1", Fault::Port),
            ("", Fault::NoHost),
        ] {
            assert_eq!(fault(&format!("postgres://k3s:pw@{host}/k3s")), expected, "{host}");
        }
    }
}
