//! Builds that do not come to their end: nothing of them is taken for an image.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use crate::place::{Place, Ran, files};
use crate::shared::{beside_demo, demo};
use crate::support;

/// Interrupts a build of `demo` when it begins `phase`.
fn interrupt(place: &Place, phase: &str) {
    let mut command = place.command(&["--json", "--offline", "build", "--profile", "demo", "--output", "out"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begin = format!("\"phase\":\"{phase}\"");
    let mut seen = false;
    for line in lines.map_while(Result::ok) {
        assert!(!line.contains("\"result\""), "it went on");
        if line.contains("\"begin\"") && line.contains(&begin) {
            seen = true;
            support::ok(&place.path(""), "kill", &["-INT", &child.id().to_string()]);
        }
    }
    assert!(seen, "no phase {phase}");
    let status = child.wait().unwrap();
    // A shell shows a death by this signal as 130.
    assert!(status.signal() == Some(2) || status.code() == Some(130), "{status}");
}

#[test]
fn an_interrupted_build_leaves_no_image_and_the_next_one_cleans_up() {
    let place = beside_demo();
    interrupt(&place, "compress");
    interrupt(&place, "write");
    for name in files(&place.path("out")) {
        assert!(name.starts_with(".imgbuild-"), "{name} was left");
    }
    place.run(&["--offline", "build", "--profile", "demo", "--output", "out"]).ok();
    assert_eq!(files(&place.path("out")), files(&demo().path("build/demo")));
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let place = beside_demo();
    // A limit on the size of files, met as an error and not as a signal, stands for the full disk.
    let build = place.command(&["--offline", "build", "--profile", "demo", "--output", "out"]);
    let mut limited = Command::new("bash");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 40000; exec \"$@\"", "bash"]);
    limited.arg(build.get_program()).args(build.get_args()).current_dir(place.path(""));
    let ran = Ran::of(&mut limited);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("out") && ran.stderr.contains("File too large"), "{}", ran.stderr);
    assert_eq!(files(&place.path("out")), [""; 0]);
}
