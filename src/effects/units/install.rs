//! The `[Install]` section of a unit file, and the links that enabling the unit makes (systemctl(1), systemd.unit(5)).

/// What a unit's `[Install]` section asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Install {
    pub wanted_by: Vec<String>,
    pub required_by: Vec<String>,
    pub upheld_by: Vec<String>,
    pub alias: Vec<String>,
    pub also: Vec<String>,
    pub default_instance: Option<String>,
}

impl Install {
    /// Reads a unit file. Lists add up over lines, an empty assignment clears one; `\` at its end continues a line.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut install = Self::default();
        let mut inside = false;
        let text = text.replace("\\\n", " ");
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            if line.starts_with('[') {
                inside = line == "[Install]";
                continue;
            }
            let Some((key, value)) = line.split_once('=').filter(|_| inside) else { continue };
            let value = value.trim();
            let list = match key.trim() {
                "WantedBy" => &mut install.wanted_by,
                "RequiredBy" => &mut install.required_by,
                "UpheldBy" => &mut install.upheld_by,
                "Alias" => &mut install.alias,
                "Also" => &mut install.also,
                "DefaultInstance" => {
                    install.default_instance = Some(value.to_owned()).filter(|value| !value.is_empty());
                    continue;
                }
                _ => continue,
            };
            if value.is_empty() {
                list.clear();
            }
            list.extend(value.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()));
        }
        install
    }

    /// The names, below the configuration directory, of the links that enabling `unit` makes. A template without
    /// instance takes its `DefaultInstance`; one that has none gets only links from other templates.
    #[must_use]
    pub fn links(&self, unit: &str) -> Vec<String> {
        let named = Name::parse(unit);
        let instance = named.instance.or(named.template.then_some(self.default_instance.as_deref()).flatten());
        let name = named.with(instance);
        let expand = |text: &str| {
            text.replace("%i", instance.unwrap_or_default())
                .replace("%I", instance.unwrap_or_default())
                .replace("%p", named.prefix)
                .replace("%n", &name)
                .replace("%N", name.rsplit_once('.').map_or(name.as_str(), |(name, _)| name))
                .replace("%%", "%")
        };
        let lists = [(&self.wanted_by, "wants"), (&self.required_by, "requires"), (&self.upheld_by, "upholds")];
        let mut links: Vec<String> = Vec::new();
        for (targets, suffix) in lists {
            for target in targets {
                let target = expand(target);
                let nameless = named.template && instance.is_none();
                if !nameless || Name::parse(&target).template {
                    links.push(format!("{target}.{suffix}/{name}"));
                }
            }
        }
        links.extend(self.alias.iter().map(|alias| expand(alias)).filter(|alias| *alias != name));
        links
    }
}

/// `getty@tty1.service` in its parts.
pub(super) struct Name<'a> {
    prefix: &'a str,
    instance: Option<&'a str>,
    kind: &'a str,
    /// Whether it has an `@`.
    template: bool,
}

impl<'a> Name<'a> {
    pub fn parse(unit: &'a str) -> Self {
        let (stem, kind) = unit.rsplit_once('.').unwrap_or((unit, ""));
        match stem.split_once('@') {
            Some((prefix, instance)) => {
                Self { prefix, instance: Some(instance).filter(|text| !text.is_empty()), kind, template: true }
            }
            None => Self { prefix: stem, instance: None, kind, template: false },
        }
    }

    /// The name of the file that describes the unit: `getty@.service`.
    pub fn file(&self) -> String {
        self.with(None)
    }

    fn with(&self, instance: Option<&str>) -> String {
        let at = if self.template { "@" } else { "" };
        format!("{}{at}{}.{}", self.prefix, instance.unwrap_or_default(), self.kind)
    }
}
