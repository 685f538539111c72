//! A network of a test's own. Machines ask for the time at a port that there is only one of in a network, and a test may want
//! nobody to answer there, while others run.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::ntp::TimeServer;

/// Moves this thread into a new network with nothing but a loopback interface. Threads and programs that it starts from
/// here on are there too, and so are machines.
pub fn enter_new() {
    let script = "ip link set lo up && echo up && read -r _";
    let mut keeper = Command::new("unshare")
        .args(["--net", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("util-linux, which this test needs");
    let mut line = String::new();
    BufReader::new(keeper.stdout.take().expect("a pipe")).read_line(&mut line).expect("a pipe that can be read");
    assert_eq!(line, "up\n", "root may make a network, and iproute2 is there");
    let network = File::open(format!("/proc/{}/ns/net", keeper.id())).expect("the network of a running process");
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may enter a network");
    // Whoever is in a network keeps it. This closes its input, which ends it.
    let _ = keeper.wait();
}

/// As [`enter_new`], with a time server, which answers until it is dropped.
pub fn enter_new_with_time() -> TimeServer {
    enter_new();
    TimeServer::start()
}

/// A command that runs `program` in the network of the test program itself, from where archives can be reached.
pub fn outside(program: &str) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new("nsenter");
    // The process's own entry is its first thread's, which no test runs in.
    command.arg(format!("--net=/proc/{}/ns/net", std::process::id())).arg(program);
    command
}
