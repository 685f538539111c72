//! Where programs look names up: the lines of `/etc/nsswitch.conf` with the modules that packages add.
//!
//! The file itself is libc-bin's template, which `paths` puts in place; `dh_installnss` sections of the packages'
//! `postinst` scripts say what to add. They are applied in order of the packages' names: dpkg's order is not fixed
//! either, and no two modules of systemd depend on it.

use super::ledger::{self, NameService, Position, Snippet};
use super::{Context, EffectError};
use crate::tree::{Node, Tree};

const PATH: &str = "etc/nsswitch.conf";

/// Adds the packages' modules. Comes after `paths`, and before the profile's own files.
///
/// # Errors
/// A `/etc/nsswitch.conf` that cannot be read.
pub fn nsswitch(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    let added: Vec<NameService> = context
        .packages
        .iter()
        .flat_map(ledger::snippets)
        .filter_map(|snippet| if let Snippet::NameServices(services) = snippet { Some(services) } else { None })
        .flatten()
        .collect();
    let Some(file) = tree.file(PATH).filter(|_| !added.is_empty()) else { return Ok(()) };
    let mut text = file.text().map_err(|source| EffectError::Read { path: PATH.to_owned(), source })?;
    for service in &added {
        text = text.lines().map(|line| service.added_to(line) + "\n").collect();
    }
    Ok(tree.put(PATH, Node::file(0o644, text).from("effect:nsswitch"))?)
}

impl NameService {
    /// `line` with this module, or as it is: another database's, one that has it, or one without its neighbour.
    fn added_to(&self, line: &str) -> String {
        let Some(sources) = line.strip_prefix(&self.database).and_then(|rest| rest.strip_prefix(':')) else {
            return line.to_owned();
        };
        let (sources, comment) = sources.split_at(sources.find('#').unwrap_or(sources.len()));
        let words = words(sources);
        if words.iter().any(|(_, word)| *word == self.service) {
            return line.to_owned();
        }
        let find = |names: &[String]| words.iter().position(|(_, word)| names.iter().any(|name| name == word));
        let module = match &self.action {
            Some(action) => format!("{} [{action}]", self.service),
            None => self.service.clone(),
        };
        let Some((at, added)) = (match &self.position {
            Position::Last => Some((sources.len(), format!(" {module}"))),
            Position::Before(names) => find(names).map(|index| (words[index].0, format!("{module} "))),
            Position::After(names) => find(names).map(|index| {
                let action = words.get(index + 1).filter(|(_, word)| word.starts_with('['));
                let (start, word) = action.unwrap_or(&words[index]);
                (start + word.len(), format!(" {module}"))
            }),
        }) else {
            return line.to_owned();
        };
        let (before, after) = sources.split_at(at);
        format!("{}:{before}{added}{after}{comment}", self.database)
    }
}

/// The words of a line with where they start; an action in brackets is one of them.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = 0;
    while let Some(skip) = text[start..].find(|char: char| !char.is_whitespace()) {
        start += skip;
        let rest = &text[start..];
        let end =
            if rest.starts_with('[') { rest.find(']').map(|end| end + 1) } else { rest.find(char::is_whitespace) };
        let word = &rest[..end.unwrap_or(rest.len())];
        words.push((start, word));
        start += word.len();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, action: Option<&str>, position: Position) -> NameService {
        let (database, service) = ("hosts".to_owned(), name.to_owned());
        NameService { database, service, action: action.map(str::to_owned), position }
    }

    #[test]
    fn a_module_goes_next_to_its_neighbour_and_an_action_stays_with_its_module() {
        let before = Position::Before(vec!["resolve".to_owned(), "dns".to_owned()]);
        let after = Position::After(vec!["files".to_owned()]);
        let mymachines = service("mymachines", None, before.clone());
        assert_eq!(mymachines.added_to("hosts:  files dns"), "hosts:  files mymachines dns");
        let resolve = service("resolve", Some("!UNAVAIL=return"), Position::Before(vec!["dns".to_owned()]));
        assert_eq!(resolve.added_to("hosts: files dns"), "hosts: files resolve [!UNAVAIL=return] dns");
        let myhostname = service("myhostname", None, after);
        assert_eq!(
            myhostname.added_to("hosts: files [NOTFOUND=return SUCCESS=return] dns"),
            "hosts: files [NOTFOUND=return SUCCESS=return] myhostname dns"
        );
        assert_eq!(service("systemd", None, Position::Last).added_to("hosts: files"), "hosts: files systemd");
    }

    #[test]
    fn lines_of_other_databases_without_the_neighbour_or_with_the_module_stay() {
        let resolve = service("resolve", None, Position::Before(vec!["dns".to_owned()]));
        for line in
            ["", "# hosts: dns", "networks: files dns", "hosts: files", "hosts: resolve dns", "hosts: files # dns"]
        {
            assert_eq!(resolve.added_to(line), line);
        }
    }
}
