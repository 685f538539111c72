//! Runs that are killed or stopped at any moment: a disk is whole, or nothing that starts.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, Loop, writer_of};
use crate::draw::{Draw, is_long};
use crate::image::Image;
use crate::rights::{NOBODY, flash, stand_in, tools, without_rights};

fn kill(process: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    // It may have ended by itself.
    let _ = kill_process(pid, signal);
}

fn wait_for_end(process: u32) {
    let state = format!("/proc/{process}/stat");
    while fs::read_to_string(&state).is_ok_and(|stat| !stat.contains(") Z ")) {
        std::thread::yield_now();
    }
}

#[test]
#[ignore = "needs root: loop devices"]
fn whichever_half_is_killed_whenever_the_disk_is_whole_or_does_not_start() {
    let bench = Bench::new(24 << 20);
    let disk = Loop::new(192 << 20);
    let old = Image::new(1 << 20);
    let mut all = 0;
    bench.flash_watched(&disk, |number, _, _| all = number);
    assert!(all > 20, "{all} events");
    // One moment in each of so many equal parts of a run.
    let (rounds, span) = (if is_long() { 30 } else { 8 }, all - 3);
    let mut draw = Draw::new("IMGBUILD_KILL_SEED");
    for round in 0..rounds {
        let moment = 3 + (round * span + draw.below(span)) / rounds;
        disk.write(0, &old.bytes);
        let mut writer = None;
        let ran = bench.flash_watched(&disk, |number, flash, _| {
            if number == moment {
                writer = writer_of(flash);
                kill(if round % 2 == 0 { flash.id() } else { writer.unwrap_or(flash.id()) }, Signal::KILL);
            }
        });
        if let Some(writer) = writer {
            wait_for_end(writer);
        }
        match disk.table() {
            None => {
                assert_ne!(ran.code, Some(0), "round {round}");
                if round % 2 == 1 {
                    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
                }
            }
            // Too late to break it.
            Some(table) if table.disk_guid == bench.image.manifest.disk_guid => bench.assert_on(&disk),
            Some(table) => {
                assert_eq!(table.disk_guid, old.manifest.disk_guid, "round {round}: a table of nothing");
                assert!(moment < 5, "round {round}: the old table at event {moment} of {all}");
            }
        }
        bench.flash("node.img", &disk).ok();
        bench.assert_on(&disk);
    }
}

#[test]
#[ignore = "needs root: loop devices"]
fn a_flash_that_is_interrupted_says_what_is_left_and_ends_both_halves() {
    let bench = Bench::new(24 << 20);
    let disk = Loop::new(192 << 20);
    for (signal, phase) in [(Signal::INT, "write"), (Signal::TERM, "verify")] {
        let (mut writer, mut sent) = (None, false);
        let ran = bench.flash_watched(&disk, |_, flash, event| {
            if event["event"] == "phase" && event["phase"] == phase && !sent {
                sent = true;
                writer = writer_of(flash);
                kill(flash.id(), signal);
            }
        });
        assert_eq!(ran.code, Some(130), "{}", ran.stderr);
        let writer = writer.expect("a writer");
        wait_for_end(writer);
        assert!(!Path::new(&format!("/proc/{writer}/fd/0")).exists());
        assert_eq!(disk.table(), None, "in phase {phase}");
    }
    bench.flash("node.img", &disk).ok();
    bench.assert_on(&disk);
}

#[test]
#[ignore = "needs root: loop devices"]
fn what_is_interrupted_when_the_tables_are_written_is_finished_and_a_success() {
    let bench = Bench::new(1 << 20);
    for phase in ["phase", "want", "progress"] {
        let disk = Loop::new(128 << 20);
        let (mut at_tables, mut sent) = (false, false);
        let ran = bench.flash_watched(&disk, |_, flash, event| {
            at_tables |= event["phase"] == "tables";
            if at_tables && event["event"] == phase && !sent {
                sent = true;
                kill(flash.id(), Signal::INT);
            }
        });
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        bench.assert_on(&disk);
    }
}

/// The writer of this one hears of nothing, so nothing is over before the person has waited long enough.
#[test]
#[ignore = "needs root: loop devices"]
fn who_stops_a_flash_is_answered_at_once_and_again_when_it_ends_without_waiting() {
    let (_, dir, disk) = without_rights();
    let before = disk.digest();
    // Stands for one that answers nothing until its input ends.
    let tools = tools(&dir);
    stand_in(&tools, "sudo", "trap '' TERM\necho it asks >&2\nwhile read -r line; do :; done");
    for quiet in [false, true] {
        let mut command = flash(dir.path(), &disk, tools.to_str().unwrap());
        command.args(quiet.then_some("-q")).uid(NOBODY).gid(NOBODY);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        for (wait, stop) in [("it asks", true), ("stopping: ", true), ("may be half-written", false)] {
            assert!(lines.any(|line| line.contains(wait)), "no {wait}");
            if stop {
                kill(child.id(), Signal::INT);
            }
        }
        assert_eq!(child.wait().unwrap().code(), Some(130));
    }
    assert_eq!(disk.digest(), before);
}
