//! Types of values and names of fields, as the API server decodes them.
//!
//! It decodes JSON strictly by type, and answers 400 if a type is wrong. It drops unknown fields with a warning that nobody sees
//! (`fieldValidation` is `Warn` by default, and K3s does not change it).

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use crate::cluster::manifests::STAND_IN;
use crate::cluster::manifests::kubernetes::{Kubernetes, Type};
use crate::cluster::manifests::object::Object;
use crate::cluster::manifests::yaml::{Node, Value};
use crate::profile::forms::is_quantity;

use super::{FlawKind, Flaws, values};

pub(super) fn check(object: &Object, kubernetes: Option<&Kubernetes>, text: &str, flaws: &mut Flaws<'_>) {
    let Some(kubernetes) = kubernetes else { return };
    let mut walk = TypeChecker { object, kubernetes, text, flaws };
    if let Some(kind) = kubernetes.kind(object.version(), object.kind()) {
        walk.node(&object.root, kind, &mut Vec::new());
    } else if let Some(metadata) = object.at("/metadata") {
        // Of custom objects the API server decodes this part itself (k8s.io/apiextensions-apiserver
        // `pkg/apiserver/schema/objectmeta/coerce.go`).
        walk.node(metadata, Type::Object("meta.v1.ObjectMeta"), &mut vec![".metadata".to_owned()]);
    }
}

struct TypeChecker<'a, 'f> {
    object: &'a Object,
    kubernetes: &'a Kubernetes,
    text: &'a str,
    flaws: &'a mut Flaws<'f>,
}

impl TypeChecker<'_, '_> {
    fn node(&mut self, node: &Node, kind: Type, path: &mut Vec<String>) {
        let Some((wanted, hint)) = mismatch(node, kind) else {
            match kind {
                Type::List(of) => {
                    for (index, item) in node.items().iter().enumerate() {
                        path.push(format!("[{index}]"));
                        self.node(item, Type::of(of), path);
                        path.pop();
                    }
                }
                Type::Map(of) => {
                    for entry in node.entries() {
                        path.push(format!(".{}", entry.key));
                        self.node(&entry.node, Type::of(of), path);
                        path.pop();
                    }
                }
                Type::Object(name) => self.fields(node, name, path),
                _ => {}
            }
            return;
        };
        let (path, spoken) = (spell(path), self.object.spoken());
        let found = describe(&node.value);
        // The first line is enough to show where a list or mapping stands that should be none.
        let start = node.span.start;
        let end = self.text[start..].find('\n').map_or(node.span.end, |line| node.span.end.min(start + line));
        let span: Range<usize> = start..end.max(start);
        self.flaws.add(
            FlawKind::WrongType,
            span,
            format!("`{path}` of {spoken} is {found}, and must be {wanted}"),
            hint,
        );
    }

    fn fields(&mut self, node: &Node, name: &str, path: &mut Vec<String>) {
        let Some(fields) = self.kubernetes.fields(name) else { return };
        for field in values::missing(name, node) {
            let at = node.span.start;
            let place = if path.is_empty() { format!("`{field}`") } else { format!("`{}.{field}`", spell(path)) };
            let message = format!("{} has no {place}, which must be there", self.object.spoken());
            self.flaws.add(FlawKind::BadValue, at..at + 1, message, format!("add `{field}` here"));
        }
        for entry in node.entries() {
            path.push(format!(".{}", entry.key));
            match fields.get(entry.key.as_str()) {
                Some(kind) => {
                    self.node(&entry.node, *kind, path);
                    if let Some((place, what, hint)) = values::of_field(name, &entry.key, &entry.node, self.text) {
                        let message = format!("`{}` of {} {what}", spell(path), self.object.spoken());
                        self.flaws.add(FlawKind::BadValue, place, message, hint);
                    }
                }
                None => {
                    let hint = match meant(&entry.key, fields.keys().copied()) {
                        Some(meant) => format!("did you mean `{meant}`?"),
                        None => {
                            "take it out, or indent it to where it belongs; Kubernetes' API reference lists the fields"
                                .to_owned()
                        }
                    };
                    let (path, spoken, kubernetes) = (spell(path), self.object.spoken(), self.kubernetes.spoken());
                    let message = format!("{kubernetes} knows no field `{path}`, and drops it from {spoken}");
                    self.flaws.add(FlawKind::UnknownField, entry.place.clone(), message, hint);
                }
            }
            path.pop();
        }
    }
}

/// The field that was probably meant: the same in other letters' case, or one or two slips away.
fn meant<'f>(key: &str, fields: impl Iterator<Item = &'f str>) -> Option<&'f str> {
    let key = key.to_ascii_lowercase();
    let slips = |field: &&str| strsim::damerau_levenshtein(&key, &field.to_ascii_lowercase());
    fields
        .map(|field| (slips(&field), field))
        .min()
        .filter(|(slips, _)| *slips <= (key.len() / 4).min(2))
        .map(|(_, field)| field)
}

fn spell(path: &[String]) -> String {
    path.concat().trim_start_matches('.').to_owned()
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number { .. } => "a number",
        Value::Text(_) => "text",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    }
}

/// What a value must be if it is not, and how to write it so.
fn mismatch(node: &Node, kind: Type) -> Option<(&'static str, &'static str)> {
    const QUOTES: &str =
        "put the value into quotes; without them YAML takes `1.10`, `8080` for numbers, and `yes`, `on`, `y` for true";
    let stands_in = node.text().is_some_and(|text| text.contains(STAND_IN));
    if stands_in || node.is_null() {
        return None;
    }
    let found = match (kind, &node.value) {
        (Type::Text | Type::Time, Value::Bool(_) | Value::Number { .. }) => ("text", QUOTES),
        (Type::Text | Type::Time, Value::List(_) | Value::Map(_)) => {
            ("text", "write the text behind the key, or below it behind `|`")
        }
        (Type::Boolean, Value::Text(_)) => ("`true` or `false`", "write it without quotes"),
        (Type::Boolean, Value::Number { .. } | Value::List(_) | Value::Map(_)) => {
            ("`true` or `false`", "write one of the two")
        }
        (Type::Integer, Value::Text(_)) => ("a whole number", "write digits, without quotes and unit"),
        (Type::Integer, Value::Number { whole: false } | Value::Bool(_) | Value::List(_) | Value::Map(_)) => {
            ("a whole number", "write digits alone")
        }
        (Type::Number, Value::Text(_) | Value::Bool(_) | Value::List(_) | Value::Map(_)) => {
            ("a number", "write it without quotes")
        }
        (Type::IntOrText, Value::Bool(_) | Value::Number { whole: false }) => ("a whole number or text", QUOTES),
        (Type::IntOrText, Value::List(_) | Value::Map(_)) => ("a whole number or text", "write one value"),
        (Type::Quantity, Value::Text(text)) if !is_quantity(text) => {
            ("a quantity", "write digits and one of `m`, `k`, `M`, `G`, `Ki`, `Mi`, `Gi`, such as `512Mi`")
        }
        (Type::Quantity, Value::Bool(_) | Value::List(_) | Value::Map(_)) => {
            ("a quantity", "write one such as `512Mi`")
        }
        (Type::Bytes, Value::Text(text)) if !is_base64(text) => (
            "base64",
            "write plain text below `stringData` instead of `data`, or encode it: `{{ secrets.NAME | b64encode }}`",
        ),
        (Type::Bytes, Value::Bool(_) | Value::Number { .. } | Value::List(_) | Value::Map(_)) => {
            ("base64", "write plain text below `stringData` instead of `data`, in quotes")
        }
        (Type::List(_), Value::Bool(_) | Value::Number { .. } | Value::Text(_) | Value::Map(_)) => {
            ("a list", "begin each entry with `- `")
        }
        (Type::Map(_) | Type::Object(_), Value::Bool(_) | Value::Number { .. } | Value::Text(_) | Value::List(_)) => {
            ("a mapping", "write `KEY: VALUE` lines below it, without `- `")
        }
        _ => return None,
    };
    Some(found)
}

/// As Go's `base64.StdEncoding` reads it: line breaks do not count, nor bits that are left over at the end.
fn is_base64(text: &str) -> bool {
    let lenient = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&STANDARD, lenient).decode(text.replace(['\n', '\r'], "")).is_ok()
}
