//! A secret, and all secrets of a cluster.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::{SecretsError, known};

/// A secret value. It cannot be printed by accident, and its memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The value, for the few places that write it where it belongs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<Zeroizing<String>> for Secret {
    fn from(value: Zeroizing<String>) -> Self {
        Self(value)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// The source of a secret's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The workspace's file, by its name.
    File(&'static str),
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) => out.write_str(name),
            Self::Variable(name) => out.write_str(name),
        }
    }
}

/// All secrets of a cluster, by name.
#[derive(Debug, Clone, Default)]
pub struct Secrets(BTreeMap<String, (Secret, Source)>);

impl Secrets {
    /// Adds a secret, over one of the same name.
    pub fn insert(&mut self, name: impl Into<String>, value: Secret, source: Source) {
        self.0.insert(name.into(), (value, source));
    }

    /// The secret of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name).map(|(value, _)| value)
    }

    /// Where the secret of this name came from.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.0.get(name).map(|(_, source)| source)
    }

    /// The secret of this name, which must be set and valid.
    ///
    /// # Errors
    /// The secret is not set, or is invalid for its purpose.
    pub fn require(&self, name: &str) -> Result<&Secret, SecretsError> {
        let value = self.get(name).ok_or_else(|| SecretsError::Unset { name: name.to_owned() })?;
        match self.problem(name) {
            None => Ok(value),
            Some(reason) => Err(SecretsError::Unfit { name: name.to_owned(), reason }),
        }
    }

    /// What is wrong with the secret of this name, by itself or beside the others.
    #[must_use]
    pub fn problem(&self, name: &str) -> Option<Cow<'static, str>> {
        let value = self.get(name)?;
        known::problem(name, value).or_else(|| {
            let other = match name {
                known::SERVER_TOKEN => self.get(known::AGENT_TOKEN),
                known::AGENT_TOKEN => self.get(known::SERVER_TOKEN),
                _ => None,
            };
            let same = other.is_some_and(|other| other.expose() == value.expose());
            same.then_some(
                "server-token and agent-token are the same, which makes every worker an administrator".into(),
            )
        })
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, (value, _))| (name.as_str(), value))
    }
}
