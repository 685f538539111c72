//! Digests as 64 hexadecimal digits, for serde.

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serializer};

use crate::tree::Digest;

pub(super) fn serialize<S: Serializer>(digest: &Digest, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(digest)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Digest, D::Error> {
    let text = String::deserialize(input)?;
    Digest::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not 64 hexadecimal digits")))
}
