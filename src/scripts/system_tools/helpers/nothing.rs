//! Commands that do nothing to an image, read from a table with their reasons.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::shell::{Answer, Call, Reason};

#[derive(Debug, Deserialize)]
struct Table {
    command: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    names: Vec<String>,
    /// Why it does nothing.
    #[serde(default)]
    reason: String,
    /// What it reads that differs between installations; then it is not followed.
    #[serde(default)]
    differs: String,
    #[serde(default)]
    status: u8,
    options: Option<Vec<String>>,
    verbs: Option<Vec<String>>,
    given: Option<Vec<String>>,
}

static TABLE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    toml::from_str::<Table>(include_str!("nothing.toml")).expect("the embedded table is well-formed").command
});

/// Carries out a command of the table: its exit status is all there is to it.
pub(super) fn run(name: &str, call: &mut Call<'_>) -> Option<Answer> {
    let entry = TABLE.iter().find(|entry| entry.is_for(name, call.args))?;
    if !entry.differs.is_empty() {
        return Some(Err(Reason::differs(name, entry.differs.as_str())));
    }
    if let Some(unknown) = entry.unknown(call.args) {
        return Some(Err(Reason::unsupported(name, format!("`{unknown}`"))));
    }
    call.files.note(format!("{name} does nothing here: {}", entry.reason));
    Some(Ok(entry.status))
}

impl Entry {
    /// Whether this is about the command, whose name may be cut short by `*`, with one of the arguments that it has to have.
    fn is_for(&self, name: &str, args: &[String]) -> bool {
        let named = self.names.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == known,
        });
        let has = |ends: &Vec<String>| args.iter().any(|arg| ends.iter().any(|end| arg.ends_with(end.as_str())));
        named && self.given.as_ref().is_none_or(has)
    }

    /// The argument that is not accounted for.
    fn unknown<'a>(&self, args: &'a [String]) -> Option<&'a str> {
        let (options, operands): (Vec<&String>, Vec<&String>) = args.iter().partition(|arg| arg.starts_with('-'));
        let name = |option: &str| option.split('=').next().unwrap_or_default().to_owned();
        let known = |option: &&String| self.options.as_ref().is_none_or(|known| known.contains(&name(option)));
        if let Some(option) = options.into_iter().find(|option| !known(option)) {
            return Some(option);
        }
        let verb = operands.first()?;
        self.verbs.as_ref().is_some_and(|verbs| !verbs.contains(verb)).then_some(verb.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_stands_once_in_the_table_and_has_a_reason() {
        let mut seen = BTreeSet::new();
        for entry in TABLE.iter() {
            assert!(!entry.names.is_empty() && entry.reason.is_empty() != entry.differs.is_empty(), "{entry:?}");
            for name in &entry.names {
                assert!(seen.insert(name), "{name} stands there twice");
            }
        }
    }

    #[test]
    fn what_an_entry_does_not_account_for_is_found() {
        let entry = |options: Option<&[&str]>, verbs: Option<&[&str]>| {
            let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
            Entry {
                names: Vec::new(),
                reason: String::new(),
                differs: String::new(),
                status: 0,
                options: options.map(owned),
                verbs: verbs.map(owned),
                given: None,
            }
        };
        let of = |entry: &Entry, words: &str| {
            let args: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            entry.unknown(&args).map(str::to_owned)
        };
        assert_eq!(of(&entry(None, None), "--any thing"), None);
        let both = entry(Some(&["-q", "--root"]), Some(&["update"]));
        assert_eq!(of(&both, "-q update --root=/ more"), None);
        assert_eq!(of(&both, "update --other").as_deref(), Some("--other"));
        assert_eq!(of(&both, "query").as_deref(), Some("query"));
    }
}
