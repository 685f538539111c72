//! What must not be in an image, since each node has its own: units make it on the node.
//!
//! Way of the data: a table has, by package, the unit that makes what the package's scripts would have made by chance; the unit is put
//! into the tree and enabled with all others (`units`).

use std::sync::LazyLock;

use serde::Deserialize;

use super::{Context, EffectError};
use crate::tree::{Node, Tree};

const ORIGIN: &str = "effect:first-boot";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    unit: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    package: String,
    name: String,
    text: String,
}

static TABLE: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    toml::from_str::<Table>(include_str!("units.toml")).expect("the embedded table is well-formed").unit
});

/// Name and text of the units of `package`.
fn of_package(package: &str) -> impl Iterator<Item = (String, String)> {
    TABLE.iter().filter_map(move |entry| {
        let version = match entry.package.strip_suffix('*') {
            // `postgresql-17`, not `postgresql-client-17`.
            Some(stem) => {
                let version = package.strip_prefix(stem)?;
                (!version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())).then_some(version)?
            }
            None => (entry.package == package).then_some("")?,
        };
        let fill = |text: &str| text.replace("@VERSION@", version);
        Some((fill(&entry.name), fill(entry.text.trim_start())))
    })
}

/// The unit that makes on the node what scripts of `package` would have made by chance; none if there is none.
#[must_use]
pub fn unit_of(package: &str) -> Option<String> {
    of_package(package).next().map(|(name, _)| name)
}

/// Puts the units of all packages into the tree and gives their names, which are to be enabled.
///
/// # Errors
/// A place below something that is no directory.
pub(super) fn first_boot(tree: &mut Tree, context: &Context<'_>) -> Result<Vec<String>, EffectError> {
    let mut names = Vec::new();
    for package in context.packages {
        for (name, text) in of_package(&package.name) {
            tree.put(&format!("usr/lib/systemd/system/{name}"), Node::file(0o644, text).from(ORIGIN))?;
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_of_its_package_and_of_no_other_with_a_like_name() {
        assert_eq!(unit_of("postgresql-17").as_deref(), Some("imgbuild-postgresql-17.service"));
        for other in ["postgresql-client-17", "postgresql-", "postgresql", "ssl-certs"] {
            assert_eq!(unit_of(other), None, "{other}");
        }
        let (_, text) = of_package("postgresql-17").next().unwrap();
        assert!(text.contains("start postgresql@17-main.service") && !text.contains("@VERSION@"), "{text}");
    }
}
