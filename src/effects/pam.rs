//! PAM's common files, as `pam-auth-update --package` of libpam-runtime makes them on a first installation.
//!
//! Way of the data: profiles in `/usr/share/pam-configs` that are on by default, by falling priority → the "Primary"
//! and "Additional" blocks of the templates in `/usr/share/pam` → `/etc/pam.d/common-*`, and under `/var/lib/pam` the
//! record by which a later `pam-auth-update` knows what it may change.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::EffectError;
use crate::tree::{Content, Node, Tree};

const ORIGIN: &str = "effect:pam";
const PROFILES: &str = "usr/share/pam-configs";
const TEMPLATES: &str = "usr/share/pam";

/// The stacks: name of the file after `common-`, word at the start of each line, prefix of the profile's fields.
const STACKS: [(&str, &str, &str); 5] = [
    ("auth", "auth", "Auth"),
    ("account", "account", "Account"),
    ("password", "password", "Password"),
    ("session", "session", "Session"),
    ("session-noninteractive", "session", "Session-noninteractive"),
];

/// The comments around the managed blocks.
const PRIMARY: &str = "# here are the per-package modules (the \"Primary\" block)";
const FALLBACK: &str = "# here's the fallback if no module succeeds";
const ADDITIONAL: &str = "# and here are more per-package modules (the \"Additional\" block)";
const END: &str = "# end of pam-auth-update config";
const MARKS: [&str; 4] = [PRIMARY, FALLBACK, ADDITIONAL, END];

/// Stands in for a primary block without modules, so that the jump over `pam_deny` happens.
const PERMIT: &str = "[default=1]\t\t\tpam_permit.so";

/// Modules whose profiles are passed over, because they are gone from PAM.
const GONE: [&str; 1] = ["pam_tally"];

/// A package's profile: its fields, those of several lines joined by newlines.
#[derive(Debug)]
struct Profile {
    name: String,
    fields: BTreeMap<String, String>,
}

/// Writes the common files if the tree has their templates.
///
/// # Errors
/// A profile or template that cannot be read; a template without the comments around the managed blocks.
pub fn pam(tree: &mut Tree) -> Result<(), EffectError> {
    if !tree.contains(TEMPLATES) {
        return Ok(());
    }
    let mut profiles = Vec::new();
    for (path, node) in tree.below(PROFILES) {
        let name = &path[PROFILES.len() + 1..];
        if node.is_dir() || name.ends_with('~') {
            continue;
        }
        let profile = Profile::parse(name, &read(tree, path)?);
        if !GONE.iter().any(|module| profile.fields.values().any(|value| value.contains(module))) {
            profiles.push(profile);
        }
    }
    profiles.sort_by(|a, b| b.priority().cmp(&a.priority()).then_with(|| b.name.cmp(&a.name)));
    let seen = profiles.iter().fold(String::new(), |all, profile| all + &profile.name + "\n");
    let enabled = choose(profiles);
    let mut files = vec![("var/lib/pam/seen".to_owned(), seen)];
    for (stack, word, field) in STACKS {
        let path = format!("{TEMPLATES}/common-{stack}");
        let template = read(tree, &path)?;
        // Without a mark the rest of the file would be lost, `pam_deny` with it.
        if !MARKS.iter().all(|mark| template.lines().any(|line| line.starts_with(mark))) {
            return Err(EffectError::refused(
                format!("template `/{path}`"),
                "it lacks a comment that pam-auth-update goes by",
            ));
        }
        files.push((format!("etc/pam.d/common-{stack}"), fill(&template, &enabled, word, field)));
        files.push((format!("var/lib/pam/{stack}"), record(&enabled, field)));
    }
    for (path, text) in files {
        tree.put(&path, Node::file(0o644, text).from(ORIGIN))?;
    }
    Ok(())
}

fn read(tree: &Tree, path: &str) -> Result<String, EffectError> {
    let text = tree.file(path).map_or_else(|| Err(std::io::ErrorKind::NotFound.into()), Content::text);
    text.map_err(|source| EffectError::Read { path: path.to_owned(), source })
}

/// Profiles that are on by default, less those that another one names as conflicting.
fn choose(profiles: Vec<Profile>) -> Vec<Profile> {
    let mut enabled: Vec<Profile> = profiles.into_iter().filter(|profile| profile.field("Default") == "yes").collect();
    let mut index = 0;
    while let Some(profile) = enabled.get(index) {
        let conflicts: Vec<String> = profile.field("Conflicts").split(", ").map(str::to_owned).collect();
        enabled.retain(|other| !conflicts.contains(&other.name));
        index += 1;
    }
    enabled
}

impl Profile {
    /// Reads a file of `/usr/share/pam-configs`: `Field: value` in one line, or `Field:` and the value in those below.
    fn parse(name: &str, text: &str) -> Self {
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines() {
            let header = line
                .split_once(':')
                .filter(|(field, value)| !field.contains(char::is_whitespace) && value.starts_with([' ', '\t']))
                .or_else(|| {
                    Some((line.strip_suffix(':')?, "")).filter(|(field, _)| !field.contains(char::is_whitespace))
                });
            if let Some((field, value)) = header {
                // The first round of this format knew `Auth-Final` for what is now `Auth`.
                field.strip_suffix("-Final").unwrap_or(field).clone_into(&mut current);
                fields.insert(current.clone(), value.trim().to_owned());
            } else if !line.trim().is_empty() {
                let value = fields.entry(current.clone()).or_default();
                if !value.is_empty() {
                    value.push('\n');
                }
                value.push_str(line.trim());
            }
        }
        if fields.get("Session-Interactive-Only").is_none_or(|only| only != "yes") {
            for part in ["-Type", "", "-Initial"] {
                if let Some(value) = fields.get(&format!("Session{part}")).cloned() {
                    fields.insert(format!("Session-noninteractive{part}"), value);
                }
            }
        }
        Self { name: name.to_owned(), fields }
    }

    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    fn priority(&self) -> i64 {
        self.field("Priority").parse().unwrap_or(0)
    }

    /// The module lines for a stack; the first profile of a block may have other ones.
    fn modules(&self, stack: &str, first: bool) -> &str {
        match self.field(&format!("{stack}-Initial")) {
            initial if first && !initial.is_empty() => initial,
            _ => self.field(stack),
        }
    }
}

/// The module lines of one block, with each profile's name.
fn block<'a>(enabled: &'a [Profile], stack: &str, kind: &str) -> Vec<(&'a str, &'a str)> {
    let type_field = format!("{stack}-Type");
    enabled
        .iter()
        .filter(|profile| profile.field(&type_field) == kind)
        .enumerate()
        .map(|(index, profile)| (profile.name.as_str(), profile.modules(stack, index == 0)))
        .collect()
}

/// The template with both blocks filled in.
fn fill(template: &str, enabled: &[Profile], word: &str, stack: &str) -> String {
    let mut out = String::new();
    let mut skip_until: Option<&str> = None;
    for line in template.lines() {
        match skip_until {
            Some(marker) if !line.starts_with(marker) => continue,
            _ => skip_until = None,
        }
        let _ = writeln!(out, "{line}");
        let kind = if line.starts_with(PRIMARY) {
            skip_until = Some(FALLBACK);
            "Primary"
        } else if line.starts_with(ADDITIONAL) {
            skip_until = Some(END);
            "Additional"
        } else {
            continue;
        };
        let lines: Vec<&str> = block(enabled, stack, kind).iter().flat_map(|(_, modules)| modules.lines()).collect();
        // `end` in a control field jumps behind the block: over the remaining lines and `pam_deny`; the additional
        // block has no `pam_deny` to jump over.
        let mut jump = lines.len();
        if kind == "Primary" && lines.is_empty() {
            let _ = writeln!(out, "{word}\t{PERMIT}");
        } else if kind == "Additional" {
            jump = jump.saturating_sub(1);
        }
        for line in lines {
            let (module, options) = split_module(line);
            let options: Vec<&str> = options.split_whitespace().collect();
            let _ = writeln!(out, "{word}\t{} {}", module.replace("end", &jump.to_string()), options.join(" "));
            jump = jump.saturating_sub(1);
        }
    }
    out
}

/// Splits `CONTROL MODULE OPTIONS` behind the module.
fn split_module(line: &str) -> (&str, &str) {
    let control = match line.strip_prefix('[') {
        Some(rest) => rest.find(']').map_or(line.len(), |end| end + 2),
        None => line.find(char::is_whitespace).unwrap_or(line.len()),
    };
    let rest = &line[control..];
    let module = rest.len() - rest.trim_start().len();
    let end = rest[module..].find(char::is_whitespace).map_or(line.len(), |end| control + module + end);
    line.split_at(end)
}

/// What `/var/lib/pam` holds of a stack: the blocks one after the other, as the profiles have them.
fn record(enabled: &[Profile], stack: &str) -> String {
    let mut out = String::new();
    let primary = block(enabled, stack, "Primary");
    if primary.is_empty() {
        let _ = writeln!(out, "Module: null\n{PERMIT}");
    }
    for (name, modules) in primary.into_iter().chain(block(enabled, stack, "Additional")) {
        if !modules.is_empty() {
            let _ = writeln!(out, "Module: {name}\n{modules}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(template: &str) -> Tree {
        let mut tree = Tree::new();
        for (stack, ..) in STACKS {
            tree.put(&format!("{TEMPLATES}/common-{stack}"), Node::file(0o644, template)).unwrap();
        }
        tree
    }

    fn template() -> String {
        format!("# head\n{PRIMARY}\nold\n{FALLBACK}\nauth\trequisite\tpam_deny.so\n{ADDITIONAL}\n{END}\n")
    }

    #[test]
    fn jumps_lead_behind_the_block_and_only_the_first_module_is_initial() {
        let mut tree = tree(&template());
        for (name, priority) in [("low", 1), ("high", 2)] {
            let text = format!(
                "Name: x\nDefault: yes\nPriority: {priority}\nAuth-Type: Primary\nAuth:\n\t[success=end default=ignore]\t\
                 pam_{name}.so  more\nAuth-Initial:\n\t[success=end default=ignore]\tpam_{name}.so\n"
            );
            tree.put(&format!("{PROFILES}/{name}"), Node::file(0o644, text)).unwrap();
        }
        pam(&mut tree).unwrap();
        let text = tree.file("etc/pam.d/common-auth").unwrap().text().unwrap();
        let lines =
            "auth\t[success=2 default=ignore]\tpam_high.so \nauth\t[success=1 default=ignore]\tpam_low.so more\n";
        assert_eq!(text, template().replace("old\n", lines));
    }

    #[test]
    fn a_template_without_a_mark_is_refused() {
        for mark in MARKS {
            let error = pam(&mut tree(&template().replace(mark, "#"))).unwrap_err();
            assert!(error.to_string().contains("common-auth"), "{error}");
        }
    }
}
