//! Whom an encrypted secrets file is for, in a list beside it that people can read: `secrets.recipients`.
//!
//! age encrypts for public keys and does not tell who did it: whoever knows the owner's public key can make a file that the
//! owner's identity opens, and name a further key in it, for which the owner's next change would be encrypted too. An
//! encrypted file shows nothing of that in a review. So the keys in it must be those of the list, where a change is seen.
//!
//! The list has the form of age's own (`age -R FILE`): a key on each line, but for empty lines and those that begin with `#`.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::private::{self, Access};
use super::{SecretsError, sealed};

/// The list's name in a workspace.
pub(super) const FILE: &str = "secrets.recipients";

const HEADER: &str = "\
# The public keys that secrets.toml.age is encrypted for. `imgbuild` refuses that file when it names others than this list.
# Whoever adds a key here can read every secret that is set from then on.
";

/// Public keys, each in its one spelling: without the comment behind an SSH key.
pub(super) type Keys = BTreeSet<String>;

/// The keys in these texts.
///
/// # Errors
/// A text that is no public key.
pub(super) fn keys(texts: &[String]) -> Result<Keys, SecretsError> {
    texts.iter().map(|text| sealed::spelled(text)).collect()
}

/// The keys of the list in `dir`; none if there is no list.
///
/// # Errors
/// A list that cannot be read; a line that is no public key.
pub(super) fn listed(dir: &Path) -> Result<Option<Keys>, SecretsError> {
    let path = dir.join(FILE);
    let place = path.display().to_string();
    let bytes = match private::read(&path, &place, Access::Public) {
        Err(SecretsError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let text = private::text(&bytes, &place)?;
    let lines = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let key = |(line, number)| {
        let wrong = |_| SecretsError::List { place: place.clone(), line: number };
        sealed::spelled(line).map_err(wrong)
    };
    lines.map(key).collect::<Result<_, _>>().map(Some)
}

/// Writes the list of a new encrypted file. One that is there already stays if it has the same keys.
///
/// # Errors
/// A list of other keys; a directory that cannot be written.
pub(super) fn write(dir: &Path, keys: &Keys) -> Result<(), SecretsError> {
    let path = dir.join(FILE);
    let place = path.display().to_string();
    match listed(dir)? {
        Some(listed) if listed == *keys => return Ok(()),
        Some(listed) => {
            let listed = listed.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            return Err(SecretsError::Leftover { place, listed });
        }
        None => {}
    }
    let lines: String = keys.iter().flat_map(|key| [key, "\n"]).collect();
    private::create(&path, &place, format!("{HEADER}{lines}").as_bytes(), Access::Public)
}

/// Holds the keys that the encrypted file `place` names against the list in `dir`, and gives them.
///
/// # Errors
/// No list, or one that differs.
pub(super) fn compare(dir: &Path, place: &str, named: Keys) -> Result<Keys, SecretsError> {
    let (place, list) = (place.to_owned(), dir.join(FILE).display().to_string());
    let join =
        |keys: &mut dyn Iterator<Item = &String>| keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let Some(listed) = listed(dir)? else {
        return Err(SecretsError::NoList { place, list, keys: join(&mut named.iter()) });
    };
    if named == listed {
        return Ok(named);
    }
    let sides = [("the file", named.difference(&listed)), ("the list", listed.difference(&named))];
    let sides = sides.into_iter().map(|(whose, mut keys)| (whose, join(&mut keys)));
    let only = sides.filter(|(_, keys)| !keys.is_empty()).map(|(whose, keys)| format!("only {whose} has {keys}"));
    Err(SecretsError::OtherKeys { place, list, difference: only.collect::<Vec<_>>().join("; ") })
}
