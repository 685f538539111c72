//! Files that packages divert before they are unpacked: two packages may have one path, if the `preinst` of the one moves the
//! other's away (dpkg-divert(1)).

use std::collections::BTreeMap;

use super::accounts::Accounts;
use super::debconf::Debconf;
use super::run::{Input, before_unpacking};
use crate::debian::Package;
use crate::effects::ledger::Ledger;
use crate::effects::unpack::{Diverted, unpack};
use crate::lock::IdMap;
use crate::profile::Arch;

/// What the `preinst` of packages divert that have a path of another one's, so that all can be unpacked into one tree. They are
/// evaluated over a tree of all other packages, as dpkg runs them before their own is unpacked; what cannot be followed diverts
/// nothing, and is told when the scripts are evaluated in earnest.
#[must_use]
pub fn diverted(packages: &[Package], arch: Arch, ledger: &Ledger, ids: &IdMap) -> Vec<Diverted> {
    let mut owners: BTreeMap<&str, u32> = BTreeMap::new();
    let members = packages.iter().flat_map(|package| &package.members);
    for member in members.filter(|member| !member.node.is_dir()) {
        *owners.entry(&member.path).or_default() += 1;
    }
    let shares = |package: &Package| {
        package.members.iter().any(|member| owners.get(member.path.as_str()).is_some_and(|count| *count > 1))
    };
    let diverts = |package: &&Package| {
        package.control_text("preinst").is_some_and(|script| script.contains("dpkg-divert")) && shares(package)
    };
    let chosen: Vec<&Package> = packages.iter().filter(diverts).collect();
    if chosen.is_empty() {
        return Vec::new();
    }
    let others: Vec<Package> = packages.iter().filter(|package| !diverts(package)).cloned().collect();
    let Ok(tree) = unpack(&others) else { return Vec::new() };
    let Ok(accounts) = Accounts::new(&tree, ids, false, 0) else { return Vec::new() };
    let debconf = Debconf::new(packages, &BTreeMap::new());
    before_unpacking(tree, Input { packages, arch, ledger, debconf, accounts }, &chosen).diverted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::unpack::unpack_diverted;
    use crate::scripts::install;
    use crate::scripts::sample::package;

    const DIVERT: &str = "#!/bin/sh\nset -e\nif [ \"$1\" = install ]; then\n  dpkg-divert --package tools --add --rename \\\n    \
                          --divert /usr/bin/lamp.$DPKG_MAINTSCRIPT_PACKAGE /usr/bin/lamp\nfi\n";

    fn packages() -> [Package; 3] {
        [
            package("dpkg", ("preinst", ""), &[("usr/bin/dpkg-divert", ""), ("var/lib/dpkg/x", "")]),
            package("lamp", ("preinst", ""), &[("usr/bin/lamp", "lamp's"), ("usr/bin/lamp2", "x")]),
            package("tools", ("preinst", DIVERT), &[("usr/bin/lamp", "tools'")]),
        ]
    }

    #[test]
    fn both_packages_files_are_there_when_all_is_done() {
        let packages = packages();
        let ids = IdMap::default();
        let found = diverted(&packages, Arch::Amd64, &Ledger::default(), &ids);
        let [Diverted { package, path, to }] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((package.as_str(), path.as_str(), to.as_str()), ("tools", "usr/bin/lamp", "usr/bin/lamp.tools"));
        let tree = unpack_diverted(&packages, &found).unwrap();
        let accounts = Accounts::new(&tree, &ids, false, 0).unwrap();
        let debconf = Debconf::default();
        let done = install(
            tree,
            Input { packages: &packages, arch: Arch::Amd64, ledger: &Ledger::default(), debconf, accounts },
        );
        assert!(done.unfollowed.is_empty(), "{:?}", done.unfollowed);
        let text = |path: &str| done.tree.file(path).unwrap().text().unwrap();
        assert_eq!(text("usr/bin/lamp"), "tools'");
        assert_eq!(text("usr/bin/lamp.tools"), "lamp's");
        assert_eq!(text("var/lib/dpkg/diversions"), "/usr/bin/lamp\n/usr/bin/lamp.tools\ntools\n");
    }

    #[test]
    fn nothing_is_evaluated_where_no_path_is_shared() {
        let [dpkg, lamp, mut tools] = packages();
        tools.members.clear();
        assert!(diverted(&[dpkg, lamp, tools], Arch::Amd64, &Ledger::default(), &IdMap::default()).is_empty());
    }
}
