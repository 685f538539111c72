//! The record and its fields (POSIX.1-2024 XCU awk, "Regular Expressions", FS, and "Variables and Special Variables").

use std::rc::Rc;

use super::expr::regex;
use super::unsupported;
use super::value::Value;
use crate::shell::reason::Reason;
use crate::shell::regex::Regex;

/// Most fields of a record.
const FIELDS_MAX: usize = 100_000;

/// What parts fields.
#[derive(Debug, Clone)]
pub(super) enum Separator {
    /// Blanks and line ends, of which those at the start and the end count for nothing.
    Blanks,
    Byte(u8),
    Pattern(Rc<Regex>),
}

impl Separator {
    /// What a value of FS or a third argument of `split` says.
    pub(super) fn new(text: &[u8]) -> Result<Self, Reason> {
        match text {
            [] => Err(unsupported("an empty FS")),
            b" " => Ok(Self::Blanks),
            [only] => Ok(Self::Byte(*only)),
            text => regex(text, false).map(Self::Pattern),
        }
    }

    pub(super) fn split<'t>(&self, text: &'t [u8]) -> Result<Vec<&'t [u8]>, Reason> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Blanks => {
                let parts = text.split(|byte| matches!(byte, b' ' | b'\t' | b'\n'));
                Ok(parts.filter(|part| !part.is_empty()).collect())
            }
            Self::Byte(separator) => Ok(text.split(|byte| byte == separator).collect()),
            Self::Pattern(pattern) => {
                let mut parts = Vec::new();
                let mut from = 0;
                while let Some((start, end)) = find(pattern, text, from)? {
                    if start == end {
                        return Err(unsupported("an FS that matches nothing"));
                    }
                    parts.push(text.get(from..start).unwrap_or_default());
                    from = end;
                }
                parts.push(text.get(from..).unwrap_or_default());
                Ok(parts)
            }
        }
    }
}

/// The first match of a pattern from a place on.
pub(super) fn find(pattern: &Regex, text: &[u8], from: usize) -> Result<Option<(usize, usize)>, Reason> {
    pattern.find(text, from).map_err(|error| unsupported(format!("a pattern that has {error}")))
}

#[derive(Debug)]
pub(super) struct Record {
    text: Rc<[u8]>,
    fields: Vec<Value>,
    /// What the record is still to be split by.
    unsplit: Option<Separator>,
    /// The text is still to be put together from the fields.
    changed: bool,
}

impl Default for Record {
    fn default() -> Self {
        Self { text: Rc::from([]), fields: Vec::new(), unsplit: None, changed: false }
    }
}

impl Record {
    pub(super) fn set(&mut self, text: Rc<[u8]>, separator: Separator) {
        *self = Self { text, fields: Vec::new(), unsplit: Some(separator), changed: false };
    }

    fn fields(&mut self) -> Result<&mut Vec<Value>, Reason> {
        if let Some(separator) = self.unsplit.take() {
            self.fields = separator.split(&self.text)?.into_iter().map(Value::input).collect();
        }
        Ok(&mut self.fields)
    }

    pub(super) fn count(&mut self) -> Result<usize, Reason> {
        self.fields().map(|fields| fields.len())
    }

    /// The whole text, put together with `between` if a field was changed.
    pub(super) fn text(&mut self, between: &[u8], format: &[u8]) -> Result<Rc<[u8]>, Reason> {
        if std::mem::take(&mut self.changed) {
            let parts: Vec<Rc<[u8]>> = self.fields.iter().map(|field| field.bytes(format)).collect::<Result<_, _>>()?;
            self.text = parts.join(between).into();
        }
        Ok(Rc::clone(&self.text))
    }

    /// A field; one that is not there is an empty string, also where it is compared with a number, as mawk has it.
    pub(super) fn field(&mut self, number: usize) -> Result<Value, Reason> {
        let place = number.saturating_sub(1);
        Ok(self.fields()?.get(place).cloned().unwrap_or_else(|| Value::text(b"")))
    }

    pub(super) fn set_field(&mut self, number: usize, value: Value) -> Result<(), Reason> {
        if number > FIELDS_MAX {
            return Err(Reason::Limit("100000 fields of awk"));
        }
        let fields = self.fields()?;
        if fields.len() < number {
            fields.resize(number, Value::text(b""));
        }
        if let Some(place) = fields.get_mut(number.saturating_sub(1)) {
            *place = value;
        }
        self.changed = true;
        Ok(())
    }

    pub(super) fn set_count(&mut self, count: usize) -> Result<(), Reason> {
        if count > FIELDS_MAX {
            return Err(Reason::Limit("100000 fields of awk"));
        }
        self.fields()?.resize(count, Value::text(b""));
        self.changed = true;
        Ok(())
    }
}
