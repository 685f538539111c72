//! Recognises placeholders that were left in a URL's template, as dashboards, manuals and this program show them.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Words that are placeholders in capital letters (`postgres://USER:PASSWORD@HOST:5432/DATABASE`).
const WORDS: [&str; 12] = [
    "DATABASE",
    "DBNAME",
    "HOST",
    "HOSTNAME",
    "PASSWORD",
    "PROJECT",
    "PROJECT-REF",
    "PROJECT_REF",
    "REF",
    "REGION",
    "USER",
    "USERNAME",
];

/// Words that are placeholders after `your-` or `your_`, besides those of [`WORDS`]. Other words are not taken for one, since
/// real names (`sql123.your-server.de` is a host of Hetzner's) and passwords may begin in this way.
const YOURS: [&str; 20] = [
    "DATABASE-HOST",
    "DATABASE-NAME",
    "DATABASE-PASSWORD",
    "DATABASE-USER",
    "DB",
    "DB-HOST",
    "DB-NAME",
    "DB-PASSWORD",
    "DB-USER",
    "DOMAIN",
    "ENDPOINT",
    "INSTANCE",
    "PASS",
    "POSTGRES-PASSWORD",
    "PROJECT-ID",
    "PROJECT-NAME",
    "PW",
    "SECRET",
    "TENANT",
    "TOKEN",
];

/// Whether this part of a URL, which may be percent-encoded, is a placeholder.
pub(super) fn is_placeholder(part: &str) -> bool {
    let meant: Cow<'_, str> = percent_decode_str(part).decode_utf8_lossy();
    is_bracketed(&meant) || is_masked(&meant) || is_yours(&meant) || WORDS.contains(&&*meant)
}

/// Whether one of the labels of a dotted name is a placeholder (`db.[PROJECT-REF].supabase.co`, `postgres.REF`).
pub(super) fn has_placeholder(part: &str) -> bool {
    part.split('.').any(is_placeholder)
}

/// `[YOUR-PASSWORD]`, `<password>`, `{password}`, `${PASSWORD}`, `{{ password }}`.
fn is_bracketed(text: &str) -> bool {
    let inside = [("[", "]"), ("<", ">"), ("{{", "}}"), ("${", "}"), ("{", "}")]
        .into_iter()
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close));
    let is_word = |char: char| char.is_ascii_alphabetic() || matches!(char, '-' | '_' | ' ');
    inside.is_some_and(|inside| !inside.is_empty() && inside.chars().all(is_word))
}

/// A masked password, as a dashboard shows it: `********`.
fn is_masked(text: &str) -> bool {
    text.chars().count() >= 3 && ['*', '•', '.'].iter().any(|mask| text.chars().all(|char| char == *mask))
        || text == "…"
}

/// `YOUR_PASSWORD`, `your-password`.
fn is_yours(text: &str) -> bool {
    let text = text.to_ascii_uppercase().replace('_', "-");
    text.strip_prefix("YOUR-").is_some_and(|word| WORDS.contains(&word) || YOURS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_templates_leave_to_their_readers_is_told_from_values() {
        for text in [
            "[YOUR-PASSWORD]",
            "%5BYOUR-PASSWORD%5D",
            "<password>",
            "{{ password }}",
            "${PGPASSWORD}",
            "YOUR_PASSWORD",
            "your-password",
            "Your_Project_Ref",
            "your_db",
            "PASSWORD",
            "****",
            "…",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["password", "Your%20dog", "[x1y]", "<<", "correct-horse", "*", "a[b]", "USER1"] {
            assert!(!is_placeholder(text), "{text}");
        }
        for text in ["your-cat-sat-on-it", "Your_Mom_2020", "your_k3s", "your-", "your-passwords"] {
            assert!(!is_placeholder(text), "{text}");
        }
        assert!(has_placeholder("postgres.[PROJECT-REF]") && has_placeholder("db.REF.supabase.co"));
        assert!(has_placeholder("db.your-domain.com"));
        assert!(!has_placeholder("sql123.your-server.de") && !has_placeholder("static.5.4.3.2.clients.your-server.de"));
        assert!(!has_placeholder("db.abcdefghij.supabase.co") && !has_placeholder("aws-0-eu-west-1"));
    }
}
