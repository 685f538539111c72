//! Options as `getopt_long` and Perl's `Getopt::Long` read them: long names may be cut short, and operands may come first.

use crate::shell::Reason;

/// What a command was given.
#[derive(Debug, Default)]
pub(in crate::scripts) struct Given {
    /// Options by their (last) name in the order given, with their values.
    options: Vec<(&'static str, Option<String>)>,
    pub operands: Vec<String>,
}

impl Given {
    /// Whether an option is there.
    pub fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(option, _)| *option == name)
    }

    /// The value of an option that has one; given twice, the last one counts.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(option, _)| *option == name)?.1.as_deref()
    }

    /// All options in order.
    pub fn options(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        self.options.iter().map(|(name, value)| (*name, value.as_deref()))
    }
}

/// Whether an option takes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    No,
    Needed,
    /// The next argument, unless it is an option (`Getopt::Long`'s `:s`).
    May,
}

/// One line of a command's table: `q|quiet`, `d|home-dir=`, `gecos:`.
struct Spec {
    names: Vec<&'static str>,
    value: Value,
}

impl Spec {
    fn read(text: &'static str) -> Self {
        let (names, value) = match (text.strip_suffix('='), text.strip_suffix(':')) {
            (Some(names), _) => (names, Value::Needed),
            (_, Some(names)) => (names, Value::May),
            _ => (text, Value::No),
        };
        Self { names: names.split('|').collect(), value }
    }

    fn name(&self) -> &'static str {
        self.names.last().copied().unwrap_or_default()
    }
}

/// Reads the arguments of `command`. `table` has one text for each option: its names separated by `|`, a single letter being a
/// short one; `=` at its end for a value, `:` for one that may be missing.
///
/// # Errors
/// An option that is not in the table, or is without its value.
pub(in crate::scripts) fn read(command: &str, args: &[String], table: &[&'static str]) -> Result<Given, Reason> {
    let table: Vec<Spec> = table.iter().map(|text| Spec::read(text)).collect();
    let mut given = Given::default();
    let mut args = args.iter().peekable();
    while let Some(arg) = args.next() {
        let unknown = || Reason::unsupported(command, format!("the option `{arg}`"));
        let mut following = |value: Value| match value {
            Value::No => Ok(None),
            Value::Needed => args.next().cloned().map(Some).ok_or_else(unknown),
            Value::May => Ok(Some(args.next_if(|next| !next.starts_with('-')).cloned().unwrap_or_default())),
        };
        if arg == "--" {
            given.operands.extend(args.by_ref().cloned());
        } else if let Some(long) = arg.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let spec = by_name(&table, name).ok_or_else(unknown)?;
            let value = match value {
                Some(_) if spec.value == Value::No => return Err(unknown()),
                Some(value) => Some(value.to_owned()),
                None => following(spec.value)?,
            };
            given.options.push((spec.name(), value));
        } else if let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            for (at, letter) in letters.char_indices() {
                let spec = table.iter().find(|spec| spec.names.iter().any(|name| is_letter(name, letter)));
                let spec = spec.ok_or_else(unknown)?;
                let rest = letters.get(at + letter.len_utf8()..).unwrap_or_default();
                if spec.value == Value::No {
                    given.options.push((spec.name(), None));
                } else {
                    let value = if rest.is_empty() { following(spec.value)? } else { Some(rest.to_owned()) };
                    given.options.push((spec.name(), value));
                    break;
                }
            }
        } else {
            given.operands.push(arg.clone());
        }
    }
    Ok(given)
}

fn is_letter(name: &str, letter: char) -> bool {
    let mut chars = name.chars();
    chars.next() == Some(letter) && chars.next().is_none()
}

/// The option of this long name, or the only one that begins so.
fn by_name<'t>(table: &'t [Spec], name: &str) -> Option<&'t Spec> {
    let long = |spec: &Spec, holds: &dyn Fn(&str) -> bool| spec.names.iter().any(|name| name.len() > 1 && holds(name));
    let mut cut = table.iter().filter(|spec| long(spec, &|known| known.starts_with(name)));
    let first = cut.next().filter(|_| cut.next().is_none());
    table.iter().find(|spec| long(spec, &|known| known == name)).or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [&str; 5] = ["q|quiet", "d|home-dir=", "gecos:", "gid=", "r|system"];

    fn of(words: &str) -> Result<Given, Reason> {
        let args: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        read("x", &args, &TABLE)
    }

    #[test]
    fn long_names_may_be_cut_short_and_values_joined_or_apart() {
        let given = of("--qui --home=/a -rd/b name --gid 5").unwrap();
        assert!(given.has("quiet") && given.has("system"));
        assert_eq!((given.value("home-dir"), given.value("gid")), (Some("/b"), Some("5")));
        assert_eq!(given.operands, ["name"]);
    }

    #[test]
    fn a_value_that_may_be_missing_is_no_option() {
        let given = of("--gecos --quiet").unwrap();
        assert_eq!((given.value("gecos"), given.has("quiet")), (Some(""), true));
        assert_eq!(of("--gecos X").unwrap().value("gecos"), Some("X"));
        assert_eq!(of("-- --quiet").unwrap().operands, ["--quiet"]);
    }

    #[test]
    fn unknown_ambiguous_and_incomplete_options_are_refused() {
        for words in ["--x", "-x", "--g 1", "--quiet=1", "--gid", "-d"] {
            let error = of(words).unwrap_err().to_string();
            assert!(error.starts_with("`x` is not modelled with the option `-"), "{error}");
        }
    }
}
