//! What scripts asked for that an effect does for all packages at once, when all scripts are done.

use std::collections::BTreeSet;

use super::alternatives::Choice;
use super::unpack::Diverted;

/// What scripts asked for.
#[derive(Debug, Clone, Default)]
pub struct Requests {
    /// Packages whose `postinst` was evaluated: what it did is in the tree and here.
    pub evaluated: BTreeSet<String>,
    /// Units of the system that `deb-systemd-helper enable` and the like enable, as far as presets allow.
    pub preset: BTreeSet<String>,
    /// Units that `systemctl enable` enables outright.
    pub enable: BTreeSet<String>,
    /// Units of the system that are disabled.
    pub disable: BTreeSet<String>,
    /// As `preset`, of the managers of all users.
    pub preset_user: BTreeSet<String>,
    /// As `enable`, of the managers of all users.
    pub enable_user: BTreeSet<String>,
    /// Units that `deb-systemd-helper` has a record of, `system/NAME` or `user/NAME`.
    pub recorded: BTreeSet<String>,
    /// Units that `deb-systemd-helper` masked, likewise.
    pub masked: BTreeSet<String>,
    /// Choices that `update-alternatives --install` made, in order.
    pub alternatives: Vec<Choice>,
    /// Files that `dpkg-divert` diverts, in order.
    pub diverted: Vec<Diverted>,
    /// Names of triggers that `dpkg-trigger` activated.
    pub triggers: BTreeSet<String>,
    /// Packages whose `postinst` is done. Whoever runs the scripts keeps this; dpkg's answers about them come from it.
    pub configured: BTreeSet<String>,
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
            preset_user: BTreeSet::new(),
            enable_user: BTreeSet::new(),
            recorded: BTreeSet::new(),
            masked: BTreeSet::new(),
            alternatives: Vec::new(),
            diverted: Vec::new(),
            triggers: BTreeSet::new(),
            configured: BTreeSet::new(),
        };
        &NONE
    }

    /// What is preset and what is enabled: of the system's manager, or of all users'.
    #[must_use]
    pub fn of(&self, user: bool) -> (&BTreeSet<String>, &BTreeSet<String>) {
        if user { (&self.preset_user, &self.enable_user) } else { (&self.preset, &self.enable) }
    }

    /// As [`Requests::of`], to change it.
    pub fn of_mut(&mut self, user: bool) -> (&mut BTreeSet<String>, &mut BTreeSet<String>) {
        if user { (&mut self.preset_user, &mut self.enable_user) } else { (&mut self.preset, &mut self.enable) }
    }
}
