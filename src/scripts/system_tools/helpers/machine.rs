//! Facts of the machine and the running system: few are the same on every node and known while an image is made.

use std::collections::BTreeMap;

use super::options;
use crate::profile::Arch;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason, Variables};

/// uname(1), as far as it tells no kernel's release and no machine's name.
pub(super) fn uname(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let table = [
        "s|kernel-name",
        "m|machine",
        "o|operating-system",
        "p|processor",
        "i|hardware-platform",
        "n|nodename",
        "r|kernel-release",
        "v|kernel-version",
        "a|all",
    ];
    let given = options::read("uname", call.args, &table)?;
    if let Some(option) = ["nodename", "kernel-release", "kernel-version", "all"].iter().find(|name| given.has(name)) {
        return Err(Reason::differs(&format!("uname --{option}"), "the running kernel or the machine's name"));
    }
    let mut words = Vec::new();
    if given.has("kernel-name") || given.options().next().is_none() {
        words.push("Linux");
    }
    if given.has("machine") {
        words.push(machine(debian.arch));
    }
    for unknown in ["processor", "hardware-platform"] {
        if given.has(unknown) {
            words.push("unknown");
        }
    }
    if given.has("operating-system") {
        words.push("GNU/Linux");
    }
    call.print(&format!("{}\n", words.join(" ")));
    Ok(0)
}

fn machine(arch: Arch) -> &'static str {
    match arch {
        Arch::Amd64 => "x86_64",
        Arch::Arm64 => "aarch64",
    }
}

/// arch(1)
pub(super) fn arch(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    options::read("arch", call.args, &[])?;
    call.print(&format!("{}\n", machine(debian.arch)));
    Ok(0)
}

/// ischroot(1): an image is put together in one.
pub(super) fn ischroot(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    options::read("ischroot", call.args, &["t|default-true", "f|default-false"])?;
    Ok(0)
}

/// runlevel(8): unknown, as without a record of the boot.
pub(super) fn runlevel(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    options::read("runlevel", call.args, &[])?;
    call.print("unknown\n");
    Ok(1)
}

/// mountpoint(1): of an installation's file systems, the kernel's own are mounted.
pub(super) fn mountpoint(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("mountpoint", call.args, &["q|quiet", "nofollow"])?;
    let [path] = given.operands.as_slice() else { return Ok(1) };
    let mounted = ["/proc", "/sys", "/dev", "/"].contains(&path.as_str());
    if !given.has("quiet") {
        call.print(&format!("{path} is {}a mountpoint\n", if mounted { "" } else { "not " }));
    }
    Ok(if mounted { 0 } else { 32 })
}

/// Categories of a locale in the order in which locale(1) prints them.
const LOCALE: [&str; 12] = [
    "CTYPE",
    "NUMERIC",
    "TIME",
    "COLLATE",
    "MONETARY",
    "MESSAGES",
    "PAPER",
    "NAME",
    "ADDRESS",
    "TELEPHONE",
    "MEASUREMENT",
    "IDENTIFICATION",
];

/// locale(1): what the environment asks for. Of locales, an image that is being made has those of libc-bin.
pub(super) fn locale(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("locale", call.args, &["a|all-locales"])?;
    let words: Vec<&str> = given.operands.iter().map(String::as_str).collect();
    let wanted = Wanted::of(call.variables);
    if let Some(other) = wanted.all().find(|name| !["C", "POSIX", "C.UTF-8", "C.utf8"].contains(name)) {
        return Err(Reason::unsupported("locale", format!("the locale {other}")));
    }
    match (given.has("all-locales"), words.as_slice()) {
        (true, []) => call.print("C\nC.utf8\nPOSIX\n"),
        (false, []) => call.print(&wanted.listed()),
        (false, ["charmap"]) => {
            let charmap = wanted.charmap();
            call.print(&format!("{charmap}\n"));
        }
        _ => return Err(Reason::unsupported("locale", call.args.join(" "))),
    }
    Ok(0)
}

/// The locale that the environment asks for (locale(7)): `LC_ALL` before the categories' own, `LANG` after them.
pub(super) struct Wanted {
    all: String,
    lang: String,
    own: BTreeMap<&'static str, String>,
    language: String,
}

impl Wanted {
    pub(super) fn of(variables: &Variables) -> Self {
        let of =
            |name: &str| variables.get(name).filter(|_| variables.is_exported(name)).unwrap_or_default().to_owned();
        let own = LOCALE.into_iter().map(|name| (name, of(&format!("LC_{name}")))).collect();
        Self { all: of("LC_ALL"), lang: of("LANG"), own, language: of("LANGUAGE") }
    }

    /// Names of locales that are asked for.
    fn all(&self) -> impl Iterator<Item = &str> {
        let names = [&self.all, &self.lang].into_iter().chain(self.own.values());
        names.map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Whether a category has a variable of its own that counts, and its locale.
    fn category(&self, name: &str) -> (bool, &str) {
        let own = self.own.get(name).map_or("", String::as_str);
        match (self.all.as_str(), own, self.lang.as_str()) {
            ("", "", "") => (false, "POSIX"),
            ("", "", lang) => (false, lang),
            ("", own, _) => (true, own),
            (all, _, _) => (false, all),
        }
    }

    /// The name of the character set.
    pub(super) fn charmap(&self) -> &'static str {
        if self.category("CTYPE").1.starts_with("C.") { "UTF-8" } else { "ANSI_X3.4-1968" }
    }

    /// As locale(1) lists them: what is only implied is quoted.
    pub(super) fn listed(&self) -> String {
        let mut text = format!("LANG={}\nLANGUAGE={}\n", self.lang, self.language);
        for name in LOCALE {
            let (own, locale) = self.category(name);
            let quote = if own { "" } else { "\"" };
            text.extend(["LC_", name, "=", quote, locale, quote, "\n"]);
        }
        text.extend(["LC_ALL=", &self.all, "\n"]);
        text
    }
}

/// `pg_lsclusters`(1): an image has no database, every node makes its own.
pub(super) fn pg_lsclusters(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read("pg_lsclusters", call.args, &["h|no-header"])?;
    if !given.has("no-header") {
        call.print("Ver Cluster Port Status Owner Data directory Log file\n");
    }
    Ok(0)
}
