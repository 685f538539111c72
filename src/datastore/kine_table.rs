//! The state of K3s's table `kine`: the collation of its keys, its indexes, its size, and how much of it is old revisions.

use tokio_postgres::Client;

use super::ConnectError;
use super::connector::Connector;
use super::queries::cells;

/// What the system catalogue knows of the table; every role may read it.
const CATALOGUE: &str = "
SELECT coalesce(CASE WHEN sorting.collname = 'default'
                THEN coalesce(to_jsonb(base) ->> 'datlocale', to_jsonb(base) ->> 'daticulocale', base.datcollate)
                ELSE sorting.collname END, ''),
       coalesce(CASE WHEN sorting.collname = 'default'
                THEN to_jsonb(base) ->> 'datlocprovider' ELSE sorting.collprovider::text END, 'c'),
       id.atttypid = 'int4'::regtype,
       pg_total_relation_size(kine.oid), greatest(coalesce(counts.n_live_tup, 0), kine.reltuples::bigint, 0),
       coalesce(counts.n_dead_tup, 0),
       coalesce((SELECT bool_or(has_table_privilege(oid, kine.oid, 'SELECT'))
                 FROM pg_roles WHERE rolname IN ('anon', 'authenticated')), false)
FROM pg_class AS kine
JOIN pg_attribute AS name ON name.attrelid = kine.oid AND name.attname = 'name'
JOIN pg_attribute AS id ON id.attrelid = kine.oid AND id.attname = 'id'
JOIN pg_database AS base ON base.datname = current_database()
LEFT JOIN pg_collation AS sorting ON sorting.oid = name.attcollation
LEFT JOIN pg_stat_all_tables AS counts ON counts.relid = kine.oid
WHERE kine.oid = to_regclass('kine')";

const INDEXES: &str = "
SELECT index.relname, state.indisvalid AND state.indisready
FROM pg_index AS state JOIN pg_class AS index ON index.oid = state.indexrelid
WHERE state.indrelid = to_regclass('kine')";

/// Whether K3s finds a key: the same comparison as in the query for an object without which the API server exits (kine,
/// `pkg/drivers/generic`, `BetweenNameSQL`; k3s-io/k3s#14505). The `UNION ALL` gives the key the column's collation without
/// reading a row. Then the newest revision, and the last one that was compacted.
const CONTENT: &str = "
SELECT (SELECT name >= '/registry/servicecidrs/' AND name < '/registry/servicecidrs0'
        FROM (SELECT name FROM kine WHERE false UNION ALL SELECT '/registry/servicecidrs/kubernetes') AS key),
       (SELECT coalesce(max(id), 0) FROM kine),
       (SELECT coalesce(max(prev_revision), 0) FROM kine WHERE name = 'compact_rev_key')";

/// The indexes that kine creates at each start if they are missing (`pkg/drivers/pgsql`, `schema`).
const KINE: [&str; 6] = [
    "kine_name_index",
    "kine_name_id_index",
    "kine_id_deleted_index",
    "kine_prev_revision_index",
    "kine_name_prev_revision_uindex",
    "kine_list_query_index",
];

/// The state of K3s's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KineTable {
    /// The collation of the keys, if it is a language's; none if they sort by bytes, as K3s expects.
    pub collation: Option<String>,
    /// Whether K3s finds its keys by range comparison; none if the role may not read the table.
    pub finds_keys: Option<bool>,
    /// The newest revision, if the table stores revisions as 32-bit integers.
    pub int32_revision: Option<u64>,
    /// Bytes on disk, indexes included.
    pub size: u64,
    /// Live rows, as the server estimates them.
    pub live: u64,
    /// Deleted rows that still take space, as the server estimates them.
    pub dead: u64,
    /// Revisions since the last one that was compacted.
    pub uncompacted: u64,
    pub missing_indexes: Vec<&'static str>,
    /// Indexes that exist but are invalid, because creating them was interrupted.
    pub broken_indexes: Vec<String>,
    /// Whether the roles of Supabase's Data API may read the table.
    pub is_exposed: bool,
}

/// Queries the state of the table; none if it is not K3s's table.
///
/// # Errors
/// The server refuses.
pub(super) async fn query(
    client: &Client,
    connector: &Connector<'_>,
    is_readable: bool,
) -> Result<Option<KineTable>, ConnectError> {
    let catalogue = connector.rows(client, CATALOGUE).await?;
    let indexes = connector.rows(client, INDEXES).await?;
    let content = if is_readable { connector.rows(client, CONTENT).await? } else { Vec::new() };
    let indexes: Vec<Vec<Option<&str>>> = indexes.iter().map(cells).collect();
    let first = |rows: &'_ [tokio_postgres::SimpleQueryRow]| {
        rows.first().map(|row| cells(row).into_iter().map(|cell| cell.map(str::to_owned)).collect::<Vec<_>>())
    };
    Ok(first(&catalogue).and_then(|catalogue| read(&catalogue, &indexes, first(&content).as_deref())))
}

fn read(
    catalogue: &[Option<String>],
    indexes: &[Vec<Option<&str>>],
    content: Option<&[Option<String>]>,
) -> Option<KineTable> {
    let text = |column: usize| catalogue.get(column)?.as_deref();
    let number = |column| text(column).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let yes = |column| text(column) == Some("t");
    let of_content = |column: usize| content?.get(column)?.as_deref();
    let revision = |column| of_content(column).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let (locale, provider) = (text(0)?, text(1)?);
    let name = |index: &[Option<&str>]| index.first().copied().flatten().unwrap_or_default().to_owned();
    let is_whole = |index: &[Option<&str>]| index.get(1).copied().flatten() == Some("t");
    Some(KineTable {
        collation: (!sorts_by_bytes(locale, provider)).then(|| locale.to_owned()),
        finds_keys: of_content(0).map(|found| found == "t"),
        int32_revision: yes(2).then(|| revision(1)),
        size: number(3),
        live: number(4),
        dead: number(5),
        uncompacted: revision(1).saturating_sub(revision(2)),
        missing_indexes: KINE.into_iter().filter(|kine| !indexes.iter().any(|index| name(index) == *kine)).collect(),
        broken_indexes: indexes.iter().filter(|index| !is_whole(index)).map(|index| name(index)).collect(),
        is_exposed: yes(6),
    })
}

/// Whether the collation sorts by bytes: `C`, and those that sort UTF-8 in the same order. The provider is `b` for builtin, `c`
/// for libc, `i` for ICU.
fn sorts_by_bytes(locale: &str, provider: &str) -> bool {
    provider == "b" || (provider == "c" && ["C", "POSIX", "C.UTF-8", "C.utf8", "ucs_basic"].contains(&locale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sorts_as_bytes_do_is_told_from_what_sorts_as_a_language_does() {
        for (locale, provider) in [("C", "c"), ("POSIX", "c"), ("C.utf8", "c"), ("C.UTF-8", "b")] {
            assert!(sorts_by_bytes(locale, provider), "{locale}");
        }
        for (locale, provider) in [("en_US.UTF-8", "c"), ("en-US", "i"), ("und", "i"), ("C", "i")] {
            assert!(!sorts_by_bytes(locale, provider), "{locale}");
        }
    }

    #[test]
    fn what_is_no_table_of_k3s_is_none() {
        assert_eq!(read(&[], &[], None), None);
    }
}
