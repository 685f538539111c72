//! Parameters of overlays, as they are written: `[params.NAME]` and `[[when]]` of an overlay, `[overlay.NAME]` of a profile.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use super::package::PackageEntry;
use super::{KernelModuleTable, SourceEntry, UnitsTable};
use crate::profile::checks;
use crate::profile::values::{Glob, Identifier, Line, ManifestGlob, Module, Package, Spanned};
use crate::profile::{Arch, Form, ParamValue};

/// Values by the names of parameters.
pub(in crate::profile) type ParamValues = BTreeMap<Spanned<Identifier>, Spanned<ParamValue>>;

/// The tables `[overlay.NAME]` of a file, by overlay.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct OverlayTables(pub(in crate::profile) BTreeMap<Spanned<Identifier>, ParamValues>);

/// Which file sets a parameter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SetBy {
    /// What is the same for all nodes of a profile, and decides what is in its image.
    #[default]
    Profile,
    /// What is the cluster's own, and used in manifests alone: those go into the seed.
    Cluster,
}

/// What profiles can set of an overlay.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::profile) struct ParamTable {
    /// One line that says what it decides.
    pub description: Line,
    /// What holds unless a profile says otherwise; its type is the parameter's. Without it the parameter is text, and not set.
    pub default: Option<Spanned<ParamValue>>,
    /// Whether it is a secret: its value is `{ secret = "NAME" }`, and manifests get the secret of that name in its place.
    #[serde(default)]
    pub secret: bool,
    /// Which file sets it, each in `[overlay.NAME]`: a profile, or with `cluster` cluster.toml; then only manifests may use it.
    #[serde(default)]
    pub set_by: SetBy,
    /// What a text looks like: a size, a schedule, a host's name; any one line unless given.
    pub form: Option<Spanned<Form>>,
    /// The values that it may have; any unless given.
    #[serde(default)]
    pub one_of: Vec<Spanned<ParamValue>>,
    /// The least that a whole number may be.
    pub min: Option<Spanned<i64>>,
    /// The most that a whole number may be.
    pub max: Option<Spanned<i64>>,
}

impl ParamTable {
    /// Its form, as far as it is text of one.
    pub(in crate::profile) fn form(&self) -> Option<Form> {
        self.form.as_ref().map(|form| *form.0.get_ref())
    }

    /// The whole numbers that it may be, as far as they are bounded.
    pub(in crate::profile) fn range(&self) -> (Option<i64>, Option<i64>) {
        let plain = |bound: &Option<Spanned<i64>>| bound.as_ref().map(|bound| *bound.0.get_ref());
        (plain(&self.min), plain(&self.max))
    }
}

// Keys of the overlay itself, once more: serde's `flatten` would lose where values stand, and which keys are unknown.
/// What an overlay gives where its parameters have certain values.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(in crate::profile) struct WhenEntry {
    /// The values of parameters that all must hold.
    pub params: ParamValues,
    /// What holds here of parameters that no profile sets, instead of their own default.
    #[serde(default)]
    pub defaults: ParamValues,
    /// Roles that it has.
    #[serde(default)]
    pub provides: Vec<Spanned<Identifier>>,
    /// Roles, or names of overlays, of which each must be in the profile.
    #[serde(default)]
    pub needs: Vec<Spanned<Identifier>>,
    /// Roles, or names of overlays, that may not be in the profile.
    #[serde(default)]
    pub conflicts: Vec<Spanned<Identifier>>,
    /// Architectures that it is for.
    #[serde(default)]
    pub architectures: Vec<Spanned<Arch>>,
    /// Debian packages.
    #[serde(default)]
    pub packages: Vec<Spanned<PackageEntry<Package>>>,
    /// Debian archives, by name.
    #[serde(default, rename = "source")]
    pub sources: Vec<SourceEntry>,
    /// Globs of what to leave out of the image.
    #[serde(default)]
    pub drop: Vec<Spanned<Glob>>,
    /// Kernel modules to load at boot.
    #[serde(default)]
    pub modules: Vec<Spanned<Module>>,
    /// Units to enable or disable.
    #[serde(default)]
    pub units: UnitsTable,
    /// Kernel modules that are compiled for the image's kernel, by name.
    #[serde(default, rename = "kernel-module")]
    pub kernel_modules: BTreeMap<Identifier, KernelModuleTable>,
    /// Manifests that are there only under a condition that names them, by globs of their file names.
    #[serde(default)]
    pub manifests: Vec<Spanned<ManifestGlob>>,
}

/// A value, or the parameter that has it: `{{ params.NAME }}`.
#[derive(Debug, Clone)]
pub(in crate::profile) enum Settable<T> {
    Value(T),
    Param(String),
}

impl<'de, T: TryFrom<String, Error = String>> Deserialize<'de> for Settable<T> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        let Some(inner) = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) else {
            return T::try_from(text).map(Self::Value).map_err(D::Error::custom);
        };
        let name = inner.trim().strip_prefix("params.").filter(|name| checks::identifier(name).is_ok());
        let name = name.ok_or_else(|| {
            let text = text.escape_debug();
            D::Error::custom(format!("`{text}` names no parameter\nwrite the whole value as `{{{{ params.NAME }}}}`"))
        })?;
        Ok(Self::Param(name.to_owned()))
    }
}

impl<T: JsonSchema> JsonSchema for Settable<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
