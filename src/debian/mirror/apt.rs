//! Finds the mirrors that a Debian host's apt uses, from the texts of its source files (sources.list(5)).
//!
//! The first entry for Debian's own archive counts. Other archives, access methods other than HTTP and malformed entries are
//! skipped: if none is found, the public default is used.

use crate::debian::deb822;
use crate::urls::WebUrl;

/// Names of Debian releases that an entry's suite starts with.
const RELEASES: [&str; 10] =
    ["stable", "oldstable", "testing", "unstable", "sid", "bullseye", "bookworm", "trixie", "forky", "duke"];

/// Base URLs of Debian's archives in apt's configuration, without a trailing slash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AptMirrors {
    pub debian: Option<WebUrl>,
    pub security: Option<WebUrl>,
}

impl AptMirrors {
    /// These mirrors, and those of `other` for archives without one.
    pub(super) fn or(self, other: Self) -> Self {
        Self { debian: self.debian.or(other.debian), security: self.security.or(other.security) }
    }

    fn of_entry(address: &str, suite: &str, components: &[&str], signed_by: &str) -> Self {
        let Ok(address) = WebUrl::base(address.trim_end_matches('/')) else { return Self::default() };
        // `bookworm`, `bookworm-updates`, `stable/updates`.
        let is_release = RELEASES.contains(&suite.split(['-', '/']).next().unwrap_or_default());
        let is_debians_key = signed_by.is_empty() || signed_by.contains("debian-archive");
        if !(is_release && is_debians_key && components.contains(&"main")) {
            return Self::default();
        }
        match address.file_name() {
            Some("debian") => Self { debian: Some(address), security: None },
            Some("debian-security") => Self { debian: None, security: Some(address) },
            _ => Self::default(),
        }
    }
}

/// Whether the text of an `os-release` file says Debian.
pub(super) fn is_debian(os_release: &str) -> bool {
    os_release
        .lines()
        .any(|line| line.strip_prefix("ID=").is_some_and(|id| id.trim().trim_matches(['"', '\'']) == "debian"))
}

/// From one-line entries: `deb [option=value …] address suite component…`.
pub(super) fn from_list(text: &str) -> AptMirrors {
    let mut found = AptMirrors::default();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(rest) = line.strip_prefix("deb").filter(|rest| rest.starts_with([' ', '\t', '['])) else { continue };
        let (options, rest) = match rest.trim_start().strip_prefix('[') {
            Some(bracket) => bracket.split_once(']').unwrap_or_default(),
            None => ("", rest),
        };
        let signed_by =
            options.split_whitespace().find_map(|option| option.strip_prefix("signed-by=")).unwrap_or_default();
        let words: Vec<&str> = rest.split_whitespace().collect();
        if let [address, suite, components @ ..] = words.as_slice() {
            found = found.or(AptMirrors::of_entry(address, suite, components, signed_by));
        }
    }
    found
}

/// From entries of several fields (`Types`, `URIs`, `Suites`, `Components`, `Signed-By`).
pub(super) fn from_deb822(text: &str) -> AptMirrors {
    let text = deb822::without_comments(text);
    let mut found = AptMirrors::default();
    for entry in deb822::parse(&text).unwrap_or_default() {
        let words = |field| entry.get(field).unwrap_or_default().split_whitespace().collect::<Vec<_>>();
        let is_off = entry.get("Enabled").is_some_and(|value| ["no", "false", "off", "0"].contains(&value));
        if is_off || !words("Types").contains(&"deb") {
            continue;
        }
        let (components, signed_by) = (words("Components"), entry.get("Signed-By").unwrap_or_default());
        for address in words("URIs") {
            for suite in words("Suites") {
                found = found.or(AptMirrors::of_entry(address, suite, &components, signed_by));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirrors(debian: Option<&str>, security: Option<&str>) -> AptMirrors {
        let url = |text: &str| WebUrl::base(text).unwrap();
        AptMirrors { debian: debian.map(url), security: security.map(url) }
    }

    #[test]
    fn one_line_entries_are_read() {
        let text = "\
# deb http://comment.example.org/debian trixie main
deb cdrom:[Debian 13 _Trixie_]/ trixie main
deb-src http://source.example.org/debian trixie main
deb [arch=amd64 signed-by=/usr/share/keyrings/vendor.gpg] https://vendor.example.org/debian trixie main
deb mirror+file:/etc/apt/mirrors/debian.list trixie main
deb https://vendor.example.org/linux/debian trixie stable
deb https://vendor.example.org/apt stable main
deb [ arch=amd64 ] http://mirror.example.org/debian/ trixie main contrib  # comment
deb http://later.example.org/debian trixie main
deb http://mirror.example.org/debian-security trixie-security main
";
        let expected =
            mirrors(Some("http://mirror.example.org/debian"), Some("http://mirror.example.org/debian-security"));
        assert_eq!(from_list(text), expected);
    }

    #[test]
    fn entries_of_several_fields_are_read() {
        let text = "\
Types: deb
URIs: https://off.example.org/debian
Suites: trixie
Components: main
Enabled: no

Types: deb deb-src
# an old address
URIs: mirror+file:/etc/apt/mirrors/debian.list http://mirror.example.org/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example.org/debian-security/
Suites: trixie-security
Components: main
";
        let expected =
            mirrors(Some("http://mirror.example.org/debian"), Some("http://mirror.example.org/debian-security"));
        assert_eq!(from_deb822(text), expected);
    }

    #[test]
    fn other_distributions_and_nonsense_give_nothing() {
        assert!(is_debian("NAME=\"Debian GNU/Linux\"\nID=debian\n"));
        assert!(!is_debian("ID=ubuntu\nID_LIKE=debian\n"));
        let nothing = AptMirrors::default();
        assert_eq!(from_list("deb http://archive.example.org/ubuntu noble main\ndeb\ndeb [\ndeb [a=b] x\n"), nothing);
        assert_eq!(from_deb822("nonsense without a colon\n"), nothing);
    }
}
