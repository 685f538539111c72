//! Queries on the server, the role's permissions and the table, and the parsing of their results.

use tokio_postgres::{Client, SimpleQueryRow};

use super::connector::Connector;
use super::{ConnectError, NEEDED_CONNECTIONS};

/// One row with all facts that every role may query.
const SERVER_QUERY: &str = "
SELECT current_setting('server_version'), current_setting('server_version_num'),
       pg_is_in_recovery(), current_setting('transaction_read_only'), current_setting('server_encoding'),
       current_schema(), coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true), '0')::int,
       (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user),
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()),
       namespace.nspname, pg_get_userbyid(kine.relowner), pg_has_role(kine.relowner, 'USAGE'),
       has_table_privilege(kine.oid, 'SELECT')
FROM (SELECT to_regclass('kine') AS oid) AS named
LEFT JOIN pg_class AS kine ON kine.oid = named.oid
LEFT JOIN pg_namespace AS namespace ON namespace.oid = kine.relnamespace";

/// The keys of clusters' encrypted certificates (K3s, `pkg/cluster/storage.go`).
const BOOTSTRAP: &str = "SELECT DISTINCT name FROM kine WHERE name LIKE '/bootstrap/%' ORDER BY name LIMIT 100";

/// The server's answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The version as the server writes it.
    pub version: String,
    pub major: u32,
    /// Whether it is a standby that replicates another server.
    pub standby: bool,
    pub read_only: bool,
    pub encoding: String,
    /// The schema for new tables; none if the search path has no existing schema.
    pub schema: Option<String>,
    /// Whether the role may create tables there.
    pub may_create: bool,
    /// The lowest of the limits on connections.
    pub limit: Limit,
    /// K3s's table, if it is there.
    pub kine: Option<Table>,
}

/// A limit on the number of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub connections: u32,
    /// The setting that limits them.
    pub by: &'static str,
}

/// K3s's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub schema: String,
    pub owner: String,
    /// Whether the role is the owner, or a member of the owning role.
    pub owned: bool,
    pub(super) readable: bool,
}

/// Queries the server.
///
/// # Errors
/// The server refuses, or is not a `PostgreSQL` server.
pub(super) async fn query(client: &Client, connector: &Connector<'_>) -> Result<Answers, ConnectError> {
    let rows = connector.rows(client, SERVER_QUERY).await?;
    let columns: Vec<Option<&str>> = rows.first().map(cells).unwrap_or_default();
    read(&columns).ok_or_else(|| ConnectError::Refused {
        at: connector.endpoint.to_string(),
        reason: "its answers are not those of a PostgreSQL server".to_owned(),
    })
}

/// The keys below `/bootstrap/`.
///
/// # Errors
/// The server refuses.
pub(super) async fn bootstrap_keys(client: &Client, connector: &Connector<'_>) -> Result<Vec<String>, ConnectError> {
    let rows = connector.rows(client, BOOTSTRAP).await?;
    Ok(rows.iter().filter_map(|row| row.try_get(0).ok().flatten()).map(str::to_owned).collect())
}

/// A row's values, as text.
pub(super) fn cells(row: &SimpleQueryRow) -> Vec<Option<&str>> {
    (0..row.len()).map(|column| row.try_get(column).ok().flatten()).collect()
}

/// Reads the row of [`SERVER_QUERY`].
fn read(row: &[Option<&str>]) -> Option<Answers> {
    let text = |column: usize| row.get(column).copied().flatten();
    let yes = |column| matches!(text(column), Some("t" | "on"));
    let limit = |column, by| {
        // A negative number means no limit.
        text(column)?.parse().ok().map(|connections| Limit { connections, by })
    };
    let limits = [limit(7, "max_connections"), limit(8, "the role's limit"), limit(9, "the database's limit")];
    let kine = text(10).map(|schema| Table {
        schema: schema.to_owned(),
        owner: text(11).unwrap_or_default().to_owned(),
        owned: yes(12),
        readable: yes(13),
    });
    Some(Answers {
        version: text(0)?.to_owned(),
        major: text(1)?.parse::<u32>().ok()? / 10_000,
        standby: yes(2),
        read_only: yes(3),
        encoding: text(4)?.to_owned(),
        schema: text(5).map(str::to_owned),
        may_create: yes(6),
        limit: limits.into_iter().flatten().min_by_key(|limit| limit.connections)?,
        kine,
    })
}

impl Limit {
    /// Whether it is enough for K3s.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.connections >= NEEDED_CONNECTIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: [Option<&str>; 14] = [
        Some("15.8 (Debian 15.8-1)"),
        Some("150008"),
        Some("f"),
        Some("off"),
        Some("UTF8"),
        Some("public"),
        Some("t"),
        Some("97"),
        Some("-1"),
        Some("-1"),
        None,
        None,
        None,
        None,
    ];

    #[test]
    fn the_row_of_a_fresh_server_is_read() {
        let answers = read(&ROW).unwrap();
        assert_eq!((answers.major, answers.may_create, answers.kine), (15, true, None));
        assert_eq!(answers.limit, Limit { connections: 97, by: "max_connections" });
    }

    #[test]
    fn the_lowest_limit_counts_and_one_that_is_none_does_not() {
        let mut row = ROW;
        row[8] = Some("7");
        row[9] = Some("12");
        assert_eq!(read(&row).unwrap().limit, Limit { connections: 7, by: "the role's limit" });
    }

    #[test]
    fn what_is_no_answer_of_postgresql_is_none() {
        assert_eq!(read(&[]), None);
        let mut row = ROW;
        row[1] = Some("v1");
        assert_eq!(read(&row), None);
    }
}
