//! A parameter's value: text, a whole number, true and false, or the name of a secret.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Serialize, Serializer};

use super::checks;
use super::mistyped::ANY_SIMPLE;

/// The only key of a table that names a secret.
const SECRET: &str = "secret";

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamValue {
    Text(String),
    Number(i64),
    Flag(bool),
    /// The name of a secret, whose value manifests get in its place: `{ secret = "NAME" }`.
    Secret(String),
}

impl ParamValue {
    /// Its text; none if it is of another type.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::Flag(_) | Self::Secret(_) => None,
        }
    }

    /// The JSON Schema of a secret's name.
    fn secret_schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[a-z0-9-]{1,63}$",
            "description": "The name of a secret (`imgbuild secrets set NAME`)"
        })
    }

    /// The JSON Schema of a table that names a secret.
    pub(super) fn named_schema(description: &str) -> Schema {
        json_schema!({
            "description": description,
            "type": "object",
            "properties": { SECRET: Self::secret_schema() },
            "required": [SECRET],
            "additionalProperties": false
        })
    }

    /// The name of the secret that it is; none if it is another value.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Secret(name) => Some(name),
            Self::Text(_) | Self::Number(_) | Self::Flag(_) => None,
        }
    }

    /// Its type, as JSON Schema calls it.
    pub(super) fn json_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Number(_) => "integer",
            Self::Flag(_) => "boolean",
            Self::Secret(_) => "object",
        }
    }

    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text in quotes",
            Self::Number(_) => "a whole number",
            Self::Flag(_) => "`true` or `false`",
            Self::Secret(_) => "the name of a secret",
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
            Self::Secret(name) => write!(out, "{{ secret = {name:?} }}"),
        }
    }
}

impl Serialize for ParamValue {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => out.serialize_str(text),
            Self::Number(number) => out.serialize_i64(*number),
            Self::Flag(flag) => out.serialize_bool(*flag),
            Self::Secret(name) => out.collect_map([(SECRET, name)]),
        }
    }
}

/// Values by parameter.
pub type Params = BTreeMap<String, ParamValue>;

impl<'de> Deserialize<'de> for ParamValue {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct OfAnyType;

        impl<'de> Visitor<'de> for OfAnyType {
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

            // Whether it is one line is asked where its parameter is known: of a secret no word may be shown.
            fn visit_str<E>(self, text: &str) -> Result<ParamValue, E> {
                Ok(ParamValue::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ParamValue, A::Error> {
                let mut named = None;
                while let Some((key, name)) = map.next_entry::<String, String>()? {
                    named = Some(name).filter(|_| key == SECRET && named.is_none());
                    if named.is_none() {
                        break;
                    }
                }
                let name = named.ok_or_else(|| {
                    A::Error::custom(format!(
                        "this table names no secret\nwrite {{ {SECRET} = \"NAME\" }}, for a parameter that is a secret"
                    ))
                })?;
                checks::secret_name(&name).map_err(A::Error::custom)?;
                Ok(ParamValue::Secret(name))
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
        json_schema!({
            "type": ["string", "integer", "boolean", "object"],
            "properties": { SECRET: Self::secret_schema() },
            "required": [SECRET],
            "additionalProperties": false
        })
    }
}
