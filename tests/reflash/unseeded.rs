//! A profile's image, which anybody may have, on a stick.

use std::net::TcpListener;
use std::process::Command;

use imgbuild::profile::Arch;

use crate::console::{Console, Extras};
use crate::draw::is_turn;
use crate::network;
use crate::support::ok;
use crate::workspace::Workspace;

#[test]
#[ignore = "needs root: a network of its own"]
fn an_image_without_a_seed_says_that_it_has_no_identity_and_opens_no_way_in() {
    if !is_turn("an_image_without_a_seed_says_that_it_has_no_identity_and_opens_no_way_in", 0, 2) {
        return;
    }
    let _time = network::enter_new_with_time();
    let workspace = Workspace::new("unseeded", "https://control:6443", "\n[node.control]\nprofile = \"pc\"\n");
    let stick = workspace.flash_profile("closed", "stick");
    // Another process may take the port between here and QEMU's start; QEMU says so then.
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address").port();
    let extras = Extras { ssh_port: Some(port), ..Extras::default() };
    let mut node = Console::boot_with(Arch::Amd64, &[stick], &extras);

    let listening = node.wait_for("listening: no more");
    let sockets: Vec<&str> = listening.lines().filter_map(|line| line.trim().strip_prefix("listening: ")).collect();
    let from_outside: Vec<&str> = sockets.into_iter().filter(|socket| is_reachable(socket)).collect();
    let is_ssh = |socket: &&str| socket.starts_with("tcp") && port_of(socket) == "22";
    assert!(!from_outside.is_empty() && from_outside.iter().all(is_ssh), "{from_outside:#?}");

    node.type_line("");
    node.wait_for("This image has no seed: it boots, but has no identity");
    node.wait_for("waiting for seed: this image has no seed, so this node has no identity and belongs to no cluster.");
    node.wait_for("Cure: write the stick again");
    for account in ["root", "admin"] {
        node.wait_for(" login: ");
        node.type_line(account);
        node.wait_for("Password: ");
        node.type_line("");
        node.wait_for("Login incorrect");
    }

    let key = workspace.path("key");
    let key = key.to_str().expect("a plain path");
    ok(&workspace.path(""), "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", key]);
    for account in ["root", "admin"] {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]);
        ssh.args(["-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-i", key]);
        ssh.args(["-p", &port.to_string(), &format!("{account}@127.0.0.1"), "true"]);
        let output = ssh.output().expect("OpenSSH's client, which this test needs");
        let said = String::from_utf8_lossy(&output.stderr);
        // In brackets is all that the server would have taken.
        assert!(!output.status.success() && said.contains("Permission denied (publickey)."), "{account}: {said}");
    }
}

/// Whether a line of `ss -Hltun` is a socket that other machines can send to: `tcp LISTEN 0 128 0.0.0.0:22 …`.
fn is_reachable(socket: &str) -> bool {
    let local = socket.split_whitespace().nth(4).unwrap_or(socket);
    // The clients of DHCP, DNS and NTP take answers from whom they asked; the kernel gives such sockets ports from 32768 on.
    let port: u16 = port_of(socket).parse().expect("ss was asked for numbers");
    let is_client = socket.starts_with("udp") && (port == 68 || port >= 32768);
    !is_client && !local.starts_with("127.") && !local.starts_with("[::1]")
}

fn port_of(socket: &str) -> &str {
    let local = socket.split_whitespace().nth(4).unwrap_or_default();
    local.rsplit(':').next().unwrap_or_default()
}
