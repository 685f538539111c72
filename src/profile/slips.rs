//! Slips of the pen in TOML: what a person who knows YAML, shells or word processors writes instead, told in words that
//! say what to type. A TOML reader says what it expected at some byte; here the line there is looked at.

use std::ops::Range;

use toml::Table;
use toml::de::DeTable;

/// A slip that was recognised.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slip {
    /// Bytes of the text.
    pub span: Range<usize>,
    pub message: String,
    pub hint: String,
}

/// The slip in the line of `text` at the byte `at`; none if `text` is TOML, or wrong in another way.
pub(super) fn find(text: &str, at: usize) -> Option<Slip> {
    if DeTable::parse(text).is_ok() {
        return None;
    }
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at))?;
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    curly(line, start).or_else(|| bracket(line, start)).or_else(|| entry(line, start))
}

/// What the TOML reader says of a place that holds `there`, in other words and with a cure, where it knows none.
pub(super) fn reworded(message: &str, there: &str) -> Option<(String, String)> {
    let is = |start: &str| message.starts_with(start);
    if is("duplicate key") {
        let hint = match there {
            "board" => "write the name into the table: `[board]` and below it `name = \"rpi4\"`",
            _ => "keep one of the two",
        };
        return Some((format!("`{there}` is given twice"), hint.to_owned()));
    }
    if is("missing comma") {
        let hint = "put a comma between them, or end the list before with `]`";
        return Some(("there is no comma between two entries of a list".to_owned(), hint.to_owned()));
    }
    if is("string values must be quoted") {
        return Some((format!("`{there}` is not in quotes"), format!("write `\"{there}\"`")));
    }
    if is("missing assignment") || is("key with no value") {
        let hint = "TOML has `=` between a key and its value, in braces too: `{ key = \"value\" }`";
        return Some(("there is no `=` between a key and its value".to_owned(), hint.to_owned()));
    }
    None
}

/// Quotes as word processors and chat programs make them.
fn curly(line: &str, start: usize) -> Option<Slip> {
    const CURLY: [char; 8] = ['“', '”', '„', '‟', '‘', '’', '«', '»'];
    // In a string they are letters.
    let mut inside = None;
    for (at, char) in line.char_indices() {
        match (char, inside) {
            ('#', None) => return None,
            ('"' | '\'', None) => inside = Some(char),
            (_, Some(open)) if char == open => inside = None,
            (_, None) if CURLY.contains(&char) => {
                let span = start + at..start + at + char.len_utf8();
                let straight = line.trim().replace(CURLY, "\"");
                let message = format!("`{char}` is a typographic quote, which TOML does not know");
                return Some(Slip { span, message, hint: format!("write straight quotes: `{straight}`") });
            }
            _ => {}
        }
    }
    None
}

/// A header that does not end.
fn bracket(line: &str, start: usize) -> Option<Slip> {
    let header = line.trim_end();
    let open = header.bytes().take_while(|byte| *byte == b'[').count();
    let name = header.get(open..)?.trim_end_matches(']');
    let closed = header.len() - open - name.len();
    if !(1..=2).contains(&open) || closed == open || !name.chars().all(is_key) {
        return None;
    }
    let whole = format!("{}{name}{}", "[".repeat(open), "]".repeat(open));
    let message = format!("the header `{header}` does not end with as many brackets as it begins with");
    Some(Slip { span: start..start + header.len(), message, hint: format!("write `{whole}`") })
}

/// A key with its value, or a value in a list of several lines.
fn entry(line: &str, start: usize) -> Option<Slip> {
    let equals = line.find('=').filter(|at| is_dotted_key(line[..*at].trim()));
    if let Some(equals) = equals {
        let key = line[..equals].trim();
        return value(key, line, equals + 1, start);
    }
    if let Some((key, rest)) = line.split_once(':').filter(|(key, _)| is_dotted_key(key.trim()))
        && (rest.is_empty() || rest.starts_with([' ', '\t']))
    {
        let (key, rest) = (key.trim(), rest.trim());
        let at = start + line.find(':')?;
        let message = format!("`{key}: …` is YAML; TOML has `=` between key and value");
        let hint = match quoted(rest) {
            _ if rest.is_empty() => format!("a table begins with `[{key}]`, and its keys follow it line by line"),
            Some(quoted) => format!("write `{key} = {quoted}`"),
            None => format!("write `{key} = {rest}`"),
        };
        return Some(Slip { span: at..at + 1, message, hint });
    }
    // An entry of a list of several lines.
    bare(line, 0, start, str::to_owned)
}

/// What stands behind `=`.
fn value(key: &str, line: &str, from: usize, start: usize) -> Option<Slip> {
    let text = line[from..].trim_start();
    let from = line.len() - text.len();
    let text = text.trim_end();
    if text.is_empty() {
        let message = format!("`{key}` has no value");
        return Some(Slip { span: start..start + line.len(), message, hint: format!("write `{key} = \"…\"`") });
    }
    if let Some(quote) = text.chars().next().filter(|char| matches!(char, '"' | '\'')) {
        let closed = text[1..].contains(quote);
        let span = start + from..start + from + text.len();
        let message = format!("the quote before `{}` is not closed", text[1..].trim_end_matches([']', ',']));
        return (!closed && !text.starts_with("\"\"\"")).then(|| Slip {
            span,
            message,
            hint: format!("write `{key} = {text}{quote}`"),
        });
    }
    if let Some(list) = text.strip_prefix('[') {
        let inner = from + 1;
        let closed = list.trim_end_matches(']');
        let all: Vec<String> =
            closed.split(',').map(str::trim).map(|part| quoted(part).unwrap_or(part.to_owned())).collect();
        let all = all.join(", ");
        return closed
            .split(',')
            .scan(inner, |at, part| {
                let here = *at;
                *at += part.len() + 1;
                Some((here, part))
            })
            .find_map(|(at, part)| bare(&line[..at + part.len()], at, start, |_| format!("{key} = [{all}]")));
    }
    bare(line, from, start, |fixed| format!("{key} = {fixed}"))
}

/// A value from the byte `from` of the line on that wants quotes, or is another language's word for a truth value.
fn bare(line: &str, from: usize, start: usize, whole: impl Fn(&str) -> String) -> Option<Slip> {
    let text = line.get(from..)?;
    let from = from + (text.len() - text.trim_start().len());
    let word = text.split(" #").next().unwrap_or_default().trim().trim_end_matches(',');
    if word.is_empty() || word.starts_with(['"', '\'', '[', '{', '#', ']', '}']) || word.contains(['"', '\'', '=']) {
        return None;
    }
    let fixed = quoted(word)?;
    let span = start + from..start + from + word.len();
    let message = match &*fixed {
        "true" | "false" => format!("`{word}` is not TOML's word for a truth value"),
        _ => format!("`{word}` is not in quotes"),
    };
    Some(Slip { span, message, hint: format!("write `{}`", whole(&fixed)) })
}

/// How TOML writes `word`; none if it is a value of TOML as it stands.
fn quoted(word: &str) -> Option<String> {
    if format!("x = {word}").parse::<Table>().is_ok() {
        return None;
    }
    Some(match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => "true".to_owned(),
        "false" | "no" | "off" => "false".to_owned(),
        _ => format!("\"{word}\""),
    })
}

fn is_key(char: char) -> bool {
    char.is_ascii_alphanumeric() || "-_.".contains(char)
}

fn is_dotted_key(text: &str) -> bool {
    !text.is_empty() && text.trim_matches('"').chars().all(|char| is_key(char) || char == '/')
}
