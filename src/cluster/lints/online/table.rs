//! Findings about the state of K3s's table.

use indicatif::BinaryBytes;

use super::{LintMessage, lint};
use crate::cluster::lints::{Inputs, Lint};
use crate::datastore::{KineTable, Table};
use crate::diagnostic::Severity::{Error, Warning};
use crate::profile::{Role, Tag};

pub(super) const KEY_ORDER: Lint = lint(
    "D025-key-order",
    Error,
    "K3s does not find its keys in the order of the table",
    "since kine 0.16.3 (v1.33.13+k3s2, v1.34.10, v1.35.7, v1.36.3) K3s lists by ranges of keys; tables from before kine 0.13 (October 2024) \
     are in the order of the database's language, in which the ranges are empty, and the API server ends again and again",
);
pub(super) const COLLATION: Lint = lint(
    "D026-collation",
    Warning,
    "The table's keys are in the order of a language",
    "K3s makes the column with `COLLATE \"C\"` since kine 0.13 and counts on it: other orders cannot use its indexes, and with \
     some of them the releases since v1.33.13+k3s2, v1.34.10, v1.35.7 and v1.36.3 do not start",
);
pub(super) const MISSING_INDEX: Lint = lint(
    "D027-missing-index",
    Warning,
    "The table lacks an index of K3s's",
    "K3s makes it at its next start and writes nothing meanwhile, for minutes if the table is large; without it, each list \
     reads the whole table",
);
pub(super) const BROKEN_INDEX: Lint = lint(
    "D028-broken-index",
    Warning,
    "An index of the table is not in use",
    "making it was cut off; K3s only looks whether the name is there, so it stays so",
);
pub(super) const NARROW_IDS: Lint = lint(
    "D029-narrow-ids",
    Warning,
    "The table's revisions will run out",
    "tables from before kine 0.11.5 (March 2024) number them in 32 bits; behind 2,147,483,647 nothing can be written any more",
);
pub(super) const LARGE: Lint = lint(
    "D030-large-table",
    Warning,
    "The table is large",
    "a home cluster's has some dozen megabytes; a larger one makes K3s slow, and may fill the database's disk",
);
pub(super) const DEAD_ROWS: Lint = lint(
    "D031-dead-rows",
    Warning,
    "The table holds more deleted rows than rows",
    "PostgreSQL's autovacuum does not keep up, so that every list reads past them and the disk fills",
);
pub(super) const NOT_COMPACTED: Lint = lint(
    "D032-not-compacted",
    Warning,
    "Old revisions are not removed from the table",
    "K3s removes all but some thousand every five minutes; where that fails the table grows without end",
);
pub(super) const EXPOSED: Lint = lint(
    "D034-data-api",
    Warning,
    "The roles of the Data API may read K3s's table",
    "Supabase's public key is enough to ask in the name of `anon`: the whole cluster's state may be read",
);

/// Bytes from which on a table is called large; a twentieth of it is usual.
const LARGE_SIZE: u64 = 1 << 30;
/// Number of deleted rows from which on they are reported.
const MANY_DEAD: u64 = 10_000;
/// Number of uncompacted revisions that are reported: they take hours to accumulate, and compactions come every five minutes.
const MANY_REVISIONS: u64 = 100_000;

/// The first releases whose kine lists by ranges of keys (0.16.3); all newer release lines do.
const BY_RANGES: [Tag; 4] = [Tag::rebuilt(33, 13, 2), Tag::of(34, 10), Tag::of(35, 7), Tag::of(36, 3)];

/// Size and rows, for the message on the cluster that the datastore holds.
pub(super) fn size(condition: &KineTable) -> String {
    let KineTable { size, live, dead, uncompacted, .. } = condition;
    format!(
        ", {}, about {live} rows and {dead} deleted ones, {uncompacted} revisions since the last compaction",
        BinaryBytes(*size)
    )
}

/// The findings about the table.
pub(super) fn findings(condition: &KineTable, table: &Table, inputs: &Inputs<'_>) -> Vec<LintMessage> {
    let kine = format!("{}.kine", table.schema);
    let mut found = Vec::new();
    let mut report = |lint: &'static Lint, message: String, hint: String| found.push((lint, message, hint));
    order(condition, &kine, inputs, &mut report);
    if !condition.missing_indexes.is_empty() {
        report(
            &MISSING_INDEX,
            format!("the table `{kine}` has no {}", condition.missing_indexes.join(", ")),
            "start K3s at a quiet time and let it finish; all is well if it makes them within seconds".to_owned(),
        );
    }
    for index in &condition.broken_indexes {
        report(
            &BROKEN_INDEX,
            format!("the index `{index}` of `{kine}` is there but not in use"),
            format!("`REINDEX INDEX CONCURRENTLY {}.{index}`, or drop it and start K3s", table.schema),
        );
    }
    if let Some(last) = condition.int32_revision {
        report(
            &NARROW_IDS,
            format!("the revisions in `{kine}` are numbers of 32 bits; {last} of 2147483647 are used"),
            format!(
                "stop K3s on all servers, then `ALTER TABLE {kine} ALTER COLUMN id SET DATA TYPE BIGINT, ALTER COLUMN \
                 create_revision SET DATA TYPE BIGINT, ALTER COLUMN prev_revision SET DATA TYPE BIGINT; ALTER SEQUENCE \
                 {kine}_id_seq AS BIGINT` (kine's own first migration)"
            ),
        );
    }
    size_and_garbage(condition, &kine, &mut report);
    if condition.is_exposed {
        report(
            &EXPOSED,
            format!("`anon` or `authenticated` may read `{kine}`"),
            format!(
                "`REVOKE ALL ON {kine} FROM anon, authenticated`, and better: a database of its own (`CREATE DATABASE k3s`)"
            ),
        );
    }
    found
}

fn order(
    condition: &KineTable,
    kine: &str,
    inputs: &Inputs<'_>,
    report: &mut impl FnMut(&'static Lint, String, String),
) {
    let Some(collation) = &condition.collation else { return };
    let cure = format!(
        "back the database up, stop K3s on all servers, then `ALTER TABLE {kine} ALTER COLUMN name SET DATA TYPE TEXT COLLATE \
         \"C\" USING name::TEXT COLLATE \"C\"`; or start K3s once, not for ever, with KINE_SCHEMA_MIGRATION=2 in its \
         environment"
    );
    let is_lost = condition.finds_keys == Some(false);
    if is_lost && servers(inputs).any(|tag| tag.is_since(&BY_RANGES)) {
        report(
            &KEY_ORDER,
            format!("the keys in `{kine}` are in the order of `{collation}`, in which K3s does not find them"),
            cure,
        );
    } else {
        let lost = if is_lost { ", in which newer releases of K3s do not find them" } else { "" };
        report(&COLLATION, format!("the keys in `{kine}` are in the order of `{collation}`{lost}"), cure);
    }
}

/// The releases of the cluster's servers.
fn servers<'a>(inputs: &'a Inputs<'_>) -> impl Iterator<Item = Tag> + use<'a> {
    let of_servers =
        inputs.nodes().filter(|(_, profile)| profile.k3s.as_ref().is_some_and(|k3s| k3s.role == Role::Server));
    of_servers.filter_map(|(_, profile)| inputs.release(profile))
}

fn size_and_garbage(condition: &KineTable, kine: &str, report: &mut impl FnMut(&'static Lint, String, String)) {
    let KineTable { size, live, dead, uncompacted, .. } = *condition;
    if size >= LARGE_SIZE {
        report(
            &LARGE,
            format!("the table `{kine}` takes {} with its indexes", BinaryBytes(size)),
            format!(
                "what writes so much? `SELECT split_part(name, '/', 3), count(*) FROM {kine} GROUP BY 1 ORDER BY 2 DESC LIMIT \
                 9`; `VACUUM FULL {kine}` while K3s is stopped gives back what is unused"
            ),
        );
    }
    if dead >= MANY_DEAD && dead > live {
        report(
            &DEAD_ROWS,
            format!("the table `{kine}` has about {dead} deleted rows beside {live}"),
            format!(
                "`VACUUM {kine}` makes their room free again; if they come back, is `autovacuum` on, and is a transaction \
                 open for hours (`SELECT pid, xact_start FROM pg_stat_activity`)?"
            ),
        );
    }
    if uncompacted >= MANY_REVISIONS {
        report(
            &NOT_COMPACTED,
            format!("{uncompacted} revisions in `{kine}` came since the last compaction"),
            "does K3s run? then its journal says why: `journalctl -u k3s | grep -i compact`; a database that is slow or far \
             away makes compactions time out"
                .to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_its_first_release_that_lists_by_ranges() {
        let lists = |tag| Tag::parse(tag).unwrap().is_since(&BY_RANGES);
        for since in ["v1.33.13+k3s2", "v1.33.14+k3s1", "v1.34.10+k3s1", "v1.35.7+k3s1", "v1.36.3+k3s1", "v1.37.0+k3s1"]
        {
            assert!(lists(since), "{since}");
        }
        for before in ["v1.32.20+k3s1", "v1.33.13+k3s1", "v1.34.9+k3s1", "v1.35.6+k3s1", "v1.36.2+k3s1"] {
            assert!(!lists(before), "{before}");
        }
    }

    #[test]
    fn a_large_table_is_told_with_its_size() {
        let condition = KineTable {
            collation: None,
            finds_keys: Some(true),
            int32_revision: None,
            size: 3 << 30,
            live: 10,
            dead: 0,
            uncompacted: 0,
            missing_indexes: Vec::new(),
            broken_indexes: Vec::new(),
            is_exposed: false,
        };
        let mut said = Vec::new();
        size_and_garbage(&condition, "public.kine", &mut |lint: &'static Lint, message, _| {
            said.push((lint.code, message));
        });
        assert_eq!(said, [("D030-large-table", "the table `public.kine` takes 3.00 GiB with its indexes".to_owned())]);
    }
}
