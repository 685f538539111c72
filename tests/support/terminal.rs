//! A person at a terminal, who waits for questions and answers them.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread::yield_now;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

/// Runs `program` on a terminal. Whenever the next of the questions was shown, its answer is typed. Gives the exit code and
/// all that was shown.
pub fn converse(program: &Command, answers: &[(&str, &str)]) -> (Option<i32>, String) {
    converse_doing(program, answers, |_| {})
}

/// As [`converse`], by a person who does something before the answer of this number, counted from 0.
pub fn converse_doing(
    program: &Command,
    answers: &[(&str, &str)],
    mut act: impl FnMut(usize),
) -> (Option<i32>, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = || File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(program.get_program()).args(program.get_args());
    command.current_dir(program.get_current_dir().unwrap());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(terminal()).stdout(Stdio::from(terminal())).stderr(Stdio::from(terminal()));
    let mut child = command.spawn().unwrap();
    // The command holds terminals too, and reading ends when nobody has one.
    drop(command);
    let mut master = File::from(master);
    let (mut raw, mut shown, mut seen) = (Vec::new(), String::new(), 0);
    let mut left = answers.iter().enumerate();
    let mut next = left.next();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        raw.extend_from_slice(&buffer[..count]);
        // A character may come in two pieces.
        shown = String::from_utf8_lossy(&raw).into_owned();
        if let Some((number, (question, answer))) = next
            && shown[seen..].contains(question)
        {
            seen = shown.len();
            act(number);
            if question.contains("assword") {
                wait_until_typing_is_hidden(&master, &mut child);
            }
            master.write_all(format!("{answer}\n").as_bytes()).unwrap();
            next = left.next();
        }
    }
    (child.wait().unwrap().code(), shown)
}

/// Who shows a question first and hides what is typed after that, as polkit's agent does, throws away what came in between.
fn wait_until_typing_is_hidden(terminal: &File, program: &mut Child) {
    while tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ECHO) && program.try_wait().unwrap().is_none() {
        yield_now();
    }
}
