//! The sections of `dh_installnss`, which add name services to `/etc/nsswitch.conf`.
//!
//! A comment above each sed command says what it does, and that is what the effect goes by. So the command that belongs
//! to the comment is composed here as debhelper does it, and a section is known only if its own is the same.

use super::script::Section;

const FILE: &str = "\"${DPKG_ROOT}/etc/nsswitch.conf\"";
const MARKER: &str = "\"${DPKG_ROOT}/etc/nsswitch.conf.nss.${DPKG_MAINTSCRIPT_PACKAGE}-will-install\"";

/// Whether this does what its comments say and nothing else.
pub(super) fn is_name_services(section: &Section<'_>) -> bool {
    let lines: Vec<String> = section
        .lines
        .iter()
        .map(|(_, line)| line.trim().replace(" ; then", "; then"))
        .filter(|line| !line.is_empty())
        .collect();
    let [begin, guard, edits @ .., end, remove, last] = lines.as_slice() else { return false };
    let Some(guarded) = guarded(guard) else { return false };
    *begin == format!("if [ \"$1\" = \"configure\" ] && [ -f {MARKER} ] && [ -e {FILE} ]; then")
        && *end == "fi"
        && *remove == format!("rm {MARKER}")
        && *last == "fi"
        && !edits.is_empty()
        && edits.chunks(2).all(|edit| match edit {
            [comment, sed] => Edit::parse(comment).is_some_and(|edit| {
                edit.command().as_ref() == Some(sed)
                    && guarded.iter().any(|(database, names)| {
                        *database == edit.database && names.split('|').any(|name| name == edit.service)
                    })
            }),
            _ => false,
        })
}

/// The databases and services (divided by `|`) of which none may be there yet for the edits to be made.
fn guarded(line: &str) -> Option<Vec<(&str, &str)>> {
    let patterns = line.strip_prefix("if ! grep -q -E ")?.strip_suffix("; then")?.strip_suffix(FILE)?;
    let pattern = |text| -> Option<(&str, &str)> {
        let (database, rest) = str::strip_prefix(text, "'^")?.split_once(":[^#]*\\s(")?;
        let names = rest.strip_suffix(")(\\s|#|$)'")?;
        (is_word(database) && names.split('|').all(is_word)).then_some((database, names))
    };
    patterns.trim().strip_prefix("-e ")?.split(" -e ").map(|text| pattern(text.trim())).collect()
}

/// What a comment announces.
struct Edit<'a> {
    database: &'a str,
    service: &'a str,
    /// `[…]` or empty.
    action: &'a str,
    position: &'a str,
}

impl<'a> Edit<'a> {
    fn parse(comment: &'a str) -> Option<Self> {
        let (what, rest) = comment.strip_prefix("# Installing ")?.split_once(" from ")?;
        let (_, position) = rest.split_once(" in position ")?;
        let (database, service) = what.split_once('/')?;
        let (service, action) = service.split_at(service.find('[').unwrap_or(service.len()));
        let is_action = |action: &str| {
            let inside = action.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
            inside
                .and_then(|text| text.strip_prefix('!').unwrap_or(text).split_once('='))
                .is_some_and(|(state, what)| word(state) && word(what))
        };
        (is_word(database) && is_word(service) && (action.is_empty() || is_action(action))).then_some(Self {
            database,
            service,
            action,
            position,
        })
    }

    /// The command as `dh_installnss` writes it (`inst_operation_expr` there).
    fn command(&self) -> Option<String> {
        let Self { database, service, action, position } = *self;
        let new = match action {
            "" => service.to_owned(),
            action => format!("{service} {}", action.replace('[', "\\[").replace(']', "\\]")),
        };
        let (plain, commented) = (format!("/^{database}:\\s[^#]*$/"), format!("/^{database}:\\s.*#/"));
        let parts = match position.split_once('=') {
            None if position == "first" => vec![format!("/^{database}:\\s/ s/(:\\s+)/\\1{new} /")],
            None if position == "last" => {
                vec![format!("{plain} s/$/ {new}/"), format!("{commented} s/#/ {new} #/")]
            }
            Some((side @ ("before" | "after"), anchors)) if anchors.split(',').all(is_word) => {
                let anchor = |name: &str| format!("{name}(\\s+\\[[^]]+\\])?");
                let anchors = anchors.split(',').map(anchor).collect::<Vec<_>>().join("|");
                let (with_plain, with_commented) = match side {
                    "before" => (format!("\\1{new} \\2 "), format!("\\1{new} \\2 ")),
                    _ => (format!("\\1\\2 {new} "), format!("\\1\\2 {new} \\3")),
                };
                vec![
                    format!("{plain} s/(\\s)({anchors})(\\s|$)/{with_plain}/"),
                    format!("{commented} s/(\\s)({anchors})(\\s|#)/{with_commented}/"),
                    "s/ $//".to_owned(),
                ]
            }
            _ => return None,
        };
        Some(format!("sed -E -i {FILE} -e '{}'", parts.join("' -e '")))
    }
}

/// A name that means itself to sed and grep.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":@_-".contains(&byte))
}
