//! Name services that packages add to `/etc/nsswitch.conf`.
//!
//! debhelper's `dh_installnss` writes `postinst` sections that edit the file with sed; a comment above each edit says
//! what it does (`# Installing hosts/resolve[!UNAVAIL=return] from libnss-resolve in position before=dns`). The
//! comments are what is read here; the script ledger vouches for the section around them.

use super::{Context, EffectError};
use crate::tree::{Node, Tree};

const ORIGIN: &str = "effect:nsswitch";
const FILE: &str = "etc/nsswitch.conf";
const MARK: &str = "# Installing ";

/// Adds the services of `context.packages`. Comes after the file itself is there.
///
/// # Errors
/// A file that cannot be read, a position that is not known.
pub fn nsswitch(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let Some(content) = tree.file(FILE) else { return Ok(()) };
    let mut text = content.text().map_err(|source| EffectError::Read { path: FILE.to_owned(), source })?;
    for package in context.packages {
        for line in package.control_text("postinst").unwrap_or_default().lines() {
            if let Some(service) = Service::parse(line.trim()) {
                text = service.install(&text).map_err(|cause| {
                    EffectError::refused(format!("name service `{}` of {}", service.name, package.name), cause)
                })?;
            }
        }
    }
    Ok(tree.put(FILE, Node::file(0o644, text).from(ORIGIN))?)
}

/// A service for one database.
struct Service<'a> {
    database: &'a str,
    name: &'a str,
    /// `[…]`, what to do with the service's answer; may be empty.
    action: &'a str,
    position: &'a str,
}

impl<'a> Service<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (what, rest) = line.strip_prefix(MARK)?.split_once(" from ")?;
        let (_, position) = rest.split_once(" in position ")?;
        let (database, service) = what.split_once('/')?;
        let (name, action) = service.split_at(service.find('[').unwrap_or(service.len()));
        Some(Self { database, name, action, position })
    }

    fn install(&self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            match line.split_once(':') {
                Some((database, services)) if database == self.database => {
                    out.push_str(database);
                    out.push(':');
                    out.push_str(&self.insert(services)?);
                }
                _ => out.push_str(line),
            }
        }
        Ok(out)
    }

    /// `services` is what follows the colon, with blanks and the end of the line.
    fn insert(&self, services: &str) -> Result<String, String> {
        let (list, comment) = services.split_at(services.find(['#', '\n']).unwrap_or(services.len()));
        let words: Vec<(usize, &str)> = words(list);
        if words.iter().any(|(_, word)| *word == self.name) {
            return Ok(services.to_owned());
        }
        let action = if self.action.is_empty() { String::new() } else { format!(" {}", self.action) };
        let new = format!("{}{action}", self.name);
        let end = list.trim_end().len();
        let start = words.first().map_or(list.len(), |(start, _)| *start);
        let anchor = |names: &str| words.iter().position(|(_, word)| names.split(',').any(|name| name == *word));
        let (at, text) = match self.position.split_once('=') {
            None if self.position == "first" => (start, format!("{new} ")),
            None if self.position == "last" => (end, format!(" {new}")),
            Some(("before", names)) => match anchor(names) {
                Some(index) => (words[index].0, format!("{new} ")),
                None => return Ok(services.to_owned()),
            },
            Some(("after", names)) => match anchor(names) {
                // Behind the service and the action that belongs to it.
                Some(index) => {
                    let next = words[index + 1..].iter().find(|(_, word)| !word.starts_with('['));
                    let behind = next.map_or(end, |(start, _)| list[..*start].trim_end().len());
                    (behind, format!(" {new}"))
                }
                None => return Ok(services.to_owned()),
            },
            _ => return Err(format!("its position `{}` is not known", self.position)),
        };
        Ok(format!("{}{text}{}{comment}", &list[..at], &list[at..]))
    }
}

/// Words with their offsets.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|char: char| !char.is_whitespace()) {
        let word = &rest[start..];
        let word = &word[..word.find(char::is_whitespace).unwrap_or(word.len())];
        out.push((text.len() - rest.len() + start, word));
        rest = &rest[start + word.len()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(line: &str, comments: &[&str]) -> String {
        comments.iter().fold(line.to_owned(), |text, comment| Service::parse(comment).unwrap().install(&text).unwrap())
    }

    #[test]
    fn services_go_where_their_packages_want_them() {
        let resolve = "# Installing hosts/resolve[!UNAVAIL=return] from libnss-resolve in position before=dns";
        let own_name = "# Installing hosts/myhostname from libnss-myhostname in position after=files";
        let mdns = "# Installing hosts/mdns4_minimal[NOTFOUND=return] from libnss-mdns in position before=dns,resolve";
        let hosts = "hosts:          files dns\n";
        assert_eq!(
            after(hosts, &[resolve, own_name]),
            "hosts:          files myhostname resolve [!UNAVAIL=return] dns\n"
        );
        assert_eq!(
            after(hosts, &[resolve, mdns]),
            "hosts:          files mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] dns\n"
        );
        let last = "# Installing passwd/systemd from libnss-systemd in position last";
        assert_eq!(
            after("passwd:         files\ngroup: files\n", &[last, last]),
            "passwd:         files systemd\ngroup: files\n"
        );
    }
}
