//! What a person is asked on a terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::bench::{Bench, Loop, is_root};

/// Flashes on a terminal where `answer` is typed; gives the exit code and what was shown.
fn flash_and_type(bench: &Bench, disk: &Loop, answer: &str) -> (Option<i32>, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = || File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let program = bench.command(&["flash", "--image", "node.img", "--device", disk.path(), "--allow-loop"]);
    let mut child = Command::new("setsid")
        .args(["--ctty", "--wait"])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(bench.dir.path())
        .stdin(terminal())
        .stdout(Stdio::from(terminal()))
        .stderr(Stdio::from(terminal()))
        .spawn()
        .unwrap();
    let mut master = File::from(master);
    let mut shown = Vec::new();
    let mut buffer = [0; 4096];
    let mut answered = false;
    // Once nobody has the terminal open, reading ends with an error.
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        shown.extend(&buffer[..count]);
        if !answered && String::from_utf8_lossy(&shown).contains("to write to") {
            answered = true;
            master.write_all(format!("{answer}\n").as_bytes()).unwrap();
        }
    }
    (child.wait().unwrap().code(), String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn a_disk_is_written_when_what_it_is_called_was_typed_and_not_otherwise() {
    if !is_root() {
        return;
    }
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(64 << 20);
    let before = disk.digest();
    for wrong in ["", "y", "yes", "loop"] {
        let (code, shown) = flash_and_type(&bench, &disk, wrong);
        assert_eq!(code, Some(1), "{shown}");
        assert!(shown.contains("nothing was written") && shown.contains("on it"), "{shown}");
    }
    assert_eq!(disk.digest(), before);
    let (code, shown) = flash_and_type(&bench, &disk, disk.name());
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("no seed"), "{shown}");
    bench.assert_on(&disk);
}
