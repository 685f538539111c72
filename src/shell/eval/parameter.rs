//! Parameters and what is done with their values (XCU 2.5, 2.6.2).

use super::expand::{Manner, Tildes};
use super::fields::{Expansion, bytes};
use super::pattern::{Budget, Pattern, TooMuch};
use super::state::{Options, Shell, Step};
use crate::shell::ast::{Operation, Parameter, Word, is_name};
use crate::shell::reason::Reason;

impl Shell<'_> {
    /// Adds the expansion of a parameter.
    pub(super) fn parameter(&mut self, parameter: &Parameter, manner: Manner, out: &mut Expansion) -> Step<()> {
        let Parameter { name, operation, line } = parameter;
        self.at_line(*line);
        if *operation == Operation::Unknown {
            if self.environment.options.bash {
                return Err(self.stop(Reason::Construct(format!("this form of `${{{name}…}}`"))));
            }
            return self.fail("Bad substitution");
        }
        let start = out.len();
        let length = self.value_into(name, manner, out)?;
        let has = |or_empty: bool| length.is_some_and(|length| !(or_empty && length == 0));
        let word_manner = Manner {
            inner: true,
            tildes: if manner.tildes == Tildes::Value { Tildes::Value } else { Tildes::Start },
            ..manner
        };
        match operation {
            Operation::Default { or_empty, word } if !has(*or_empty) => {
                out.truncate(start);
                return self.parts_of(&word.parts, word_manner, out);
            }
            Operation::Alternative { or_empty, word } => {
                out.truncate(start);
                if has(*or_empty) {
                    return self.parts_of(&word.parts, word_manner, out);
                }
                // Though nothing, it parts what may be divided before it from what may be after it, as a value does.
            }
            Operation::Assign { or_empty, word } if !has(*or_empty) => {
                out.truncate(start);
                let value = self.expand_text(word)?;
                self.assign(name, value)?;
                self.value_into(name, manner, out)?;
            }
            Operation::Error { or_empty, word } if !has(*or_empty) => {
                let message = self.expand_text(word)?;
                return self.unset(name, if message.is_empty() { "parameter not set" } else { &message });
            }
            Operation::Default { .. } | Operation::Assign { .. } | Operation::Error { .. } => {}
            operation => {
                let is_all = matches!(name.as_str(), "@" | "*");
                if length.is_none() && !is_all && self.environment.options.nounset {
                    return self.unset(name, "parameter not set");
                }
                // What is not set leaves no place where fields are divided: `"$@"$unset` keeps an empty last parameter.
                if length.is_none() && *operation != Operation::Length {
                    return Ok(());
                }
                if is_all && !matches!(operation, Operation::Value | Operation::Length) {
                    return Err(self.stop(Reason::Construct(format!("`${{{name}…}}` with a pattern"))));
                }
                if *operation != Operation::Value {
                    let value = bytes(out.units.get(start..).unwrap_or_default());
                    out.truncate(start);
                    let value = match operation {
                        Operation::Length if is_all && self.environment.options.bash => {
                            self.environment.positional.len().to_string().into_bytes()
                        }
                        Operation::Length => length.unwrap_or(0).to_string().into_bytes(),
                        operation => self.changed(value, operation)?,
                    };
                    self.count(value.len())?;
                    let value = self.text(value)?;
                    out.push(&value, manner.quoted);
                }
            }
        }
        if !manner.quoted {
            out.region(start, false);
        } else if name == "@" && self.environment.positional.len() > 0 {
            out.region(start, true);
        }
        Ok(())
    }

    fn unset(&mut self, name: &str, message: &str) -> Step<()> {
        self.fail(&format!("{name}: {message}"))
    }

    /// A value with an operation that needs it.
    fn changed(&mut self, value: Vec<u8>, operation: &Operation) -> Step<Vec<u8>> {
        Ok(match operation {
            Operation::RemovePrefix { longest, pattern } => {
                let pattern = self.expand_pattern(pattern)?;
                let length = self.matching(|budget| pattern.prefix(&value, *longest, budget))?;
                value.get(length.unwrap_or(0)..).unwrap_or_default().to_vec()
            }
            Operation::RemoveSuffix { longest, pattern } => {
                let pattern = self.expand_pattern(pattern)?;
                let length = self.matching(|budget| pattern.suffix(&value, *longest, budget))?;
                value.get(..value.len() - length.unwrap_or(0)).unwrap_or_default().to_vec()
            }
            Operation::Replace { all, pattern, with } => {
                let pattern = self.expand_pattern(pattern)?;
                let with = self.expand_bytes(with)?;
                if with.contains(&b'&') {
                    return Err(self.stop(Reason::Construct("`&` in `${…/…/…}` of bash".to_owned())));
                }
                let result = self.matching(|budget| replace(&value, &pattern, &with, *all, budget))?;
                match result {
                    Some(result) => result,
                    None => return Err(self.stop(Reason::Limit("16 MiB of text at once"))),
                }
            }
            Operation::Substring { offset, length } => {
                if !value.is_ascii() {
                    return Err(self.stop(Reason::Construct("a part of a text that is not ASCII".to_owned())));
                }
                let number = |shell: &mut Self, word: &Word| {
                    let expression = shell.expand_text(word)?;
                    shell.arithmetic(&expression)
                };
                let offset = number(self, offset)?;
                let length = length.as_ref().map(|word| number(self, word)).transpose()?;
                substring(&value, offset, length).to_vec()
            }
            _ => value,
        })
    }

    /// Adds the value of a parameter. Gives its length; none if it is not set.
    fn value_into(&mut self, name: &str, manner: Manner, out: &mut Expansion) -> Step<Option<usize>> {
        if matches!(name, "@" | "*") {
            let length = self.all_positional(name == "@", manner, out)?;
            // In bash they count as unset if there are none.
            let is_set = !self.environment.options.bash || self.environment.positional.len() > 0;
            return Ok(is_set.then_some(length));
        }
        let Some(value) = self.value(name)? else { return Ok(None) };
        out.push(&value, manner.quoted);
        Ok(Some(value.len()))
    }

    /// `$@` and `$*`.
    fn all_positional(&mut self, apart: bool, manner: Manner, out: &mut Expansion) -> Step<usize> {
        let positional = self.environment.positional.clone();
        let ifs = self.environment.variables.get("IFS");
        // Where fields come out of it, parameters stay apart; in one text, the first character of `IFS` stands between them.
        let between = match (manner.splits && (apart || !manner.quoted), ifs) {
            (true, _) => None,
            (false, None) => Some(" ".to_owned()),
            (false, Some(ifs)) => Some(ifs.chars().next().map(String::from).unwrap_or_default()),
        };
        let mut length = 0;
        for (number, value) in positional.as_slice().iter().enumerate() {
            self.count(value.len() + 1)?;
            if number > 0 {
                match &between {
                    None => {
                        out.separate();
                        length += 1;
                    }
                    Some(between) => {
                        out.push(between, manner.quoted);
                        length += between.len();
                    }
                }
            }
            out.push(value, manner.quoted);
            length += value.len();
        }
        Ok(length)
    }

    /// The value of a parameter other than `@` and `*`; none if it is not set.
    fn value(&mut self, name: &str) -> Step<Option<String>> {
        let environment = &self.environment;
        Ok(match name {
            "#" => Some(environment.positional.len().to_string()),
            "?" => Some(environment.status.to_string()),
            "-" => Some(self.flags()),
            "$" => return Err(self.stop(Reason::differs("$$", "the number of its process"))),
            "!" => None,
            name if name.starts_with(|first: char| first.is_ascii_digit()) => match name.parse::<usize>() {
                Ok(0) => Some(environment.name.to_string()),
                Ok(number) => environment.positional.get(number).cloned(),
                Err(_) => None,
            },
            name => match environment.variables.get(name) {
                Some(value) => Some(value.to_owned()),
                None if !is_name(name) => None,
                None => self.made_up(name)?,
            },
        })
    }

    /// Variables that the shell itself gives a value.
    fn made_up(&self, name: &str) -> Step<Option<String>> {
        let bash = self.environment.options.bash;
        match name {
            "LINENO" => Ok(Some(self.line.to_string())),
            "PPID" => Err(self.stop(Reason::differs("$PPID", "the number of a process"))),
            "RANDOM" | "SRANDOM" if bash => Err(self.stop(Reason::differs(&format!("${name}"), "randomness"))),
            "SECONDS" | "EPOCHSECONDS" | "EPOCHREALTIME" if bash => {
                Err(self.stop(Reason::differs(&format!("${name}"), "the clock")))
            }
            "BASHPID" if bash => Err(self.stop(Reason::differs("$BASHPID", "the number of its process"))),
            "EUID" | "UID" if bash => Ok(Some("0".to_owned())),
            name if bash && name.starts_with("BASH") => Err(self.stop(Reason::Construct(format!("`${name}`")))),
            _ => Ok(None),
        }
    }

    /// `$-`, in the order of dash or bash.
    fn flags(&self) -> String {
        let Options { allexport, errexit, noglob, nounset, xtrace, bash, .. } = self.environment.options;
        let flags: &[(bool, char)] = if bash {
            &[(allexport, 'a'), (errexit, 'e'), (noglob, 'f'), (true, 'h'), (nounset, 'u'), (xtrace, 'x'), (true, 'B')]
        } else {
            &[(nounset, 'u'), (allexport, 'a'), (xtrace, 'x'), (noglob, 'f'), (errexit, 'e')]
        };
        flags.iter().filter(|(on, _)| *on).map(|(_, flag)| *flag).collect()
    }
}

/// `${…/…/…}` of bash: the longest match at the first place that has one, or at each. None if too much comes out of it.
fn replace(
    value: &[u8],
    pattern: &Pattern,
    with: &[u8],
    all: bool,
    budget: &mut Budget,
) -> Result<Option<Vec<u8>>, TooMuch> {
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(byte) = value.get(at) {
        let rest = value.get(at..).unwrap_or_default();
        let length = pattern.prefix(rest, true, budget)?.unwrap_or(0);
        if length == 0 {
            out.push(*byte);
            at += 1;
            continue;
        }
        out.extend_from_slice(with);
        at += length;
        if out.len() > 16 << 20 {
            return Ok(None);
        }
        if !all {
            break;
        }
    }
    out.extend_from_slice(value.get(at..).unwrap_or_default());
    Ok(Some(out))
}

/// `${…:OFFSET:LENGTH}` of bash; negative numbers count from the end.
fn substring(value: &[u8], offset: i64, length: Option<i64>) -> &[u8] {
    let total = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let start = if offset < 0 { total.saturating_add(offset) } else { offset.min(total) };
    let end = match length {
        None => total,
        Some(length) if length < 0 => total.saturating_add(length),
        Some(length) => start.saturating_add(length).min(total),
    };
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(start), Ok(end)) if start <= end => value.get(start..end).unwrap_or_default(),
        _ => &[],
    }
}
