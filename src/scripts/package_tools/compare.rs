//! dpkg(1), as far as scripts may use it: comparing versions, architectures, features, names that are valid, and its questions
//! about packages, which dpkg-query answers.

use std::cmp::Ordering;

use super::query;
use crate::debian::version::Version;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

const NAME: &str = "dpkg";

/// dpkg's actions that dpkg-query carries out, by their options there (`ACTBACKEND` in src/main/main.c).
const OF_QUERY: [(&str, &str); 12] = [
    ("-s", "--status"),
    ("--status", "--status"),
    ("-L", "--listfiles"),
    ("--listfiles", "--listfiles"),
    ("-S", "--search"),
    ("--search", "--search"),
    ("-l", "--list"),
    ("--list", "--list"),
    ("-p", "--print-avail"),
    ("--print-avail", "--print-avail"),
    ("-W", "--show"),
    ("--show", "--show"),
];

pub(super) fn dpkg(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let Some((action, operands)) = call.args.split_first() else { return Ok(bad_usage(call, "need an action option")) };
    if let Some((_, option)) = OF_QUERY.iter().find(|(option, _)| option == action) {
        return query::run(debian, call, option, operands);
    }
    let operands = match operands {
        [dashes, operands @ ..] if dashes == "--" => operands,
        // What looks like an option is one, also behind an action.
        [option, ..] if option.starts_with('-') && action == "--compare-versions" => {
            return Ok(bad_usage(call, &format!("unknown option {option}")));
        }
        operands => operands,
    };
    match action.as_str() {
        "--compare-versions" => compare_versions(call, operands),
        "--print-architecture" => {
            call.print(&format!("{}\n", debian.arch.name()));
            Ok(0)
        }
        // An image has packages of one architecture, and dpkg the features of its time.
        "--print-foreign-architectures"
        | "--assert-support-predepends"
        | "--assert-working-epoch"
        | "--assert-long-filenames"
        | "--assert-multi-conrep"
        | "--assert-multi-arch"
        | "--assert-versioned-provides"
        | "--assert-protected-field" => Ok(0),
        "--validate-pkgname" => Ok(valid(call, operands, 2, is_package_name)),
        "--validate-archname" => {
            Ok(valid(call, operands, 2, |text| is_package_name(text) && !text.contains(['.', '+', '_'])))
        }
        "--validate-trigname" => Ok(valid(call, operands, 2, super::trigger::is_name)),
        "--validate-version" => Ok(valid(call, operands, 1, |text| {
            Version::parse(text).is_ok()
                && text.split_once(':').map_or(text, |(_, rest)| rest).starts_with(|char: char| char.is_ascii_digit())
        })),
        other => Err(Reason::unsupported(NAME, format!("option {other}"))),
    }
}

fn bad_usage(call: &mut Call<'_>, text: &str) -> u8 {
    call.complain(&format!("dpkg: error: {text}"));
    2
}

/// `--validate-…` of one text; `wrong` is the exit status of a mistake.
fn valid(call: &mut Call<'_>, operands: &[String], wrong: u8, is_valid: impl Fn(&str) -> bool) -> u8 {
    match operands {
        [text] if is_valid(text) => 0,
        [text] => {
            call.complain(&format!("dpkg: error: '{text}' is not valid"));
            wrong
        }
        _ => bad_usage(call, "takes one argument"),
    }
}

/// `pkg_name_is_illegal` of lib/dpkg/parsehelp.c.
fn is_package_name(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte))
}

fn compare_versions(call: &mut Call<'_>, operands: &[String]) -> Answer {
    let [left, relation, right] = operands else {
        return Ok(bad_usage(call, "--compare-versions takes three arguments: <version> <relation> <version>"));
    };
    let Some(relation) = Relation::of(relation) else {
        return Ok(bad_usage(call, "--compare-versions bad relation"));
    };
    let order = match (informative(left)?, informative(right)?) {
        (Some(left), Some(right)) => return Ok(u8::from(!relation.holds(left.cmp(&right)))),
        (None, None) => Ordering::Equal,
        (None, Some(_)) if relation.none_is_last => Ordering::Greater,
        (Some(_), None) if relation.none_is_last => Ordering::Less,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
    };
    Ok(u8::from(!relation.holds(order)))
}

/// A version; nothing of an empty one and of what older versions of dpkg handed to scripts.
fn informative(text: &str) -> Result<Option<Version<'_>>, Reason> {
    let text = text.trim();
    if text.is_empty() || text == "<unknown>" {
        return Ok(None);
    }
    // dpkg warns and goes on with what it has read of it.
    Version::parse(text).map(Some).map_err(|error| Reason::unsupported(NAME, format!("a wrong version: {error}")))
}

/// A relation of versions (`relationinfos` in src/main/enquiry.c).
#[derive(Debug, Clone, Copy)]
struct Relation {
    /// Whether it holds of a lesser, an equal and a greater version.
    holds: [bool; 3],
    /// Whether no version comes after all others, instead of before.
    none_is_last: bool,
}

const LESS: [bool; 3] = [true, false, false];
const AT_MOST: [bool; 3] = [true, true, false];
const EQUAL: [bool; 3] = [false, true, false];
const OTHER: [bool; 3] = [true, false, true];
const AT_LEAST: [bool; 3] = [false, true, true];
const GREATER: [bool; 3] = [false, false, true];

impl Relation {
    fn of(word: &str) -> Option<Self> {
        let (holds, none_is_last) = match word {
            "lt" | "<<" => (LESS, false),
            // `<` and `>` are the old names of `<=` and `>=`.
            "le" | "<=" | "<" => (AT_MOST, false),
            "eq" | "=" => (EQUAL, false),
            "ne" => (OTHER, false),
            "ge" | ">=" | ">" => (AT_LEAST, false),
            "gt" | ">>" => (GREATER, false),
            "lt-nl" => (LESS, true),
            "le-nl" => (AT_MOST, true),
            "ge-nl" => (AT_LEAST, true),
            "gt-nl" => (GREATER, true),
            _ => return None,
        };
        Some(Self { holds, none_is_last })
    }

    fn holds(self, order: Ordering) -> bool {
        let [less, equal, greater] = self.holds;
        match order {
            Ordering::Less => less,
            Ordering::Equal => equal,
            Ordering::Greater => greater,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, package};

    fn holds(left: &str, relation: &str, right: &str) -> bool {
        let mut sample = Sample::new(vec![package("lamp", &[])]);
        sample.words(&["dpkg", "--compare-versions", left, relation, right]).unwrap() == 0
    }

    #[test]
    fn versions_are_compared_by_all_relations() {
        for (relation, expected) in [
            ("lt", [true, false, false]),
            ("<<", [true, false, false]),
            ("le", [true, true, false]),
            ("<=", [true, true, false]),
            ("<", [true, true, false]),
            ("eq", [false, true, false]),
            ("=", [false, true, false]),
            ("ne", [true, false, true]),
            ("ge", [false, true, true]),
            (">=", [false, true, true]),
            (">", [false, true, true]),
            ("gt", [false, false, true]),
            (">>", [false, false, true]),
            ("lt-nl", [true, false, false]),
            ("le-nl", [true, true, false]),
            ("ge-nl", [false, true, true]),
            ("gt-nl", [false, false, true]),
        ] {
            let found = [("1.9", "1.10"), ("1.0", "0:1.0-0"), ("1:1", "2~rc1")]
                .map(|(left, right)| holds(left, relation, right));
            assert_eq!(found, expected, "{relation}");
        }
    }

    #[test]
    fn no_version_is_before_all_others_and_after_them_where_the_relation_says_so() {
        for (relation, expected) in [
            // None and a version, none and none, a version and none.
            ("lt", [true, false, false]),
            ("le", [true, true, false]),
            ("eq", [false, true, false]),
            ("ne", [true, false, true]),
            ("ge", [false, true, true]),
            ("gt", [false, false, true]),
            ("lt-nl", [false, false, true]),
            ("le-nl", [false, true, true]),
            ("ge-nl", [true, true, false]),
            ("gt-nl", [true, false, false]),
            ("<<", [true, false, false]),
            (">>", [false, false, true]),
        ] {
            let found = [("", "1"), ("<unknown>", ""), ("1", "")].map(|(left, right)| holds(left, relation, right));
            assert_eq!(found, expected, "{relation}");
        }
    }

    #[test]
    fn wrong_comparisons_are_exit_status_2_and_wrong_versions_stop() {
        let mut sample = Sample::new(vec![package("lamp", &[])]);
        assert_eq!(sample.run("dpkg --compare-versions 1 lt"), 2);
        assert_eq!(sample.run("dpkg --compare-versions 1 before 2"), 2);
        assert_eq!(sample.run("dpkg --compare-versions 1 eq-nl 2"), 2);
        assert_eq!(sample.run("dpkg --compare-versions -- 1 lt 2"), 0);
        assert_eq!(sample.run("dpkg --compare-versions -1 lt 2"), 2);
        assert!(sample.try_run("dpkg --compare-versions 1_0 lt 2").is_err());
        assert_eq!(sample.words(&["dpkg"]), Ok(2));
    }

    #[test]
    fn architectures_features_and_names_are_told() {
        let mut sample = Sample::new(vec![package("lamp", &[])]);
        assert_eq!(sample.run("dpkg --print-architecture"), 0);
        assert_eq!(sample.out, "amd64\n");
        assert_eq!(sample.run("dpkg --print-foreign-architectures"), 0);
        assert_eq!(sample.out, "");
        for feature in ["support-predepends", "working-epoch", "multi-arch", "long-filenames", "multi-conrep"] {
            assert_eq!(sample.run(&format!("dpkg --assert-{feature}")), 0, "{feature}");
        }
        for (command, status) in [
            ("dpkg --validate-pkgname lib+x-1.0", 0),
            ("dpkg --validate-pkgname -x", 2),
            ("dpkg --validate-archname arm64", 0),
            ("dpkg --validate-archname arm.64", 2),
            ("dpkg --validate-version 1:2-3", 0),
            ("dpkg --validate-version v1", 1),
            ("dpkg --validate-trigname /usr/share/x", 0),
            ("dpkg --validate-trigname", 2),
        ] {
            assert_eq!(sample.run(command), status, "{command}");
        }
        for command in ["dpkg -i x.deb", "dpkg --configure -a", "dpkg --purge lamp", "dpkg --root=/x -s lamp"] {
            assert!(sample.try_run(command).is_err(), "{command}");
        }
    }
}
