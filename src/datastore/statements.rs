//! Whether prepared statements live as long as their connection, which K3s takes for granted.
//!
//! A pooler in transaction mode lends a server's process to a client for one transaction at a time. A statement that was
//! prepared in one is then missing in the next, if that one runs in another process. So while a second connection keeps
//! a process busy, the first one runs its statement again.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use super::Obstacle;
use super::connect::Door;

/// What becomes of a prepared statement from one transaction to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statements {
    /// It stays: each connection has a server's process of its own.
    Kept,
    /// It stays, although the process changes: a pooler carries it along.
    Moved,
    /// It is lost.
    Lost,
}

/// Prepares a statement, and runs it in two transactions. Gives the second connection too, which is within one.
///
/// # Errors
/// A second connection that cannot be had, or a server that refuses.
pub(super) async fn watch(client: &Client, door: &Door<'_>) -> Result<(Statements, Client), Obstacle> {
    let prepared = async {
        let statement = client.prepare("SELECT pg_backend_pid()").await?;
        let process: i32 = client.query_one(&statement, &[]).await?.try_get(0)?;
        Ok((statement, process))
    };
    let prepared = unless_lost(door, prepared).await?;
    let other = open_transaction(door).await.map_err(no_room)?;
    let Some((statement, before)) = prepared else { return Ok((Statements::Lost, other)) };
    let again = async { client.query_one(&statement, &[]).await?.try_get::<_, i32>(0) };
    let statements = match unless_lost(door, again).await.map_err(no_room)? {
        None => Statements::Lost,
        Some(after) if after == before => Statements::Kept,
        Some(_) => Statements::Moved,
    };
    Ok((statements, other))
}

/// A new connection that keeps a process of the server's to itself as long as it lives.
///
/// # Errors
/// One that cannot be had.
pub(super) async fn open_transaction(door: &Door<'_>) -> Result<Client, Obstacle> {
    let client = door.open().await?;
    door.rows(&client, "BEGIN; SELECT 1").await?;
    Ok(client)
}

/// A pooler lets wait whom it has no process for.
fn no_room(obstacle: Obstacle) -> Obstacle {
    match obstacle {
        Obstacle::Silent { at, .. } => Obstacle::Full { at, reason: "the second one has to wait".to_owned() },
        other => other,
    }
}

/// The answer; none if the server knows nothing of the statement, or knows one of another client's under its name.
async fn unless_lost<T>(
    door: &Door<'_>,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<Option<T>, Obstacle> {
    let known = async {
        match answer.await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.code().is_some_and(is_of_statements) => Ok(None),
            Err(error) => Err(error),
        }
    };
    door.wait(known).await
}

fn is_of_statements(code: &SqlState) -> bool {
    [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::DUPLICATE_PSTATEMENT].contains(code)
}
