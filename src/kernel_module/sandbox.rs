//! The process that becomes the sandbox: `imgbuild __compile`, started by this very program.
//!
//! It takes namespaces of its own and starts itself again in them, since a process cannot move into a namespace of processes.
//! That second process is the first one there: with its end the kernel ends all others. Each ends with its parent.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{BorrowedFd, RawFd};
use std::process::Stdio;

use rustix::fs::{Mode, symlink};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, UnshareFlags, set_capabilities, set_capabilities_secure_bits,
};

use super::order::{Answer, LONGEST, Order, Step};
use crate::process::command;

/// The argument of the second process.
const INSIDE: &str = "--inside";
/// The number that every user has in a sandbox. With any other one a program would start without the capabilities that mounts
/// need (capabilities(7)); the second process gives them up before anything of the packages runs.
const USER: u32 = 0;
/// Most bytes of one file: no compiler fills the machine's memory with one.
const LARGEST_FILE: u64 = 2 << 30;
/// Devices that programs may use. There is none for random numbers, which would be other ones each time.
const DEVICES: [&str; 2] = ["null", "zero"];

/// Why there is no sandbox.
type Refused = (Step, Errno);

/// Runs the process: the first one, or the one inside. What came of it is written to standard output.
pub(crate) fn run(is_inside: bool) {
    let answer = if is_inside { inside() } else { outside() };
    match answer {
        Ok(None) => {}
        Ok(Some(answer)) => tell(&answer, &[]),
        Err((step, errno)) => tell(&Answer::Refused { step, errno: errno.raw_os_error() }, &[]),
    }
}

/// Writes the answer. Nobody hears of an error here: who would is gone.
fn tell(answer: &Answer, modules: &[Vec<u8>]) {
    let mut output = io::stdout().lock();
    let _ = serde_json::to_writer(&mut output, answer)
        .map_err(io::Error::from)
        .and_then(|()| output.write_all(b"\n"))
        .and_then(|()| modules.iter().try_for_each(|module| output.write_all(module)))
        .and_then(|()| output.flush());
}

/// Takes the namespaces, and waits for the process in them.
fn outside() -> Result<Option<Answer>, Refused> {
    end_with_parent();
    // Of a process whose memory is private, root owns the files in /proc that are written below. This one has no secrets.
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable);
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS;
    #[expect(unsafe_code, reason = "the system call has no safe name")]
    // SAFETY: `UnshareFlags::FILES`, which alone makes this call unsafe, is not among the flags.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(|errno| (Step::Namespaces, errno))?;
    let write = |file: &str, text: &str| {
        fs::write(format!("/proc/self/{file}"), text).map_err(|error| (Step::User, errno_of(&error)))
    };
    // user_namespaces(7): a user who is not root maps groups only after giving up changing them.
    write("setgroups", "deny")?;
    write("uid_map", &format!("{USER} {} 1", user.as_raw()))?;
    write("gid_map", &format!("{USER} {} 1", group.as_raw()))?;
    rustix::system::sethostname(b"imgbuild").map_err(|errno| (Step::User, errno))?;
    let child = command("/proc/self/exe").args([super::run::VERB, INSIDE]).status();
    child.map(|_| None).map_err(|error| (Step::Namespaces, errno_of(&error)))
}

/// Makes the root, fills it, and runs the order in it.
fn inside() -> Result<Option<Answer>, Refused> {
    end_with_parent();
    // Whatever a program in the packages asks for, it gets no more rights than it has.
    let _ = rustix::thread::set_no_new_privs(true);
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let limit = Rlimit { current: Some(LARGEST_FILE), maximum: Some(LARGEST_FILE) };
    let _ = rustix::process::setrlimit(Resource::Fsize, limit);
    keep_descriptors().map_err(|error| (Step::Mounts, errno_of(&error)))?;
    mounts().map_err(|errno| (Step::Mounts, errno))?;
    let mut input = BufReader::with_capacity(256 << 10, io::stdin().lock());
    let order = match fill(&mut input) {
        Ok(order) => order,
        Err(error) => {
            let is_full = error.kind() == io::ErrorKind::StorageFull;
            return Ok(Some(Answer::Unwritten { error: error.to_string(), is_full }));
        }
    };
    drop(input);
    rustix::mount::mount_remount("/", MountFlags::RDONLY | MountFlags::NODEV | MountFlags::NOSUID, c"")
        .and_then(|()| give_up_capabilities())
        .map_err(|errno| (Step::Mounts, errno))?;
    Ok(carry_out(&order))
}

/// Keeps from programs that are started whatever files the caller of this program left open: a directory among them would lead
/// out of the root.
fn keep_descriptors() -> io::Result<()> {
    for entry in fs::read_dir("/proc/self/fd")? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok()) else { continue };
        if number <= 2 {
            continue;
        }
        #[expect(unsafe_code, reason = "the files are another program's")]
        // SAFETY: the number is borrowed for the next line alone, and this process has no thread that could close it.
        let file = unsafe { BorrowedFd::borrow_raw(number) };
        match fcntl_setfd(file, FdFlags::CLOEXEC) {
            // That of the directory that is being read here.
            Ok(()) | Err(Errno::BADF) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// From now on number 0 is a user like any other, also for programs that are started (capabilities(7), "The securebits flags").
fn give_up_capabilities() -> Result<(), Errno> {
    set_capabilities_secure_bits(CapabilitiesSecureBits::NO_ROOT | CapabilitiesSecureBits::NO_ROOT_LOCKED)?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}

/// The parent's end, however it comes, is this process's too.
fn end_with_parent() {
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// An empty root in memory that has what must come from outside: two devices. `/build` and `/tmp` are file systems of their own,
/// since the rest will be read-only.
fn mounts() -> Result<(), Errno> {
    use rustix::mount::{mount, mount_bind, mount_change, unmount};
    let memory = |at: &str| mount("tmpfs", at, "tmpfs", MountFlags::NODEV | MountFlags::NOSUID, c"mode=0755");
    let made = |result: io::Result<()>| result.map_err(|error| errno_of(&error));
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    // Every system has this directory; only this process sees what is mounted there.
    memory("/tmp")?;
    rustix::process::chdir("/tmp")?;
    made(fs::create_dir("dev"))?;
    for device in DEVICES {
        made(fs::write(format!("dev/{device}"), ""))?;
        mount_bind(format!("/dev/{device}"), format!("dev/{device}"))?;
    }
    symlink("/proc/self/fd", "dev/fd")?;
    // pivot_root(2): the old root comes to lie over the new one, and goes.
    rustix::process::pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")?;
    for dir in ["/build", "/tmp"] {
        made(fs::create_dir(dir))?;
        memory(dir)?;
    }
    Ok(())
}

/// Reads the order, and writes the files that follow it.
fn fill(input: &mut impl BufRead) -> io::Result<Order> {
    let mut line = Vec::new();
    input.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
    let order = serde_json::from_slice(&line)?;
    let mut archive = tar::Archive::new(input);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(true);
    archive.unpack("/")?;
    Ok(order)
}

/// Runs `make`, takes debug information off the modules, and tells of them; else tells what went wrong.
fn carry_out(order: &Order) -> Option<Answer> {
    let (program, args) = order.make.split_first()?;
    if let Some(failed) = failure(program, args, order) {
        return Some(failed);
    }
    let path = |module: &String| format!("{}/{module}", order.dir);
    if let Some(missing) = order.modules.iter().find(|module| !fs::metadata(path(module)).is_ok_and(|it| it.is_file()))
    {
        let mut made = Vec::new();
        find_modules(&order.dir, "", &mut made);
        return Some(Answer::Missing { module: missing.clone(), made });
    }
    let mut modules = Vec::new();
    for module in &order.modules {
        let args = ["--strip-debug".to_owned(), path(module)];
        if let Some(failed) = failure(&order.strip, &args, order) {
            return Some(failed);
        }
        match fs::read(path(module)) {
            Ok(bytes) => modules.push(bytes),
            Err(error) => return Some(Answer::Failed { program: module.clone(), status: error.to_string() }),
        }
    }
    tell(&Answer::Made { lens: modules.iter().map(|module| module.len() as u64).collect() }, &modules);
    None
}

/// Runs a program, which speaks to the log alone; tells if it fails.
fn failure(program: &str, args: &[String], order: &Order) -> Option<Answer> {
    let status = command(program)
        .args(args)
        .current_dir(&order.dir)
        .env_clear()
        .envs(order.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status();
    let status = match status {
        Ok(status) if status.success() => return None,
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    Some(Answer::Failed { program: program.to_owned(), status })
}

/// The modules below a directory, by their paths from the source's directory, sorted.
fn find_modules(source: &str, dir: &str, found: &mut Vec<String>) {
    let mut names: Vec<String> = fs::read_dir(format!("{source}/{dir}"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    for name in names {
        let path = if dir.is_empty() { name } else { format!("{dir}/{name}") };
        let is_dir = fs::symlink_metadata(format!("{source}/{path}")).is_ok_and(|it| it.is_dir());
        if is_dir {
            find_modules(source, &path, found);
        } else if path.strip_suffix(".ko").is_some() {
            found.push(path);
        }
    }
}
