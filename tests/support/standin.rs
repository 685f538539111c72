//! The stand-in for K3s: built from its sources, laid out as a release, run as a process on this machine.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use imgbuild::tree::Digest;

use crate::support::ok;

/// Architectures by the names of K3s's releases, each with its program's file name.
const RELEASE: [(&str, &str); 2] = [("amd64", "k3s"), ("arm64", "k3s-arm64")];

/// The architecture of this machine.
pub const HOST: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// A directory with the files of a K3s release, stand-ins all of them, for `--k3s-dir`.
pub fn release() -> PathBuf {
    for (arch, name) in RELEASE {
        let program = program(arch);
        let sums = program.with_file_name(format!("sha256sum-{arch}.txt"));
        let line = format!("{}  {name}\n", Digest::of(&fs::read(&program).expect("a program")));
        // Whole or not at all: another test may be reading.
        let new = tempfile::NamedTempFile::new_in(program.parent().expect("a directory")).expect("a file");
        fs::write(new.path(), line).expect("a writable file");
        new.persist(sums).expect("a renamed file");
    }
    directory()
}

/// The program for one architecture, built when its sources have changed.
pub fn program(arch: &str) -> PathBuf {
    let (_, name) = RELEASE.into_iter().find(|(known, _)| *known == arch).expect("an architecture of K3s");
    let dir = directory();
    fs::create_dir_all(&dir).expect("a writable directory");
    let program = dir.join(name);
    if program.exists() {
        return program;
    }
    // Tests run side by side; the lock goes with the file.
    let lock = File::create(dir.join(format!(".{name}.lock"))).expect("a lock file");
    lock.lock().expect("a lock");
    if !program.exists() {
        let new = dir.join(format!(".{name}"));
        let mut go = Command::new("go");
        go.args(["build", "-trimpath", "-ldflags", "-s -w", "-o"]).arg(&new).arg(".").current_dir(sources());
        go.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode").env("GOFLAGS", "").env("GOTOOLCHAIN", "local");
        go.env("CGO_ENABLED", "0").env("GOOS", "linux").env("GOARCH", arch).env("GOCACHE", target().join("go-cache"));
        let output = go.output().expect("the Go compiler, which this test needs");
        assert!(output.status.success(), "the stand-in: {}", String::from_utf8_lossy(&output.stderr));
        fs::rename(new, &program).expect("a renamed file");
    }
    program
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/k3s_standin")
}

fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// The directory of what is built from these very sources.
fn directory() -> PathBuf {
    let mut files: Vec<_> =
        fs::read_dir(sources()).expect("the sources").map(|file| file.expect("an entry").path()).collect();
    files.sort();
    let mut text = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "go")) {
        text.extend(fs::read(file).expect("a source file"));
    }
    target().join("k3s-standin").join(&Digest::of(&text).to_string()[..12])
}

/// A machine for stand-ins: a directory with what would be a node's `/etc/rancher` and K3s's data.
pub struct Machine(tempfile::TempDir);

impl Machine {
    /// A machine with this `/etc/rancher/k3s/config.yaml`; ports and directories come with it.
    pub fn new(config: &str) -> Self {
        let machine = Self(tempfile::tempdir().expect("a temporary directory"));
        machine.write("etc/rancher/k3s/config.yaml", config);
        machine
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().expect("a directory")).expect("a writable directory");
        fs::write(self.path(name), text).expect("a writable file");
    }

    /// What a re-flash does: the machine's data are gone, its seed is the same.
    pub fn wipe(&self) {
        fs::remove_dir_all(self.path("data")).expect("data");
    }

    /// `k3s server` or `k3s agent` with some environment.
    pub fn start(&self, role: &str, environment: &[(&str, &str)]) -> Process {
        let mut command = Command::new(program(HOST));
        command.arg(role).arg("--standin-host").arg(self.0.path()).arg("--data-dir").arg(self.path("data"));
        command.args(["--kubelet-arg", "healthz-port=0"]);
        let port = if role == "server" { "--https-listen-port" } else { "--lb-server-port" };
        command.args([port, "0"]);
        command.env_clear().envs(environment.iter().copied()).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a program that starts");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Process { child, lines, log: String::new() }
    }
}

/// A running stand-in; it ends when dropped.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
    log: String,
}

impl Process {
    /// Waits for a log line with `text` and gives it.
    pub fn line(&mut self, text: &str) -> String {
        self.next_line(text).unwrap_or_else(|| panic!("no {text:?} in\n{}", self.log))
    }

    /// Waits for the process to end and gives the last words of its log.
    pub fn last_words(mut self) -> String {
        while self.next_line("\0").is_some() {}
        assert!(!self.child.wait().expect("a child").success(), "{}", self.log);
        self.log.lines().last().unwrap_or_default().to_owned()
    }

    /// The word in the log after `text`, as in `Listening on URL`.
    pub fn word(&mut self, text: &str) -> String {
        let line = self.line(text);
        let (_, rest) = line.split_once(text).expect("the text that the line was found by");
        rest.trim_start().split([' ', '"']).next().unwrap_or_default().to_owned()
    }

    /// The next line with `text`; none when the process ends first.
    fn next_line(&mut self, text: &str) -> Option<String> {
        loop {
            match self.lines.recv_timeout(Duration::from_secs(120)) {
                Ok(line) => {
                    self.log.push_str(&line);
                    self.log.push('\n');
                    if line.contains(text) {
                        return Some(line);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("two minutes without {text:?} in\n{}", self.log),
            }
        }
    }
}

impl Drop for Process {
    /// As a power cut: nobody is asked.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a stand-in serves at `url`.
pub fn get(url: &str) -> String {
    ok(Path::new("/"), program(HOST).to_str().expect("a plain name"), &["standin-get", url])
}
