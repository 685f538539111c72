//! Packages, as profiles and overlays name them: `"vim"`, or `{ name = "vim", recommends = true }`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IntoDeserializer as _, MapAccess};

use crate::diagnostic::{Diagnostic, SourceText};
use crate::profile::values::{Package, Spanned};

/// A package: `N` is its name, or an edit of an inherited list of names.
#[derive(Debug, Clone)]
pub(in crate::profile) enum PackageEntry<N> {
    Name(N),
    Table(PackageTable),
}

/// A package, and what comes along with it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::profile) struct PackageTable {
    /// Its name.
    pub name: Spanned<Package>,
    /// Whether the packages that it recommends come along; as the profile's `recommends` says unless given.
    pub recommends: Option<bool>,
}

impl<'de, N: Deserialize<'de>> Deserialize<'de> for PackageEntry<N> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Visitor<N>(PhantomData<N>);

        impl<'de, N: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<N> {
            type Value = PackageEntry<N>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a package's name or a table")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<PackageEntry<N>, E> {
                N::deserialize(name.into_deserializer()).map(PackageEntry::Name)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PackageEntry<N>, A::Error> {
                PackageTable::deserialize(MapAccessDeserializer::new(map)).map(PackageEntry::Table)
            }
        }

        reader.deserialize_any(Visitor(PhantomData))
    }
}

impl<N> JsonSchema for PackageEntry<N> {
    fn schema_name() -> Cow<'static, str> {
        "PackageEntry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        // To an editor the leading `-` of an edit is part of the text.
        /// A package: its name, or a table.
        #[derive(JsonSchema)]
        #[schemars(untagged)]
        #[expect(dead_code, reason = "it is there for its schema")]
        enum Entry {
            Name(Package),
            Table(PackageTable),
        }

        Entry::json_schema(generator)
    }
}

/// Names of packages, and whether what packages recommend comes along.
type Apart<N> = (Vec<Spanned<N>>, BTreeMap<String, bool>);

/// The names of a file's packages, and of which of them it says whether what they recommend comes along.
///
/// # Errors
/// A package of which it says both.
pub(in crate::profile) fn apart<N: From<Package>>(
    entries: Vec<Spanned<PackageEntry<N>>>,
    at: &Arc<SourceText>,
) -> Result<Apart<N>, Box<Diagnostic>> {
    let mut names = Vec::new();
    let mut recommends = BTreeMap::new();
    for Spanned(entry) in entries {
        let span = entry.span();
        match entry.into_inner() {
            PackageEntry::Name(name) => names.push(Spanned(toml::Spanned::new(span, name))),
            PackageEntry::Table(PackageTable { name: Spanned(name), recommends: said }) => {
                let Package(text) = name.get_ref();
                if let Some(said) = said
                    && recommends.insert(text.clone(), said) == Some(!said)
                {
                    let message = format!("`{text}` is given twice, with another `recommends`");
                    let twice = Diagnostic::new(at, Some(name.span()), message);
                    return Err(Box::new(twice.hint("keep one of the two entries")));
                }
                names.push(Spanned(toml::Spanned::new(name.span(), name.into_inner().into())));
            }
        }
    }
    Ok((names, recommends))
}
