//! Tests whether prepared statements live as long as their connection, which K3s relies on.
//!
//! A pooler in transaction mode assigns a server process to a client for one transaction at a time. A prepared statement is then
//! missing in the next transaction if that runs in another process. To provoke this, a second connection keeps the first
//! process busy while the first connection runs its statement again.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use super::ConnectError;
use super::connector::Connector;

/// What happens to a prepared statement between two transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreparedStatements {
    /// It is kept: each connection has its own server process.
    Kept,
    /// It is kept although the process changes: a pooler prepares it again.
    Migrated,
    /// It is lost: a pooler does not support prepared statements.
    Lost,
}

/// Prepares a statement, and runs it in two transactions. Also returns the second connection, which has an open transaction.
///
/// # Errors
/// The second connection cannot be opened, or the server refuses.
pub(super) async fn probe(
    client: &Client,
    connector: &Connector<'_>,
) -> Result<(PreparedStatements, Client), ConnectError> {
    let prepared = async {
        let statement = client.prepare("SELECT pg_backend_pid()").await?;
        let process: i32 = client.query_one(&statement, &[]).await?.try_get(0)?;
        Ok((statement, process))
    };
    let prepared = unless_lost(connector, prepared).await?;
    let other = open_transaction(connector).await.map_err(no_capacity)?;
    let Some((statement, before)) = prepared else { return Ok((PreparedStatements::Lost, other)) };
    let again = async { client.query_one(&statement, &[]).await?.try_get::<_, i32>(0) };
    let statements = match unless_lost(connector, again).await.map_err(no_capacity)? {
        None => PreparedStatements::Lost,
        Some(after) if after == before => PreparedStatements::Kept,
        Some(_) => PreparedStatements::Migrated,
    };
    Ok((statements, other))
}

/// A new connection with an open transaction, so that it occupies a server process until it is closed.
///
/// # Errors
/// The connection cannot be opened.
pub(super) async fn open_transaction(connector: &Connector<'_>) -> Result<Client, ConnectError> {
    let client = connector.connect().await?;
    connector.rows(&client, "BEGIN; SELECT 1").await?;
    Ok(client)
}

/// A time-out of the second connection means that there is no further process: a pooler makes clients wait for one.
fn no_capacity(error: ConnectError) -> ConnectError {
    match error {
        ConnectError::Silent { at, .. } => ConnectError::Full { at, reason: "the second one has to wait".to_owned() },
        other => other,
    }
}

/// The answer; none if the server does not know the statement, or has another client's statement of the same name.
async fn unless_lost<T>(
    connector: &Connector<'_>,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<Option<T>, ConnectError> {
    let known = async {
        match answer.await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.code().is_some_and(is_of_statements) => Ok(None),
            Err(error) => Err(error),
        }
    };
    connector.wait(known).await
}

fn is_of_statements(code: &SqlState) -> bool {
    [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::DUPLICATE_PSTATEMENT].contains(code)
}
