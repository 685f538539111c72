//! How many connections there are to be had at once, whatever stands before the server.

use futures_util::future::join_all;

use super::NEEDED;
use super::connect::Door;
use super::statements::open_transaction;

/// Opens connections beside the `held` ones until [`NEEDED`] are open, and closes them; says how many there were.
pub(super) async fn measure(door: &Door<'_>, held: u32) -> u32 {
    let opened = join_all((held..NEEDED).map(|_| open_transaction(door))).await;
    opened.iter().fold(held, |count, opened| count + u32::from(opened.is_ok()))
}
