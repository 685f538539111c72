//! What a program of awk works on: variables, arrays, the record, what it has put out.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::expr::regex;
use super::record::{Record, Separator};
use super::unsupported;
use super::value::{Value, integer};
use crate::shell::reason::Reason;
use crate::shell::regex::Regex;

/// Most steps that one call takes.
const STEPS_MAX: usize = 2_000_000;

/// Longest string.
const TEXT_MAX: usize = 16 << 20;

/// Most elements of arrays, and most patterns that are made while it runs.
const ELEMENTS_MAX: usize = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct State {
    variables: BTreeMap<String, Value>,
    arrays: BTreeMap<String, BTreeMap<Rc<[u8]>, Value>>,
    pub(super) record: Record,
    pub(super) out: Vec<u8>,
    pub(super) err: Vec<u8>,
    patterns: BTreeMap<Rc<[u8]>, Rc<Regex>>,
    steps: usize,
    /// Whether the awk is known to be mawk.
    mawk: bool,
}

impl State {
    pub(super) fn new(environment: Vec<(Rc<[u8]>, Value)>, mawk: bool) -> Self {
        let mut state = Self { mawk, ..Self::default() };
        let first = [
            ("FS", " "),
            ("OFS", " "),
            ("ORS", "\n"),
            ("RS", "\n"),
            ("OFMT", "%.6g"),
            ("CONVFMT", "%.6g"),
            ("SUBSEP", "\x1c"),
            ("FILENAME", ""),
        ];
        for (name, value) in first {
            state.variables.insert(name.to_owned(), Value::text(value.as_bytes()));
        }
        state.arrays.insert("ENVIRON".to_owned(), environment.into_iter().collect());
        state
    }

    /// Counts a step.
    pub(super) fn step(&mut self) -> Result<(), Reason> {
        self.charge(0)
    }

    /// Counts a step that makes `bytes` bytes.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Reason> {
        self.steps += 1 + bytes / 128;
        if self.steps > STEPS_MAX { Err(Reason::Limit("2000000 steps of awk")) } else { Ok(()) }
    }

    /// How numbers become strings.
    pub(super) fn format(&self) -> Rc<[u8]> {
        self.setting("CONVFMT")
    }

    /// A variable of awk's own that holds a string.
    pub(super) fn setting(&self, name: &str) -> Rc<[u8]> {
        match self.variables.get(name) {
            Some(value) => value.bytes(b"%.6g").unwrap_or_else(|_| Rc::from([])),
            None => Rc::from([]),
        }
    }

    pub(super) fn bytes(&self, value: &Value) -> Result<Rc<[u8]>, Reason> {
        let bytes = value.bytes(&self.format())?;
        if bytes.len() > TEXT_MAX { Err(Reason::Limit("16 MiB in a string of awk")) } else { Ok(bytes) }
    }

    pub(super) fn variable(&mut self, name: &str) -> Result<Value, Reason> {
        if name == "NF" {
            #[expect(clippy::cast_precision_loss, reason = "there are no more fields than fit")]
            return Ok(Value::Number(self.record.count()? as f64));
        }
        if self.arrays.contains_key(name) {
            return Err(unsupported(format!("the array `{name}` as a variable")));
        }
        Ok(self.variables.get(name).cloned().unwrap_or(Value::Unset))
    }

    pub(super) fn set_variable(&mut self, name: &str, value: Value) -> Result<(), Reason> {
        if self.arrays.contains_key(name) {
            return Err(unsupported(format!("the array `{name}` as a variable")));
        }
        match name {
            "NF" => {
                let count = usize::try_from(integer(value.number()?)?).map_err(|_| unsupported("a negative NF"))?;
                return self.record.set_count(count);
            }
            "RS" => {
                let separator = self.bytes(&value)?;
                if separator.len() != 1 {
                    return Err(unsupported("an RS that is not one byte"));
                }
            }
            "FS" => drop(Separator::new(&self.bytes(&value)?)?),
            _ => {}
        }
        self.variables.insert(name.to_owned(), value);
        Ok(())
    }

    pub(super) fn set_number(&mut self, name: &str, value: usize) {
        #[expect(clippy::cast_precision_loss, reason = "counts of lines and bytes in memory fit")]
        self.variables.insert(name.to_owned(), Value::Number(value as f64));
    }

    pub(super) fn array(&mut self, name: &str) -> Result<&mut BTreeMap<Rc<[u8]>, Value>, Reason> {
        if self.variables.contains_key(name) || name == "NF" {
            return Err(unsupported(format!("the variable `{name}` as an array")));
        }
        let all: usize = self.arrays.values().map(BTreeMap::len).sum();
        if all > ELEMENTS_MAX {
            return Err(Reason::Limit("1000000 elements of awk's arrays"));
        }
        Ok(self.arrays.entry(name.to_owned()).or_default())
    }

    pub(super) fn is_array(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    pub(super) fn whole(&mut self) -> Result<Rc<[u8]>, Reason> {
        let (between, format) = (self.setting("OFS"), self.format());
        self.record.text(&between, &format)
    }

    pub(super) fn set_whole(&mut self, text: Rc<[u8]>) -> Result<(), Reason> {
        let separator = Separator::new(&self.setting("FS"))?;
        self.record.set(text, separator);
        Ok(())
    }

    /// The pattern that a string is.
    pub(super) fn pattern(&mut self, text: &Rc<[u8]>) -> Result<Rc<Regex>, Reason> {
        if let Some(known) = self.patterns.get(text) {
            return Ok(Rc::clone(known));
        }
        let made = regex(text, self.mawk)?;
        if self.patterns.len() > 1000 {
            self.patterns.clear();
        }
        self.patterns.insert(Rc::clone(text), Rc::clone(&made));
        Ok(made)
    }
}
