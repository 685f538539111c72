//! Ctrl-C and SIGTERM: the program ends with exit code 130 and leaves no unfinished files.
//!
//! Unfinished outputs have no name, so most commands can simply end. A command that must clean up holds a [`Hold`], and checks
//! [`came`] from time to time. A child process is ended first.

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
    /// Messages for the first signal and for the second one.
    words: Option<[String; 2]>,
    /// Whether a message is printed when the program simply ends.
    speaks: bool,
}

static STATE: Mutex<State> = Mutex::new(State { came: false, held: false, child: None, words: None, speaks: false });

/// The message of all commands that simply end.
const STOPPED: &str = "stopped; what was downloaded is kept";

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Handles these signals from now on; `speaks` says whether messages are printed. If the handlers cannot be installed, the
/// system's default remains: the process is killed.
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
        // An error means that it has ended already.
        let _ = kill_process(child, Signal::TERM);
    }
    // A second signal ends the program without waiting.
    let ends = again || !(state.held || state.child.is_some());
    if let Some(words) = &state.words {
        crate::output::print_now(&words[usize::from(again)]);
    } else if ends && state.speaks {
        crate::output::print_now(STOPPED);
    }
    if ends {
        crate::output::clear_terminal();
        std::process::exit(i32::from(Code::Interrupted as u8));
    }
}

/// Whether a signal came.
pub(super) fn came() -> bool {
    state().came
}

/// Ignores a signal that came after all work was done.
pub(super) fn came_too_late() {
    state().came = false;
}

/// While this value lives, the first signal does not end the program.
#[derive(Debug)]
pub(super) struct Hold(());

/// Makes the first signal not end the program.
pub(super) fn hold() -> Hold {
    state().held = true;
    Hold(())
}

/// The same as [`hold`], with the messages for the first and the second signal.
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

/// Passes signals on to `child` from now on, including one that already came.
pub(super) fn pass_to(child: Option<&Child>) {
    state().child = child.map(Pid::from_child);
    if came() {
        end_child();
    }
}

/// Sends SIGTERM to the running child, if there is one.
pub(super) fn end_child() {
    if let Some(child) = state().child {
        // An error means that it has ended already.
        let _ = kill_process(child, Signal::TERM);
    }
}

/// Runs a program until it ends; signals are passed on to it. `started` is called with the running child.
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
