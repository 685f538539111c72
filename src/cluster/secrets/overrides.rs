//! Secrets from the environment: `IMGBUILD_SECRET_NAME`, or `IMGBUILD_SECRET_NAME_FILE` with the path of a file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use zeroize::Zeroizing;

use super::private::{self, Access};
use super::{Secret, Secrets, SecretsError, Source, is_name};

const PREFIX: &str = "IMGBUILD_SECRET_";

/// The environment variable of a secret.
#[must_use]
pub fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// The secret that a variable without `_FILE` belongs to, if it belongs to one.
fn name_of(variable: &str) -> Option<String> {
    let name = variable.strip_prefix(PREFIX)?.to_ascii_lowercase().replace('_', "-");
    // A name that `variable` would not produce is a mistake.
    (is_name(&name) && self::variable(&name) == variable).then_some(name)
}

/// Whether the environment has any secret.
#[must_use]
pub fn are_overridden(variables: impl IntoIterator<Item = (OsString, OsString)>) -> bool {
    let names = |variable: &OsString| variable.to_str().is_some_and(|variable| variable.starts_with(PREFIX));
    variables.into_iter().any(|(variable, value)| names(&variable) && !value.is_empty())
}

/// Overrides `secrets` with those of the environment. An empty variable is ignored.
///
/// # Errors
/// A variable for what is no secret's name; a value and a file for one secret; a value that is no text; a file that
/// cannot be read or that others may read.
pub(super) fn apply(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    secrets: &mut Secrets,
) -> Result<(), SecretsError> {
    let mut values = BTreeMap::new();
    for (variable, value) in variables {
        let Some(variable) = variable.to_str().filter(|variable| variable.starts_with(PREFIX)) else { continue };
        if value.is_empty() {
            continue;
        }
        let plain = variable.strip_suffix("_FILE").filter(|rest| rest.len() >= PREFIX.len());
        let name = name_of(plain.unwrap_or(variable));
        let name = name.ok_or_else(|| SecretsError::Name { place: format!("the variable {variable}") })?;
        let value = match plain {
            None => value.into_string().map_err(|_| SecretsError::NotText { place: variable.to_owned() })?.into(),
            Some(_) => from_file(Path::new(&value), variable)?,
        };
        if values.insert(name.clone(), (value, variable.to_owned())).is_some() {
            return Err(SecretsError::Twice { variable: self::variable(&name) });
        }
    }
    for (name, (value, variable)) in values {
        secrets.insert(name, value, Source::Variable(variable));
    }
    Ok(())
}

/// The path is not shown: it is a secret if somebody forgot that this variable names a file.
fn from_file(path: &Path, variable: &str) -> Result<Secret, SecretsError> {
    let place = format!("the file that {variable} names");
    let text = private::text(&private::read(path, &place, Access::Private)?, &place)?;
    Ok(trimmed(text).into())
}

/// Removes the one line break that editors and `echo` add at the end.
pub(super) fn trimmed(mut text: Zeroizing<String>) -> Zeroizing<String> {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}
