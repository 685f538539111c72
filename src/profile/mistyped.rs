//! Values of another type than they must be, told with what to type instead: the very line, made of what stands there.

use std::ops::Range;

use toml::{Table, Value};

use crate::diagnostic::{Diagnostic, SourceText};

/// Keys whose value is a list of tables, each below a header with two brackets. All other lists are of words.
const LISTS_OF_TABLES: [&str; 11] =
    ["artifact", "directory", "disk", "file", "network", "patch", "ports", "registry", "source", "user", "when"];
/// What a parameter's value may be.
pub(super) const ANY_SIMPLE: &str = "text in quotes, a whole number, `true` or `false`";
/// Most words of a suggestion.
const SHOWN: usize = 6;

/// What to say of a value at `span` that is `found`, as serde calls it, where `expected` belongs.
pub(super) fn diagnose(
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
    let found = found.replacen("sequence", "list", 1).replacen("map", "table", 1);
    let wrong = at(format!("expected {expected}, found {found}"));
    let place = Place::of(&source.text, span.unwrap_or_default());
    let unquoted = place.text.trim_matches(['"', '\'']);
    let hint = match expected {
        "a list" => list(&place, found == "table"),
        "a table" => table(&place, found == "list"),
        "a string" => string(&place, found == "table"),
        "a boolean" if !["true", "false"].contains(&unquoted) => "write `true` or `false`, without quotes".to_owned(),
        "a whole number" if unquoted.is_empty() || !unquoted.bytes().all(|byte| byte.is_ascii_digit()) => return wrong,
        "a boolean" | "a whole number" => format!("write it without quotes: `{unquoted}`"),
        ANY_SIMPLE => "write a single value, without brackets".to_owned(),
        _ => return wrong,
    };
    wrong.hint(hint)
}

fn list(place: &Place<'_>, is_table: bool) -> String {
    let Place { key, header, text, .. } = place;
    // Of packages, words and tables may stand side by side.
    let is_package = || *key == "packages" && place.table().is_some_and(|table| table.contains_key("name"));
    let is_of_tables = is_table && (LISTS_OF_TABLES.contains(key) || is_package());
    match header {
        Some(header) if is_of_tables => {
            format!("there may be several, so each has two brackets: `[[{header}]]`")
        }
        _ if is_of_tables => "write it in brackets, a single entry too: `[{ … }]`".to_owned(),
        _ if is_table => place.list_of_words(),
        _ if key.is_empty() || !text.starts_with(['"', '\'']) => {
            "write it in brackets, a single entry too: `[\"one\"]`".to_owned()
        }
        _ => format!("write it in brackets, a single entry too: `{key} = [{text}]`"),
    }
}

fn table(place: &Place<'_>, is_list: bool) -> String {
    let pairs = if is_list { place.pairs() } else { Vec::new() };
    let Place { key, header, .. } = place;
    if header.is_none() && !pairs.is_empty() {
        // Of these a number is as good as a text, and the usual way to write it.
        let is_number = |value: &str| *key == "sysctl" && value.parse::<i64>().is_ok();
        let lines = pairs.iter().map(|(name, value)| {
            if is_number(value) { format!("{name:?} = {value}") } else { format!("{name:?} = {value:?}") }
        });
        let lines: Vec<String> = lines.collect();
        return match *key {
            "sysctl" => format!("write it as a table: `[sysctl]`, and below it `{}`", lines.join("`, `")),
            _ => format!("write it as a table: `{key} = {{ {} }}`", lines.join(", ")),
        };
    }
    if is_list {
        return "write it with single brackets; of what has names, such as nodes, each is a table: `[node.NAME]`"
            .to_owned();
    }
    "a table has its keys below a header of its own, such as `[node.NAME]`".to_owned()
}

fn string(place: &Place<'_>, is_table: bool) -> String {
    let Place { key, text, is_entry, .. } = place;
    if is_table && *is_entry {
        return place.list_of_words();
    }
    let words = place.table().map(|table| words(&table)).unwrap_or_default();
    if is_table && let Some(word) = words.first() {
        return format!("it is no table: write `{key} = {word:?}`{}", place.above());
    }
    if text.contains(['\n', '"', '{', '[']) || text.is_empty() {
        return "write it in quotes".to_owned();
    }
    format!("write it in quotes: `\"{text}\"`")
}

/// Where a value stands.
struct Place<'t> {
    /// All of the file.
    whole: &'t str,
    /// The value, or the header of the table that it is.
    text: &'t str,
    /// The last part of its key; empty for an entry of a list.
    key: &'t str,
    /// The dotted key in the header, if the value has one.
    header: Option<&'t str>,
    /// Whether that header has two brackets.
    is_entry: bool,
}

impl<'t> Place<'t> {
    fn of(whole: &'t str, span: Range<usize>) -> Self {
        let text = whole.get(span.clone()).unwrap_or_default();
        let before = whole.get(..span.start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let first = text.lines().next().unwrap_or_default().trim();
        let name = first.trim_matches(['[', ']', ' ']);
        let is_header = line.trim().is_empty() && first.starts_with('[') && first.ends_with(']');
        let header = Some(name).filter(|name| is_header && !name.is_empty() && !name.contains(['"', '{', '=', ',']));
        let key = match header {
            Some(header) => header.rsplit('.').next().unwrap_or_default(),
            None => {
                let key = line.trim_end().strip_suffix('=').unwrap_or_default();
                key.rsplit(['{', ',', '.']).next().unwrap_or_default().trim().trim_matches('"')
            }
        };
        Self { whole, text, key, header, is_entry: header.is_some() && first.starts_with("[[") }
    }

    /// The table that stands there.
    fn table(&self) -> Option<Table> {
        let Some(header) = self.header else {
            return format!("x = {}", self.text).parse::<Table>().ok()?.remove("x")?.try_into().ok();
        };
        let mut value = Value::Table(self.whole.parse().ok()?);
        for part in header.split('.') {
            let table = value.as_table_mut()?;
            value = match table.remove(part)? {
                Value::Array(list) => list.into_iter().next()?,
                other => other,
            };
        }
        value.try_into().ok()
    }

    /// The entries of a list of `NAME=VALUE`; none if one of them is something else.
    fn pairs(&self) -> Vec<(String, String)> {
        let list = || -> Option<Vec<String>> {
            format!("x = {}", self.text).parse::<Table>().ok()?.remove("x")?.try_into().ok()
        };
        let pair =
            |entry: &String| entry.split_once('=').map(|(name, value)| (name.trim().into(), value.trim().into()));
        list().unwrap_or_default().iter().map(pair).collect::<Option<_>>().unwrap_or_default()
    }

    /// The line that a list of words is, instead of the table that stands there.
    fn list_of_words(&self) -> String {
        let mut words = self.table().map(|table| words(&table)).unwrap_or_default();
        words.truncate(SHOWN);
        if words.is_empty() {
            words.push(if self.key == "packages" { "htop" } else { "one" }.to_owned());
        }
        format!("it is a list of words: write `{} = {words:?}`{}", self.key, self.above())
    }

    /// Where the line belongs that takes the place of a header.
    fn above(&self) -> String {
        match self.header.map(|header| header.rsplit_once('.')) {
            Some(Some((table, _))) => format!(" below `[{table}]`"),
            Some(None) => ", above the first line that begins with `[`".to_owned(),
            None => String::new(),
        }
    }
}

/// What a person meant who wrote a table instead of words: its list, its name, or else its keys, as package managers of
/// programming languages have it.
fn words(table: &Table) -> Vec<String> {
    let strings = |value: &Value| value.clone().try_into::<Vec<String>>().ok().filter(|list| !list.is_empty());
    if let Some(list) = table.values().find_map(strings) {
        return list;
    }
    match table.values().next().and_then(Value::as_str) {
        Some(word) if table.len() == 1 && !["*", ""].contains(&word) => vec![word.to_owned()],
        _ => table.keys().cloned().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::LISTS_OF_TABLES;

    /// Calls `see` with the name and schema of each key in `schema`, at whatever depth.
    fn keys(schema: &Json, see: &mut dyn FnMut(&str, &Json)) {
        for (name, value) in schema.as_object().into_iter().flatten() {
            if name == "properties" {
                value.as_object().into_iter().flatten().for_each(|(key, schema)| see(key, schema));
            }
            keys(value, see);
        }
    }

    #[test]
    fn lists_of_tables_are_known_by_the_keys_that_the_schemas_have() {
        let mut checked = 0;
        for text in [
            include_str!("../../profiles/schema.json"),
            include_str!("../../overlays/schema.json"),
            include_str!("../../workspace/cluster.schema.json"),
        ] {
            let schema: Json = serde_json::from_str(text).unwrap();
            keys(&schema, &mut |key, of_key| {
                let Some(reference) = of_key["items"]["$ref"].as_str() else { return };
                let pointer = reference.trim_start_matches('#');
                let is_table = schema.pointer(pointer).is_some_and(|entry| entry["type"] == "object");
                assert_eq!(LISTS_OF_TABLES.contains(&key), is_table, "{key}");
                checked += 1;
            });
        }
        assert!(checked > LISTS_OF_TABLES.len(), "{checked}");
    }
}
