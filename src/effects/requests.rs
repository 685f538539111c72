//! What scripts asked for that an effect does for all packages at once, when all scripts are done.

use std::collections::BTreeSet;

use super::alternatives::Choice;

/// What scripts asked for.
#[derive(Debug, Clone, Default)]
pub struct Requests {
    /// Packages whose `postinst` was evaluated: what it did is in the tree and here.
    pub evaluated: BTreeSet<String>,
    /// Units of the system that `deb-systemd-helper enable` and the like enable, as far as presets allow.
    pub preset: BTreeSet<String>,
    /// Units that `systemctl enable` enables outright.
    pub enable: BTreeSet<String>,
    /// Units that are masked or disabled.
    pub disable: BTreeSet<String>,
    /// Choices that `update-alternatives --install` made, in order.
    pub alternatives: Vec<Choice>,
    /// Names of triggers that `dpkg-trigger` activated.
    pub triggers: BTreeSet<String>,
}

impl Requests {
    /// None at all.
    #[must_use]
    pub fn none() -> &'static Self {
        static NONE: Requests = Requests {
            evaluated: BTreeSet::new(),
            preset: BTreeSet::new(),
            enable: BTreeSet::new(),
            disable: BTreeSet::new(),
            alternatives: Vec::new(),
            triggers: BTreeSet::new(),
        };
        &NONE
    }
}
