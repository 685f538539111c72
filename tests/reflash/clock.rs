//! A control node whose clock is wrong.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::console::Console;
use crate::node::{k3s_is_down, says};
use crate::postgres::Postgres;

/// What its clock chip says.
pub const WRONG: &str = "1970-01-01T00:00:00";

/// The node waits for a time server, K3s has made nothing, and nobody has written to the datastore; gives the node's wrong
/// time, in seconds since 1970. Leaves a quiet shell.
pub fn waits_for_time(node: &mut Console, postgres: &Postgres) -> u64 {
    let reason = "the clock is not set: no time server has answered, and its clock chip says ";
    node.wait_for(&format!("imgbuild: waiting for time: {reason}"));
    node.wait_for_shell();
    let status = says(node, "waiting", reason, "let the node reach a time server (UDP port 123)");
    let reason = status["reason"].as_str().expect("says checked it");
    // Firmware may take the chip's two digits for 2070.
    let in_words =
        ["1970-01-01, which is before this image was made.", "2070-01-01, which is not the time that this system"];
    assert!(in_words.iter().any(|words| reason.contains(words)), "{reason}");
    assert_eq!(status["waiting_for"], "time");
    k3s_is_down(node, "k3s");
    assert_eq!(node.run("ls /var/lib/rancher/k3s/server"), "");
    assert_eq!(postgres.sql("SELECT to_regclass('kine') IS NULL"), "t", "nobody has written to the datastore");
    seconds(&node.run("date +%s"))
}

/// The cluster's CA was made after the node's clock, which said `before`, was set.
pub fn authority_is_of_now(node: &mut Console, before: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let ca = "/var/lib/rancher/k3s/server/tls/server-ca.crt";
    let begin =
        seconds(&node.run(&format!("date -d \"$(openssl x509 -noout -startdate -in {ca} | cut -d= -f2)\" +%s")));
    assert!(begin > before && begin.abs_diff(now) < 3600, "the CA is valid from {begin}, it is {now}, it was {before}");
}

fn seconds(text: &str) -> u64 {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}
