//! One link group: what `/var/lib/dpkg/alternatives/NAME` says, and the links of the choice that is in use.
//!
//! Follows `utils/update-alternatives.c` of dpkg 1.22: the record's form (`alternative_load`, `alternative_save`), which choice is
//! best (`alternative_get_best`), which links that makes and takes away (`alternative_prepare_install`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Choice, ORIGIN};
use crate::tree::{Kind, Node, Tree, TreeError, parent};

/// Where the records lie.
pub(crate) const RECORDS: &str = "var/lib/dpkg/alternatives";
const LINKS: &str = "etc/alternatives";

/// A link group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub link: String,
    /// Whether the best choice is in use, and not the one that somebody set.
    pub automatic: bool,
    /// Names of slaves to their links.
    pub slaves: BTreeMap<String, String>,
    /// In the order in which they were recorded, new ones last.
    pub ways: Vec<Way>,
}

/// One choice of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub path: String,
    pub priority: i64,
    /// Names of slaves to their paths, as far as this choice has them.
    pub slaves: BTreeMap<String, String>,
}

/// A link that update-alternatives makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub name: String,
    pub at: String,
    pub to: String,
}

impl Group {
    /// A group without choices.
    #[must_use]
    pub fn new(name: &str, link: &str) -> Self {
        Self {
            name: name.to_owned(),
            link: link.to_owned(),
            automatic: true,
            slaves: BTreeMap::new(),
            ways: Vec::new(),
        }
    }

    /// The recorded group of this name; a record that is damaged is none.
    #[must_use]
    pub fn read(tree: &Tree, name: &str) -> Option<Self> {
        Self::parse(name, &tree.file(&format!("{RECORDS}/{name}"))?.text().ok()?)
    }

    /// The names of all groups.
    #[must_use]
    pub fn names(tree: &Tree) -> Vec<String> {
        let names = tree.below(RECORDS).filter_map(|(path, _)| path.strip_prefix(RECORDS)?.strip_prefix('/'));
        names.filter(|name| !name.contains('/')).map(str::to_owned).collect()
    }

    fn parse(name: &str, text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let automatic = lines.next()? == "auto";
        let mut group = Self { automatic, ..Self::new(name, lines.next()?) };
        let mut order = Vec::new();
        loop {
            match lines.next()? {
                "" => break,
                slave => {
                    order.push(slave.to_owned());
                    group.slaves.insert(slave.to_owned(), lines.next()?.to_owned());
                }
            }
        }
        while let Some(path) = lines.next().filter(|path| !path.is_empty()) {
            let priority = lines.next()?.parse().ok()?;
            let mut slaves = BTreeMap::new();
            for slave in &order {
                let path = lines.next()?;
                if !path.is_empty() {
                    slaves.insert(slave.clone(), path.to_owned());
                }
            }
            group.ways.push(Way { path: path.to_owned(), priority, slaves });
        }
        Some(group)
    }

    /// The record's text; slaves that no choice has are left out.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", if self.automatic { "auto" } else { "manual" }, self.link);
        let used = |name: &&String| self.ways.iter().any(|way| way.slaves.contains_key(*name));
        let slaves: Vec<&String> = self.slaves.keys().filter(used).collect();
        for name in &slaves {
            let _ = writeln!(text, "{name}\n{}", self.slaves[*name]);
        }
        text.push('\n');
        let mut ways: Vec<&Way> = self.ways.iter().collect();
        ways.sort_by(|a, b| a.path.cmp(&b.path));
        for way in ways {
            let _ = writeln!(text, "{}\n{}", way.path, way.priority);
            for name in &slaves {
                let _ = writeln!(text, "{}", way.slaves.get(*name).map_or("", String::as_str));
            }
        }
        text.push('\n');
        text
    }

    /// Adds a choice, in place of what it was before; its links become the group's.
    pub fn add(&mut self, choice: &Choice) {
        choice.link.clone_into(&mut self.link);
        let mut slaves = BTreeMap::new();
        for slave in &choice.slaves {
            self.slaves.insert(slave.name.clone(), slave.link.clone());
            slaves.insert(slave.name.clone(), slave.path.clone());
        }
        let way = Way { path: choice.path.clone(), priority: choice.priority, slaves };
        match self.ways.iter_mut().find(|known| known.path == way.path) {
            Some(known) => *known = way,
            None => self.ways.push(way),
        }
    }

    /// The choice of this path.
    #[must_use]
    pub fn way(&self, path: &str) -> Option<&Way> {
        self.ways.iter().find(|way| way.path == path)
    }

    /// What the link of the group leads to now.
    #[must_use]
    pub fn current(&self, tree: &Tree) -> Option<String> {
        match &tree.get(&format!("{LINKS}/{}", self.name))?.kind {
            Kind::Symlink(target) => Some(target.clone()),
            _ => None,
        }
    }

    /// The choice of the highest priority; of equal ones the one in use, or the first.
    #[must_use]
    pub fn best(&self, current: Option<&str>) -> Option<&Way> {
        let first = current.and_then(|path| self.way(path)).or(self.ways.first())?;
        Some(self.ways.iter().fold(first, |best, way| if way.priority > best.priority { way } else { best }))
    }

    /// The links of a choice: the group's, and those of slaves whose files are there.
    #[must_use]
    pub fn links(&self, tree: &Tree, way: &Way) -> Vec<Link> {
        let link =
            |name: &str, at: &str, to: &str| Link { name: name.to_owned(), at: at.to_owned(), to: to.to_owned() };
        let slaves = self.slaves.iter().filter_map(|(name, at)| {
            let to = way.slaves.get(name).filter(|path| super::exists(tree, path))?;
            Some(link(name, at, to))
        });
        [link(&self.name, &self.link, &way.path)].into_iter().chain(slaves).collect()
    }

    /// Makes the links of a choice and takes those of slaves away that it has not. A file that is no link is never replaced
    /// unless `force`, and no directory is made for a link.
    ///
    /// # Errors
    /// A place below something that is no directory.
    pub fn point(&self, tree: &mut Tree, way: &Way, force: bool) -> Result<(), TreeError> {
        let links = self.links(tree, way);
        for (name, at) in self.slaves.iter().filter(|(name, _)| links.iter().all(|link| link.name != **name)) {
            remove_link(tree, at);
            tree.remove(&format!("{LINKS}/{name}"));
        }
        links.iter().try_for_each(|link| link.make(tree, force))
    }

    /// Writes the record.
    ///
    /// # Errors
    /// A place below something that is no directory.
    pub fn store(&self, tree: &mut Tree) -> Result<(), TreeError> {
        tree.put(&format!("{RECORDS}/{}", self.name), Node::file(0o644, self.text()).from(ORIGIN))
    }

    /// Takes the group away: its links and its record.
    pub fn remove(&self, tree: &mut Tree) {
        let links = self.slaves.iter().chain([(&self.name, &self.link)]);
        for (name, at) in links {
            remove_link(tree, at);
            tree.remove(&format!("{LINKS}/{name}"));
        }
        tree.remove(&format!("{RECORDS}/{}", self.name));
    }
}

impl Link {
    /// Whether there is a directory for it.
    #[must_use]
    pub fn has_place(&self, tree: &Tree) -> bool {
        let place = tree.resolve(&self.at, false);
        place.is_ok_and(|place| parent(&place).is_some_and(|dir| tree.get(dir).is_some_and(Node::is_dir)))
    }

    pub(super) fn make(&self, tree: &mut Tree, force: bool) -> Result<(), TreeError> {
        let middle = format!("{LINKS}/{}", self.name);
        tree.put(&middle, Node::symlink(self.to.as_str()).from(ORIGIN))?;
        let place = tree.resolve(&self.at, false)?;
        let free = tree.get(&place).is_none_or(|node| match node.kind {
            Kind::Symlink(_) => true,
            Kind::Dir => false,
            _ => force,
        });
        if free && parent(&place).is_some_and(|dir| tree.contains(dir)) {
            tree.put(&place, Node::symlink(format!("/{middle}")).from(ORIGIN))?;
        }
        Ok(())
    }
}

/// Takes a link away; what is no link stays.
pub(crate) fn remove_link(tree: &mut Tree, at: &str) {
    if let Ok(place) = tree.resolve(at, false)
        && tree.get(&place).is_some_and(|node| matches!(node.kind, Kind::Symlink(_)))
    {
        tree.remove(&place);
    }
}
