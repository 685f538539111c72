//! `[debconf]`: what packages' scripts are answered where they ask debconf, which nobody is there to be asked by.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

use super::values::{Spanned, text};

/// Answers by question.
pub(super) type Answers = BTreeMap<Question, Spanned<Reply>>;

mod checks {
    use crate::profile::checks::{Verdict, only, refuse};

    /// The name of a question, by convention `PACKAGE/NAME` (debconf-devel(7)).
    pub(super) fn question(text: &str) -> Verdict {
        let parts = || text.split('/');
        let good = |part: &str| only(part, |char| char.is_ascii_alphanumeric() || "_-.+:@".contains(char));
        if text.len() <= 255 && parts().count() >= 2 && parts().all(good) {
            return Ok(());
        }
        let hint = "write `PACKAGE/NAME`, quoted, as the package's templates have it: `\"iproute2/setcaps\" = false`";
        refuse(text, "a question of debconf's", hint)
    }

    /// What debconf-set-selections(1) can say: one line, which may be empty.
    pub(super) fn reply(text: &str) -> Verdict {
        if text.chars().any(char::is_control) {
            return refuse(text, "an answer to debconf", "write it on one line");
        }
        if text.trim() != text {
            return refuse(
                text,
                "an answer to debconf",
                "write it without white space at its ends, which debconf drops",
            );
        }
        Ok(())
    }
}

text! {
    Question: question, "A question of debconf's, quoted, such as \"iproute2/setcaps\".";
}

/// What is answered, as debconf keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply(pub(super) String);

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = String;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("text, `true`, `false`, a whole number, or a list of texts")
            }

            fn visit_bool<E>(self, value: bool) -> Result<String, E> {
                Ok(value.to_string())
            }

            fn visit_i64<E>(self, number: i64) -> Result<String, E> {
                Ok(number.to_string())
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
                checks::reply(text).map(|()| text.to_owned()).map_err(E::custom)
            }

            // Of a `multiselect`: commas within a choice are escaped (debconf-devel(7)).
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<String, A::Error> {
                let mut choices = Vec::new();
                while let Some(choice) = list.next_element::<String>()? {
                    checks::reply(&choice).map_err(A::Error::custom)?;
                    choices.push(choice.replace(',', "\\,"));
                }
                Ok(choices.join(", "))
            }
        }

        reader.deserialize_any(Any).map(Self)
    }
}

impl JsonSchema for Reply {
    fn schema_name() -> Cow<'static, str> {
        "Reply".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "boolean", "integer", "array"],
            "items": { "type": "string" },
            "description": "Text; true or false; a whole number; or of several choices those that are wanted.",
        })
    }
}
