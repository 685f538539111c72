//! A cluster's datastore, seen from here as K3s would see it: reached by name, TCP, TLS and password, then asked for what
//! K3s needs of it.
//!
//! ```text
//! URL, CA file ─▶ Endpoint, trust ─▶ Door: name ─ TCP ─ TLS ─ startup ─ password ─▶ questions, … ─▶ Facts
//!          │                                     │
//!          └─▶ Fault: what is wrong with it      └─▶ Obstacle: what is in the way
//! ```
//!
//! The room only asks: nothing is written to the database, and what it opens is closed when [`look`] returns. Its inside
//! is asynchronous, its face is not. It puts the password into nothing that it hands out, but a server may: the lints, which
//! say what the answers mean for a cluster, show them without it.

mod condition;
mod connect;
mod endpoint;
mod fault;
mod host;
mod obstacle;
mod parameters;
mod placeholder;
mod questions;
mod room;
mod startup;
mod statements;
mod trust;

pub use condition::Condition;
pub use endpoint::Endpoint;
pub use fault::{Fault, Part};
pub use host::Host;
pub use obstacle::Obstacle;
pub use parameters::{Trouble, trouble};
pub use questions::{Answers, Limit, Table};
pub use statements::Statements;

/// Connections that kine, K3s's layer over SQL, keeps open when there is nothing to do (`pkg/drivers/generic`,
/// `MaxIdleConns`); how many more it opens has no limit.
pub const NEEDED: u32 = 20;

/// What a datastore said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub answers: Answers,
    pub statements: Statements,
    /// How many connections of [`NEEDED`] were had at once. Not tried where a cluster lives already, which may need
    /// them, nor where it is no use.
    pub opened: Option<u32>,
    /// The state of K3s's table, if it is there.
    pub condition: Option<Condition>,
    /// Names of the keys that hold a cluster's sealed certificates; they tell of the token, but not the token.
    pub bootstrap: Vec<String>,
}

/// Goes to the datastore with `ca` as the only authority that is believed, and asks.
///
/// # Errors
/// Whatever is between here and an answer.
pub fn look(endpoint: &Endpoint, ca: &[u8]) -> Result<Facts, Obstacle> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Obstacle::Other { reason: error.to_string() })?;
    let facts = runtime.block_on(ask(endpoint, ca));
    // A name server that does not answer shall not hold up the end of the program.
    runtime.shutdown_background();
    facts
}

async fn ask(endpoint: &Endpoint, ca: &[u8]) -> Result<Facts, Obstacle> {
    let door = connect::Door::find(endpoint, ca).await?;
    let client = door.open().await?;
    let answers = questions::ask(&client, &door).await?;
    let bootstrap = match &answers.kine {
        Some(kine) if kine.readable => questions::bootstrap_keys(&client, &door).await?,
        _ => Vec::new(),
    };
    let condition = match &answers.kine {
        Some(kine) => condition::ask(&client, &door, kine.readable).await?,
        None => None,
    };
    let (statements, _second) = statements::watch(&client, &door).await?;
    let opened = match (&answers.kine, statements) {
        (None, Statements::Kept | Statements::Moved) => Some(room::measure(&door, 2).await),
        _ => None,
    };
    Ok(Facts { answers, statements, opened, condition, bootstrap })
}
