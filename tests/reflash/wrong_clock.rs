//! A node whose clock is wrong. It has the network for itself, so its name lets it be the last: others need not wait for it.

use std::time::{SystemTime, UNIX_EPOCH};

use imgbuild::profile::Arch;

use crate::console::{Console, Extras};
use crate::node::{k3s_is_down, network_without_time, says, wait_until_ready};
use crate::ntp::TimeServer;
use crate::postgres::Postgres;
use crate::workspace::Workspace;

#[test]
#[ignore = "needs root: a time server's port"]
fn with_the_clock_at_1970_k3s_waits_for_a_time_server_and_makes_no_certificate_before() {
    let mut network = network_without_time();
    let postgres = Postgres::start();
    let workspace = Workspace::new("clock", "https://control:6443", "\n[node.control]\nprofile = \"pc\"\n");
    workspace.keep_state_in(&postgres, "10.0.2.2");
    let stick = workspace.flash("control", "stick");
    let extras = Extras { clock: Some("1970-01-01T00:00:00"), ..Extras::default() };
    let mut node = Console::boot_with(Arch::Amd64, &[stick], &extras);

    let reason = "the clock is not set: no time server has answered, and its clock chip says ";
    node.wait_for(&format!("imgbuild: waiting for time: {reason}"));
    node.wait_for_shell();
    let status = says(&mut node, "waiting", reason, "let the node reach a time server (UDP port 123)");
    let reason = status["reason"].as_str().expect("says checked it");
    // Firmware may take the chip's two digits for 2070.
    let in_words =
        ["1970-01-01, which is before this image was made.", "2070-01-01, which is not the time that this system"];
    assert!(in_words.iter().any(|words| reason.contains(words)), "{reason}");
    assert_eq!(status["waiting_for"], "time");
    k3s_is_down(&mut node, "k3s");
    assert_eq!(node.run("ls /var/lib/rancher/k3s/server"), "");
    assert_eq!(postgres.sql("SELECT to_regclass('kine') IS NULL"), "t", "nobody has written to the datastore");

    let before = seconds(&node.run("date +%s"));
    *network = Some(TimeServer::start());
    wait_until_ready(&mut node, "control node, clock at 1970, after a time server answers");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let ca = "/var/lib/rancher/k3s/server/tls/server-ca.crt";
    let begin =
        seconds(&node.run(&format!("date -d \"$(openssl x509 -noout -startdate -in {ca} | cut -d= -f2)\" +%s")));
    assert!(begin > before && begin.abs_diff(now) < 3600, "the CA is valid from {begin}, it is {now}, it was {before}");
}

fn seconds(text: &str) -> u64 {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}
