//! The files of accounts as a command reads and writes them.

use crate::effects::EffectError;
use crate::effects::accounts::{GroupEntry, Secret, Tables, UserEntry};
use crate::scripts::debian::Debian;
use crate::shell::{Call, Reason};

/// Reads the files.
pub(super) fn read(call: &Call<'_>) -> Result<Tables, Reason> {
    Tables::read(call.files.tree()).map_err(refused)
}

/// Writes what was changed and records it as `what`.
pub(super) fn store(call: &mut Call<'_>, tables: Tables, what: String) -> Result<(), Reason> {
    tables.store(call.files.tree_mut()).map_err(refused)?;
    call.files.note(what);
    Ok(())
}

/// An effect's error as a reason.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub(super) fn refused(error: EffectError) -> Reason {
    let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    Reason::Refused(format!("{error}{hint}"))
}

/// Reports a failure and gives the exit status.
pub(super) fn fail(call: &mut Call<'_>, status: u8, text: &str) -> u8 {
    call.complain(text);
    status
}

/// A group by name or number, as shadow-utils take it after `-g` and `-G`.
pub(super) fn group_of(tables: &Tables, word: &str) -> Option<GroupEntry> {
    match word.parse() {
        Ok(gid) => tables.group_of(gid),
        Err(_) => tables.group(word),
    }
}

/// Adds a system's group, whose number is one of `candidates`.
pub(super) fn add_group(
    debian: &mut Debian<'_>,
    tables: &mut Tables,
    name: &str,
    candidates: impl IntoIterator<Item = u32>,
) -> Result<u32, Reason> {
    let gid = debian.accounts.numbers().group(name, false, candidates).map_err(refused)?;
    tables.add_group(&GroupEntry { name: name.to_owned(), gid, members: Vec::new(), secret: Secret::Script });
    Ok(gid)
}

/// A system's account, to be added.
pub(super) fn entry(name: &str, uid: u32, gid: u32, home: &str, shell: &str, gecos: &str) -> UserEntry {
    UserEntry {
        name: name.to_owned(),
        uid,
        gid,
        gecos: gecos.to_owned(),
        home: home.to_owned(),
        shell: shell.to_owned(),
        secret: Secret::Script,
    }
}

/// Whether this can be a field of passwd(5).
pub(super) fn is_field(text: &str) -> bool {
    !text.contains(|char: char| char == ':' || char.is_control())
}
