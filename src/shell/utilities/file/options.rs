//! Options as `getopt_long` reads them: before, between and after operands, up to `--`.
//!
//! Long names must be written out: what a shortened one stands for depends on all names that a release has.

use crate::shell::Reason;

/// Whether an option has an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Value,
    /// Only as `--name=value` or `-nvalue`.
    MaybeValue,
}

/// An option: the name that the utility's code knows it by, which is the long one if it has that; its letters; its argument.
pub(super) type Spec = (&'static str, &'static str, Takes);

/// What a command line has.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// In the order of the command line.
    pub options: Vec<(&'static str, Option<String>)>,
    pub operands: Vec<String>,
}

impl Parsed {
    pub fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(option, _)| *option == name)
    }

    /// The argument of the option's last appearance.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut found = self.options.iter().rev().filter(|(option, _)| *option == name);
        found.next().and_then(|(_, value)| value.as_deref())
    }

    /// Which of `names` came last.
    pub fn last(&self, names: &[&str]) -> Option<&'static str> {
        self.options.iter().rev().map(|(option, _)| *option).find(|option| names.contains(option))
    }
}

/// Reads `args`.
///
/// # Errors
/// An option that is not in `specs`, or without its argument.
pub(super) fn parse(command: &str, specs: &[Spec], args: &[String]) -> Result<Parsed, Reason> {
    let unsupported = |option: &str| Reason::unsupported(command, format!("option {option}"));
    let mut parsed = Parsed::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            parsed.operands.extend(rest.cloned());
            break;
        }
        if let Some(long) = arg.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let of = |fits: &dyn Fn(&str) -> bool| {
                let mut found = specs.iter().filter(|(key, _, _)| key.len() > 1 && fits(key));
                found.next().filter(|_| found.next().is_none())
            };
            // A name may be shortened as long as it means one option (getopt_long(3)).
            let spec = of(&|key| key == name).or_else(|| of(&|key| key.starts_with(name)));
            let &(key, _, takes) = spec.ok_or_else(|| unsupported(arg))?;
            let value = match (takes, value) {
                (Takes::Nothing, Some(_)) => return Err(unsupported(arg)),
                (Takes::Value, None) => Some(rest.next().ok_or_else(|| unsupported(arg))?.clone()),
                (_, value) => value,
            };
            parsed.options.push((key, value));
        } else if arg.len() > 1 && arg.starts_with('-') {
            let mut letters = arg.chars();
            letters.next();
            while let Some(letter) = letters.next() {
                let spec = specs.iter().find(|(_, short, _)| short.contains(letter));
                let &(key, _, takes) = spec.ok_or_else(|| unsupported(&format!("-{letter}")))?;
                if takes == Takes::Nothing {
                    parsed.options.push((key, None));
                    continue;
                }
                let value = letters.as_str();
                letters = "".chars();
                let value = match (value, takes) {
                    ("", Takes::MaybeValue) => None,
                    ("", _) => Some(rest.next().ok_or_else(|| unsupported(&format!("-{letter}")))?.clone()),
                    (value, _) => Some(value.to_owned()),
                };
                parsed.options.push((key, value));
            }
        } else {
            parsed.operands.push(arg.clone());
        }
    }
    Ok(parsed)
}

/// A name between quotation marks, as messages of `-v` on standard output have it.
///
/// # Errors
/// One that would be escaped.
pub(super) fn quoted(command: &str, name: &str) -> Result<String, Reason> {
    if name.chars().any(|char| char == '\'' || char.is_control()) {
        return Err(Reason::unsupported(command, "option -v and a name that would be escaped"));
    }
    Ok(format!("'{name}'"))
}

/// The last component of a path, without slashes after it.
pub(super) fn base(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some((_, base)) => base,
        None if path.is_empty() => "/",
        None => path,
    }
}

/// `name` in the directory `dir`.
pub(super) fn join(dir: &str, name: &str) -> String {
    let name = name.trim_start_matches('/');
    if dir.is_empty() || dir.ends_with('/') { format!("{dir}{name}") } else { format!("{dir}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: &[Spec] =
        &[("force", "f", Takes::Nothing), ("mode", "m", Takes::Value), ("tmpdir", "", Takes::MaybeValue)];

    fn parsed(line: &str) -> Result<Parsed, Reason> {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        parse("x", SPECS, &args)
    }

    #[test]
    fn options_stand_anywhere_before_two_dashes() {
        let found = parsed("a -fm 755 b --mode=1 --tmpdir - -- -f").unwrap();
        assert_eq!(found.operands, ["a", "b", "-", "-f"]);
        assert!(found.has("force") && found.has("tmpdir"));
        assert_eq!(found.value("mode"), Some("1"));
        assert_eq!(found.value("tmpdir"), None);
        assert_eq!(parsed("-m755").unwrap().value("mode"), Some("755"));
        assert_eq!(parsed("--mode 7 x").unwrap().operands, ["x"]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in ["-x", "--forx", "-m", "--force=1"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_last_component_has_no_slashes() {
        let cases = [("a/b/", "b"), ("a", "a"), ("/", "/"), ("a/.", "."), ("//x//", "x")];
        for (path, expected) in cases {
            assert_eq!(base(path), expected);
        }
        assert_eq!(join("a/", "b"), "a/b");
        assert_eq!(join("a", "b"), "a/b");
    }
}
