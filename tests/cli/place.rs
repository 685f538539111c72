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

    /// All that lies in the workspace, as sorted relative paths of files.
    pub fn files(&self) -> Vec<String> {
        files(&self.path(""))
    }
}

impl Ran {
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
