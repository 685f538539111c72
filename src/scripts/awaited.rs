//! Accounts of sysusers.d(5) that must not be there before their package's script has run.
//!
//! The effect `accounts` makes what every sysusers.d file declares before the first script; in an installation a file is read when
//! its package's script calls systemd-sysusers(8). That comes to the same, unless the script asks for the account or makes it by
//! adduser(8) before that call, with another home or password (uuid-runtime). The accounts of such a package are taken
//! out of the tree before the first script and put back by the call, or after the package's scripts at the latest.

use crate::debian::Package;
use crate::effects::EffectError;
use crate::effects::accounts::{Tables, Taken, declared_names};
use crate::tree::{Content, Tree};

const DIRECTORY: &str = "usr/lib/sysusers.d/";
/// What makes accounts, beside systemd-sysusers(8).
const MAKERS: [&str; 4] = ["adduser", "addgroup", "useradd", "groupadd"];

/// Accounts that were taken out.
#[derive(Debug, Clone, Default)]
pub(super) struct Awaited(Vec<File>);

/// The accounts of one sysusers.d file.
#[derive(Debug, Clone)]
struct File {
    package: String,
    /// Without its directory.
    name: String,
    accounts: Taken,
}

impl Awaited {
    /// Takes the accounts of those of `packages` out of `tree` whose `scripts` make accounts themselves.
    ///
    /// # Errors
    /// Files of accounts that cannot be read.
    pub(super) fn take<'a>(
        tree: &mut Tree,
        packages: impl IntoIterator<Item = (&'a Package, Vec<&'a str>)>,
    ) -> Result<Self, EffectError> {
        let mut files = Vec::new();
        for (package, scripts) in packages {
            let makes = |script: &&str| {
                script.split(|char: char| !char.is_ascii_alphanumeric()).any(|word| MAKERS.contains(&word))
            };
            if !scripts.iter().any(makes) {
                continue;
            }
            for path in package.members.iter().map(|member| &member.path) {
                let Some(name) = path.strip_prefix(DIRECTORY) else { continue };
                let Some(Ok(text)) = tree.file(path).map(Content::text) else { continue };
                let (users, groups) = declared_names(&text);
                let mut tables = Tables::read(tree)?;
                let accounts = tables.take(&users, &groups);
                tables.store(tree)?;
                files.push(File { package: package.name.clone(), name: name.to_owned(), accounts });
            }
        }
        Ok(Self(files))
    }

    /// Puts the accounts of the files of these names back into `tree`; those of all files if none is named.
    ///
    /// # Errors
    /// As [`Awaited::take`].
    pub(super) fn declare(&mut self, tree: &mut Tree, names: &[&str]) -> Result<(), EffectError> {
        self.put_back(tree, |file| names.is_empty() || names.contains(&file.name.as_str()))
    }

    /// Puts the accounts of a package's files back, whose scripts have run.
    ///
    /// # Errors
    /// As [`Awaited::take`].
    pub(super) fn finish(&mut self, tree: &mut Tree, package: &str) -> Result<(), EffectError> {
        self.put_back(tree, |file| file.package == package)
    }

    fn put_back(&mut self, tree: &mut Tree, mut wanted: impl FnMut(&File) -> bool) -> Result<(), EffectError> {
        let back: Vec<File> = self.0.extract_if(.., |file| wanted(file)).collect();
        if back.is_empty() {
            return Ok(());
        }
        let mut tables = Tables::read(tree)?;
        for file in back {
            tables.put_back(file.accounts);
        }
        tables.store(tree)
    }
}

#[cfg(test)]
mod tests {
    use crate::effects::accounts::Tables;
    use crate::effects::ledger::Ledger;
    use crate::lock::IdMap;
    use crate::profile::Arch;
    use crate::scripts::sample::package;
    use crate::scripts::{Accounts, Debconf, Input, install};
    use crate::tree::{Node, Tree};

    /// uuid-runtime's way: the account by adduser, if it is not there, and only then the package's own sysusers.d file.
    const MAKES: &str = "#!/bin/sh\nset -e\nif ! getent passwd lamp >/dev/null; then\n  adduser --system --group --home /run/lamp \
                         --no-create-home lamp\nfi\nsystemd-sysusers lamp.conf\n";
    const DECLARES: &str = "u lamp - \"A lamp\" /\nu wick - - /\nm wick mail\n";

    /// The tree after the scripts, in whose beginning the effect `accounts` has made what is declared.
    fn installed(postinst: &str) -> Tables {
        let commands = ["adduser", "systemd-sysusers", "getent"].map(|name| format!("usr/sbin/{name}"));
        let commands: Vec<(&str, &str)> = commands.iter().map(|path| (path.as_str(), "")).collect();
        let packages = [
            package("base", ("postinst", ""), &commands),
            package("lamp", ("postinst", postinst), &[("usr/lib/sysusers.d/lamp.conf", DECLARES)]),
        ];
        let mut tree = Tree::new();
        for member in packages.iter().flat_map(|package| &package.members) {
            let mut node = member.node.clone();
            node.mode = 0o755;
            tree.put(&member.path, node).unwrap();
        }
        for (name, text) in [
            (
                "passwd",
                "root:x:0:0::/root:/bin/sh\nlamp:x:999:999:A lamp:/:/usr/sbin/nologin\nwick:x:998:998::/:/usr/sbin/nologin\n",
            ),
            ("shadow", "root:*:1::::::\nlamp:!*:1::::::\nwick:!*:1::::::\n"),
            ("group", "root:x:0:\nmail:x:8:wick\nlamp:x:999:\nwick:x:998:\n"),
            ("gshadow", "root:*::\nmail:*::wick\nlamp:!*::\nwick:!*::\n"),
        ] {
            tree.put(&format!("etc/{name}"), Node::file(0o644, text)).unwrap();
        }
        let ids = IdMap::default();
        let accounts = Accounts::new(&tree, &ids, true, 0).unwrap();
        let (ledger, debconf) = (Ledger::default(), Debconf::default());
        let done = install(tree, Input { packages: &packages, arch: Arch::Amd64, ledger: &ledger, debconf, accounts });
        assert!(done.unfollowed.is_empty(), "{:?}", done.unfollowed);
        Tables::read(&done.tree).unwrap()
    }

    #[test]
    fn a_script_that_makes_its_account_before_it_declares_it_makes_it_as_it_wants() {
        let tables = installed(MAKES);
        let lamp = tables.user("lamp").unwrap();
        assert_eq!((lamp.home.as_str(), lamp.gecos.as_str()), ("/run/lamp", ""));
        assert!(tables.lines("shadow").unwrap().iter().any(|line| line.starts_with("lamp:!:")));
        assert_eq!(tables.user("wick").unwrap().uid, 998, "what it only declares is made by the declaration");
        assert_eq!(tables.group("mail").unwrap().members, ["wick"]);
        assert_eq!(tables.users().count(), 3);
    }

    #[test]
    fn a_script_that_declares_first_finds_the_account() {
        let lines: Vec<&str> = MAKES.lines().collect();
        let turned = [&lines[..2], &lines[lines.len() - 1..], &lines[2..lines.len() - 1]].concat().join("\n");
        assert_eq!(installed(&turned).user("lamp").unwrap().home, "/");
    }

    #[test]
    fn what_no_script_declares_is_there_in_the_end() {
        let tables = installed("#!/bin/sh\n[ ! -x /usr/sbin/adduser ] || ! getent passwd wick\n");
        assert_eq!(tables.user("lamp").unwrap().home, "/");
        assert_eq!(tables.user("wick").unwrap().uid, 998);
    }
}
