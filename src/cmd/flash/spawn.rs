//! The child with the rights to write: started directly where the user has them, else through sudo, doas or run0;
//! where none of them is, it is to have the disk opened by udisks2.

use std::ffi::OsString;
use std::io::{self, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::cmd::interrupt;
use crate::device::Disk;
use crate::flash::Prepared;
use crate::flash::parent::{self, FlashError};
use crate::flash::protocol::{Event, Expected, Phase, Waits};
use crate::output::{Console, Progress, bytes};
use crate::process::command;

/// Bytes that a pipe should hold, which the system may refuse.
#[cfg(target_os = "linux")]
const PIPE: usize = 1 << 20;
/// Programs that give rights, in the order in which they are tried.
const PROGRAMS: [&str; 3] = ["sudo", "doas", "run0"];

/// Does the plan through a child. An error comes with the step that the child had begun, if it had.
pub(super) fn write(
    prepared: &Prepared<'_>,
    expected: &Expected,
    disk: &Disk,
    console: &Console,
) -> Result<Waits, (FlashError, Option<Phase>)> {
    let _awake = Awake::keep();
    let escalator = if may_write(&disk.path) { None } else { Some(escalator(disk, console)) };
    let mut child = start(disk, expected, escalator).map_err(|error| (error, None))?;
    // Until it has the disk, it may wait for a password.
    interrupt::pass_to(Some(&child));
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err((FlashError::Vanished, None));
    };
    // More room means fewer switches between the two; it works without.
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&input, PIPE);
    let mut shown =
        Shown { console, progress: console.progress(), plan: prepared, open: None, opened: false, reached: None };
    let tell = |event: &Event| shown.tell(event);
    let result = parent::serve(&prepared.plan, &prepared.source, input, BufReader::new(output), tell, &interrupt::came);
    // It has said all; how it ends says nothing more.
    let _ = child.wait();
    interrupt::pass_to(None);
    result.map_err(|error| match (error, escalator) {
        (FlashError::Vanished, Some(Escalator::Program(by))) if !shown.opened => {
            (FlashError::NotStarted { by: by.to_owned() }, None)
        }
        (error, _) => (error, shown.reached),
    })
}

/// What gives the rights that the user has not.
#[derive(Debug, Clone, Copy)]
enum Escalator {
    /// Starts the child as root.
    Program(&'static str),
    /// Gives the child the open disk.
    Udisks,
}

/// The first that there is; says that it may ask.
fn escalator(disk: &Disk, console: &Console) -> Escalator {
    let program = PROGRAMS.into_iter().find(|name| on_path(name));
    let who = program.unwrap_or("udisks2");
    console.note(&format!("{} needs more rights than yours; {who} may ask for a password", disk.path.display()));
    program.map_or(Escalator::Udisks, Escalator::Program)
}

fn start(disk: &Disk, expected: &Expected, escalator: Option<Escalator>) -> Result<Child, FlashError> {
    let program = std::env::current_exe().map_err(|source| FlashError::Start { source })?;
    let expected = serde_json::to_string(expected).map_err(|error| FlashError::Start { source: error.into() })?;
    let mut words: Vec<OsString> = vec![program.into_os_string()];
    words.extend(["__write".into(), "--device".into(), disk.path.clone().into_os_string()]);
    words.extend(["--expect".into(), expected.into()]);
    match escalator {
        Some(Escalator::Program(name)) => words.insert(0, name.into()),
        Some(Escalator::Udisks) => words.push("--udisks".into()),
        None => {}
    }
    command(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| FlashError::Start { source })
}

/// Asked without opening it: closing a disk that was open for writing makes udev look at it again.
fn may_write(path: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    accessat(CWD, path, Access::READ_OK | Access::WRITE_OK, AtFlags::EACCESS).is_ok()
}

fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
}

/// Events as progress.
struct Shown<'a> {
    console: &'a Console,
    progress: &'a dyn Progress,
    plan: &'a Prepared<'a>,
    /// The phase that is shown, its bytes and its beginning.
    open: Option<(&'static str, u64, std::time::Instant)>,
    /// Whether the writer has the disk.
    opened: bool,
    reached: Option<Phase>,
}

impl Shown<'_> {
    fn tell(&mut self, event: &Event) {
        self.console.event("writer", event);
        match event {
            Event::Phase { phase } => {
                self.close();
                self.reached = Some(*phase);
                let data: u64 = self.plan.plan.ranges.iter().map(|range| range.len).sum();
                let (name, total) = match phase {
                    Phase::Clear => ("clear", 0),
                    Phase::Probe => ("probe", 0),
                    Phase::Discard => ("discard", 0),
                    Phase::Write => ("write", data),
                    Phase::Verify => ("verify", data),
                    Phase::Tables => ("tables", 0),
                };
                self.progress.begin(name, total);
                self.open = Some((name, total, std::time::Instant::now()));
            }
            Event::Progress { bytes, waits, .. } => {
                if let Some((name, 1.., _)) = self.open {
                    self.progress.advance(name, *bytes);
                    if let Some(waits) = waits {
                        self.progress.remark(name, &format!("{} sets the pace", waits.bottleneck()));
                    }
                }
            }
            Event::Again { part, offset } => self.progress.warn(&format!(
                "the disk did not keep what was written to byte {offset} (`{part}`); it is written again"
            )),
            Event::Done(_) | Event::Failed { .. } => self.close(),
            Event::Opened { .. } => {
                self.opened = true;
                interrupt::pass_to(None);
            }
            Event::Want { .. } => {}
        }
    }

    fn close(&mut self) {
        let Some((name, total, started)) = self.open.take() else { return };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a speed to look at"
        )]
        let speed = (total as f64 / started.elapsed().as_secs_f64().max(0.001)) as u64;
        let note = if total == 0 { "done".to_owned() } else { format!("{}, {}/s", bytes(total), bytes(speed)) };
        self.progress.finish(name, &note);
    }
}

/// While this lives, the machine does not go to sleep by itself, where systemd is asked.
struct Awake(Option<Child>);

impl Awake {
    fn keep() -> Self {
        let holder = command("systemd-inhibit")
            .args([
                "--what=sleep:shutdown:idle",
                "--mode=block",
                "--who=imgbuild",
                "--why=a disk is being written",
                "cat",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(holder.ok())
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        if let Some(mut holder) = self.0.take() {
            // With its input `cat` ends, and so does it; but it may still be waiting for systemd.
            drop(holder.stdin.take());
            let _: io::Result<_> = holder.kill().and_then(|()| holder.wait());
        }
    }
}
