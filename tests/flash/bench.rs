//! A directory with an image and its sidecar files, a loop device, and the program.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use imgbuild::format::gpt;
use imgbuild::tree::Digest;
use serde_json::Value;
use tempfile::TempDir;

use crate::image::Image;
use crate::support;

/// A disk of this machine that is a file; gone when the test ends.
pub struct Loop {
    pub path: PathBuf,
    pub file: PathBuf,
    _dir: TempDir,
}

impl Loop {
    pub fn new(size: u64) -> Self {
        Self::with_sectors(size, 512)
    }

    /// One that counts in sectors of so many bytes.
    pub fn with_sectors(size: u64, sector: u32) -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let file = dir.path().join("disk");
        File::create(&file).unwrap().set_len(size).unwrap();
        let sector = format!("--sector-size={sector}");
        let path = support::ok(dir.path(), "losetup", &["--find", "--show", &sector, file.to_str().unwrap()]);
        Self { path: PathBuf::from(path.trim()), file, _dir: dir }
    }

    pub fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    pub fn size(&self) -> u64 {
        fs::metadata(&self.file).unwrap().len()
    }

    pub fn name(&self) -> &str {
        self.path.file_name().unwrap().to_str().unwrap()
    }

    pub fn bytes(&self, at: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        File::open(&self.file).unwrap().read_exact_at(&mut bytes, at).unwrap();
        bytes
    }

    pub fn write(&self, at: u64, bytes: &[u8]) {
        let disk = File::options().write(true).open(&self.path).unwrap();
        disk.write_all_at(bytes, at).unwrap();
        disk.sync_all().unwrap();
    }

    /// All of it.
    pub fn digest(&self) -> Digest {
        Digest::of(&fs::read(&self.file).unwrap())
    }

    /// The partition table that an operating system would find.
    pub fn table(&self) -> Option<gpt::Table> {
        gpt::read(File::open(&self.file).unwrap()).ok()
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["--detach", self.path()]).status();
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The error of a run that must have ended with `code`, and says what to do.
    pub fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.contains("hint: "), "no hint in: {}", self.stderr);
        self.stderr
    }
}

/// An image with its sidecar files in a directory of its own, which is the workspace too.
pub struct Bench {
    pub image: Image,
    pub dir: TempDir,
}

impl Bench {
    pub fn new(data: usize) -> Self {
        Self::of(Image::new(data))
    }

    pub fn of(image: Image) -> Self {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let bench = Self { image, dir };
        bench.write("node.img", &bench.image.bytes);
        bench.write_sidecars(&["node.img"]);
        bench
    }

    /// Manifest and sums of these files.
    pub fn write_sidecars(&self, files: &[&str]) {
        self.write("manifest.json", &serde_json::to_vec_pretty(&self.image.manifest).unwrap());
        let line = |name: &&str| format!("{}  {name}\n", Digest::of(&fs::read(self.path(name)).unwrap()));
        let sums: String = files.iter().chain(&["manifest.json"]).map(line).collect();
        self.write("SHA256SUMS", sums.as_bytes());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imgbuild"));
        command.current_dir(self.dir.path()).arg("--cache-dir").arg(self.path("cache")).args(args);
        command.env_remove("IMGBUILD_WORKSPACE").env_remove("IMGBUILD_CACHE").stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// The command that writes `image` to `disk`.
    pub fn flash_command(&self, image: &str, disk: &Loop) -> Command {
        self.command(&["--json", "flash", "--image", image, "--device", disk.path(), "--allow-loop", "--yes"])
    }

    pub fn flash(&self, image: &str, disk: &Loop) -> Ran {
        self.run(&["flash", "--image", image, "--device", disk.path(), "--allow-loop", "--yes"])
    }

    /// Starts to flash, and calls `each` with the number of each thing that the writer tells.
    pub fn flash_watched(&self, disk: &Loop, each: impl FnMut(usize, &Child, &Value)) -> Ran {
        watch(self.flash_command("node.img", disk), each)
    }

    /// The image is on the disk, by this test's own comparison and by foreign tools.
    pub fn assert_on(&self, disk: &Loop) {
        for range in &self.image.manifest.ranges {
            let table = range.offset == 0 || range.offset + range.length == self.image.size();
            let from = usize::try_from(range.offset).unwrap();
            let len = usize::try_from(range.length).unwrap();
            assert!(table || disk.bytes(range.offset, len) == self.image.bytes[from..from + len], "{range:?}");
        }
        let said = support::ok(Path::new("/"), "sgdisk", &["--verify", disk.file.to_str().unwrap()]);
        assert!(said.contains("No problems found"), "{said}");
        assert!(disk.table().is_some_and(|table| table.is_whole));
        assert_eq!(disk.bytes(disk.size() - 512, 8), b"EFI PART");
    }
}

/// Starts a flash that tells its events, and calls `each` with the number of each thing that the writer tells.
pub fn watch(mut flash: Command, mut each: impl FnMut(usize, &Child, &Value)) -> Ran {
    let mut child = flash.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut number = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if event["event"] == "writer" {
            number += 1;
            each(number, &child, &event["writer"]);
        }
    }
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    Ran { code: child.wait().unwrap().code(), stdout: String::new(), stderr }
}

/// The writer that a running flash has started.
pub fn writer_of(flash: &Child) -> Option<u32> {
    let is_writer =
        |child: &u32| fs::read_to_string(format!("/proc/{child}/cmdline")).is_ok_and(|line| line.contains("__write"));
    descendants(flash.id()).into_iter().find(is_writer)
}

/// What a process has started, and what that has started.
pub fn descendants(process: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    children.flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}
