//! The text of a secrets file: parsed without quoting it in errors, generated with explaining comments, edited in place.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::known::{DATASTORE_URL, KNOWN, is_name};
use super::recipients::Keys;
use super::{Secret, SecretsError, sealed};

const HEADER: &str = "\
# The secrets of a cluster. Keep this file to yourself, and a copy of it where this machine's end does not reach it:
#
#     imgbuild secrets export --age RECIPIENT --output secrets-backup.age
#
# Without `server-token` the datastore cannot be opened again: losing it loses the cluster.
schema = 1
";

/// The content of a secrets file.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The recipients of the file, if it is encrypted.
    pub(super) recipients: Keys,
    pub(super) secrets: BTreeMap<String, Secret>,
}

type Value<'a> = Spanned<DeValue<'a>>;

/// The parser's own messages are never used: they quote the line, and the line may be a secret.
struct Reader<'a> {
    place: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn wrong(&self, span: Option<Range<usize>>, problem: &'static str) -> SecretsError {
        let start = span.map_or(0, |span| span.start.min(self.text.len()));
        let line = self.text.as_bytes()[..start].split(|byte| *byte == b'\n').count();
        SecretsError::Syntax { place: self.place.to_owned(), line, problem }
    }

    fn table(&self) -> Result<DeTable<'_>, SecretsError> {
        DeTable::parse(self.text)
            .map(Spanned::into_inner)
            .map_err(|error| self.wrong(error.span(), "this is not TOML; is the value in double quotes?"))
    }

    fn schema(&self, value: &Value<'_>) -> Result<(), SecretsError> {
        match value.get_ref().as_integer().map(|number| (number.as_str(), number.radix())) {
            Some(("1", 10)) => Ok(()),
            _ => Err(self.wrong(Some(value.span()), "this imgbuild knows `schema = 1` only")),
        }
    }

    fn recipients(&self, value: &Value<'_>) -> Result<Keys, SecretsError> {
        let wrong = || self.wrong(Some(value.span()), "`recipients` is a list of public keys in double quotes");
        let list = value.get_ref().as_array().ok_or_else(wrong)?;
        let key = |entry: &Value<'_>| entry.get_ref().as_str().and_then(|text| sealed::spelled(text).ok());
        list.iter().map(|entry| key(entry).ok_or_else(wrong)).collect()
    }

    /// The values of the table [secrets], by name, with their positions. A value with escapes, which the parser had to copy, is
    /// moved and not copied again.
    fn secrets(&self, value: Value<'_>) -> Result<BTreeMap<String, (Secret, Range<usize>)>, SecretsError> {
        let span = value.span();
        let DeValue::Table(table) = value.into_inner() else {
            return Err(self.wrong(Some(span), "`secrets` is a table"));
        };
        let mut secrets = BTreeMap::new();
        for (name, value) in table {
            if !is_name(name.get_ref()) {
                return Err(self.wrong(
                    Some(name.span()),
                    "not a secret's name (1 to 63 lower-case letters, digits and `-`, not ending in `-file`)",
                ));
            }
            let span = value.span();
            let DeValue::String(text) = value.into_inner() else {
                return Err(self.wrong(Some(span), "the value is not in double quotes"));
            };
            secrets.insert(name.into_inner().into_owned(), (Secret::from(text.into_owned()), span));
        }
        Ok(secrets)
    }
}

impl Document {
    /// Parses a secrets file's text; errors call the file `place`.
    ///
    /// # Errors
    /// The text is not TOML, or has other keys than a secrets file.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, SecretsError> {
        let reader = Reader { place, text };
        let mut document = Self::default();
        let mut schema = false;
        for (key, value) in reader.table()? {
            match key.get_ref().as_ref() {
                "schema" => {
                    reader.schema(&value)?;
                    schema = true;
                }
                "recipients" => document.recipients = reader.recipients(&value)?,
                "secrets" => {
                    let secrets = reader.secrets(value)?;
                    document.secrets = secrets.into_iter().map(|(name, (value, _))| (name, value)).collect();
                }
                _ => return Err(reader.wrong(Some(key.span()), "unknown key; secrets belong into the table [secrets]")),
            }
        }
        if schema { Ok(document) } else { Err(reader.wrong(None, "`schema = 1` is missing")) }
    }

    /// The text of a new file with these secrets.
    pub(super) fn render(&self) -> Zeroizing<String> {
        let known = |name: &str| KNOWN.iter().any(|(known, _)| *known == name);
        let others = self.secrets.iter().filter(|(name, _)| !known(name));
        let mut text = with_room(self.secrets.values());
        text.push_str(HEADER);
        if !self.recipients.is_empty() {
            let list: Vec<String> = self.recipients.iter().map(|recipient| quoted(recipient).to_string()).collect();
            text.push_str("# Whom `imgbuild secrets set` encrypts this file for.\n");
            text.extend(["recipients = [", &list.join(", "), "]\n"]);
        }
        text.push_str("\n[secrets]\n");
        for (name, about) in KNOWN {
            match self.secrets.get(name) {
                Some(value) => {
                    comment(&mut text, about);
                    line(&mut text, name, value);
                }
                None if name == DATASTORE_URL => {
                    comment(&mut text, about);
                    text.push_str(
                        "# `imgbuild secrets set datastore-url` asks for it; a cluster without one needs none.\n",
                    );
                }
                None => {}
            }
        }
        for (name, value) in others {
            line(&mut text, name, value);
        }
        text
    }

    /// A file's text with one secret set; everything else stays as it was, comments included.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub(super) fn edit(text: &str, place: &str, name: &str, value: &Secret) -> Result<Zeroizing<String>, SecretsError> {
        let mut wanted = Self::parse(text, place)?;
        wanted.secrets.insert(name.to_owned(), value.clone());
        let reader = Reader { place, text };
        let old = match reader.table()?.remove("secrets") {
            Some(table) => reader.secrets(table)?.remove(name).map(|(_, span)| span),
            None => None,
        };
        let mut edited = with_room([value, &Secret::from(text.to_owned())]);
        match old.and_then(|span| Some((text.get(..span.start)?, text.get(span.end..)?))) {
            Some((before, after)) => {
                edited.push_str(before);
                edited.push_str(&quoted(value.expose()));
                edited.push_str(after);
            }
            None => {
                edited.push_str(text);
                if !text.ends_with('\n') {
                    edited.push('\n');
                }
                line(&mut edited, name, value);
            }
        }
        // No line can be added for a table in an unusual form; then the whole file is generated anew.
        let held = Self::parse(&edited, place).is_ok_and(|found| found.same(&wanted));
        Ok(if held { edited } else { wanted.render() })
    }

    fn same(&self, other: &Self) -> bool {
        let values = |document: &Self| -> Vec<(String, Secret)> {
            document.secrets.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        let pairs = values(self).into_iter().zip(values(other));
        self.recipients == other.recipients
            && self.secrets.len() == other.secrets.len()
            && pairs.into_iter().all(|((a, x), (b, y))| a == b && x.expose() == y.expose())
    }
}

/// An empty text with capacity for these values in escaped form: a text that grows leaves copies in memory.
fn with_room<'a>(values: impl IntoIterator<Item = &'a Secret>) -> Zeroizing<String> {
    let values: usize = values.into_iter().map(|value| value.expose().len() * 6 + 80).sum();
    Zeroizing::new(String::with_capacity(values + 4096))
}

fn comment(text: &mut String, about: &str) {
    for line in about.lines() {
        text.push_str("# ");
        text.push_str(line);
        text.push('\n');
    }
}

fn line(text: &mut String, name: &str, value: &Secret) {
    text.push_str(name);
    text.push_str(" = ");
    text.push_str(&quoted(value.expose()));
    text.push('\n');
}

/// A TOML basic string.
fn quoted(value: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(value.len() * 6 + 2));
    text.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            control if control.is_control() => text.extend(["\\u", &format!("{:04X}", u32::from(control))]),
            plain => text.push(plain),
        }
    }
    text.push('"');
    text
}
