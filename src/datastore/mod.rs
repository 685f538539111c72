//! Checks a cluster's datastore as K3s would use it: connects with DNS, TCP, TLS and password, then queries what K3s needs.
//!
//! ```text
//! URL, CA file ─▶ Endpoint, trust ─▶ Connector: DNS ─ TCP ─ TLS ─ startup ─ password ─▶ queries, … ─▶ Facts
//!          │                            │
//!          └─▶ UrlFault                 └─▶ ConnectError
//! ```
//!
//! It only reads: nothing is written to the database, and all connections are closed when [`inspect`] returns. The code is
//! asynchronous inside, but its public functions are not. It never returns the password itself, but a server's answers may
//! repeat it: the lints, which interpret the answers, remove it before they are shown.

mod capacity;
mod connect_error;
mod connector;
mod endpoint;
mod host;
mod kine_table;
mod parameters;
mod placeholder;
mod prepared_statements;
mod queries;
mod startup;
mod trust;
mod url_fault;

pub use connect_error::ConnectError;
pub use endpoint::Endpoint;
pub use host::Host;
pub use kine_table::KineTable;
pub use parameters::{ParameterProblem, parameter_problem};
pub use prepared_statements::PreparedStatements;
pub use queries::{Answers, Table};
pub use url_fault::{UrlFault, UrlPart};

/// Number of idle connections that kine, K3s's layer over SQL, keeps open (`pkg/drivers/generic`, `MaxIdleConns`). It may
/// open any number more.
pub const NEEDED_CONNECTIONS: u32 = 20;

/// What was found out of a datastore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub answers: Answers,
    pub statements: PreparedStatements,
    /// How many of [`NEEDED_CONNECTIONS`] connections could be open at once. It is not tried on a datastore that already holds
    /// a cluster, which may need them, nor where prepared statements are lost.
    pub opened: Option<u32>,
    /// The state of K3s's table, if it is there.
    pub condition: Option<KineTable>,
    /// Names of the keys that hold a cluster's encrypted certificates. They are derived from the token, but do not reveal it.
    pub bootstrap: Vec<String>,
}

/// Connects to the datastore, trusting only the authorities in `ca`, and queries it.
///
/// # Errors
/// Why the datastore could not be queried.
pub fn inspect(endpoint: &Endpoint, ca: &[u8]) -> Result<Facts, ConnectError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| ConnectError::Other { reason: error.to_string() })?;
    let facts = runtime.block_on(query_all(endpoint, ca));
    // Do not wait for a DNS query that is still running.
    runtime.shutdown_background();
    facts
}

async fn query_all(endpoint: &Endpoint, ca: &[u8]) -> Result<Facts, ConnectError> {
    let connector = connector::Connector::resolve(endpoint, ca).await?;
    let client = connector.connect().await?;
    let answers = queries::query(&client, &connector).await?;
    let bootstrap = match &answers.kine {
        Some(kine) if kine.readable => queries::bootstrap_keys(&client, &connector).await?,
        _ => Vec::new(),
    };
    let condition = match &answers.kine {
        Some(kine) => kine_table::query(&client, &connector, kine.readable).await?,
        None => None,
    };
    let (statements, _second) = prepared_statements::probe(&client, &connector).await?;
    let opened = match (&answers.kine, statements) {
        (None, PreparedStatements::Kept | PreparedStatements::Migrated) => Some(capacity::measure(&connector, 2).await),
        _ => None,
    };
    Ok(Facts { answers, statements, opened, condition, bootstrap })
}
