//! Measures how many connections can be open at once, through whatever pooler is in front of the server.

use futures_util::future::join_all;

use super::NEEDED_CONNECTIONS;
use super::connector::Connector;
use super::prepared_statements::open_transaction;

/// Opens connections besides the `held` ones until [`NEEDED_CONNECTIONS`] are open, and closes them. Returns how many were open.
pub(super) async fn measure(connector: &Connector<'_>, held: u32) -> u32 {
    let opened = join_all((held..NEEDED_CONNECTIONS).map(|_| open_transaction(connector))).await;
    opened.iter().fold(held, |count, opened| count + u32::from(opened.is_ok()))
}
