//! Files that give their place to another package's, as `dpkg-divert --rename --add` of its script has it (dpkg-divert(1)).
//!
//! A script says so before its package is unpacked, so these are known before the tree is made; where they are recorded,
//! dpkg's database is written.

use std::collections::BTreeSet;

use super::{Declared, Fault};
use crate::debian::{Member, Package};
use crate::effects::EffectError;
use crate::effects::unpack::Diverted;

impl Declared {
    /// What is diverted when `packages` are unpacked, in the ledger's order.
    ///
    /// # Errors
    /// A diversion of what no other package ships; one to where something is; two of one file.
    pub fn diverted(&self, packages: &[Package]) -> Result<Vec<Diverted>, EffectError> {
        let mut diverted: Vec<Diverted> = Vec::new();
        let mut taken = BTreeSet::new();
        for (entry, diversion) in self.each(|effects| &effects.diversions) {
            let path = diversion.path.get_ref().0.trim_start_matches('/').to_owned();
            let to = diversion.to().trim_start_matches('/').to_owned();
            let refuse = |cause: String, cure: &str| {
                Err(entry.refuse(&diversion.path, format!("diversion of `/{path}`"), Fault::new(cause, cure)))
            };
            let others = packages.iter().filter(|package| package.name != entry.package);
            let Some((owner, member)) = others.clone().find_map(|package| Some((package, member(package, &path)?)))
            else {
                let fault = Fault::idle("no other package of the image ships that file");
                return Err(entry.refuse(&diversion.path, format!("diversion of `/{path}`"), fault));
            };
            if member.node.is_dir() {
                let cause = format!("it is a directory of {}", owner.name);
                return refuse(cause, "dpkg diverts files only: declare a diversion of each");
            }
            if let Some(owner) = packages.iter().find(|package| self::member(package, &to).is_some()) {
                return refuse(format!("{} ships `/{to}`, where it would go", owner.name), "give `to` another path");
            }
            if !taken.insert(path.clone()) || !taken.insert(to.clone()) {
                return refuse("it, or where it goes, is declared before".to_owned(), "keep one of the two");
            }
            diverted.push(Diverted { package: entry.package.clone(), path, to });
        }
        Ok(diverted)
    }
}

/// What a package has at a path of a system with merged `/usr`.
fn member<'p>(package: &'p Package, path: &str) -> Option<&'p Member> {
    package.members.iter().find(|member| merged(&member.path, path))
}

/// Whether `member` is found at `path` once `/bin`, `/lib`, `/lib64` and `/sbin` are links into `/usr`.
fn merged(member: &str, path: &str) -> bool {
    let moved = ["bin/", "lib/", "lib64/", "sbin/"].iter().any(|top| member.starts_with(top));
    member == path || (moved && path.strip_prefix("usr/") == Some(member))
}
