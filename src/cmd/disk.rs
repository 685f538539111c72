//! Reads an image file or disk without a manifest: its partition table, and the files of its boot partition.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt as _, FileTypeExt};
use std::path::Path;

use object::{Object as _, ObjectSection as _};
use uuid::Uuid;

use crate::exit::{Code, Failure};
use crate::files;
use crate::format::fat::Volume;
use crate::format::gpt::{self, Entry, GptError};
use crate::profile::Board;
use crate::tree::Digest;

/// Bytes of the smallest disk with partition tables: protective MBR, header and 128 entries, twice.
const SMALLEST: u64 = 512 * 67;

/// Most bytes of a boot file, since it is read into memory: a unified kernel image has some 100 MiB.
pub(super) const LONGEST_FILE: u32 = 1 << 29;

/// An open image or disk, and its partition table.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) file: File,
    /// Bytes.
    pub(super) size: u64,
    pub(super) guid: Uuid,
    /// Size of the disk in bytes according to the partition table.
    promised: u64,
    /// Numbers of the partitions that are in the MBR too.
    pub(super) hybrid_mbr: Vec<u32>,
    /// By number.
    pub(super) partitions: Vec<(u32, Entry)>,
}

impl Disk {
    /// Reads the partition table of the image at `path`.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let kind = std::fs::metadata(path).map(|metadata| metadata.file_type());
        let is_disk = kind.as_ref().is_ok_and(FileTypeExt::is_block_device);
        let unreadable = |error: io::Error| {
            let hint = match error.kind() {
                io::ErrorKind::PermissionDenied if is_disk => "only root may read disks: run it with sudo",
                _ => "name an image file, a disk, or the directory that `imgbuild build` wrote",
            };
            Failure::io(Code::Refused, format!("cannot read {shown}"), &error).hint(hint)
        };
        // Anything but a disk or a file, such as a pipe, could block for ever.
        let mut file = if is_disk { File::open(path) } else { files::open(path) }.map_err(unreadable)?;
        // The metadata of a block device has no length, so seek to its end.
        let size = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        let copy = file.try_clone().map_err(unreadable)?;
        let table = gpt::read(copy).map_err(|error| Failure {
            message: match error {
                GptError::Changed => format!("{shown} is not as `imgbuild` wrote it"),
                _ if is_disk => {
                    format!("{shown} is not a disk with an image on it: it has no readable partition table")
                }
                _ => format!("{shown} is not a disk image: it has no readable partition table"),
            },
            causes: vec![match error {
                _ if size < SMALLEST => format!("it has only {size} bytes"),
                _ => error.to_string(),
            }],
            ..Failure::new(Code::Verification, &error).hint(if is_disk {
                "`imgbuild flash` writes an image to it; `imgbuild devices` tells what is on the disks of this machine"
            } else {
                "build the image again, or copy it again if it is a copy"
            })
        })?;
        Ok(Self {
            file,
            size,
            guid: table.disk_guid,
            promised: table.disk_size,
            hybrid_mbr: table.in_mbr,
            partitions: table.entries,
        })
    }

    /// Refuses an image that is shorter than its own partition table says.
    pub(super) fn check_whole(&self, path: &Path) -> Result<(), Failure> {
        if self.size >= self.promised {
            return Ok(());
        }
        let message = format!("{} is cut short", path.display());
        let cause = format!("it has {} bytes, its partition table is of a disk of {}", self.size, self.promised);
        Err(Failure { code: Code::Verification, causes: vec![cause], ..Failure::refused(message) }
            .hint("copy it again, or build it again"))
    }

    /// The board of the image, recognised by the boot files for its firmware; none for an image of another program.
    pub(super) fn board(&self) -> Option<Board> {
        if self.partition("boot-a").is_some() {
            return Some(Board::Rpi4);
        }
        let loaders = self.files("esp")?.directory("EFI/BOOT").ok()?;
        let known = [("BOOTX64.EFI", Board::UefiAmd64), ("BOOTAA64.EFI", Board::UefiArm64)];
        let is_there = |name: &str| loaders.iter().any(|found| found.name.eq_ignore_ascii_case(name));
        known.into_iter().find(|(name, _)| is_there(name)).map(|(_, board)| board)
    }

    /// The FAT32 file system of a partition.
    pub(super) fn files(&self, label: &str) -> Option<Volume<PartitionFile<'_>>> {
        Volume::open(PartitionFile { file: &self.file, of: self.partition(label)?, at: 0 }).ok()
    }

    fn partition(&self, label: &str) -> Option<&Entry> {
        self.partitions.iter().map(|(_, entry)| entry).find(|entry| entry.name == label)
    }

    /// The root hash, from which the partitions' GUIDs are derived; none for an image of another program.
    pub(super) fn root_hash(&self) -> Option<Digest> {
        let half = |label| Some(*self.partition(label)?.guid.as_bytes());
        let mut hash = [0; 32];
        hash[..16].copy_from_slice(&half("root-a")?);
        hash[16..].copy_from_slice(&half("root-a-verity")?);
        Some(Digest(hash))
    }

    /// The kernel command line, from the Pi's `cmdline.txt` or the first unified kernel image; none for an image of another
    /// program.
    pub(super) fn cmdline(&self) -> Option<String> {
        let mut files = self.files("boot-a").or_else(|| self.files("esp"))?;
        let text = match files.file("cmdline.txt", LONGEST_FILE) {
            Ok(text) => text,
            Err(_) => {
                let kernel = files.directory("EFI/Linux").ok()?.into_iter().find(|found| !found.is_directory)?;
                let program = files.file(&format!("EFI/Linux/{}", kernel.name), LONGEST_FILE).ok()?;
                let program = object::File::parse(&*program).ok()?;
                program.section_by_name(".cmdline")?.data().ok()?.to_owned()
            }
        };
        let text = String::from_utf8(text).ok()?;
        Some(text.trim_end_matches(['\0', '\n']).to_owned())
    }

    /// The image's id, from its kernel command line.
    pub(super) fn image_id(&self) -> Option<String> {
        let cmdline = self.cmdline()?;
        cmdline.split_ascii_whitespace().find_map(|word| word.strip_prefix("imgbuild.image=")).map(str::to_owned)
    }
}

/// A partition as a read-only file.
pub(super) struct PartitionFile<'a> {
    file: &'a File,
    of: &'a Entry,
    at: u64,
}

impl Read for PartitionFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.of.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let len = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..len], self.of.offset.saturating_add(self.at))?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for PartitionFile<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.of.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
