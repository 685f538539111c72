//! TOML text to its source struct. The TOML reader's errors become diagnostics in the words of a profile's writer.

use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::slips::{self, Slip};
use crate::diagnostic::{Diagnostic, SourceText, closest};

/// Reads `source` as `T`.
///
/// # Errors
/// Text that is no TOML; unknown or missing keys; wrong types; values that their type refuses.
pub(crate) fn parse<T: DeserializeOwned>(source: &Arc<SourceText>) -> Result<T, Box<Diagnostic>> {
    toml::from_str(&source.text).map_err(|error| Box::new(diagnose(source, &error)))
}

/// A refusing value says what is wrong, then a line break, then the hint (`checks`); serde's own messages
/// are known by their first words.
fn diagnose(source: &Arc<SourceText>, error: &toml::de::Error) -> Diagnostic {
    let message = error.message().trim();
    if let Some(Slip { span, message, hint }) = slips::find(&source.text, error.span().unwrap_or_default().start) {
        return Diagnostic::new(source, Some(span), message).hint(hint);
    }
    let at = |message: String| Diagnostic::new(source, narrowed(source, error.span(), &message), message);
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return suggest(&at, "unknown key", "keys here", rest);
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        return suggest(&at, "unknown value", "known", rest);
    }
    if let Some(key) = message.strip_prefix("missing field ") {
        let missing = Diagnostic::new(source, error.span().filter(|span| span.start > 0), format!("missing key {key}"));
        return match key {
            "`schema`" => missing.hint("begin the file with `schema = 1`"),
            _ => missing.hint(format!("add {key} to this table")),
        };
    }
    if let Some((found, expected)) =
        message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    {
        return wrong_type(&at, source, error.span(), found, expected);
    }
    let there = error.span().and_then(|span| source.text.get(span)).unwrap_or_default();
    if let Some((message, hint)) = slips::reworded(message, there) {
        return at(message).hint(hint);
    }
    match message.split_once('\n') {
        Some((message, hint)) => at(message.to_owned()).hint(hint),
        None => at(message.to_owned()),
    }
}

/// A value of another type than it must be, with what to type instead.
fn wrong_type(
    at: &dyn Fn(String) -> Diagnostic,
    source: &SourceText,
    span: Option<Range<usize>>,
    found: &str,
    expected: &str,
) -> Diagnostic {
    let expected = match expected {
        "a sequence" => "a list",
        "a map" => "a table",
        "i64" | "u64" => "a whole number",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    let is_table = found == "map";
    let found = found.replacen("sequence", "list", 1).replacen("map", "table", 1);
    let wrong = at(format!("expected {expected}, found {found}"));
    let text = span.and_then(|span| source.text.get(span)).unwrap_or_default();
    let header = text.lines().next().unwrap_or_default().trim_matches(['[', ']', ' ']);
    let unquoted = text.trim_matches(['"', '\'']);
    match expected {
        "a list" if is_table && !header.is_empty() && !header.contains(['{', '=']) => {
            wrong.hint(format!("there may be several, so each has two brackets: `[[{header}]]`"))
        }
        "a list" if is_table => wrong.hint("write it in brackets, a single entry too: `[{ … }]`"),
        "a list" => wrong.hint("write it in brackets, a single entry too: `[\"one\"]`"),
        "a table" if found.starts_with("list") => wrong
            .hint("write it with single brackets; of what has names, such as nodes, each is a table: `[node.NAME]`"),
        "a table" => wrong.hint("a table has its keys below a header of its own, such as `[node.NAME]`"),
        "a string" if text.contains(['\n', '"', '{', '[']) || text.is_empty() => wrong.hint("write it in quotes"),
        "a string" => wrong.hint(format!("write it in quotes: `\"{text}\"`")),
        "a boolean" if ["true", "false"].contains(&unquoted) => {
            wrong.hint(format!("write it without quotes: `{unquoted}`"))
        }
        "a boolean" => wrong.hint("write `true` or `false`, without quotes"),
        "a whole number" if !unquoted.is_empty() && unquoted.bytes().all(|byte| byte.is_ascii_digit()) => {
            wrong.hint(format!("write it without quotes: `{unquoted}`"))
        }
        _ => wrong,
    }
}

/// The span of the value that `message` begins with where the reader only knows the list that it is in.
fn narrowed(source: &SourceText, span: Option<Range<usize>>, message: &str) -> Option<Range<usize>> {
    let span = span?;
    let entry = || {
        let list = source.text.get(span.clone()).filter(|text| text.starts_with('['))?;
        let value = message.strip_prefix('`')?.split_once('`')?.0;
        let spellings = [format!("\"{value}\""), format!("\"-{value}\""), format!("'{value}'"), format!("'-{value}'")];
        let (start, len) = spellings.iter().find_map(|spelling| Some((list.find(spelling)?, spelling.len())))?;
        Some(span.start + start..span.start + start + len)
    };
    Some(entry().unwrap_or(span.clone()))
}

/// `rest` is serde's "`word`, expected one of `a`, `b`": every second piece between backticks is a name.
fn suggest(at: &dyn Fn(String) -> Diagnostic, what: &str, known: &str, rest: &str) -> Diagnostic {
    let mut names = rest.split('`').skip(1).step_by(2);
    let word = names.next().unwrap_or_default();
    let names: Vec<&str> = names.collect();
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let diagnostic = at(format!("{what} `{word}`"));
    match closest(word, names.iter().copied()) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`? {known}: {list}")),
        None => diagnostic.hint(format!("{known}: {list}")),
    }
}
