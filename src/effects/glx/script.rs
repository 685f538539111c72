//! The lists of links in a script, and which of their links there are.
//!
//! A list is a variable that holds calls of the script's own functions, and other lists:
//!
//! ```sh
//! misc_slaves="
//!     $(add_multiarch_slave /usr/lib "" libcuda.so.1 /usr/lib nvidia/current/)
//!     $(add_slave /usr/bin/nvidia-smi nvidia-smi /usr/lib/nvidia/current/nvidia-smi)
//!     $other_slaves
//! "
//! ```

use crate::debian::Package;
use crate::effects::EffectError;
use crate::effects::alternatives::Slave;
use crate::tree::{Node, Tree};

/// The `postinst` of one package.
pub(super) struct Script<'a> {
    package: &'a str,
    text: &'a str,
    lists: Vec<(&'a str, Vec<Item<'a>>)>,
}

/// What a list is made of.
#[derive(Debug)]
enum Item<'a> {
    /// Another list, by name.
    List(&'a str),
    /// A function and its arguments, none of them a variable.
    Call(Vec<&'a str>),
}

impl<'a> Script<'a> {
    /// The script of `package`, if that is among `packages`.
    pub fn of(packages: &'a [Package], package: &str) -> Option<Self> {
        let package = packages.iter().find(|found| found.name == package)?;
        Some(Self::parse(&package.name, package.control_text("postinst").unwrap_or_default()))
    }

    pub fn parse(package: &'a str, text: &'a str) -> Self {
        let mut lists = Vec::new();
        let mut rest = text;
        while let Some((name, value)) = next_assignment(&mut rest) {
            lists.extend(list(value).map(|items| (name, items)));
        }
        Self { package, text, lists }
    }

    /// The links in the lists of these names for which there is a file, and a directory to put them in. `NAME#2` is the second
    /// list of that name.
    ///
    /// # Errors
    /// A list that the script does not have, or one made otherwise than here.
    pub fn slaves(&self, tree: &Tree, lists: &[&str]) -> Result<Vec<Slave>, EffectError> {
        let mut slaves = Vec::new();
        for name in lists {
            for item in self.list(name)? {
                match item {
                    Item::List(name) => slaves.extend(self.slaves(tree, &[name])?),
                    Item::Call(words) => slaves.extend(self.call(tree, words)?),
                }
            }
        }
        Ok(slaves)
    }

    /// The priority of the choice `path` in a literal `update-alternatives --install`.
    ///
    /// # Errors
    /// No such command.
    pub fn priority(&self, path: &str) -> Result<i64, EffectError> {
        let mut commands =
            self.text.lines().filter_map(|line| line.trim().strip_prefix("update-alternatives --install "));
        commands
            .find_map(|command| {
                let words: Vec<&str> = command.split_whitespace().collect();
                (words.get(2) == Some(&path)).then(|| words.get(3)?.parse().ok()).flatten()
            })
            .ok_or_else(|| self.refused(&format!("no priority of `{path}`")))
    }

    /// The literal value of a variable where the script sets it for the first time.
    pub fn value(&self, name: &str) -> Result<&'a str, EffectError> {
        let start = format!("{name}=\"");
        let mut values = self.text.lines().filter_map(|line| line.trim().strip_prefix(&start)?.strip_suffix('"'));
        values.find(|value| !value.contains('$')).ok_or_else(|| self.refused(&format!("no value of `{name}`")))
    }

    /// The calls of `add_multiarch_diversion`: a file, its directory, and the one that it is diverted to.
    pub fn diverted(&self) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        self.text.lines().filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let ["add_multiarch_diversion", file, from, to] = *words else { return None };
            Some((file, from, to))
        })
    }

    fn list(&self, name: &str) -> Result<&[Item<'a>], EffectError> {
        let (plain, number) = match name.split_once('#') {
            Some((plain, number)) => (plain, number.parse().unwrap_or(1)),
            None => (name, 1),
        };
        let mut lists = self.lists.iter().filter(|(found, _)| *found == plain);
        let found = lists.nth(number - 1).map(|(_, items)| items.as_slice());
        found.ok_or_else(|| self.refused(&format!("no list `{plain}` of links")))
    }

    fn call(&self, tree: &Tree, words: &[&str]) -> Result<Vec<Slave>, EffectError> {
        match words {
            ["add_slave", link, name, path] => {
                self.one(tree, link, name, path).map(|slave| slave.into_iter().collect())
            }
            ["add_multiarch_slave", to, to_sub, file, from, more @ ..] if more.len() <= 3 => {
                let [from_sub, prefix, source] = [0, 1, 2].map(|index| more.get(index).copied().unwrap_or_default());
                let source = if source.is_empty() { file } else { source };
                let mut slaves = Vec::new();
                for triplet in self.value("TRIPLETS")?.split_whitespace() {
                    let suffix = triplet.trim_end_matches('/').replace('/', "-");
                    slaves.extend(self.one(
                        tree,
                        &format!("{to}{triplet}{to_sub}{file}"),
                        &format!("{prefix}{file}{suffix}"),
                        &format!("{from}{triplet}{from_sub}{source}"),
                    )?);
                }
                Ok(slaves)
            }
            ["search_multiarch_slave", library, vendor @ ..] if vendor.len() <= 1 => {
                if let [vendor] = vendor {
                    let dir = format!("{vendor}/");
                    let slaves =
                        self.call(tree, &["add_multiarch_slave", "/usr/lib", "", library, "/usr/lib", &dir])?;
                    if !slaves.is_empty() {
                        return Ok(slaves);
                    }
                }
                self.call(tree, &["add_multiarch_slave", "/usr/lib", "", library, "/usr/lib/mesa-diverted"])
            }
            _ => Err(self.refused(&format!("`{}` in a list of links", words.join(" ")))),
        }
    }

    /// `add_slave`: the link, if its file is one and its directory is there.
    fn one(&self, tree: &Tree, link: &str, name: &str, path: &str) -> Result<Option<Slave>, EffectError> {
        let dir = link.rsplit_once('/').map_or("/", |(dir, _)| dir);
        let dir = tree.resolve(dir, true)?;
        if tree.file(path).is_none() || !tree.get(&dir).is_some_and(Node::is_dir) {
            return Ok(None);
        }
        let name = format!("{}{name}", self.value("prefix")?);
        Ok(Some(Slave { link: link.to_owned(), name, path: path.to_owned() }))
    }

    fn refused(&self, what: &str) -> EffectError {
        let cause = format!("its postinst is another one than this program knows: {what}");
        EffectError::refused(format!("package {}", self.package), cause)
            .with_hint("lock the version that docs/gpu-packages.md names; `imgbuild lock` knows its scripts")
    }
}

/// The next variable and what follows its opening quote.
fn next_assignment<'a>(rest: &mut &'a str) -> Option<(&'a str, &'a str)> {
    loop {
        let (line, after) = rest.split_once('\n')?;
        let start = *rest;
        *rest = after;
        let Some((name, _)) = line.split_once("=\"") else { continue };
        let value = &start[name.len() + 2..];
        let name = name.trim_start();
        if is_name(name) {
            return Some((name, value));
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.starts_with(|char: char| char.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

/// The items up to the closing quote, if all of them are lists and calls.
fn list(mut text: &str) -> Option<Vec<Item<'_>>> {
    let mut items = Vec::new();
    loop {
        text = text.trim_start();
        if text.starts_with('"') {
            return Some(items);
        }
        text = text.strip_prefix('$')?;
        if let Some(call) = text.strip_prefix('(') {
            let (call, after) = call.split_once(')')?;
            if call.contains(['$', '\n', '`']) {
                return None;
            }
            items.push(Item::Call(call.split_whitespace().map(|word| word.trim_matches('"')).collect()));
            text = after;
        } else {
            let end = text.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_'))?;
            if !is_name(&text[..end]) {
                return None;
            }
            items.push(Item::List(&text[..end]));
            text = &text[end..];
        }
    }
}
