//! TOML text to its source struct. The TOML reader's errors become diagnostics in the words of a profile's writer.

use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::output::{Diagnostic, SourceText, closest};

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
        let expected = match expected {
            "a sequence" => "a list",
            "a map" => "a table",
            other => other,
        };
        let found = found.replacen("sequence", "list", 1).replacen("map", "table", 1);
        let wrong = at(format!("expected {expected}, found {found}"));
        return match expected {
            "a list" => wrong.hint("write it in brackets, a single entry too: `[\"one\"]`"),
            "a string" => wrong.hint("write it in quotes"),
            _ => wrong,
        };
    }
    if message == "duplicate key" {
        let key = error.span().and_then(|span| source.text.get(span));
        return at(message.to_owned()).hint(match key {
            Some("board") => "write the name into the table: `[board]` and below it `name = \"rpi4\"`",
            _ => "keep one of the two",
        });
    }
    match message.split_once('\n') {
        Some((message, hint)) => at(message.to_owned()).hint(hint),
        None => at(message.to_owned()),
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
