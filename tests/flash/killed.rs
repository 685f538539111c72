//! Runs that are killed or stopped at any moment: a disk is whole, or nothing that starts.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, Loop, is_root, writer_of};
use crate::image::Image;

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
fn whichever_half_is_killed_whenever_the_disk_is_whole_or_does_not_start() {
    if !is_root() {
        return;
    }
    let bench = Bench::new(24 << 20);
    let disk = Loop::new(100 << 20);
    let old = Image::new(1 << 20);
    let mut all = 0;
    bench.flash_watched(&disk, |number, _, _| all = number);
    assert!(all > 20, "{all} events");
    // A fixed walk through all of it, the same in each run of the test.
    for round in 0..30_usize {
        let moment = 3 + (round * 7919 + 13) % (all - 3);
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
fn a_flash_that_is_interrupted_says_what_is_left_and_ends_both_halves() {
    if !is_root() {
        return;
    }
    let bench = Bench::new(24 << 20);
    let disk = Loop::new(100 << 20);
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
