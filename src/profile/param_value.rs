//! A parameter's value: text, a whole number, or true and false.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use super::checks;
use super::mistyped::ANY_SIMPLE;

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamValue {
    Text(String),
    Number(i64),
    Flag(bool),
}

impl ParamValue {
    /// Its text; none if it is of another type.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::Flag(_) => None,
        }
    }

    /// Its type, as JSON Schema calls it.
    pub(super) fn json_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Number(_) => "integer",
            Self::Flag(_) => "boolean",
        }
    }

    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text in quotes",
            Self::Number(_) => "a whole number",
            Self::Flag(_) => "`true` or `false`",
        }
    }
}

/// As TOML has it.
impl fmt::Display for ParamValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(out, "{text:?}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Flag(flag) => write!(out, "{flag}"),
        }
    }
}

impl Serialize for ParamValue {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => out.serialize_str(text),
            Self::Number(number) => out.serialize_i64(*number),
            Self::Flag(flag) => out.serialize_bool(*flag),
        }
    }
}

/// Values by parameter.
pub type Params = BTreeMap<String, ParamValue>;

impl<'de> Deserialize<'de> for ParamValue {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct OfAnyType;

        impl Visitor<'_> for OfAnyType {
            type Value = ParamValue;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(ANY_SIMPLE)
            }

            fn visit_bool<E>(self, flag: bool) -> Result<ParamValue, E> {
                Ok(ParamValue::Flag(flag))
            }

            fn visit_i64<E>(self, number: i64) -> Result<ParamValue, E> {
                Ok(ParamValue::Number(number))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ParamValue, E> {
                checks::line(text).map(|()| ParamValue::Text(text.to_owned())).map_err(E::custom)
            }
        }

        reader.deserialize_any(OfAnyType)
    }
}

impl JsonSchema for ParamValue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ParamValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer", "boolean"] })
    }
}
