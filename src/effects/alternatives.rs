//! The alternatives system: `/usr/bin/awk` → `/etc/alternatives/awk` → `/usr/bin/mawk` (update-alternatives(1)).
//!
//! Way of the data: every literal `update-alternatives --install` of the packages' `postinst` scripts is read; the
//! choices of one name compete by priority, as in automatic mode; the winner's links are made, and the choices are
//! recorded where update-alternatives on the node would look for them. The ledger holds that those commands
//! are literal and run on a first installation.

pub(crate) mod group;

use std::collections::BTreeMap;

use super::declared::{self, Alternative, Fault};
use super::{Context, EffectError};
use crate::tree::{Kind, Tree, parent};
use group::Group;

const ORIGIN: &str = "effect:alternatives";

/// One way to fill an alternative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Where the link is that people use (`/usr/bin/awk`).
    pub link: String,
    /// Its name in `/etc/alternatives`.
    pub name: String,
    /// What this choice would have it be.
    pub path: String,
    pub priority: i64,
    /// Links that follow this one, such as manual pages.
    pub slaves: Vec<Slave>,
}

/// A link that follows another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slave {
    pub link: String,
    pub name: String,
    pub path: String,
}

/// The literal `update-alternatives --install` commands of a script.
#[must_use]
pub fn parse(script: &str) -> Vec<Choice> {
    let script = script.replace("\\\n", " ");
    let mut choices = Vec::new();
    for line in script.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(command) = words.iter().position(|word| *word == "update-alternatives")
            && let Some(install) = words[command..].iter().position(|word| *word == "--install")
        {
            choices.extend(parse_choice(&words[command + install + 1..]));
        }
    }
    choices
}

fn parse_choice(words: &[&str]) -> Option<Choice> {
    let [link, name, path, priority, more @ ..] = words else { return None };
    // What is put together while the script runs has an effect of its own (`glx`).
    if words.iter().any(|word| word.contains('$')) {
        return None;
    }
    let slaves = more
        .chunks(4)
        .map_while(|words| match words {
            ["--slave", link, name, path] => {
                Some(Slave { link: (*link).to_owned(), name: (*name).to_owned(), path: (*path).to_owned() })
            }
            _ => None,
        })
        .collect();
    Some(Choice {
        link: (*link).to_owned(),
        name: (*name).to_owned(),
        path: (*path).to_owned(),
        priority: priority.parse().ok()?,
        slaves,
    })
}

/// Makes the links and records of all packages' alternatives. Needs all packages' files in the tree.
///
/// # Errors
/// A link's place below something that is no directory.
pub fn alternatives(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let mut alternatives: BTreeMap<String, Vec<Choice>> = BTreeMap::new();
    // Of a script that was evaluated it is known which of its commands were carried out.
    let reviewed = context.packages.iter().filter(|package| !context.requests.evaluated.contains(&package.name));
    for package in reviewed {
        for choice in parse(package.control_text("postinst").unwrap_or_default()) {
            if exists(tree, &choice.path) {
                alternatives.entry(choice.name.clone()).or_default().push(choice);
            }
        }
    }
    for (entry, alternative) in context.declared.each(|effects| &effects.alternatives) {
        let choice = Choice::from(alternative);
        let choices = alternatives.entry(choice.name.clone()).or_default();
        if let Some(fault) = fault(tree, &choice, choices) {
            return Err(entry.refuse(&alternative.path, format!("alternative `{}`", choice.name), fault));
        }
        choices.push(choice);
    }
    for choice in &context.requests.alternatives {
        let choices = alternatives.entry(choice.name.clone()).or_default();
        if exists(tree, &choice.path) && !choices.iter().any(|known| known.path == choice.path) {
            choices.push(choice.clone());
        }
    }
    for (name, choices) in alternatives {
        install(tree, &name, choices)?;
    }
    Ok(())
}

impl From<&Alternative> for Choice {
    fn from(alternative: &Alternative) -> Self {
        let slave = |slave: &declared::Slave| Slave {
            link: slave.link.0.clone(),
            name: slave.name.0.clone(),
            path: slave.path.0.clone(),
        };
        Self {
            link: alternative.link.0.clone(),
            name: alternative.name.0.clone(),
            path: alternative.path.get_ref().0.clone(),
            priority: alternative.priority.into(),
            slaves: alternative.slaves.iter().map(slave).collect(),
        }
    }
}

/// Why a declared choice beside `others` of its name cannot be or would change nothing.
fn fault(tree: &Tree, choice: &Choice, others: &[Choice]) -> Option<Fault> {
    let paths = choice.slaves.iter().map(|slave| &slave.path).chain([&choice.path]);
    if let Some(path) = paths.into_iter().find(|path| !exists(tree, path)) {
        let cure = "write a path that the package ships, or take the alternative out of ledger.toml";
        return Some(Fault::new(format!("there is nothing at `{path}`"), cure));
    }
    if others.iter().any(|other| other.path == choice.path) {
        return Some(Fault::idle(format!("`{}` is a choice of it already", choice.path)));
    }
    // update-alternatives would rename the link of all others.
    if let Some(other) = others.iter().find(|other| other.link != choice.link) {
        let cure = format!("write `link = \"{}\"`, or another `name`", other.link);
        return Some(Fault::new(format!("`{}` is its link already", other.link), cure));
    }
    let links = choice.slaves.iter().map(|slave| &slave.link).chain([&choice.link]);
    links.into_iter().find_map(|link| {
        let Ok(place) = tree.resolve(link, false) else {
            return Some(Fault::new(format!("symbolic links at `{link}` form a loop"), "give it another `link`"));
        };
        match tree.get(&place) {
            Some(node) if !matches!(node.kind, Kind::Symlink(_)) => Some(Fault::new(
                format!("at its link's place, `{link}`, the image has {} ({})", node.kind.describe(), node.origin),
                "no file is replaced by a link: give it another `link`, or move the file away with `[[script.diversion]]`",
            )),
            None if !parent(&place).is_some_and(|dir| tree.contains(dir)) => Some(Fault::new(
                format!("its link's place, `{link}`, is in no directory of the image"),
                "declare the directory too, `[[script.directory]]`",
            )),
            _ => None,
        }
    })
}

/// Adds choices to the record of one alternative and makes the links of the best; nothing without a choice.
///
/// # Errors
/// A link's place below something that is no directory.
pub(super) fn install(tree: &mut Tree, name: &str, mut choices: Vec<Choice>) -> Result<(), EffectError> {
    // Of equal priorities the first one installed wins there; here, the first path.
    choices.sort_by(|a, b| a.path.cmp(&b.path));
    let Some(first) = choices.first() else { return Ok(()) };
    let mut group = Group::read(tree, name).unwrap_or_else(|| Group::new(name, &first.link));
    for choice in &choices {
        group.add(choice);
    }
    let current = group.current(tree);
    if group.automatic
        && let Some(best) = group.best(current.as_deref())
    {
        group.point(tree, best, false)?;
    }
    Ok(group.store(tree)?)
}

fn exists(tree: &Tree, path: &str) -> bool {
    tree.resolve(path, true).is_ok_and(|real| tree.contains(&real))
}

#[cfg(test)]
mod tests;
