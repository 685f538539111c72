//! Single values of declared effects that profiles do not have. Each checks itself while it is read.

use crate::profile::values::text;

text! {
    AccountName: account_name, "The name of an account or group of the system.";
    Home: home, "An absolute path.";
    Gecos: gecos, "Text without colons.";
    AlternativeName: alternative_name, "A name in /etc/alternatives.";
}

/// What accepts the values above, as `text!` looks for it.
mod checks {
    use crate::profile::checks::{Verdict, only, refuse};

    /// As adduser(8) has it by its `SYS_NAME_REGEX`, which takes capitals (`Debian-exim`); useradd(8) takes at most 32
    /// letters.
    pub(super) fn account_name(text: &str) -> Verdict {
        let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        if starts_well && text.len() <= 32 && only(text, |char| char.is_ascii_alphanumeric() || "_-".contains(char)) {
            return Ok(());
        }
        refuse(text, "the name of an account", "use at most 32 letters, digits, `_` and `-`, a letter or `_` first")
    }

    /// A field of passwd(5): no colon, no line break. It need not be in the image: `/nonexistent`, or below `/run`.
    pub(super) fn home(text: &str) -> Verdict {
        let clean = text.strip_prefix('/').is_some_and(|relative| {
            relative.is_empty() || relative.split('/').all(|part| !matches!(part, "" | "." | ".."))
        });
        if clean && !text.contains(|char: char| char == ':' || char.is_control()) {
            return Ok(());
        }
        refuse(text, "an absolute path", "write one such as `/var/lib/example`, without `:`, `..` and a `/` at its end")
    }

    pub(super) fn gecos(text: &str) -> Verdict {
        if !text.contains(|char: char| char == ':' || char.is_control()) {
            return Ok(());
        }
        refuse(text, "a field of /etc/passwd", "write one line without `:`")
    }

    /// As update-alternatives(1) takes it (`alternative name must not contain '/' and spaces`).
    pub(super) fn alternative_name(text: &str) -> Verdict {
        if text.len() <= 255 && !text.starts_with('.') && only(text, |char| char.is_ascii_graphic() && char != '/') {
            return Ok(());
        }
        refuse(text, "the name of an alternative", "write it as it stands in /etc/alternatives, such as `editor`")
    }
}
