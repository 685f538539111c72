//! A virtual machine whose serial console a test reads and types on.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use imgbuild::cmd::boot::host;
use imgbuild::cmd::boot::qemu::{self, Accelerator, Machine, Start};
use imgbuild::profile::Arch;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// How long a machine emulated in software may take for one step before the test gives up.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long a machine may be silent before it is woken.
const SILENCE: Duration = Duration::from_secs(30);

/// The kernel's last words before what is in the initrd begins. Until then nothing is written to a stick.
pub const INIT: &str = "Run /init as init process";

/// Memory for translated instructions, in MiB, which is emptied when it is full; QEMU takes 1024 by itself. A machine that
/// boots uses little of what it ran a minute ago, but each write to memory that such instructions were in looks for all
/// translations of its page, and a boot hands most of its memory from one program to the next. Measured for amd64 alone.
const TRANSLATIONS: &str = ",tb-size=128";

/// Debian's firmware for QEMU that asks for signatures once it has keys.
const SECURE_FIRMWARE: &str = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";

/// How a kernel dies that QEMU has run wrongly: it patched its own code while the other processor was there. Such a machine
/// is started again.
const FAULT: &str = "Oops: int3";

/// Machines that may still be started; none yet says how many processors this machine has.
static FREE: Mutex<Option<usize>> = Mutex::new(None);
/// Told when a machine has ended.
static ENDED: Condvar = Condvar::new();

/// The right to run a machine, which is given back when this is dropped.
///
/// There are as many as this machine has processors, and each machine has one. Until its login (`demo`, on two idle processors)
/// a machine takes 82 s and 111 s of processor time with two, 98 s and 88 s with one: two machines side by side, each with one,
/// are ready sooner than one after the other.
struct Turn;

impl Turn {
    fn wait() -> Self {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = free.get_or_insert_with(|| thread::available_parallelism().map_or(1, NonZero::get));
            if *left > 0 {
                *left -= 1;
                return Self;
            }
            free = ENDED.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(left) = FREE.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            *left += 1;
        }
        ENDED.notify_one();
    }
}

/// What a machine has beside its sticks.
#[derive(Default)]
pub struct Extras<'a> {
    /// Disks on USB that stay where they are plugged in.
    pub disks: &'a [PathBuf],
    /// Port of this machine's loopback that leads to the machine's SSH.
    pub ssh_port: Option<u16>,
    /// Whether it has a second network card, at whose end nobody answers.
    pub silent_port: bool,
    /// What its clock chip says at power-on, as QEMU's `-rtc` takes it; else the true time.
    pub clock: Option<&'a str>,
}

/// A running machine. Dropping it ends it, as a power cut would.
pub struct Console {
    machine: Child,
    keyboard: ChildStdin,
    screen: Arc<Screen>,
    /// Everything before this was seen by an earlier step.
    seen: usize,
    commands: usize,
    _turn: Turn,
}

/// What came over the serial line.
struct Screen {
    machine: Pid,
    state: Mutex<Output>,
    changed: Condvar,
}

#[derive(Default)]
struct Output {
    text: String,
    ended: bool,
}

impl Console {
    /// Starts a machine for `arch` through UEFI firmware, with one USB stick a path in `sticks`, the first to boot from.
    pub fn boot(arch: Arch, sticks: &[PathBuf]) -> Self {
        Self::start(arch, host::find_firmware(arch).expect("tests/run.sh installs UEFI firmware"), sticks)
    }

    /// As [`Self::boot`], by what `start` names.
    pub fn start(arch: Arch, start: Start, sticks: &[PathBuf]) -> Self {
        Self::start_with(arch, start, sticks, &Extras { silent_port: true, ..Extras::default() })
    }

    /// As [`Self::boot`], with other things beside the sticks.
    pub fn boot_with(arch: Arch, sticks: &[PathBuf], extras: &Extras<'_>) -> Self {
        Self::start_with(arch, host::find_firmware(arch).expect("tests/run.sh installs UEFI firmware"), sticks, extras)
    }

    /// Starts a machine through firmware with Secure Boot, which keeps its settings in the file `variables`; waits for nothing.
    ///
    /// Only system management mode may write the settings, as on a real board (OvmfPkg/README of EDK II).
    pub fn secure_boot(stick: &Path, variables: &Path) -> Self {
        let turn = Turn::wait();
        let path = std::env::var_os("PATH").expect("PATH is set");
        let program = host::find_qemu(Arch::Amd64, &path).expect("tests/run.sh installs QEMU");
        let start = Start::Uefi { code: SECURE_FIRMWARE.into(), variables: variables.to_owned() };
        let accelerator = Accelerator::Software;
        let arch = Arch::Amd64;
        let machine = Machine { arch, start, disk: stick, accelerator, ssh_port: None, interactive: false };
        let mut command = Command::new(program);
        // What firmware writes stays there for the next start.
        command.args(qemu::arguments(&machine).into_iter().map(|argument| match argument.to_str() {
            Some(qemu::TCG) => format!("{}{TRANSLATIONS}", qemu::TCG).into(),
            Some(text) if text.contains("if=pflash") => text.replace(",snapshot=on", "").into(),
            _ => argument,
        }));
        command.args(["-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on", "-smp", "1"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let (machine, keyboard, screen) = spawn(&mut command, &stick.with_extension("log"));
        Self { machine, keyboard, screen, seen: 0, commands: 0, _turn: turn }
    }

    /// As [`Self::start`], with more to it. What the machine says is kept beside the first stick, in `*.log`.
    fn start_with(arch: Arch, start: Start, sticks: &[PathBuf], extras: &Extras<'_>) -> Self {
        let turn = Turn::wait();
        let path = std::env::var_os("PATH").expect("PATH is set");
        let program = host::find_qemu(arch, &path).expect("tests/run.sh installs QEMU");
        // Not KVM, even where there is some: every host then runs the same test.
        let accelerator = Accelerator::Software;
        let machine =
            Machine { arch, start, disk: &sticks[0], accelerator, ssh_port: extras.ssh_port, interactive: false };
        let mut command = Command::new(program);
        let mut arguments = qemu::arguments(&machine);
        if arch == Arch::Amd64 {
            let accelerator = arguments.iter_mut().find(|argument| *argument == qemu::TCG).expect("it is not KVM");
            accelerator.push(TRANSLATIONS);
        }
        command.args(arguments);
        // The last one counts.
        command.args(["-smp", "1"]);
        if extras.silent_port {
            command.args(["-netdev", "hubport,id=silent,hubid=1", "-device", "virtio-net-pci,netdev=silent,romfile="]);
        }
        for stick in &sticks[1..] {
            command.arg("-drive").arg(format!("if=none,id=other,format=raw,file={}", stick.display()));
            command.arg("-device").arg("usb-storage,bus=usb.0,drive=other,removable=on,serial=other");
        }
        for (number, disk) in extras.disks.iter().enumerate() {
            command
                .arg("-drive")
                .arg(format!("if=none,id=disk{number},format=raw,cache=unsafe,file={}", disk.display()));
            command.arg("-device").arg(format!("usb-storage,bus=usb.0,drive=disk{number},removable=off"));
        }
        if let Some(clock) = extras.clock {
            command.args(["-rtc", &format!("base={clock}")]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let log = sticks[0].with_extension("log");
        loop {
            let (mut machine, keyboard, screen) = spawn(&mut command, &log);
            let began = |all: &str| if all.contains(FAULT) { Some(false) } else { all.contains(INIT).then_some(true) };
            if screen.wait("the kernel to start init", began) {
                return Self { machine, keyboard, screen, seen: 0, commands: 0, _turn: turn };
            }
            machine.kill().and_then(|()| machine.wait()).expect("QEMU is our own process");
        }
    }

    /// Waits until `text` appears after what was seen so far; gives back what came before it.
    ///
    /// # Panics
    /// If the machine ends, or takes too long. The message holds the end of what it printed.
    pub fn wait_for(&mut self, text: &str) -> String {
        let seen = self.seen;
        let at = self.screen.wait(text, |all| all[seen..].find(text).map(|at| seen + at));
        self.seen = at + text.len();
        self.all()[seen..at].to_owned()
    }

    /// Waits until the machine has printed `bytes` bytes after what was seen so far, or `text`, which is where it ends;
    /// gives what it has printed in all.
    pub fn wait_for_bytes_or(&mut self, bytes: usize, text: &str) -> String {
        let seen = self.seen;
        let reached = |all: &str| (all.len() - seen >= bytes || all[seen..].contains(text)).then_some(());
        self.screen.wait(text, reached);
        self.all()
    }

    /// Everything that was printed so far.
    fn all(&self) -> String {
        self.screen.state.lock().unwrap_or_else(PoisonError::into_inner).text.clone()
    }

    /// Waits for the root shell that the test's overlay opens on the serial line, whether it was seen already or not, and
    /// makes it quiet.
    pub fn wait_for_shell(&mut self) {
        let prompt = |all: &str| {
            let login = all.find("(automatic login)")?;
            all[login..].find("# ").map(|prompt| login + prompt)
        };
        self.seen = self.seen.max(self.screen.wait("a shell", prompt));
        self.make_quiet();
    }

    /// Makes the shell at its prompt a quiet one.
    fn make_quiet(&mut self) {
        // The kernel and PID 1 (signal: systemd(1)) write on the same line; from here on they are silent.
        self.type_line("dmesg -n 1; kill -s SIGRTMIN+21 1");
        // Without echo, and without escape codes of the prompt, output is what commands print.
        self.type_line("bind 'set enable-bracketed-paste off'");
        self.type_line("stty -echo; PS1=; export TERM=dumb PAGER=cat SYSTEMD_COLORS=0; echo re''ady");
        self.wait_for("ready");
    }

    /// Runs `command` in the shell; gives back what it printed, trimmed.
    pub fn run(&mut self, command: &str) -> String {
        self.commands += 1;
        // What the machine says by itself may come before.
        let (begin, end) = (format!("[run {}]", self.commands), format!("[done {}]", self.commands));
        self.type_line(&format!("echo '{begin}'; {command}; echo '{end}'"));
        self.wait_for(&begin);
        self.wait_for(&end).replace('\r', "").trim().to_owned()
    }

    /// Shuts the machine down cleanly.
    pub fn power_off(mut self) {
        self.type_line("systemctl poweroff");
        self.wait_for_end();
    }

    /// Waits until the machine ends by itself, or would restart.
    pub fn wait_for_end(&mut self) {
        self.screen.until("the machine to end", |output| output.ended.then_some(()));
        self.machine.wait().expect("QEMU is our own process");
    }

    /// Types `line` and the enter key.
    pub fn type_line(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).expect("the machine reads its serial line");
    }
}

/// Starts QEMU; what it prints goes to a screen and into `log`.
fn spawn(command: &mut Command, log: &Path) -> (Child, ChildStdin, Arc<Screen>) {
    let mut log = File::create(log).expect("a log beside the stick");
    let mut machine = command.spawn().expect("QEMU starts");
    let keyboard = machine.stdin.take().expect("stdin is piped");
    let mut line = machine.stdout.take().expect("stdout is piped");
    let screen = Screen { machine: Pid::from_child(&machine), state: Mutex::default(), changed: Condvar::new() };
    let screen = Arc::new(screen);
    let shared = Arc::clone(&screen);
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        loop {
            let read = line.read(&mut bytes).unwrap_or(0);
            log.write_all(&bytes[..read]).expect("room for the log");
            let mut output = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            output.text.push_str(&String::from_utf8_lossy(&bytes[..read]));
            output.ended = read == 0;
            shared.changed.notify_all();
            if output.ended {
                return;
            }
        }
    });
    (machine, keyboard, screen)
}

impl Screen {
    /// Waits until `find` finds something in all that was printed; `what` says what, for people.
    fn wait<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        self.until(what, |output| find(&output.text))
    }

    /// As [`Self::wait`], for whatever `find` sees.
    fn until<T>(&self, what: &str, find: impl Fn(&Output) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut output = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = find(&output) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if output.ended || left.is_zero() {
                let why = if output.ended { "the machine ended" } else { "time is up" };
                let lines: Vec<&str> = output.text.lines().rev().take(60).collect();
                let tail = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
                panic!("waiting for {what:?}: {why}. The console's last lines:\n{tail}");
            }
            let waited = self.changed.wait_timeout(output, left.min(SILENCE)).unwrap_or_else(PoisonError::into_inner);
            output = waited.0;
            if waited.1.timed_out() {
                self.wake();
            }
        }
    }

    /// Has QEMU's threads look again at what they sleep for. Seen once, with QEMU 7.2 on Linux 6.18: processors that
    /// slept for minutes on an idle host, until a debugger stopped and continued them.
    fn wake(&self) {
        // It may have ended by itself, which is left to be seen by who waits for it.
        let _ = kill_process(self.machine, Signal::STOP);
        // All of its threads have to stop: a signal to go on takes one to stop away that was not obeyed yet.
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let _ = waitid(WaitId::Pid(self.machine), stopped);
        let _ = kill_process(self.machine, Signal::CONT);
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.machine.kill();
        let _ = self.machine.wait();
    }
}
