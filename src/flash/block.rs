//! A disk of this machine, opened exclusively for writing, or for reading what is on the medium itself.

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

/// How often opening or locking a busy disk is tried again: udev probes a disk that has just been plugged in, and holds
/// a lock on it meanwhile.
const RETRIES: u32 = 15;
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// How a disk is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMethod {
    /// By this process, with its own permissions.
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
    /// Opens the disk at `path` exclusively, bypassing the page cache: with `O_EXCL`, which mounts, swap and device
    /// mapper respect, and with an exclusive `flock`, which udev and systemd respect. The open disk must then be the
    /// `expected` one by the kernel's sequence number, which is never reused, by size and by serial number, and the
    /// safety rules must still allow writing to it.
    ///
    /// # Errors
    /// The disk is in use, is another one, or must not be written to. Nothing has been written.
    pub fn exclusive(path: &Path, expected: &Expected, method: OpenMethod) -> Result<Self, WriteError> {
        // Before opening, since the rules name the user of a busy disk better than the error of a failed open.
        let disk = allowed(path, expected)?;
        let fd = open_exclusively(&disk, method)?;
        retry_while_busy(|| flock(&fd, FlockOperation::NonBlockingLockExclusive))
            .map_err(|errno| open_failure(&disk, errno))?;
        let block = Self::new(File::from(fd)).map_err(|error| WriteError::Open { source: error.into() })?;
        // The name may lead to another disk by now, so compare the open descriptor with what the name leads to.
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

    /// Opens a disk or an image file for reading; a disk without the page cache.
    ///
    /// # Errors
    /// The error of opening it.
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

/// Opens the disk exclusively, without the page cache.
fn open_exclusively(disk: &Disk, method: OpenMethod) -> Result<OwnedFd, WriteError> {
    let flags = OFlags::EXCL | OFlags::DIRECT | OFlags::CLOEXEC;
    match method {
        OpenMethod::Direct => {
            let flags = flags | OFlags::RDWR | OFlags::NOFOLLOW;
            retry_while_busy(|| open(&disk.path, flags, Mode::empty())).map_err(|errno| open_failure(disk, errno))
        }
        // No retries: each call may ask for a password.
        OpenMethod::Udisks => udisks::open(&disk.path, flags).map_err(|error| match error {
            // udisks2 tells `EBUSY` in words only. In another language they are not recognised, and are shown as they are.
            UdisksError::Failed { text } if text.contains("Device or resource busy") => open_failure(disk, Errno::BUSY),
            source => WriteError::Udisks { source },
        }),
    }
}

/// Repeats `step` for a short time while the disk is busy.
fn retry_while_busy<T>(mut step: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    let mut tries = 0;
    loop {
        match step() {
            Err(Errno::BUSY | Errno::WOULDBLOCK) if tries < RETRIES => {
                tries += 1;
                thread::sleep(PAUSE);
            }
            end => return end,
        }
    }
}

fn open_failure(disk: &Disk, errno: Errno) -> WriteError {
    match errno {
        Errno::BUSY | Errno::WOULDBLOCK => WriteError::Busy { holders: holders(disk) },
        errno => WriteError::Open { source: io::Error::from(errno).into() },
    }
}

/// Whether this device number is that of the whole disk, not of a partition.
fn is_number_of(disk: &Disk, (major, minor): (u32, u32)) -> bool {
    let number = fs::read_to_string(Path::new("/sys/block").join(&disk.name).join("dev"));
    number.is_ok_and(|number| number.trim() == format!("{major}:{minor}"))
}

/// The disk at `path`, if it is the expected one and the safety rules allow writing to it.
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
        protected_paths: expected.protected_paths.clone(),
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

/// The processes that have the disk or a partition of it open, as far as this user may see them.
fn holders(disk: &Disk) -> Vec<String> {
    let mut found = Vec::new();
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    for process in entries(Path::new("/proc")) {
        let Some(number) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let has_it_open = entries(&process.path().join("fd")).any(|fd| {
            let on_disk = |meta: fs::Metadata| {
                meta.file_type().is_block_device() && disk.numbers.contains(&(major(meta.rdev()), minor(meta.rdev())))
            };
            fs::metadata(fd.path()).is_ok_and(on_disk)
        });
        if has_it_open && number != std::process::id() {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            found.push(format!("process {number} ({})", name.trim().escape_debug()));
        }
    }
    found.extend(device::mounts_in_other_namespaces(Path::new("/"), disk));
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

    /// The kernel turns a punched hole into a discard command only for disks that guarantee zeros afterwards. For all
    /// others this fails at once.
    fn discard(&self, range: Range<u64>) -> io::Result<()> {
        let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        Ok(fallocate(&self.file, mode, range.start, range.end - range.start)?)
    }
}
