//! A disk of this machine, opened for writing so that nobody else writes to it, or for reading what is really on it.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{FallocateFlags, FlockOperation, Mode, OFlags, fallocate, flock, ioctl_blksszget, major, minor, open};
use rustix::io::Errno;

use super::protocol::Expected;
use super::{Target, UdisksError, WriteError, udisks};
use crate::device::{self, Disk, Limits};

/// udev looks at a disk that has just been plugged in for a moment, and locks it while it does.
const TRIES: u32 = 15;
const PAUSE: Duration = Duration::from_millis(200);

/// How a disk is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// By this process, with the rights that it has.
    Direct,
    /// By udisks2, which hands over the descriptor.
    Udisks,
}

/// An open disk or image file.
#[derive(Debug)]
pub struct Block {
    file: File,
    size: u64,
    sector: u32,
}

impl Block {
    /// Opens the disk at `path` past the page cache and for nobody but us: with `O_EXCL`, which mounts, swap and device
    /// mapper respect, and an exclusive `flock`, which udev and systemd respect. Then it must be the disk that was `expected`, by
    /// its number, which is never given twice, and by size and serial; and it must still be allowed to write to it.
    ///
    /// # Errors
    /// Whatever speaks against it; nothing has been written.
    pub fn exclusive(path: &Path, expected: &Expected, way: Way) -> Result<Self, WriteError> {
        // Who uses it is known best before the open fails.
        let disk = allowed(path, expected)?;
        let fd = opened(&disk, way)?;
        patiently(|| flock(&fd, FlockOperation::NonBlockingLockExclusive)).map_err(|errno| unopened(&disk, errno))?;
        let block = Self::new(File::from(fd)).map_err(|error| WriteError::Open { source: error.into() })?;
        // From here on the name means nothing: what is open is asked.
        let changed = |problem: String| WriteError::Changed { problem };
        let number = block.file.metadata().map_err(|error| WriteError::Open { source: error.into() })?.rdev();
        let again = allowed(path, expected)?;
        if !is_number_of(&again, (major(number), minor(number))) {
            return Err(changed("its name was given to another disk".to_owned()));
        }
        if block.size != expected.size {
            return Err(changed(format!("it has {} bytes instead of {}", block.size, expected.size)));
        }
        Ok(block)
    }

    /// Opens a disk or an image file to read it; a disk past the page cache.
    ///
    /// # Errors
    /// Of opening it.
    pub fn reading(path: &Path) -> io::Result<Self> {
        let is_disk = fs::metadata(path)?.file_type().is_block_device();
        let direct = if is_disk { OFlags::DIRECT } else { OFlags::empty() };
        Self::new(File::from(open(path, OFlags::RDONLY | OFlags::CLOEXEC | direct, Mode::empty())?))
    }

    fn new(file: File) -> io::Result<Self> {
        let meta = file.metadata()?;
        if !meta.file_type().is_block_device() {
            return Ok(Self { size: meta.len(), sector: 512, file });
        }
        let size = rustix::fs::seek(&file, rustix::fs::SeekFrom::End(0))?;
        Ok(Self { size, sector: ioctl_blksszget(&file)?, file })
    }
}

/// Opens the disk so that nobody else does, past the page cache.
fn opened(disk: &Disk, way: Way) -> Result<OwnedFd, WriteError> {
    let flags = OFlags::EXCL | OFlags::DIRECT | OFlags::CLOEXEC;
    match way {
        Way::Direct => {
            let flags = flags | OFlags::RDWR | OFlags::NOFOLLOW;
            patiently(|| open(&disk.path, flags, Mode::empty())).map_err(|errno| unopened(disk, errno))
        }
        // Once: each time somebody may have to type a password.
        Way::Udisks => udisks::open(&disk.path, flags).map_err(|error| match error {
            // The only sign of it, and perhaps in another language: then it is shown as it is.
            UdisksError::Failed { text } if text.contains("Device or resource busy") => unopened(disk, Errno::BUSY),
            source => WriteError::Udisks { source },
        }),
    }
}

/// Tries again, for a while, what somebody else's short look at the disk keeps from succeeding.
fn patiently<T>(mut step: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    let mut tries = 0;
    loop {
        match step() {
            Err(Errno::BUSY | Errno::WOULDBLOCK) if tries < TRIES => {
                tries += 1;
                thread::sleep(PAUSE);
            }
            end => return end,
        }
    }
}

fn unopened(disk: &Disk, errno: Errno) -> WriteError {
    match errno {
        Errno::BUSY | Errno::WOULDBLOCK => WriteError::Busy { holders: holders(disk) },
        errno => WriteError::Open { source: io::Error::from(errno).into() },
    }
}

/// Whether the kernel gave this number to the whole disk: not to a part of it.
fn is_number_of(disk: &Disk, (major, minor): (u32, u32)) -> bool {
    let number = fs::read_to_string(Path::new("/sys/block").join(&disk.name).join("dev"));
    number.is_ok_and(|number| number.trim() == format!("{major}:{minor}"))
}

/// The disk at `path`, if it is the expected one and nothing speaks against writing to it.
fn allowed(path: &Path, expected: &Expected) -> Result<Disk, WriteError> {
    let refused =
        |error: device::DeviceError| WriteError::Refused { hint: error.hint(), reasons: vec![error.to_string()] };
    let disks = device::list(Path::new("/")).map_err(refused)?;
    let disk = device::find(&disks, path).map_err(refused)?;
    let problem = if disk.diskseq != expected.diskseq {
        Some("another disk was plugged in since")
    } else if disk.serial != expected.serial {
        Some("it has another serial number")
    } else if disk.size != expected.size {
        Some("it has another size")
    } else {
        None
    };
    if let Some(problem) = problem {
        return Err(WriteError::Changed { problem: problem.to_owned() });
    }
    let limits = Limits {
        allow_large: expected.allow_large,
        allow_loop: expected.allow_loop,
        needed: None,
        keep: expected.keep.clone(),
    };
    let refusals = disk.refusals(&limits);
    if !refusals.is_empty() {
        return Err(WriteError::Refused {
            hint: refusals.iter().find_map(device::Refusal::hint),
            reasons: refusals.iter().map(|refusal| format!("{}: {refusal}", disk.path.display())).collect(),
        });
    }
    Ok(disk.clone())
}

/// The processes that have the disk or a part of it open, as far as we may see.
fn holders(disk: &Disk) -> Vec<String> {
    let mut found = Vec::new();
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    for process in entries(Path::new("/proc")) {
        let Some(number) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let has_it = entries(&process.path().join("fd")).any(|fd| {
            let on_disk = |meta: fs::Metadata| {
                meta.file_type().is_block_device() && disk.numbers.contains(&(major(meta.rdev()), minor(meta.rdev())))
            };
            fs::metadata(fd.path()).is_ok_and(on_disk)
        });
        if has_it && number != std::process::id() {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            found.push(format!("process {number} ({})", name.trim().escape_debug()));
        }
    }
    found.extend(device::mounted_elsewhere(Path::new("/"), disk));
    if found.is_empty() {
        found.push("a program that cannot be seen from here".to_owned());
    }
    found
}

impl Target for Block {
    fn size(&self) -> u64 {
        self.size
    }

    fn sector(&self) -> u32 {
        self.sector
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buffer, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.file.write_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Punching a hole in a disk is passed to it as a discard only where it promises zeros afterwards; where it does not,
    /// this fails at once.
    fn discard(&self, range: Range<u64>) -> io::Result<()> {
        let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        Ok(fallocate(&self.file, mode, range.start, range.end - range.start)?)
    }
}
