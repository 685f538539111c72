//! What `dh_installnss` generates: a package adds its modules to lines of `/etc/nsswitch.conf`.
//!
//! The section is a comment and a `sed` command for each line. The comment says what the command does, so the command
//! is generated again from the comment and compared: only one that does what is said is taken for known.

use super::script::Section;

/// A module that a package adds to a line of `/etc/nsswitch.conf` (nsswitch.conf(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameService {
    /// The line: `passwd`, `hosts`.
    pub database: String,
    /// `resolve`.
    pub service: String,
    /// The action in brackets behind it: `!UNAVAIL=return`.
    pub action: Option<String>,
    pub position: Position,
}

/// Where in its line a module goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    Last,
    /// Before the first of these services.
    Before(Vec<String>),
    /// Behind the first of these services and its action.
    After(Vec<String>),
}

const CONF: &str = r#""${DPKG_ROOT}/etc/nsswitch.conf""#;
const MARK: &str = r#""${DPKG_ROOT}/etc/nsswitch.conf.nss.${DPKG_MAINTSCRIPT_PACKAGE}-will-install""#;

/// Reads a section of a `postinst`; `None` if any of its lines is not as expected.
pub(super) fn parse(section: &Section<'_>) -> Option<Vec<NameService>> {
    let lines: Vec<&str> = section.lines.iter().map(|(_, line)| line.trim()).collect();
    let [first, guard, edits @ .., close, remove, last] = lines.as_slice() else { return None };
    let known = *first == format!(r#"if [ "$1" = "configure" ] && [ -f {MARK} ] && [ -e {CONF} ] ; then"#)
        && is_guard(guard)
        && (*close, *last) == ("fi", "fi")
        && *remove == format!("rm {MARK}");
    let edits = edits.chunks(2).map(|edit| match edit {
        [comment, command] => NameService::from_comment(comment).filter(|found| found.command() == *command),
        _ => None,
    });
    known.then(|| edits.collect()).flatten()
}

/// Whether the line only asks if the configuration has one of the modules already, which that of a fresh image
/// never has.
fn is_guard(line: &str) -> bool {
    line.strip_prefix("if ! grep -q -E ")
        .and_then(|rest| rest.strip_suffix(&format!(" {CONF} ; then")))
        .is_some_and(|patterns| !patterns.contains(['`', ';', '"']) && !patterns.contains("$("))
}

impl NameService {
    /// `# Installing hosts/resolve[!UNAVAIL=return] from libnss-resolve in position before=dns`.
    fn from_comment(line: &str) -> Option<Self> {
        let (what, rest) = line.strip_prefix("# Installing ")?.split_once(" from ")?;
        let (_, position) = rest.split_once(" in position ")?;
        let (database, service) = what.split_once('/')?;
        let (service, action) = match service.strip_suffix(']').and_then(|service| service.split_once('[')) {
            Some((service, action)) => (service, Some(action.to_owned())),
            None => (service, None),
        };
        let list = |names: &str| names.split(',').map(str::to_owned).collect();
        let position = match position.split_once('=') {
            None if position == "last" => Position::Last,
            Some(("before", names)) => Position::Before(list(names)),
            Some(("after", names)) => Position::After(list(names)),
            _ => return None,
        };
        Some(Self { database: database.to_owned(), service: service.to_owned(), action, position })
    }

    /// The command that `dh_installnss` generates.
    fn command(&self) -> String {
        let Self { database, service, position, .. } = self;
        let action = self.action.as_ref().map(|action| format!(r" \[{action}\]")).unwrap_or_default();
        let (names, plain, commented) = match position {
            Position::Last => {
                return format!(
                    r"sed -E -i {CONF} -e '/^{database}:\s[^#]*$/ s/$/ {service}{action}/' -e '/^{database}:\s.*#/ s/#/ {service}{action} #/'"
                );
            }
            Position::Before(names) => {
                (names, format!(r"\1{service}{action} \2 "), format!(r"\1{service}{action} \2 "))
            }
            Position::After(names) => {
                (names, format!(r"\1\2 {service}{action} "), format!(r"\1\2 {service}{action} \3"))
            }
        };
        let names: Vec<String> = names.iter().map(|name| format!(r"{name}(\s+\[[^]]+\])?")).collect();
        let names = names.join("|");
        format!(
            r"sed -E -i {CONF} -e '/^{database}:\s[^#]*$/ s/(\s)({names})(\s|$)/{plain}/' -e '/^{database}:\s.*#/ s/(\s)({names})(\s|#)/{commented}/' -e 's/ $//'"
        )
    }
}
