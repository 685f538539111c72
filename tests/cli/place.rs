//! A workspace and a cache in a directory of a test's own, and the program run there.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

/// Where the program runs.
pub struct Place {
    workspace: PathBuf,
    cache: PathBuf,
    /// Takes all of it away in the end.
    _dir: Option<TempDir>,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Keeps what the user of this machine has set from a program.
pub fn forget_settings(command: &mut Command) {
    for name in ["WORKSPACE", "CACHE", "MIRROR", "K3S_MIRROR", "K3S_CHANNELS", "AGE_IDENTITY"] {
        command.env_remove(format!("IMGBUILD_{name}"));
    }
}

/// What the network gave to earlier runs of these tests.
pub fn downloads() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-downloads");
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// A release of K3s that is none: what every build here takes unless it says otherwise.
fn k3s_dir() -> &'static Path {
    static DIR: LazyLock<PathBuf> = LazyLock::new(|| {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-k3s");
        crate::k3s::release(&dir);
        dir
    });
    &DIR
}

impl Place {
    /// An empty workspace, and a cache without anything.
    pub fn new() -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let place = Self::at(dir.path());
        Self { _dir: Some(dir), ..place }
    }

    /// As [`Place::new`], in a directory that stays until the next run of these tests.
    pub fn lasting(name: &str) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{}: {error}", dir.display()),
            _ => Self::at(&dir),
        }
    }

    fn at(dir: &Path) -> Self {
        let place = Self { workspace: dir.join("workspace"), cache: dir.join("cache"), _dir: None };
        fs::create_dir_all(&place.workspace).unwrap();
        fs::create_dir_all(&place.cache).unwrap();
        place
    }

    /// With nothing in the cache but what earlier runs downloaded.
    pub fn with_downloads(self) -> Self {
        symlink(downloads(), self.cache.join("downloads")).unwrap();
        self
    }

    /// With the packages that another place has unpacked: what a test is not about, it need not do again.
    pub fn with_packs_of(self, other: &Self) -> Self {
        let (from, to) = (other.cache.join("packs"), self.cache.join("packs"));
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            // What another test is writing has another name until it is whole.
            match fs::hard_link(entry.path(), to.join(entry.file_name())) {
                Err(error) if error.kind() != ErrorKind::NotFound && error.kind() != ErrorKind::AlreadyExists => {
                    panic!("{}: {error}", entry.path().display())
                }
                _ => {}
            }
        }
        self
    }

    /// An empty workspace that uses another place's cache.
    pub fn beside(other: &Self) -> Self {
        Self { cache: other.cache.clone(), ..Self::new() }
    }

    /// With a file in the workspace.
    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.write(path, bytes);
        self
    }

    /// Writes a file of the workspace.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A path in the workspace.
    pub fn path(&self, path: &str) -> PathBuf {
        self.workspace.join(path)
    }

    /// A file of the workspace as text.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The program with its arguments, ready to run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imgbuild"));
        command.current_dir(self.path("")).arg("--cache-dir").arg(&self.cache).args(args);
        forget_settings(&mut command);
        command.env("IMGBUILD_K3S_DIR", k3s_dir());
        // No test asks the real ones.
        command.env("IMGBUILD_K3S_CHANNELS", "http://127.0.0.1:9/");
        command
    }

    /// As [`Place::command`], where nobody has said where K3s is.
    pub fn run_without_k3s(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).env_remove("IMGBUILD_K3S_DIR"))
    }

    /// Runs the program.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Runs the program; what was typed and all that a person sees then.
    pub fn transcript(&self, args: &[&str]) -> String {
        let quoted = |word: &&str| if word.is_empty() { "''".to_owned() } else { (*word).to_owned() };
        let typed = args.iter().map(quoted).collect::<Vec<_>>().join(" ");
        format!("$ imgbuild {typed}\n{}", self.run(args).shown(self))
    }

    /// `text` without paths, ports, digests and sizes that are another run's or machine's.
    pub fn stable(&self, text: &str) -> String {
        let paths = text.replace(self.workspace.to_str().unwrap(), "WORKSPACE");
        let paths = paths.replace(self.cache.to_str().unwrap(), "CACHE");
        let mut parts = paths.split("127.0.0.1:");
        let first = parts.next().unwrap().to_owned();
        let ports = parts.fold(first, |text, part| {
            text + "127.0.0.1:PORT" + part.trim_start_matches(|char: char| char.is_ascii_digit())
        });
        let without = |run: &str| {
            if run.split('-').map(str::len).eq([8, 4, 4, 4, 12]) {
                return "GUID".to_owned();
            }
            run.split('-').map(|part| if part.len() < 16 { part } else { "DIGEST" }).collect::<Vec<_>>().join("-")
        };
        let is_end = |char: char| !char.is_ascii_hexdigit() && char != '-';
        let pieces = ports.split_inclusive(is_end).map(|piece| {
            let run = piece.trim_end_matches(is_end);
            without(run) + &piece[run.len()..]
        });
        pieces.collect()
    }

    /// All that lies in the workspace, as sorted relative paths of files.
    pub fn files(&self) -> Vec<String> {
        files(&self.path(""))
    }
}

/// Phases of work. The line that each leaves tells of times and amounts.
const PHASES: [&str; 10] =
    ["indexes", "resolve", "download", "k3s", "unpack", "effects", "initrd", "compress", "verity", "write"];

impl Ran {
    /// All that it said, for a snapshot, but for how far it came when. What differs from run to run and from machine to
    /// machine is taken out.
    pub fn shown(&self, place: &Place) -> String {
        let line = |line: &str| {
            let Ok(event @ Value::Object(_)) = serde_json::from_str(line) else { return Some(format!("{line}\n")) };
            let is_progress = ["begin", "progress", "end"].iter().any(|name| event["event"] == **name);
            (!is_progress).then(|| format!("{event:#}\n"))
        };
        let said: String = self.stdout.lines().filter_map(line).collect();
        let is_of_phase = |line: &&str| line.split_once(": ").is_some_and(|(first, _)| PHASES.contains(&first));
        let told = self.stderr.split_inclusive('\n').filter(|line| !is_of_phase(line)).collect::<String>();
        let code = self.code.map_or("a signal".to_owned(), |code| format!("{code}"));
        format!("{}[{code}]\n", place.stable(&(said + &told)))
    }

    pub fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Standard output of a run that must have succeeded.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The result of a run with `--json` that must have succeeded.
    pub fn result(self) -> Value {
        let text = self.ok();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["event"], "result", "{text}");
        last["result"].clone()
    }

    /// The error of a run that must have ended with `code`: an error that says what to do, and no result.
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        let error = self.stderr.split_once("error: ").unwrap_or_else(|| panic!("no error in: {}", self.stderr)).1;
        assert!(["hint: ", "= help: "].iter().any(|hint| error.contains(hint)), "no hint in: {error}");
        error.to_owned()
    }
}

/// All files below `dir`, as sorted relative paths.
pub fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// A file's JSON.
pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}
