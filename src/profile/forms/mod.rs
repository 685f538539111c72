//! Forms of parameters that are text: a size, a schedule, a host's name. What reads such a value tells nobody that it is wrong
//! until the cluster runs, or never.
//!
//! Manifests are held against the same checks where Kubernetes itself reads the value.

mod schedule;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::host_name;

pub(crate) use schedule::fault as schedule_fault;

/// What a text parameter looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A size of disk or memory as Kubernetes has it: `10Gi`. More than nothing, and no part of a byte.
    Quantity,
    /// A schedule of five fields, minute first, or a word such as `@daily`: `0 3 * * *`.
    Cron,
    /// A schedule of six fields, second first, or a word such as `@daily`: `0 0 3 * * *`.
    CronSeconds,
    /// Days, weeks or months: `30d`, `12w`, `6m`.
    Age,
    /// Hours, minutes and seconds as Go reads them, or 0: `720h`.
    Duration,
    /// A host's name in small letters, with or without its domain: `app.example.org`.
    Host,
    /// Name of an object of Kubernetes: `longhorn-local`.
    Name,
    /// Name of a `PostgreSQL` database and of its owner: `app`.
    Database,
}

/// A form, as messages, editors and `overlay show` tell it.
struct Described {
    /// With its article.
    name: &'static str,
    example: &'static str,
    /// What to write.
    hint: &'static str,
    /// A regular expression that every value matches; a few match it that are none.
    pattern: &'static str,
}

impl Form {
    /// What it is, with its article: `a schedule`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.described().name
    }

    /// A value of this form.
    #[must_use]
    pub const fn example(self) -> &'static str {
        self.described().example
    }

    /// A regular expression for editors, which is no stricter than [`Form::refusal`].
    #[must_use]
    pub const fn pattern(self) -> &'static str {
        self.described().pattern
    }

    const fn described(self) -> Described {
        match self {
            Self::Quantity => Described {
                name: "a size",
                example: "10Gi",
                hint: "write digits and `Mi`, `Gi` or `Ti`",
                pattern: "^[0-9.]+([KMGTPE]i|[kMGTPE]|[eE][+]?[0-9]+)?$",
            },
            Self::Cron => Described {
                name: "a schedule of five fields",
                example: "0 3 * * *",
                hint: "write minute, hour, day of the month, month and day of the week",
                pattern: r"^\s*(@.+|\S+(\s+\S+){4})\s*$",
            },
            Self::CronSeconds => Described {
                name: "a schedule of six fields",
                example: "0 0 3 * * *",
                hint: "write second, minute, hour, day of the month, month and day of the week",
                pattern: r"^\s*(@.+|\S+(\s+\S+){5})\s*$",
            },
            Self::Age => Described {
                name: "a number of days, weeks or months",
                example: "30d",
                hint: "write a number from 1 on, and `d`, `w` or `m` behind it",
                pattern: "^[1-9][0-9]*[dwm]$",
            },
            Self::Duration => Described {
                name: "a time",
                example: "720h",
                hint: "write a number and `h`, `m` or `s`, or 0; a day is `24h`",
                pattern: "^(0|([0-9.]+(ns|us|\u{b5}s|\u{3bc}s|ms|s|m|h))+)$",
            },
            Self::Host => Described {
                name: "a host's name",
                example: "app.example.org",
                hint: "use lower-case letters, digits, `-` and `.`; no port, no path, no address",
                pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            },
            Self::Name => Described {
                name: "a name of Kubernetes",
                example: "longhorn-local",
                hint: "use lower-case letters, digits, `-` and `.`, a letter or digit at both ends",
                pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            },
            Self::Database => Described {
                name: "a database's name",
                example: "app",
                hint: "use at most 63 lower-case letters, digits and `_`, a letter in front; not `postgres`, which is there already",
                pattern: "^[a-z][a-z0-9_]*$",
            },
        }
    }

    /// What is wrong with a value, and what to do about it; none if it is of this form.
    pub(super) fn refusal(self, name: &str, text: &str) -> Option<(String, String)> {
        let fault = match self {
            Self::Quantity => (!is_size(text)).then(String::new),
            Self::Cron => schedule::fault(text),
            Self::CronSeconds => schedule::fault_with_seconds(text),
            Self::Age => (!is_age(text)).then(String::new),
            Self::Duration => (text.starts_with(['+', '-']) || !schedule::is_duration(text)).then(String::new),
            Self::Host => (!is_host(text)).then(String::new),
            Self::Name => (!is_object_name(text)).then(String::new),
            Self::Database => (!is_database(text)).then(String::new),
        }?;
        let why = if fault.is_empty() { fault } else { format!(": {fault}") };
        let Described { name: what, example, hint, .. } = self.described();
        Some((format!("`{text}` is not {what}{why}"), format!("{hint}: `{name} = \"{example}\"`")))
    }
}

/// k8s.io/apimachinery `pkg/api/resource/quantity.go`: a number, and a suffix or an exponent.
pub(crate) fn is_quantity(text: &str) -> bool {
    let rest = text.trim();
    let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    let number = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
    let (digits, suffix) = rest.split_at(number);
    let is_number = digits.bytes().any(|byte| byte.is_ascii_digit()) && digits.matches('.').count() <= 1;
    let exponent = |text: &str| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let suffixes = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    is_number && (suffixes.contains(&suffix) || suffix.strip_prefix(['e', 'E']).is_some_and(exponent))
}

/// A quantity of bytes: above nothing, and `m` is a thousandth there, not a million.
fn is_size(text: &str) -> bool {
    let number = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let is_some = text[..number].bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    is_quantity(text)
        && is_some
        && !text.ends_with(['n', 'u', 'm', ' '])
        && !text.contains("e-")
        && !text.contains("E-")
}

/// As barman has it; `retentionPolicy` of an `ObjectStore` (cloudnative-pg/plugin-barman-cloud).
fn is_age(text: &str) -> bool {
    let number = text.strip_suffix(['d', 'w', 'm']).unwrap_or_default();
    !number.is_empty() && !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// A host's name, as an Ingress takes it: no address, and no `*.`, which the caller takes off.
pub(crate) fn is_host(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_err() && is_object_name(text)
}

/// k8s.io/apimachinery `pkg/util/validation`, `IsDNS1123Subdomain`; each part at most as long as DNS has it.
fn is_object_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(|label| host_name(label).is_ok())
}

/// A name that `PostgreSQL` takes without quotes, and that neither it nor `CloudNativePG` has already.
fn is_database(text: &str) -> bool {
    let is_taken =
        text.starts_with("pg_") || ["postgres", "template0", "template1", "streaming_replica"].contains(&text);
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    begins_well && text.len() <= 63 && text.bytes().all(fits) && !is_taken
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(Form, &[&str], &[&str]); 8] = [
        (
            Form::Quantity,
            &["10Gi", "1.5Ti", "512M", "1e9", "1073741824"],
            &["", "10GB", "10g", "10 Gi", "0", "0Gi", "-1Gi", "500m", "ten", "1e-3", ".", "10Gi "],
        ),
        (Form::Cron, &["17 3 * * *", "@daily", "*/5 * * * mon-fri"], &["", "0 17 3 * * *", "0 25 * * *", "daily"]),
        (Form::CronSeconds, &["0 0 3 * * *", "@every 6h"], &["", "0 3 * * *", "0 0 24 * * *"]),
        (Form::Age, &["30d", "12w", "6m"], &["", "30", "0d", "30 d", "30D", "1y", "d", "+3d"]),
        (Form::Duration, &["720h", "0", "1h30m", "1.5h"], &["", "30d", "720", "-1h", "1 h"]),
        (
            Form::Host,
            &["app.example.org", "app"],
            &["", "App.example.org", "https://app", "app:8080", "app/", "192.168.1.2", "a..b", "*.example.org", "a_b"],
        ),
        (Form::Name, &["longhorn-local", "fast.example.org"], &["", "Longhorn", "a_b", "-a"]),
        (Form::Database, &["app", "my_app2"], &["", "App", "my-app", "2app", "postgres", "template1", "pg_app"]),
    ];

    #[test]
    fn each_form_takes_its_own_values_and_no_others() {
        for (form, good, bad) in ALL {
            assert_eq!(form.refusal("of", form.example()), None, "{form:?}");
            for text in good {
                assert_eq!(form.refusal("of", text), None, "{form:?} {text}");
            }
            for text in bad {
                assert!(form.refusal("of", text).is_some(), "{form:?} {text:?}");
            }
        }
    }

    #[test]
    fn a_refusal_says_why_and_has_an_example() {
        let refused = Form::CronSeconds.refusal("schedule", "0 3 * * *").unwrap();
        assert_eq!(refused.0, "`0 3 * * *` is not a schedule of six fields: it has 5 fields, and must have six");
        assert!(refused.1.ends_with("`schedule = \"0 0 3 * * *\"`"), "{}", refused.1);
    }
}
