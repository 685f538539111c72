//! Words become fields (XCU 2.6): parameters, substitutions, arithmetic, splitting, path names.

use super::arithmetic;
use super::fields::{Fields, text};
use super::pattern::{Pattern, Quoted};
use super::state::{Flow, Shell, Step};
use crate::shell::ast::{List, Operation, Parameter, Part, Word};
use crate::shell::reason::Reason;

/// Path names that one pattern may come to.
const NAMES_MAX: usize = 100_000;

/// How an expansion is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It is split into fields where it is not quoted.
    Fields,
    /// It stays one text: assignments, `case`, redirections, here-documents, patterns.
    Text,
}

impl Shell<'_> {
    /// The fields of a command's words.
    pub(super) fn expand(&mut self, words: &[Word]) -> Step<Vec<String>> {
        let mut all = Vec::new();
        for word in words {
            let mut fields = Fields::default();
            self.parts(&word.parts, false, Use::Fields, &mut fields)?;
            for field in fields.finish() {
                self.path_names(&field, &mut all)?;
            }
        }
        Ok(all)
    }

    /// A word as one text.
    pub(super) fn expand_text(&mut self, word: &Word) -> Step<String> {
        Ok(text(&self.expand_characters(word)?))
    }

    /// A word as a pattern.
    pub(super) fn expand_pattern(&mut self, word: &Word) -> Step<Pattern> {
        Ok(Pattern::new(&self.expand_characters(word)?))
    }

    fn expand_characters(&mut self, word: &Word) -> Step<Vec<Quoted>> {
        let mut fields = Fields::default();
        self.parts(&word.parts, false, Use::Text, &mut fields)?;
        Ok(fields.join())
    }

    fn parts(&mut self, parts: &[Part], quoted: bool, used: Use, fields: &mut Fields) -> Step<()> {
        for (number, part) in parts.iter().enumerate() {
            match part {
                Part::Text(text) if number == 0 && !quoted => {
                    let text = self.tilde(text);
                    self.count(text.len())?;
                    fields.push(&text, false);
                }
                Part::Text(text) => fields.push(text, quoted),
                Part::Quoted(text) => {
                    self.count(text.len())?;
                    fields.push(text, true);
                }
                Part::DoubleQuoted(parts) => {
                    // `"$@"` without parameters is no field at all.
                    let is_all = |part: &Part| matches!(part, Part::Parameter(parameter) if parameter.name == "@" && parameter.operation == Operation::Value);
                    if !(self.environment.positional.is_empty() && !parts.is_empty() && parts.iter().all(is_all)) {
                        fields.push("", true);
                    }
                    self.parts(parts, true, used, fields)?;
                }
                Part::Parameter(parameter) => self.parameter(parameter, quoted, used, fields)?,
                Part::Command(list) => {
                    let output = self.substitute(list)?;
                    self.add(&output, quoted, used, fields);
                }
                Part::Arithmetic(expression) => {
                    let expression = self.expand_text(expression)?;
                    let value = arithmetic::evaluate(&expression, &mut self.environment.variables);
                    let value = match value {
                        Ok(value) => value.to_string(),
                        Err(cause) => return self.fail(&format!("arithmetic expression: {cause}")),
                    };
                    self.add(&value, quoted, used, fields);
                }
            }
        }
        Ok(())
    }

    /// `~` and `~/…` with `$HOME` (XCU 2.6.1); homes of others are left as they are.
    fn tilde(&self, text: &str) -> String {
        match (text.strip_prefix('~'), self.environment.variables.get("HOME")) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            _ => text.to_owned(),
        }
    }

    fn add(&mut self, value: &str, quoted: bool, used: Use, fields: &mut Fields) {
        if quoted || used == Use::Text {
            // In a pattern, what an unquoted expansion brings is special.
            fields.push(value, quoted);
        } else {
            let ifs = self.ifs();
            fields.split(value, &ifs);
        }
    }

    pub(super) fn ifs(&self) -> String {
        self.environment.variables.get("IFS").unwrap_or(" \t\n").to_owned()
    }

    /// An error that ends a shell that nobody types into, with the status of dash.
    pub(super) fn fail<T>(&mut self, message: &str) -> Step<T> {
        self.complain(message)?;
        Err(Flow::Exit(2))
    }

    fn parameter(&mut self, parameter: &Parameter, quoted: bool, used: Use, fields: &mut Fields) -> Step<()> {
        self.line = parameter.line;
        let name = parameter.name.as_str();
        if matches!(name, "@" | "*") && parameter.operation == Operation::Value {
            return self.all_positional(name == "@", quoted, used, fields);
        }
        let value = self.value(name)?;
        let has = |or_empty: bool| value.as_ref().is_some_and(|value| !(or_empty && value.is_empty()));
        match &parameter.operation {
            Operation::Default { or_empty, word } if !has(*or_empty) => self.parts(&word.parts, quoted, used, fields),
            Operation::Alternative { or_empty, word } if has(*or_empty) => {
                self.parts(&word.parts, quoted, used, fields)
            }
            Operation::Alternative { .. } => Ok(()),
            Operation::Assign { or_empty, word } if !has(*or_empty) => {
                let value = self.expand_text(word)?;
                self.environment.variables.set(name, value.as_str());
                self.add(&value, quoted, used, fields);
                Ok(())
            }
            Operation::Error { or_empty, word } if !has(*or_empty) => {
                let message = self.expand_text(word)?;
                self.fail(&format!("{name}: {message}"))
            }
            Operation::Default { .. } | Operation::Assign { .. } | Operation::Error { .. } => {
                self.add(&value.unwrap_or_default(), quoted, used, fields);
                Ok(())
            }
            operation => {
                if value.is_none() && self.environment.options.nounset {
                    return self.fail(&format!("{name}: parameter not set"));
                }
                let value = self.changed(value.unwrap_or_default(), operation)?;
                self.count(value.len())?;
                self.add(&value, quoted, used, fields);
                Ok(())
            }
        }
    }

    /// A value with an operation that needs it.
    fn changed(&mut self, value: String, operation: &Operation) -> Step<String> {
        Ok(match operation {
            Operation::Length => value.chars().count().to_string(),
            Operation::RemovePrefix { longest, pattern } => {
                let characters: Vec<char> = value.chars().collect();
                let lengths = self.expand_pattern(pattern)?.lengths(&characters);
                let length = if *longest { lengths.last() } else { lengths.first() };
                characters.into_iter().skip(length.copied().unwrap_or(0)).collect()
            }
            Operation::RemoveSuffix { longest, pattern } => {
                let pattern = self.expand_pattern(pattern)?;
                let ends: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
                let fits = |end: &&usize| value.get(**end..).is_some_and(|suffix| pattern.matches(suffix));
                let end = if *longest { ends.iter().find(fits) } else { ends.iter().rev().find(fits) };
                value.get(..end.copied().unwrap_or(value.len())).unwrap_or_default().to_owned()
            }
            Operation::Replace { all, pattern, with } => {
                let pattern = self.expand_pattern(pattern)?;
                let with = self.expand_text(with)?;
                replace(&value, &pattern, &with, *all)
            }
            Operation::Substring { offset, length } => {
                let number = |shell: &mut Self, word: &Word| {
                    let expression = shell.expand_text(word)?;
                    match arithmetic::evaluate(&expression, &mut shell.environment.variables) {
                        Ok(value) => Ok(value),
                        Err(cause) => shell.fail(&format!("substring: {cause}")),
                    }
                };
                let offset = number(self, offset)?;
                let length = length.as_ref().map(|word| number(self, word)).transpose()?;
                let characters: Vec<char> = value.chars().collect();
                let total = i64::try_from(characters.len()).unwrap_or(i64::MAX);
                let start = if offset < 0 { total.saturating_add(offset) } else { offset.min(total) };
                let end = match length {
                    None => total,
                    Some(length) if length < 0 => total.saturating_add(length),
                    Some(length) => start.saturating_add(length).min(total),
                };
                let index = |at: i64| usize::try_from(at).unwrap_or(0);
                if start < 0 || end < start {
                    String::new()
                } else {
                    characters.get(index(start)..index(end)).unwrap_or_default().iter().collect()
                }
            }
            _ => value,
        })
    }

    /// `$@` and `$*`.
    fn all_positional(&mut self, apart: bool, quoted: bool, used: Use, fields: &mut Fields) -> Step<()> {
        let positional = self.environment.positional.clone();
        self.count(positional.iter().map(String::len).sum())?;
        if used == Use::Text || (quoted && !apart) {
            let separator = match self.environment.variables.get("IFS") {
                Some(ifs) if !apart => ifs.chars().next().map(String::from).unwrap_or_default(),
                _ => " ".to_owned(),
            };
            fields.push(&positional.join(&separator), quoted);
            return Ok(());
        }
        for (number, value) in positional.iter().enumerate() {
            if number > 0 {
                fields.end();
            }
            if quoted {
                fields.push(value, true);
            } else {
                self.add(value, false, used, fields);
            }
        }
        Ok(())
    }

    /// The value of a parameter; none if it is not set.
    fn value(&mut self, name: &str) -> Step<Option<String>> {
        let environment = &self.environment;
        Ok(match name {
            "#" => Some(environment.positional.len().to_string()),
            "?" => Some(environment.status.to_string()),
            "0" => Some(environment.name.clone()),
            "-" => {
                let flags = [
                    (environment.options.errexit, 'e'),
                    (environment.options.nounset, 'u'),
                    (environment.options.noglob, 'f'),
                ];
                Some(flags.iter().filter(|(on, _)| *on).map(|(_, flag)| *flag).collect())
            }
            "@" | "*" => (!environment.positional.is_empty()).then(|| environment.positional.join(" ")),
            "$" => return Err(self.stop(Reason::differs("$$", "the number of its process"))),
            "!" => None,
            "RANDOM" => return Err(self.stop(Reason::differs("$RANDOM", "randomness"))),
            "LINENO" => Some(self.line.to_string()),
            name => match name.parse::<usize>() {
                Ok(number) => environment.positional.get(number.wrapping_sub(1)).cloned(),
                Err(_) => environment.variables.get(name).map(str::to_owned),
            },
        })
    }

    /// `$(…)`: what it prints, without the newlines at its end.
    fn substitute(&mut self, list: &List) -> Step<String> {
        // Of `$(< FILE)` of bash and the like nothing special is known: it prints nothing.
        let saved = self.descriptors.table();
        let sink = self.descriptors.collect(1);
        let status = self.subshell(|shell| shell.list(list));
        let mut bytes = self.descriptors.take(sink);
        self.descriptors.restore(saved);
        let status = status?;
        self.environment.status = status;
        self.substituted = Some(status);
        self.count(bytes.len())?;
        bytes.retain(|byte| *byte != 0);
        while bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        String::from_utf8(bytes).map_err(|_| self.stop(Reason::NotText))
    }

    /// Adds the path names that a field matches, or the field itself if there are none (XCU 2.6.6).
    fn path_names(&mut self, field: &[Quoted], all: &mut Vec<String>) -> Step<()> {
        let is_special = !self.environment.options.noglob
            && field.iter().any(|(character, quoted)| !quoted && matches!(character, '*' | '?' | '['))
            && Pattern::new(field).is_special();
        if !is_special {
            all.push(text(field));
            return Ok(());
        }
        let mut found = vec![String::new()];
        let mut components = field.split(|(character, _)| *character == '/').peekable();
        if field.first().is_some_and(|(character, _)| *character == '/') {
            components.next();
            found = vec!["/".to_owned()];
        }
        while let Some(component) = components.next() {
            let slash = if components.peek().is_some() { "/" } else { "" };
            let pattern = Pattern::new(component);
            let mut next = Vec::new();
            for base in found {
                if !pattern.is_special() {
                    next.push(format!("{base}{}{slash}", text(component)));
                    continue;
                }
                let dir = if base.is_empty() { "." } else { &base };
                for name in self.files.list(dir).unwrap_or_default() {
                    if (pattern.begins_with_dot() || !name.starts_with('.')) && pattern.matches(&name) {
                        next.push(format!("{base}{name}{slash}"));
                    }
                }
            }
            if next.len() > NAMES_MAX {
                return Err(self.stop(Reason::Limit("100000 path names of one pattern")));
            }
            found = next;
        }
        let mut names = Vec::new();
        for name in found {
            // A link that leads nowhere has a name too.
            match self.files.stat(&name, name.ends_with('/')) {
                Ok(_) => names.push(name),
                Err(crate::shell::files::FileError::Reason(reason)) => return Err(self.stop(reason)),
                Err(_) => {}
            }
        }
        if names.is_empty() {
            names.push(text(field));
        }
        names.sort();
        self.count(names.iter().map(String::len).sum())?;
        all.append(&mut names);
        Ok(())
    }
}

/// `${…/…/…}` of bash: the longest match at the first place that has one, or at each.
fn replace(value: &str, pattern: &Pattern, with: &str, all: bool) -> String {
    let characters: Vec<char> = value.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while let Some(character) = characters.get(at) {
        let length = pattern.lengths(characters.get(at..).unwrap_or_default()).last().copied().unwrap_or(0);
        if length == 0 {
            out.push(*character);
            at += 1;
            continue;
        }
        out.push_str(with);
        at += length;
        if !all {
            break;
        }
    }
    out.extend(characters.get(at..).unwrap_or_default());
    out
}
