//! The shell's variables: names, values, and which of them are exported.

use std::collections::BTreeMap;

/// One variable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Variable {
    /// None where it is declared (`local`, `export`) but not set.
    value: Option<String>,
    exported: bool,
}

/// All variables of one shell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variables {
    all: BTreeMap<String, Variable>,
}

impl Variables {
    /// The value of a variable that is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all.get(name)?.value.as_deref()
    }

    /// Sets a variable; whether it is exported stays as it is.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.all.entry(name.to_owned()).or_default().value = Some(value.into());
    }

    /// Unsets a variable.
    pub fn unset(&mut self, name: &str) {
        self.all.remove(name);
    }

    /// Exports a variable, which need not be set.
    pub fn export(&mut self, name: &str) {
        self.all.entry(name.to_owned()).or_default().exported = true;
    }

    /// Whether it is exported.
    #[must_use]
    pub fn is_exported(&self, name: &str) -> bool {
        self.all.get(name).is_some_and(|variable| variable.exported)
    }

    /// The environment: exported variables that are set, by name.
    pub fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        let exported = self.all.iter().filter(|(_, variable)| variable.exported);
        exported.filter_map(|(name, variable)| Some((name.as_str(), variable.value.as_deref()?)))
    }

    /// All that are set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all.iter().filter_map(|(name, variable)| Some((name.as_str(), variable.value.as_deref()?)))
    }
}
