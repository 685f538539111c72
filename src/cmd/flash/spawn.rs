//! Starts the child process that writes: directly if the user may write to the disk, else through sudo, doas or run0. If none
//! of these is installed, the child has udisks2 open the disk.

use std::ffi::OsString;
use std::io::{self, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::cmd::interrupt;
use crate::device::Disk;
use crate::flash::Prepared;
use crate::flash::parent::{self, FlashError};
use crate::flash::protocol::{Event, Expected, Phase, StallTimes};
use crate::output::{Console, Progress, bytes};
use crate::process::command;

/// Wanted capacity of the pipe in bytes. The system may refuse it.
#[cfg(target_os = "linux")]
const PIPE: usize = 1 << 20;
/// Programs that start the child as root, in the order of preference.
const PROGRAMS: [&str; 3] = ["sudo", "doas", "run0"];

/// Carries out the plan through a child. An error comes with the last phase that the child had begun, if any.
pub(super) fn write(
    prepared: &Prepared<'_>,
    expected: &Expected,
    disk: &Disk,
    console: &Console,
) -> Result<StallTimes, (FlashError, Option<Phase>)> {
    let _inhibitor = SleepInhibitor::start();
    let escalator = if may_write(&disk.path) { None } else { Some(escalator(disk, console)) };
    let mut child = start(disk, expected, escalator).map_err(|error| (error, None))?;
    // Until the child has opened the disk it may wait for a password, so Ctrl-C must end it too.
    interrupt::pass_to(Some(&child));
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err((FlashError::Vanished, None));
    };
    // A larger pipe means fewer context switches. It works without one too.
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&input, PIPE);
    let mut shown = EventDisplay {
        console,
        progress: console.progress(),
        plan: prepared,
        open: None,
        opened: false,
        reached: None,
    };
    let tell = |event: &Event| shown.tell(event);
    let result = parent::serve(&prepared.plan, &prepared.source, input, BufReader::new(output), tell, &interrupt::came);
    // Its events told everything, so its exit status is not needed.
    let _ = child.wait();
    interrupt::pass_to(None);
    result.map_err(|error| match (error, escalator) {
        (FlashError::Vanished, Some(Escalator::Program(by))) if !shown.opened => {
            (FlashError::NotStarted { by: by.to_owned() }, None)
        }
        (error, _) => (error, shown.reached),
    })
}

/// How the child gets permission to write.
#[derive(Debug, Clone, Copy)]
enum Escalator {
    /// This program starts the child as root.
    Program(&'static str),
    /// udisks2 passes the open disk to the child.
    Udisks,
}

/// The first escalator that is installed. Tells the user that it may ask for a password.
fn escalator(disk: &Disk, console: &Console) -> Escalator {
    let program = PROGRAMS.into_iter().find(|name| on_path(name));
    let who = program.unwrap_or("udisks2");
    console.note(&format!("you may not write to {}; {who} may ask for a password", disk.path.display()));
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

/// Whether this process may write to the disk. It is not opened for that: closing a disk that was open for writing makes udev
/// probe it again.
fn may_write(path: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    accessat(CWD, path, Access::READ_OK | Access::WRITE_OK, AtFlags::EACCESS).is_ok()
}

fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
}

/// Shows the child's events as progress.
struct EventDisplay<'a> {
    console: &'a Console,
    progress: &'a dyn Progress,
    plan: &'a Prepared<'a>,
    /// The current phase: its name, its bytes and when it began.
    open: Option<(&'static str, u64, std::time::Instant)>,
    /// Whether the child has opened the disk.
    opened: bool,
    reached: Option<Phase>,
}

impl EventDisplay<'_> {
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
            Event::Rewrite { part, offset } => self.progress.warn(&format!(
                "the disk did not keep what was written to byte {offset} (`{part}`); it is written again"
            )),
            Event::Done(_) | Event::Failed { .. } => self.close(),
            Event::Opened { .. } => {
                self.opened = true;
                interrupt::pass_to(None);
            }
            Event::RequestRanges { .. } => {}
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

/// While this value lives, systemd does not suspend the machine.
struct SleepInhibitor(Option<Child>);

impl SleepInhibitor {
    fn start() -> Self {
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

impl Drop for SleepInhibitor {
    fn drop(&mut self) {
        if let Some(mut holder) = self.0.take() {
            // When its input is closed `cat` ends, and systemd-inhibit too. It is killed as well, since it may still wait for
            // systemd.
            drop(holder.stdin.take());
            let _: io::Result<_> = holder.kill().and_then(|()| holder.wait());
        }
    }
}
