//! TOML text to its source struct. The TOML reader's errors become diagnostics in the words of a profile's writer.

use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::mistyped;
use super::slips::{self, Slip};
use crate::diagnostic::{Diagnostic, SourceText, closest};

/// Reads `source` as `T`.
///
/// # Errors
/// Text that is no TOML; unknown or missing keys; wrong types; values that their type refuses.
pub(crate) fn parse<T: DeserializeOwned>(source: &Arc<SourceText>) -> Result<T, Box<Diagnostic>> {
    toml::from_str(&source.text).map_err(|error| Box::new(diagnose::<T>(source, &error)))
}

/// A refusing value says what is wrong, then a line break, then the hint (`checks`); serde's own messages
/// are known by their first words.
fn diagnose<T: DeserializeOwned>(source: &Arc<SourceText>, error: &toml::de::Error) -> Diagnostic {
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
        return mistyped::diagnose(&at, source, error.span(), found, expected);
    }
    // What the reader says of anything but a word where one of several words belongs.
    if message == "wanted string or table" {
        let names = error.span().and_then(|span| words::<T>(&source.text, span)).unwrap_or_default();
        return at("this must be a word in quotes".to_owned()).hint(format!("write one of {names}"));
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

/// The words that may stand at `span`: the reader lists them when it finds one that it does not know.
fn words<T: DeserializeOwned>(text: &str, span: Range<usize>) -> Option<String> {
    let probe = format!("{}\"?\"{}", text.get(..span.start)?, text.get(span.end..)?);
    let error = toml::from_str::<T>(&probe).err()?;
    let rest = error.message().strip_prefix("unknown variant ")?;
    let names: Vec<String> = rest.split('`').skip(3).step_by(2).map(|name| format!("`\"{name}\"`")).collect();
    Some(names.join(", "))
}

/// `rest` is serde's "`word`, expected one of `a`, `b`": every second piece between backticks is a name.
fn suggest(at: &dyn Fn(String) -> Diagnostic, what: &str, known: &str, rest: &str) -> Diagnostic {
    let mut names = rest.split('`').skip(1).step_by(2);
    let word = names.next().unwrap_or_default();
    let names: Vec<&str> = names.collect();
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if let Some(model) = other_raspberry(word, &names) {
        let hint = format!(
            "images are made for the Raspberry Pi 4, 400 and CM4 (`rpi4`) and for machines with UEFI; {known}: {list}"
        );
        return at(format!("a Raspberry Pi {model} is not supported")).hint(hint);
    }
    let diagnostic = at(format!("{what} `{word}`"));
    match closest(word, names.iter().copied()) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`? {known}: {list}")),
        None => diagnostic.hint(format!("{known}: {list}")),
    }
}

/// The model of a Raspberry Pi that `word` means, where boards are named and it is none of them: close to the name of one that
/// is, it is another machine all the same.
fn other_raspberry<'w>(word: &'w str, names: &[&str]) -> Option<&'w str> {
    let model =
        ["raspberrypi", "raspberry-pi-", "rpi-", "rpi", "pi"].iter().find_map(|start| word.strip_prefix(start))?;
    let is_other = model.starts_with(|first: char| first.is_ascii_digit() && first != '4');
    (names.contains(&"rpi4") && is_other).then_some(model)
}
