//! Runs that do not come to their end: nothing of them stays behind or is taken for an image.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::place::{Place, files};
use crate::shared::{beside_demo, demo};
use crate::support;

/// Stops a build of `demo` with a signal when it begins `phase`.
fn stop(place: &Place, signal: &str, phase: &str) {
    let mut command = place.command(&["--json", "--offline", "build", "--profile", "demo", "--output", "out"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begin = format!("\"phase\":\"{phase}\"");
    let mut seen = false;
    for line in lines.map_while(Result::ok) {
        assert!(!line.contains("\"result\""), "it went on");
        if line.contains("\"begin\"") && line.contains(&begin) {
            seen = true;
            support::ok(&place.path(""), "kill", &[signal, &child.id().to_string()]);
        }
    }
    assert!(seen, "no phase {phase}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_stopped_build_leaves_nothing() {
    let place = beside_demo();
    for (signal, phase) in [("-INT", "compress"), ("-TERM", "compress"), ("-INT", "write")] {
        stop(&place, signal, phase);
        assert!(!place.path("out").exists(), "{signal} in phase {phase}");
    }
    place.run(&["--offline", "build", "--profile", "demo", "--output", "out"]).ok();
    assert_eq!(files(&place.path("out")), files(&demo().path("build/demo")));
}

#[test]
fn stopping_boot_ends_the_machine_and_takes_its_stick_away() {
    let place = Place::beside(demo());
    // Stands for a machine that runs until it is stopped.
    place.write("bin/qemu-system-x86_64", "#!/bin/sh\necho running\nread line\necho went on\n");
    fs::set_permissions(place.path("bin/qemu-system-x86_64"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(place.path("tmp")).unwrap();
    for signal in ["-INT", "-TERM"] {
        let image = demo().path("build/demo/demo.img");
        let mut command = place.command(&["boot", image.to_str().unwrap()]);
        command.env("PATH", format!("{}:/usr/bin:/bin", place.path("bin").display())).env("TMPDIR", place.path("tmp"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "running");
        assert_eq!(files(&place.path("tmp")).len(), 1, "no stick");
        support::ok(&place.path(""), "kill", &[signal, &child.id().to_string()]);
        assert!(lines.next().is_none(), "the machine went on");
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(fs::read_dir(place.path("tmp")).unwrap().count(), 0, "something was left");
    }
}

#[test]
fn who_stops_a_run_is_told_in_one_line_that_it_stopped() {
    // A mirror that takes the connection and says nothing.
    let mirror = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", mirror.local_addr().unwrap());
    for (flag, said) in [("--verbose", "stopped; what was downloaded is kept\n"), ("--json", "")] {
        let place = Place::new();
        let mut command = place.command(&["--mirror", &url, flag, "lock", "demo"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _connection = mirror.accept().unwrap();
        support::ok(&place.path(""), "kill", &["-INT", &child.id().to_string()]);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.ends_with(said) && !stderr.contains("error"), "{stderr}");
        assert_eq!(flag == "--json", stderr.is_empty(), "{stderr}");
    }
}
