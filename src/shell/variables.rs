//! The shell's variables: names, values, and which of them are exported or may not be changed.

use std::collections::BTreeMap;
use std::sync::Arc;

/// One variable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variable {
    /// None where it is declared (`local`, `export`) but not set.
    value: Option<Arc<str>>,
    exported: bool,
    readonly: bool,
}

/// All variables of one shell. A copy is cheap until it is changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variables {
    all: Arc<BTreeMap<String, Variable>>,
}

impl Variables {
    /// The value of a variable that is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all.get(name)?.value.as_deref()
    }

    /// Sets a variable; whether it is exported stays as it is.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.entry(name).value = Some(value.into().into());
    }

    /// Unsets a variable.
    pub fn unset(&mut self, name: &str) {
        Arc::make_mut(&mut self.all).remove(name);
    }

    /// Exports a variable, which need not be set.
    pub fn export(&mut self, name: &str) {
        self.entry(name).exported = true;
    }

    /// Whether it is exported.
    #[must_use]
    pub fn is_exported(&self, name: &str) -> bool {
        self.all.get(name).is_some_and(|variable| variable.exported)
    }

    /// Says that a variable may not be changed any more. This keeps nobody from changing it: the shell asks before it does.
    pub fn make_readonly(&mut self, name: &str) {
        self.entry(name).readonly = true;
    }

    /// Whether it may not be changed.
    #[must_use]
    pub fn is_readonly(&self, name: &str) -> bool {
        self.all.get(name).is_some_and(|variable| variable.readonly)
    }

    /// All that is known of a variable, for [`Variables::restore`].
    #[must_use]
    pub fn saved(&self, name: &str) -> Option<Variable> {
        self.all.get(name).cloned()
    }

    /// Makes a variable what it was.
    pub fn restore(&mut self, name: &str, saved: Option<Variable>) {
        match saved {
            Some(variable) => *self.entry(name) = variable,
            None => self.unset(name),
        }
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

    /// All names, also of variables that are not set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn entry(&mut self, name: &str) -> &mut Variable {
        Arc::make_mut(&mut self.all).entry(name.to_owned()).or_default()
    }
}
