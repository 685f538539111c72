//! Options on a command line as `getopt_long(3)` takes them: options and operands in any order, values attached or not, long names
//! abbreviated.

use crate::shell::reason::Reason;

/// Which options a utility has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    pub(super) utility: &'static str,
    /// As for getopt(3): a letter that takes a value is followed by `:`, one that may take it by `::`.
    pub(super) short: &'static str,
    /// Long names with the letter that they are the same as. One that is not in `short` takes no value.
    pub(super) long: &'static [(&'static str, char)],
}

/// What a command line says.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Options in their order, with their values.
    pub(super) options: Vec<(char, Option<String>)>,
    pub(super) operands: Vec<String>,
}

enum Value {
    None,
    Needed,
    Possible,
}

impl Spec {
    fn value(&self, letter: char) -> Option<Value> {
        let (_, after) = self.short.split_once(letter)?;
        Some(match after {
            _ if letter == ':' => return None,
            after if after.starts_with("::") => Value::Possible,
            after if after.starts_with(':') => Value::Needed,
            _ => Value::None,
        })
    }

    fn unsupported(&self, what: &str) -> Reason {
        Reason::unsupported(self.utility, format!("the option {what}"))
    }

    /// Reads the arguments.
    pub(super) fn parse(&self, args: &[String]) -> Result<Parsed, Reason> {
        let mut parsed = Parsed::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                parsed.operands.extend(args.by_ref().cloned());
            } else if let Some(long) = arg.strip_prefix("--") {
                let (name, attached) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let letter = self.long_name(name).ok_or_else(|| self.unsupported(&format!("--{name}")))?;
                let value = match self.value(letter).unwrap_or(Value::None) {
                    Value::None if attached.is_some() => return Err(self.unsupported(arg)),
                    Value::Needed if attached.is_none() => {
                        Some(args.next().ok_or_else(|| self.unsupported(arg))?.clone())
                    }
                    _ => attached,
                };
                parsed.options.push((letter, value));
            } else if let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                let mut letters = letters.chars();
                while let Some(letter) = letters.next() {
                    let value = self.value(letter).ok_or_else(|| self.unsupported(&format!("-{letter}")))?;
                    let rest = letters.as_str();
                    let value = match value {
                        Value::None => None,
                        Value::Possible => Some(rest.to_owned()).filter(|rest| !rest.is_empty()),
                        Value::Needed if rest.is_empty() => {
                            Some(args.next().ok_or_else(|| self.unsupported(&format!("-{letter}")))?.clone())
                        }
                        Value::Needed => Some(rest.to_owned()),
                    };
                    let takes_rest = value.is_some();
                    parsed.options.push((letter, value));
                    if takes_rest {
                        break;
                    }
                }
            } else {
                parsed.operands.push(arg.clone());
            }
        }
        Ok(parsed)
    }

    /// The letter of a long name, which may be abbreviated if only one name begins so.
    fn long_name(&self, name: &str) -> Option<char> {
        if let Some((_, letter)) = self.long.iter().find(|(long, _)| *long == name) {
            return Some(*letter);
        }
        let mut begun = self.long.iter().filter(|(long, _)| long.starts_with(name));
        let (_, letter) = begun.next()?;
        // There may be others that are not modelled: what is short is not taken for an abbreviation.
        (begun.next().is_none() && name.len() >= 5).then_some(*letter)
    }
}

impl Parsed {
    /// Whether an option was given.
    pub(super) fn has(&self, letter: char) -> bool {
        self.options.iter().any(|(given, _)| *given == letter)
    }

    /// The value of an option, the last one that was given.
    pub(super) fn value(&self, letter: char) -> Option<&str> {
        self.options.iter().rev().find(|(given, _)| *given == letter).and_then(|(_, value)| value.as_deref())
    }
}
