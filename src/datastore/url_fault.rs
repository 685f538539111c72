//! Why K3s cannot use a datastore's URL. Messages quote nothing of the URL but the one wrong character, since it holds a
//! password.

use std::fmt;

use percent_encoding::percent_encode_byte;

/// A part of the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlPart {
    User,
    Password,
    Host,
    Database,
    Parameters,
}

/// What is wrong with a datastore's URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    #[error("it is not a URL: it must begin with `postgres://`")]
    NoUrl,
    #[error("its scheme is neither `postgres` nor `postgresql`")]
    Scheme,
    /// A part of the password would be read as the path, and the part before it as the host, which messages show.
    #[error(
        "it has an `@` after a `/`, `?` or `#`; in the password these must be percent-encoded (`/` as `%2F`, `?` as `%3F`, \
         `#` as `%23`, `@` as `%40`)"
    )]
    LateAt,
    #[error("its {0} is still the placeholder of a template, such as `[YOUR-PASSWORD]`; write your own in its place")]
    Placeholder(UrlPart),
    #[error("its {part} has {} at character {position}, which must be percent-encoded as `{}`", named(*char), encoded(*char))]
    Character {
        part: UrlPart,
        char: char,
        /// Counted from 1.
        position: usize,
    },
    #[error(
        "its {part} has a `%` at character {position} that is not followed by two hexadecimal digits; write a literal `%` as `%25`"
    )]
    Escape {
        part: UrlPart,
        /// Counted from 1.
        position: usize,
    },
    #[error("its {0}, percent-decoded, is not UTF-8")]
    Text(UrlPart),
    #[error("it has no host")]
    NoHost,
    #[error("it names several hosts; K3s would try them in turn, but the node's gate and this program check only one")]
    SeveralHosts,
    #[error("its host is percent-encoded; K3s refuses that, so write the name itself")]
    EncodedHost,
    #[error(
        "its host is neither an address nor a valid DNS name; write a name with letters other than a-z in its `xn--` form"
    )]
    Host,
    #[error("its port is not a number from 1 to 65535; an IPv6 address must be in square brackets")]
    Port,
    #[error("it has no user")]
    NoUser,
    #[error("it has no password")]
    NoPassword,
    #[error("it has a `#`, which must be percent-encoded as `%23`")]
    Fragment,
    #[error("it separates its parameters by `;`, which K3s refuses; separate them by `&`")]
    Semicolon,
}

impl fmt::Display for UrlPart {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::User => "user",
            Self::Password => "password",
            Self::Host => "host",
            Self::Database => "database's name",
            Self::Parameters => "list of parameters",
        })
    }
}

/// A character as a message shows it.
fn named(char: char) -> String {
    match char {
        ' ' => "a space".to_owned(),
        '`' => "a backtick".to_owned(),
        _ if char.is_control() || char.is_whitespace() => "a control character or blank".to_owned(),
        _ => format!("`{char}`"),
    }
}

fn encoded(char: char) -> String {
    char.encode_utf8(&mut [0; 4]).bytes().map(percent_encode_byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_named_with_its_place_and_its_encoding() {
        let fault = UrlFault::Character { part: UrlPart::Password, char: 'ß', position: 3 };
        assert_eq!(fault.to_string(), "its password has `ß` at character 3, which must be percent-encoded as `%C3%9F`");
        let space = UrlFault::Character { part: UrlPart::User, char: ' ', position: 1 };
        assert!(space.to_string().contains("a space") && space.to_string().contains("`%20`"));
    }
}
