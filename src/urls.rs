//! URLs that the program fetches from: the one type of them, checked once, where a person or a file gives one.

use std::fmt;
use std::path::PathBuf;

use url::{ParseError, Url};

/// The URL of something that can be fetched, or of a directory that such things lie below: http or https, with a host; that of
/// an archive may also be of this machine ([`WebUrl::archive`]). It is shown without a user and password in it, which give
/// access.
#[derive(Clone, PartialEq, Eq)]
pub struct WebUrl(Url);

/// Why a text is no URL that can be fetched from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("it does not begin with `https://` or `http://`")]
    NoScheme,
    #[error("`{scheme}` is neither `https` nor `http`")]
    OtherScheme { scheme: String },
    #[error("it is not a URL: {0}")]
    Form(#[from] ParseError),
    #[error("it has a query or a fragment, so that nothing can lie below it")]
    NoDirectory,
    #[error("it has white space or other characters that a URL has no place for")]
    Character,
}

impl WebUrl {
    /// The URL that `text` is.
    ///
    /// # Errors
    /// Whatever else it is.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (_, rest) = text.split_once("://").ok_or(UrlError::NoScheme)?;
        // A browser takes `http:///host` and `http://\host` for `http://host`, and white space for a slip; neither is one.
        if rest.is_empty() || rest.starts_with('/') {
            return Err(ParseError::EmptyHost.into());
        }
        if text.contains(|char: char| char.is_control() || char == '\\') || text.trim() != text {
            return Err(UrlError::Character);
        }
        let url = Url::parse(text)?;
        match url.scheme() {
            "http" | "https" => Ok(Self(url)),
            other => Err(UrlError::OtherScheme { scheme: other.to_owned() }),
        }
    }

    /// The URL of a directory that other things lie below, as settings name it: as it is, without escapes, query and fragment.
    ///
    /// # Errors
    /// As [`WebUrl::parse`], and what nothing can lie below.
    pub fn base(text: &str) -> Result<Self, UrlError> {
        let url = Self::parse(text)?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UrlError::Character);
        }
        if url.0.query().is_some() || url.0.fragment().is_some() {
            return Err(UrlError::NoDirectory);
        }
        Ok(url)
    }

    /// The URL of an archive: as [`WebUrl::base`], or that of a directory of this machine, `file:///srv/mirror`, whose files are
    /// read.
    ///
    /// # Errors
    /// As [`WebUrl::base`].
    pub fn archive(text: &str) -> Result<Self, UrlError> {
        if !text.starts_with("file:///") {
            return Self::base(text);
        }
        let url = Url::parse(text)?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return Err(UrlError::Character);
        }
        if url.query().is_some() || url.fragment().is_some() || local_path(text).is_none() {
            return Err(UrlError::NoDirectory);
        }
        Ok(Self(url))
    }

    /// The URL of the directory at an absolute path of this machine; none for another path.
    #[must_use]
    pub fn directory(path: &str) -> Option<Self> {
        Url::from_file_path(path).ok().filter(|_| !path.contains(char::is_control)).map(Self)
    }

    /// All of it, for whoever fetches.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name of the file that it leads to, as the URL writes it; none for a directory.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.0.path_segments()?.next_back().filter(|name| !name.is_empty())
    }

    /// The file `name` beside this one.
    #[must_use]
    pub fn beside(&self, name: &str) -> Self {
        let mut url = self.0.clone();
        // An http URL always has a path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop().push(name);
        }
        Self(url)
    }

    /// The URL of the file at `path` below this directory, with `path` as it is.
    #[must_use]
    pub fn file(&self, path: &str) -> String {
        format!("{}/{path}", self.as_str().trim_end_matches('/'))
    }

    /// What lies below this directory at these names, one level each.
    #[must_use]
    pub fn below(&self, names: &[&str]) -> Self {
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(names);
        }
        Self(url)
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&shown(self.as_str()))
    }
}

impl fmt::Debug for WebUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A URL as messages have it, or what should have been one: without the user and the password in it.
#[must_use]
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, host)) => format!("{scheme}://{host}{}", &rest[user.len() + 1 + host.len()..]),
        None => url.to_owned(),
    }
}

/// What stands before the `@` of a URL and gives access: a password, or over anything but SSH a user name, which may be a token.
#[must_use]
pub fn login(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let (user, _) = rest.split(['/', '?', '#']).next()?.rsplit_once('@')?;
    let is_ssh = scheme.to_ascii_lowercase().ends_with("ssh");
    (!user.is_empty() && (!is_ssh || user.contains(':'))).then_some(user)
}

/// A text as messages may show it: with an asterisk for each byte of what gives access in its URLs, so that all else stays in
/// its place.
#[must_use]
pub fn masked(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        let end = after.find(|char: char| "/?#\"'`".contains(char) || char.is_whitespace()).unwrap_or(after.len());
        let start = before[..at].rfind(|char: char| !char.is_ascii_alphanumeric() && !"+-.".contains(char));
        let scheme = &before[start.map_or(0, |start| start + 1)..];
        let hidden = login(&format!("{scheme}{}", &after[..end])).map_or(0, str::len);
        shown.push_str(before);
        shown.push_str(&"*".repeat(hidden));
        rest = &after[hidden..];
    }
    shown + rest
}

/// The path that the URL of a file of this machine means.
#[must_use]
pub fn local_path(url: &str) -> Option<PathBuf> {
    Url::parse(url).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_fetched_from_is_taken_and_nothing_else() {
        for good in
            ["http://h", "https://h:8443/a/b/", "HTTP://h/a", "http://[fd00::1]/x", "http://me:pw@h/", "http://h/?a"]
        {
            assert!(WebUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "h",
            "h/debian",
            "http:h",
            "http://",
            "http:///h",
            "ftp://h/",
            "file:///etc",
            "http://a b?x",
            "http://h:99999/",
        ] {
            assert!(WebUrl::parse(bad).is_err(), "{bad}");
        }
        for bad in ["http://h\\a", " http://h", "http://h\n", "http://h/\u{1b}[2J"] {
            assert_eq!(WebUrl::parse(bad), Err(UrlError::Character), "{bad}");
        }
    }

    #[test]
    fn what_things_lie_below_has_neither_query_nor_escapes_to_be_made() {
        for bad in ["http://h/a?b", "http://h/a#b", "http://h/a?"] {
            assert_eq!(WebUrl::base(bad), Err(UrlError::NoDirectory), "{bad}");
        }
        for bad in ["http://h/a b", "http://h/ä"] {
            assert_eq!(WebUrl::base(bad), Err(UrlError::Character), "{bad}");
        }
        for base in ["http://h/a", "http://h/a/"] {
            let below = WebUrl::base(base).unwrap().below(&["release/1", "x.img"]);
            assert_eq!(below.as_str(), "http://h/a/release%2F1/x.img");
            assert_eq!(below.beside("SHA256SUMS").as_str(), "http://h/a/release%2F1/SHA256SUMS");
            assert_eq!(WebUrl::base(base).unwrap().file("v1%2B1/x"), "http://h/a/v1%2B1/x");
        }
    }

    #[test]
    fn an_archive_may_be_a_directory_of_this_machine() {
        for (text, path) in [("file:///srv/a", "/srv/a"), ("file:///srv/a%20b/", "/srv/a b/"), ("file:///", "/")] {
            let url = WebUrl::archive(text).unwrap();
            assert_eq!(local_path(url.as_str()).unwrap(), PathBuf::from(path));
        }
        assert!(WebUrl::archive("http://h/a").is_ok());
        assert_eq!(local_path("http://h/a"), None);
        for bad in ["file://h/a", "file:/a", "file:a", "/a", "file:///a?b", "file:///a#b", "file:///a b", "ftp://h/a"] {
            assert!(WebUrl::archive(bad).is_err(), "{bad}");
        }
        assert_eq!(WebUrl::directory("/srv/a b").unwrap().as_str(), "file:///srv/a%20b");
        assert!(WebUrl::directory("srv").is_none() && WebUrl::directory("/a\nb").is_none());
        // What is fetched from the web is not a file of this machine.
        assert!(WebUrl::base("file:///srv/a").is_err() && WebUrl::parse("file:///srv/a").is_err());
    }

    #[test]
    fn what_gives_access_is_told_from_the_user_of_ssh() {
        for (url, login_of) in [
            ("https://me:pw@h/a.git", Some("me:pw")),
            ("https://token@h/a.git", Some("token")),
            ("oci://me:p@w@h/a", Some("me:p@w")),
            ("ssh://git:pw@h/a.git", Some("git:pw")),
            ("ssh://git@h:22/a.git", None),
            ("git+ssh://git@h/a.git", None),
            ("git@h:a/b.git", None),
            ("https://h/a@b", None),
            ("https://h/?a=b@c", None),
            ("https://@h/", None),
            ("h", None),
        ] {
            assert_eq!(login(url), login_of, "{url}");
            let hidden = login_of.map_or(url.to_owned(), |login| url.replace(login, &"*".repeat(login.len())));
            assert_eq!(masked(&format!("a: \"{url}\" # ü\n{url}")), format!("a: \"{hidden}\" # ü\n{hidden}"));
        }
    }

    #[test]
    fn a_password_is_fetched_with_and_not_shown() {
        let url = WebUrl::parse("http://me:secret@h/a/x.img").unwrap();
        assert!(url.as_str().contains("secret"));
        assert_eq!((url.to_string(), format!("{url:?}")), ("http://h/a/x.img".into(), "http://h/a/x.img".into()));
        assert_eq!(url.file_name(), Some("x.img"));
        assert_eq!(WebUrl::parse("http://h/a/").unwrap().file_name(), None);
    }
}
