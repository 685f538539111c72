//! The program's side of the sandbox: starts it, sends order and files, listens, and takes the modules.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};

use tar::{Builder, EntryType, Header};

use super::log::{self, Log};
use super::order::{Answer, EPOCH, LONGEST, Order};
use super::root::{self, BUILD};
use super::{Built, CompileError, Job, toolchain};
use crate::output::{Progress, count};
use crate::process::command;
use crate::profile::Arch;
use crate::tree::{Kind, Tree};

/// The verb that makes this program a sandbox.
pub(crate) const VERB: &str = "__compile";
/// The name of the phase on the screen.
const PHASE: &str = "compile";
/// Bytes of the pipe's buffer.
const BUFFER: usize = 256 << 10;
/// Most bytes of one module.
const LARGEST: u64 = 1 << 30;

/// As [`compile`](super::compile), with the file of this program, which another one that has this room in it must name.
///
/// # Errors
/// As [`compile`](super::compile) has them.
pub fn compile_with(program: &Path, job: &Job<'_>, progress: &dyn Progress) -> Result<Vec<Built>, CompileError> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let machine = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        return Err(CompileError::Unsupported { name: job.name.to_owned(), machine });
    }
    let tree = root::root(job)?;
    let start = |source| CompileError::Start { name: job.name.to_owned(), source };
    progress.begin(PHASE, 0);
    let mut child = command(program)
        .arg(VERB)
        .env_clear()
        .current_dir("/")
        // Ctrl-C is for this process, with which the sandbox ends: it does not look as if the compiler had failed.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let heard = talk(&mut child, job, &tree, progress);
    // It ended, or has nothing more to say.
    let _ = child.kill();
    let _ = child.wait();
    let built = heard.and_then(|heard| heard.result(job))?;
    progress.finish(PHASE, &format!("{} for {}", count(built.len(), "kernel module"), job.kernel));
    Ok(built)
}

/// What came from the sandbox.
struct Heard {
    /// None if it ended without an answer.
    answer: Option<(Answer, Vec<Vec<u8>>)>,
    log: Log,
    /// What kept the files from being read here.
    unread: Option<io::Error>,
}

/// Sends what the sandbox needs, and hears what it says meanwhile.
fn talk(child: &mut Child, job: &Job<'_>, tree: &Tree, progress: &dyn Progress) -> Result<Heard, CompileError> {
    let (Some(input), Some(output), Some(said)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
        let source = io::Error::other("no pipes");
        return Err(CompileError::Start { name: job.name.to_owned(), source });
    };
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| send(input, job, tree));
        let listener = scope.spawn(|| listen(said, progress));
        let answer = answer(output);
        let unread = sender.join().ok().and_then(Result::err).filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
        Ok(Heard { answer, log: listener.join().unwrap_or_default(), unread })
    })
}

/// The answer and the modules that follow it; none if the sandbox ended before it had said all.
fn answer(output: impl Read) -> Option<(Answer, Vec<Vec<u8>>)> {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    output.by_ref().take(LONGEST).read_until(b'\n', &mut line).ok()?;
    let answer: Answer = serde_json::from_slice(&line).ok()?;
    let Answer::Made { lens } = &answer else { return Some((answer, Vec::new())) };
    let read = |len: &u64| {
        let mut bytes = Vec::new();
        output.by_ref().take((*len).min(LARGEST)).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 == *len).then_some(bytes)
    };
    let modules: Option<Vec<_>> = lens.iter().map(read).collect();
    modules.map(|modules| (answer, modules))
}

fn listen(said: impl Read, progress: &dyn Progress) -> Log {
    let (mut said, mut log, mut line) = (BufReader::new(said), Log::default(), Vec::new());
    while said.by_ref().take(LONGEST).read_until(b'\n', &mut line).is_ok_and(|len| len > 0) {
        if let Some(file) = log::progress(&String::from_utf8_lossy(&line)) {
            progress.remark(PHASE, &crate::output::shown(file));
        }
        log.push(&line);
        line.clear();
    }
    log
}

/// Writes the order and all files. That nobody reads them any more, the answer explains.
fn send(input: ChildStdin, job: &Job<'_>, tree: &Tree) -> io::Result<()> {
    let mut input = BufWriter::with_capacity(BUFFER, input);
    serde_json::to_writer(&mut input, &order(job))?;
    input.write_all(b"\n")?;
    let mut archive = Builder::new(input);
    for (path, node) in tree.iter().filter(|(path, _)| !path.is_empty()) {
        let mut header = Header::new_gnu();
        header.set_mtime(EPOCH);
        header.set_mode(u32::from(node.mode & 0o777) | 0o600);
        match &node.kind {
            Kind::Dir => {
                header.set_entry_type(EntryType::Directory);
                header.set_mode(0o755);
                header.set_size(0);
                archive.append_data(&mut header, path, io::empty())?;
            }
            Kind::File(content) => {
                header.set_size(content.len());
                archive.append_data(&mut header, path, &*content.read()?)?;
            }
            Kind::Symlink(target) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                archive.append_link(&mut header, path, target)?;
            }
            // Devices and pipes of packages have no use here; links come when all files are there.
            _ => {}
        }
    }
    for (path, node) in tree.iter() {
        if let Kind::HardLink(target) = &node.kind {
            let mut header = Header::new_gnu();
            header.set_entry_type(EntryType::Link);
            header.set_size(0);
            archive.append_link(&mut header, path, target)?;
        }
    }
    archive.into_inner()?.flush()
}

/// What `make` is told. All tools are named, so that nothing is looked up by a name that only links would have.
fn order(job: &Job<'_>) -> Order {
    let dir = format!("/{BUILD}/{}", job.name);
    let prefix = toolchain::prefix(job.arch);
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut make = vec!["/usr/bin/make".to_owned(), format!("-j{cpus}")];
    make.push(format!("CC={}", toolchain::compiler(job.arch)));
    for (variable, tool) in
        [("LD", "ld"), ("AR", "ar"), ("NM", "nm"), ("OBJCOPY", "objcopy"), ("OBJDUMP", "objdump"), ("STRIP", "strip")]
    {
        make.push(format!("{variable}={prefix}{tool}"));
    }
    if job.arch == Arch::Arm64 {
        make.extend(["ARCH=arm64".to_owned(), format!("CROSS_COMPILE={prefix}")]);
    }
    let own = |word: &String| word.replace("{kernel}", job.kernel).replace("{source}", &dir);
    make.extend(job.recipe.make.iter().map(own));
    let epoch = EPOCH.to_string();
    let env = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"),
        ("HOME", "/"),
        ("LC_ALL", "C"),
        ("TZ", "UTC"),
        // What the headers of a foreign architecture would ask dpkg for.
        ("DEB_BUILD_ARCH", "amd64"),
        ("SOURCE_DATE_EPOCH", &epoch),
        ("KBUILD_BUILD_TIMESTAMP", "Sat Jan  1 00:00:00 UTC 2000"),
        ("KBUILD_BUILD_USER", "imgbuild"),
        ("KBUILD_BUILD_HOST", "imgbuild"),
        ("KBUILD_BUILD_VERSION", "1"),
    ];
    Order {
        make,
        dir,
        env: env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        modules: job.recipe.modules.clone(),
        strip: format!("/usr/bin/{prefix}strip"),
    }
}

impl Heard {
    fn result(self, job: &Job<'_>) -> Result<Vec<Built>, CompileError> {
        let name = job.name.to_owned();
        if let Some(source) = self.unread {
            return Err(CompileError::Read { name, source });
        }
        let Some((answer, modules)) = self.answer else {
            return Err(CompileError::Ended { name, log: keep(job, &self.log) });
        };
        match answer {
            Answer::Refused { step, errno } => Err(CompileError::NoSandbox { name, step, source: refusal(errno) }),
            Answer::Unwritten { error, is_full } => Err(CompileError::Unwritten { name, error, is_full }),
            Answer::Failed { program, status } => {
                let mut errors = self.log.first_errors(&format!("/{BUILD}/{}", job.name));
                if errors.is_empty() {
                    errors.push(format!("{program}: {status}"));
                }
                Err(CompileError::Failed { name, kernel: job.kernel.to_owned(), errors, log: keep(job, &self.log) })
            }
            Answer::Missing { module, made } => {
                Err(CompileError::Missing { name, module, made, log: keep(job, &self.log) })
            }
            Answer::Made { .. } => {
                let file = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
                let names = job.recipe.modules.iter().map(file);
                Ok(names.zip(modules).map(|(name, bytes)| Built { name, bytes }).collect())
            }
        }
    }
}

/// What the system answered. No disk is full there: a limit is reached (`ENOSPC` in unshare(2) and mount(2)).
fn refusal(errno: i32) -> io::Error {
    let error = io::Error::from_raw_os_error(errno);
    if error.kind() == io::ErrorKind::StorageFull {
        return io::Error::other("a limit in /proc/sys/user or /proc/sys/fs/mount-max is reached");
    }
    error
}

/// Keeps what `make` said for a person to read, in the directory for temporary files. What cannot be kept is not told of.
fn keep(job: &Job<'_>, log: &Log) -> Option<PathBuf> {
    let prefix = format!("imgbuild-{}-", job.name);
    let mut file = tempfile::Builder::new().prefix(&prefix).suffix(".log").tempfile().ok()?;
    file.write_all(log.bytes()).ok()?;
    let (_, path) = file.keep().ok()?;
    Some(path)
}
