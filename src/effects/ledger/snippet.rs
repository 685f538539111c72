//! What debhelper's generated sections do, recognised by comparing them with known templates.
//!
//! A section matches a template if their lines are equal but for indentation, comments and the template's holes; a
//! hole takes any text, the same wherever its name stands. A section that no template matches is treated like
//! a hand-written line: somebody has to look at it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::nss::is_name_services;
use super::script::Section;

/// The effect of one generated section on a fresh image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Snippet {
    /// `deb-systemd-helper enable`: enables a unit as far as presets allow.
    Enable { unit: String, user: bool },
    /// Done by this effect (a name from [`super::reviewed::EFFECTS`]).
    By(&'static str),
    /// Nothing to do: concerns running systems, upgrades, or programs other than systemd.
    Nothing,
}

struct Template {
    helper: &'static str,
    kind: &'static str,
    lines: Vec<&'static str>,
}

/// The templates by debhelper program; see the file for its form.
static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let mut templates: Vec<Template> = Vec::new();
    for line in include_str!("snippets.txt").lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        if let Some((helper, kind)) = line.split_once(" => ") {
            templates.push(Template { helper, kind, lines: Vec::new() });
        } else if let Some(template) = templates.last_mut() {
            template.lines.push(line.trim());
        }
    }
    templates
});

/// What `section` does, or `None` if no template knows it.
pub(super) fn recognise(section: &Section<'_>) -> Option<Snippet> {
    let lines: Vec<String> = section
        .lines
        .iter()
        .map(|(_, line)| line.trim().replace(" ; then", "; then"))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    match section.helper {
        "dh_installdeb" => lines.iter().all(|line| is_conffile_upgrade(line)).then_some(Snippet::Nothing),
        "dh_installalternatives" => is_alternatives(&lines).then_some(Snippet::By("alternatives")),
        "dh_installnss" if is_name_services(section) => Some(Snippet::By("conffiles")),
        helper => TEMPLATES.iter().filter(|template| template.helper == helper).find_map(|template| {
            let holes = template.fill(&lines)?;
            let unit = || holes.get("unit").map(|unit| unit.trim_matches('\'').to_owned());
            match template.kind {
                "enable" => Some(Snippet::Enable { unit: unit()?, user: false }),
                "enable-user" => Some(Snippet::Enable { unit: unit()?, user: true }),
                "nothing" => Some(Snippet::Nothing),
                effect => Some(Snippet::By(effect)),
            }
        }),
    }
}

/// dpkg-maintscript-helper(1): these act only when upgrading from a version older than the one named.
fn is_conffile_upgrade(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("dpkg-maintscript-helper")
        && matches!(words.next(), Some("rm_conffile" | "mv_conffile" | "symlink_to_dir" | "dir_to_symlink"))
        && line.ends_with("-- \"$@\"")
}

/// Whether this is `if configuring; then update-alternatives --install …; fi` with literal arguments.
fn is_alternatives(lines: &[String]) -> bool {
    let [first, middle @ .., last] = lines else { return false };
    let Some((command, more)) = middle.split_first() else { return false };
    first.starts_with("if [ \"$1\" = \"configure\" ]")
        && last == "fi"
        && command.starts_with("update-alternatives --install ")
        && more.iter().all(|line| line.starts_with("--slave "))
        && middle.iter().all(|line| !line.contains(['$', '`', ';', '|', '&', '<', '>']))
}

impl Template {
    /// What the holes have to hold for `lines` to be this template.
    fn fill(&self, lines: &[String]) -> Option<BTreeMap<&'static str, String>> {
        if self.lines.len() != lines.len() {
            return None;
        }
        let mut holes = BTreeMap::new();
        for (pattern, line) in self.lines.iter().zip(lines) {
            match_line(pattern, line, &mut holes)?;
        }
        Some(holes)
    }
}

/// Matches one line; a hole `<name>` ends where the text after it begins for the first time.
fn match_line(mut pattern: &'static str, mut line: &str, holes: &mut BTreeMap<&'static str, String>) -> Option<()> {
    while let Some((before, name, after)) = next_hole(pattern) {
        line = line.strip_prefix(before)?;
        let literal = next_hole(after).map_or(after, |(literal, ..)| literal);
        let end = if literal.is_empty() { line.len() } else { line.find(literal)? };
        let (value, rest) = line.split_at(end);
        if holes.insert(name, value.to_owned()).is_some_and(|earlier| earlier != value) {
            return None;
        }
        (pattern, line) = (after, rest);
    }
    (pattern == line).then_some(())
}

/// Splits at the first hole: text before, the hole's name, text after. Redirections (`>/dev/null`) are no holes.
fn next_hole(pattern: &'static str) -> Option<(&'static str, &'static str, &'static str)> {
    let start = pattern.find('<')?;
    let (before, rest) = pattern.split_at(start);
    let (name, after) = rest[1..].split_once('>')?;
    Some((before, name, after))
}
