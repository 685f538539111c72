//! YAML as K3s reads it, with the position of every key and value.
//!
//! K3s turns each document into JSON with sigs.k8s.io/yaml (`pkg/deploy/controller.go`), that is with go-yaml 2: YAML 1.1's
//! words for truth (`yes`, `on`), numbers with `_`, `0o17` and `0x1f`, merge keys (`<<`), and of a key that is there twice the
//! last one.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, Span, Tag};

/// A document of a file.
#[derive(Debug, Clone)]
pub struct Document {
    pub root: Node,
    /// Keys that appear twice in one mapping, at the position of the second one.
    pub twice: Vec<(String, Range<usize>)>,
    /// Keys that YAML reads as other ones.
    pub changed: Vec<ChangedKey>,
}

/// A key without quotes that YAML reads as something else than its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedKey {
    /// As it is written.
    pub key: String,
    /// The key in JSON; none for null (`~`, `null`), which sigs.k8s.io/yaml refuses as a key.
    pub becomes: Option<String>,
    pub span: Range<usize>,
}

/// A value and the bytes of the text that it was read from.
#[derive(Debug, Clone)]
pub struct Node {
    pub value: Value,
    pub span: Range<usize>,
}

/// A node's value as K3s reads it.
#[derive(Debug, Clone)]
pub enum Value {
    Null,
    Bool(bool),
    /// A number, and whether it has no fraction.
    Number {
        whole: bool,
    },
    Text(String),
    List(Vec<Node>),
    Map(Vec<MappingEntry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub struct MappingEntry {
    pub key: String,
    /// The bytes of the key.
    pub place: Range<usize>,
    pub node: Node,
}

/// Why a text is not YAML. The message quotes nothing of the text, which may have secrets in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    pub span: Range<usize>,
    pub message: String,
    pub hint: String,
}

/// The keys of a path, which has `/` before each.
pub(super) fn keys(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').into_iter().flat_map(|keys| keys.split('/'))
}

impl Node {
    /// The node at a path of keys, with `/` before each.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Node> {
        keys(path).try_fold(self, |node, key| Some(&node.entry(key)?.node))
    }

    /// The last entry of this key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&MappingEntry> {
        self.entries().iter().rev().find(|entry| entry.key == key)
    }

    /// The entries of a mapping; none of other values.
    #[must_use]
    pub fn entries(&self) -> &[MappingEntry] {
        let Value::Map(entries) = &self.value else { return &[] };
        entries
    }

    /// The values of a list; none of other values.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        let Value::List(items) = &self.value else { return &[] };
        items
    }

    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let Value::Text(text) = &self.value else { return None };
        Some(text)
    }

    #[must_use]
    pub fn is_true(&self) -> bool {
        matches!(self.value, Value::Bool(true))
    }

    #[must_use]
    pub fn is_list(&self) -> bool {
        matches!(self.value, Value::List(_))
    }

    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }
}

/// Limit on a file's size after its aliases are expanded, in bytes of text plus [`NODE`] for each value: a few lines of aliases
/// could expand to millions. The value of an anchor is stored once more, and counts twice.
const MOST: usize = 64 << 20;
const NODE: usize = 64;
/// Deepest nesting of values, by lines or brackets. Objects of Kubernetes have a third of it; each level uses the stack.
const DEEPEST: (usize, usize) = (100, 60);

/// The documents of a file, empty ones left out.
///
/// # Errors
/// Text that is no YAML, with its place.
pub fn documents(text: &str) -> Result<Vec<Document>, YamlError> {
    let mut options = Options::default();
    options.emit_comments = false;
    (options.block_nesting_limit, options.flow_nesting_limit) = DEEPEST;
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, options),
        text,
        anchors: HashMap::new(),
        weight: 0,
        twice: Vec::new(),
        changed: Vec::new(),
    };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(documents),
            (Event::DocumentStart(..), _) => {
                let (event, span) = reader.next()?;
                let root = reader.node(event, &span)?;
                let twice = std::mem::take(&mut reader.twice);
                let changed = std::mem::take(&mut reader.changed);
                reader.anchors.clear();
                if !root.is_null() {
                    documents.push(Document { root, twice, changed });
                }
            }
            _ => {}
        }
    }
}

struct Reader<'t> {
    events: Parser<'t, granit_parser::StrInput<'t>>,
    text: &'t str,
    anchors: HashMap<usize, Node>,
    weight: usize,
    twice: Vec<(String, Range<usize>)>,
    changed: Vec<ChangedKey>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), YamlError> {
        match self.events.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(fault(self.text, error.marker().byte_offset().unwrap_or_default(), error.kind())),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn count(&mut self, more: usize, span: &Range<usize>) -> Result<(), YamlError> {
        self.weight = self.weight.saturating_add(more);
        if self.weight <= MOST {
            return Ok(());
        }
        Err(YamlError {
            span: span.clone(),
            message: "the aliases of this file stand for more values than fit into an object".to_owned(),
            hint: "write out what they stand for".to_owned(),
        })
    }

    fn node(&mut self, event: Event<'t>, span: &Span) -> Result<Node, YamlError> {
        let place = span.byte_range().unwrap_or_default();
        self.count(NODE, &place)?;
        let (value, anchor, end) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(text.len(), &place)?;
                (scalar(text, style, tag.as_deref()), anchor, place.end)
            }
            Event::Alias(anchor) => {
                self.count(self.anchors.get(&anchor).map_or(0, weight), &place)?;
                let value = self.anchors.get(&anchor).map_or(Value::Null, |named| named.value.clone());
                return Ok(Node { value, span: place });
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.next()? {
                        (Event::SequenceEnd, span) => break span.byte_range().unwrap_or_default().end,
                        (event, span) => items.push(self.node(event, &span)?),
                    }
                };
                (Value::List(items), anchor, end)
            }
            Event::MappingStart(_, anchor, _) => {
                let (entries, end) = self.mapping()?;
                (Value::Map(entries), anchor, end)
            }
            _ => (Value::Null, 0, place.end),
        };
        let node = Node { value, span: place.start..end.max(place.start) };
        if anchor > 0 {
            self.count(weight(&node), &node.span)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn mapping(&mut self) -> Result<(Vec<MappingEntry>, usize), YamlError> {
        let mut entries: Vec<MappingEntry> = Vec::new();
        let mut merged: Vec<MappingEntry> = Vec::new();
        let mut keys = HashSet::new();
        let end = loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break span.byte_range().unwrap_or_default().end;
            }
            let place = span.byte_range().unwrap_or_default();
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = match &event {
                Event::Scalar(text, ..) => text.clone().into_owned(),
                _ => String::new(),
            };
            // As a value it tells what YAML takes the key for.
            let becomes = match self.node(event, &span)?.value {
                Value::Null => Some(None),
                Value::Bool(value) => Some(Some(value.to_string())),
                Value::Number { .. } => spelled(&key).map(Some),
                Value::Text(_) | Value::List(_) | Value::Map(_) => None,
            };
            if let Some(becomes) = becomes.filter(|becomes| becomes.as_ref() != Some(&key)) {
                self.changed.push(ChangedKey { key: key.clone(), becomes, span: place.clone() });
            }
            let (event, span) = self.next()?;
            let node = self.node(event, &span)?;
            if is_merge {
                let sources =
                    if let Value::List(items) = &node.value { &items[..] } else { std::slice::from_ref(&node) };
                for entry in sources.iter().flat_map(Node::entries) {
                    merged.push(MappingEntry { place: place.clone(), ..entry.clone() });
                }
            } else {
                if !keys.insert(key.clone()) {
                    self.twice.push((key.clone(), place.clone()));
                }
                entries.push(MappingEntry { key, place, node });
            }
        };
        for entry in merged {
            if keys.insert(entry.key.clone()) {
                entries.push(entry);
            }
        }
        Ok((entries, end))
    }
}

fn weight(node: &Node) -> usize {
    let below = |weights: &mut dyn Iterator<Item = usize>| weights.fold(0, usize::saturating_add);
    NODE.saturating_add(match &node.value {
        Value::List(items) => below(&mut items.iter().map(weight)),
        Value::Map(entries) => {
            below(&mut entries.iter().map(|entry| entry.key.len().saturating_add(weight(&entry.node))))
        }
        Value::Text(text) => text.len(),
        Value::Null | Value::Bool(_) | Value::Number { .. } => 0,
    })
}

/// What a scalar is by go-yaml 2 (`resolve.go`). Times stay text.
fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let is_text = tag.is_some_and(|tag| {
        tag.suffix() != "null" && tag.suffix() != "bool" && !["int", "float"].contains(&tag.suffix())
    });
    if style != ScalarStyle::Plain && tag.is_none() || is_text {
        return Value::Text(text.into_owned());
    }
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" => return Value::Number { whole: false },
        _ => {}
    }
    match number(&text) {
        Some(whole) => Value::Number { whole },
        None => Value::Text(text.into_owned()),
    }
}

/// Whether a plain scalar is a number, and a whole one: Go's `ParseInt` with base 0, then a decimal fraction.
fn number(text: &str) -> Option<bool> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || b"+-.".contains(&first)) {
        return None;
    }
    let plain = if first == b'.' { text.to_owned() } else { text.replace('_', "") };
    let digits = plain.trim_start_matches(['+', '-']);
    if plain.len() - digits.len() > 1 {
        return None;
    }
    let all = |digits: &str, radix: u32| !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    let lower = digits.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = lower.strip_prefix(prefix) {
            return all(rest, radix).then_some(true);
        }
    }
    if all(digits, 10) {
        // A leading zero means octal, so that 0777 is a number, and 089 is one by its fraction's form only.
        return Some(true);
    }
    let (mantissa, exponent) =
        lower.split_once('e').map_or((&*lower, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let exponent_fits = exponent.is_none_or(|exponent| all(exponent.strip_prefix(['+', '-']).unwrap_or(exponent), 10));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits_fit = (whole.is_empty() || all(whole, 10)) && (fraction.is_empty() || all(fraction, 10));
    if !exponent_fits || !digits_fit || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    plain.parse::<f64>().ok().map(|value| value.fract() == 0.0)
}

/// How a number is spelled as a key of JSON (sigs.k8s.io/yaml `convertToJSONableObject`): a whole one in decimal digits, any other
/// as Go's `FormatFloat` with 'g' and 32 bits has it.
fn spelled(text: &str) -> Option<String> {
    let plain = text.replace('_', "");
    let digits = plain.trim_start_matches(['+', '-']);
    let sign = if plain.starts_with('-') { "-" } else { "" };
    let lower = digits.to_ascii_lowercase();
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)];
    let based = prefixes.iter().find_map(|(prefix, radix)| Some((lower.strip_prefix(prefix)?, *radix)));
    let (rest, radix) = based.filter(|(rest, _)| !rest.is_empty()).unwrap_or((&*lower, 10));
    if let Ok(number) = i128::from_str_radix(&format!("{sign}{rest}"), radix)
        && (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number)
    {
        return Some(number.to_string());
    }
    let number: f32 = plain.parse().ok().filter(|number: &f32| number.is_finite())?;
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    Some(if (-4..6).contains(&exponent) {
        number.to_string()
    } else {
        format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
    })
}

/// What is wrong, and what to type instead.
fn fault(text: &str, at: usize, kind: &ErrorKind) -> YamlError {
    let at = at.min(text.len());
    let start = text[..floor(text, at)].rfind('\n').map_or(0, |end| end + 1);
    // A tab is what most faults of indentation come from, in this line or in the next, whatever the parser stumbled over.
    let mut line_start = start;
    for line in text[start..].split_inclusive('\n').take(2) {
        let indent = line.len() - line.trim_start().len();
        if let Some(tab) = line[..indent].find('\t') {
            return YamlError {
                span: line_start + tab..line_start + tab + 1,
                message: "a tab indents this line".to_owned(),
                hint: "indent with spaces: YAML allows no tab there".to_owned(),
            };
        }
        line_start += line.len();
    }
    let (message, hint) = match kind {
        ErrorKind::UnknownAnchor => (
            "`*` here means an alias, and no `&` before it gives it a value".to_owned(),
            "put text that begins with `*` into quotes, or write `&NAME` at the value that is meant, in the same document",
        ),
        ErrorKind::BomInsideDocument => {
            ("a byte order mark stands within the text".to_owned(), "save the file as UTF-8 without byte order mark (BOM)")
        }
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation | ErrorKind::TabAtBlockScalarStart | ErrorKind::TabInPlainScalar => {
            ("a tab stands where YAML wants spaces".to_owned(), "write spaces instead")
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            ("a quote that is opened here is not closed".to_owned(), "close it, or put the text into the other kind of quotes")
        }
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => (
            "`\\` in double quotes begins no escape that YAML knows".to_owned(),
            "write `\\\\`, or put the text into single quotes, where it means itself",
        ),
        ErrorKind::UnclosedFlowCollection { .. } => (
            "a bracket or brace that is opened here is not closed".to_owned(),
            "close it; text that begins with a bracket or brace needs quotes",
        ),
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            ("a bracket or brace closes nothing here".to_owned(), "take it out, or put the text into quotes")
        }
        ErrorKind::RecursionLimitExceeded => (
            "values are nested deeper here than those of any object".to_owned(),
            "is a bracket or brace not closed, or a line indented too far?",
        ),
        ErrorKind::UnexpectedCharacter { .. } => {
            ("no value can begin with this character".to_owned(), "put the text into quotes")
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "`: ` cannot stand here: a second one on a line, a bracket or quote above that is not closed, or a line that is indented \
             further than the keys beside it"
                .to_owned(),
            "put text with `: ` into quotes, and indent keys of one mapping alike",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey | ErrorKind::MappingKeyNotAllowed => (
            "a key without `: ` behind it".to_owned(),
            "write `KEY: VALUE`, with a space behind the colon",
        ),
        ErrorKind::InvalidIndentation | ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry => (
            "the indentation fits neither the lines above nor a new list".to_owned(),
            "indent keys of one mapping, and the `-` of one list, alike",
        ),
        other => (format!("the text is not YAML: {other}"), "look at quotes and indentation around the values"),
    };
    YamlError { span: at..at + 1, message, hint: hint.to_owned() }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Document {
        documents(text).unwrap().remove(0)
    }

    #[test]
    fn scalars_are_what_k3s_takes_them_for() {
        let kind = |text: &str| match one(&format!("a: {text}\n")).root.at("/a").unwrap().value {
            Value::Null => "null",
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Number { whole: true } => "whole",
            Value::Number { whole: false } => "fraction",
            Value::Text(_) => "text",
            Value::List(_) => "list",
            Value::Map(_) => "map",
        };
        for (text, expected) in [
            ("~", "null"),
            ("yes", "true"),
            ("On", "true"),
            ("n", "false"),
            ("8080", "whole"),
            ("0777", "whole"),
            ("0x1F", "whole"),
            ("1_000", "whole"),
            ("-1", "whole"),
            ("1.0", "whole"),
            ("1.10", "fraction"),
            ("1e-3", "fraction"),
            (".5", "fraction"),
            ("1.2.3", "text"),
            ("10.0.0.1", "text"),
            ("12:30", "text"),
            ("2024-01-02", "text"),
            ("1Gi", "text"),
            ("e3", "text"),
            ("0x", "text"),
            ("\"8080\"", "text"),
            ("'yes'", "text"),
            ("!!str 8080", "text"),
            ("[1]", "list"),
            ("{b: 1}", "map"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn a_key_that_is_no_text_becomes_another_one() {
        for (key, becomes) in [
            ("on", "true"),
            ("Off", "false"),
            ("010", "8"),
            ("0x1F", "31"),
            ("1_000", "1000"),
            ("+5", "5"),
            ("089", "89"),
            ("1.10", "1.1"),
            ("1.0", "1"),
            ("1e3", "1000"),
            ("1e9", "1e+09"),
            (".5", "0.5"),
            ("0.00001", "1e-05"),
        ] {
            let changed = one(&format!("{key}: x\n")).changed;
            assert_eq!(changed.len(), 1, "{key}");
            assert_eq!(changed[0].becomes.as_deref(), Some(becomes), "{key}");
        }
        for key in ["~", "null"] {
            assert_eq!(one(&format!("{key}: x\n")).changed[0].becomes, None, "{key}");
        }
        for key in ["true", "8080", "0", "-1", "1.5", "\"010\"", "1.2.3", "a", "<<"] {
            assert_eq!(one(&format!("{key}: {{b: c}}\n")).changed, [], "{key}");
        }
    }

    #[test]
    fn aliases_and_merge_keys_stand_for_what_they_name() {
        let text = "base: &base {a: 1, b: x}\nown:\n  <<: *base\n  b: z\nlist: [*base]\n";
        let root = one(text).root;
        assert_eq!(root.at("/own/b").unwrap().text(), Some("z"));
        assert!(matches!(root.at("/own/a").unwrap().value, Value::Number { whole: true }));
        assert_eq!(root.at("/list").unwrap().items()[0].at("/b").unwrap().text(), Some("x"));
        assert!(documents(text).unwrap()[0].twice.is_empty());
    }

    #[test]
    fn of_a_key_that_stands_twice_the_last_one_counts_and_both_are_known() {
        let document = one("a: x\nb: y\na: z\n");
        assert_eq!(document.root.at("/a").unwrap().text(), Some("z"));
        assert_eq!(document.twice, [("a".to_owned(), 10..11)]);
    }

    #[test]
    fn a_few_lines_that_stand_for_millions_are_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            let line = format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", "));
            text.push_str(&line);
        }
        assert!(documents(&text).unwrap_err().message.contains("aliases"));
    }

    #[test]
    fn faults_say_what_is_there_and_what_to_type() {
        for (text, place, message, hint) in [
            ("a:\n\tb: 1\n", "\t", "a tab indents this line", "spaces"),
            ("a: x\n\tb: z\n", "\t", "a tab indents this line", "spaces"),
            ("a: *.example.org\n", "*", "`*` here means an alias", "quotes"),
            ("a: \"x\nb: y\n", "", "a quote that is opened here is not closed", "close it"),
            ("a: \"C:\\Users\"\n", "", "begins no escape", "single quotes"),
            ("a: [1, 2\n", "", "is not closed", "quotes"),
            ("a: %x\n", "%", "no value can begin with", "quotes"),
            ("a: b: c\n", "", "a second one", "quotes"),
            ("a: 1\n b: 2\n", "", "indented further", "alike"),
            ("a: 1\n---\n\u{feff}b: 2\n", "", "byte order mark", "without byte order mark"),
        ] {
            let fault = documents(text).unwrap_err();
            assert!(fault.message.contains(message) && fault.hint.contains(hint), "{text:?}: {fault:?}");
            assert!(text[fault.span.start..].starts_with(place), "{text:?}: {fault:?}");
        }
        assert!(documents("\u{feff}a: 1\r\nb: 2\r\n").is_ok());
    }
}
