//! Why a URL is none that K3s can take, in words that hold nothing of it but the one character that is wrong.

use std::fmt;

use percent_encoding::percent_encode_byte;

/// A part of the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    User,
    Password,
    Host,
    Database,
    Parameters,
}

/// What is wrong with a datastore's URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it is not a URL: it must begin with `postgres://`")]
    NoUrl,
    #[error("its scheme is neither `postgres` nor `postgresql`")]
    Scheme,
    /// A part of the password would be taken for a path, and what is before it for the host, which messages name.
    #[error(
        "it holds `@` behind `/`, `?` or `#`; in the password these must be percent-encoded (`/` as `%2F`, `?` as `%3F`, \
         `#` as `%23`, `@` as `%40`)"
    )]
    LateAt,
    #[error("its {0} is still the placeholder of a template, such as `[YOUR-PASSWORD]`; write your own in its place")]
    Placeholder(Part),
    #[error("its {part} holds {}, character {position} of it, which must be percent-encoded as `{}`", named(*char), encoded(*char))]
    Character {
        part: Part,
        char: char,
        /// Counted from 1.
        position: usize,
    },
    #[error(
        "its {part} holds a `%`, character {position} of it, without two hexadecimal digits behind it; a `%` that is meant is percent-encoded as `%25`"
    )]
    Escape {
        part: Part,
        /// Counted from 1.
        position: usize,
    },
    #[error("its {0}, percent-decoded, is no text in UTF-8")]
    Text(Part),
    #[error("it has no host")]
    NoHost,
    #[error("it names several hosts; K3s may try them in turn, but the node's gate and this program look at one")]
    SeveralHosts,
    #[error("its host is percent-encoded; K3s refuses that, so write the name itself")]
    EncodedHost,
    #[error(
        "its host is neither an address nor a name that name servers know; a name with other letters than a-z is written in its `xn--` form"
    )]
    Host,
    #[error("its port is not a number from 1 to 65535; an IPv6 address stands in square brackets")]
    Port,
    #[error("it has no user")]
    NoUser,
    #[error("it has no password")]
    NoPassword,
    #[error("it holds `#`, which must be percent-encoded as `%23`")]
    Fragment,
    #[error("it holds `;` between its parameters, which K3s refuses; `&` stands between them")]
    Semicolon,
}

impl fmt::Display for Part {
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
        let fault = Fault::Character { part: Part::Password, char: 'ß', position: 3 };
        assert_eq!(
            fault.to_string(),
            "its password holds `ß`, character 3 of it, which must be percent-encoded as `%C3%9F`"
        );
        let space = Fault::Character { part: Part::User, char: ' ', position: 1 };
        assert!(space.to_string().contains("a space") && space.to_string().contains("`%20`"));
    }
}
