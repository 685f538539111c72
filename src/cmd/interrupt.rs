//! Ctrl-C and SIGTERM: the program ends with exit code 130, and leaves nothing behind.
//!
//! Unfinished outputs have no name, so most verbs can just end. One that has more to take away holds the end off and
//! looks now and then whether it should come; a program that it runs is ended first.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::Code;

#[derive(Debug)]
struct State {
    came: bool,
    held: bool,
    child: Option<Pid>,
    /// What is said when it is told to end, and when it is told again.
    words: Option<[String; 2]>,
    /// Whether a person is told who stops a run that just ends.
    speaks: bool,
}

static STATE: Mutex<State> = Mutex::new(State { came: false, held: false, child: None, words: None, speaks: false });

/// What is true of all verbs that end when they are told to.
const STOPPED: &str = "stopped; what was downloaded is kept";

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on these signals end the program in this way, and if it `speaks`, say so. If they cannot be watched, the system's
/// way of ending remains.
pub(super) fn watch(speaks: bool) {
    state().speaks = speaks;
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        for _ in signals.forever() {
            stop();
        }
    });
}

#[expect(clippy::exit, reason = "the thread that works cannot be asked to return")]
fn stop() {
    let mut state = state();
    let again = std::mem::replace(&mut state.came, true);
    if let Some(child) = state.child {
        // If it is gone already, so much the better.
        let _ = kill_process(child, Signal::TERM);
    }
    // Who asks twice does not want to wait.
    let ends = again || !(state.held || state.child.is_some());
    if let Some(words) = &state.words {
        crate::output::at_once(&words[usize::from(again)]);
    } else if ends && state.speaks {
        crate::output::at_once(STOPPED);
    }
    if ends {
        crate::output::leave();
        std::process::exit(i32::from(Code::Interrupted as u8));
    }
}

/// Whether the program was told to end.
pub(super) fn came() -> bool {
    state().came
}

/// The work was done before it could be broken off: the program was not told to end, as it were.
pub(super) fn came_too_late() {
    state().came = false;
}

/// While this lives, the program does not end by itself when it is told to.
#[derive(Debug)]
pub(super) struct Hold(());

/// Holds the end off.
pub(super) fn hold() -> Hold {
    state().held = true;
    Hold(())
}

/// As [`hold`], with what is said when the program is told to end, and when it is told again and does.
pub(super) fn hold_saying(words: Option<[String; 2]>) -> Hold {
    state().words = words;
    hold()
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = state();
        state.held = false;
        state.words = None;
    }
}

/// From now on, `child` is told to end when this program is, or if it was.
pub(super) fn pass_to(child: Option<&Child>) {
    state().child = child.map(Pid::from_child);
    if came() {
        end_child();
    }
}

/// Ends the program that [`run`] runs, if it does.
pub(super) fn end_child() {
    if let Some(child) = state().child {
        // If it is gone already, so much the better.
        let _ = kill_process(child, Signal::TERM);
    }
}

/// Runs a program to its end, which comes when this one is told to end. `started` sees it when it runs.
pub(super) fn run(command: &mut Command, started: impl FnOnce(&mut Child)) -> io::Result<ExitStatus> {
    let mut child = {
        let mut state = state();
        if state.came {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let child = command.spawn()?;
        state.child = Some(Pid::from_child(&child));
        child
    };
    started(&mut child);
    let status = child.wait();
    state().child = None;
    status
}
