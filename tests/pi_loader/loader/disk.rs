//! Partitions, numbered as in an MBR or as in a GUID partition table, and the FAT in them.

use std::io::{self, Read, Seek, SeekFrom, Write};

use fatfs::{FatType, FileSystem, FsOptions};

use super::Stop;

/// Type of the slot that says that there is a GUID partition table.
pub const GPT: u8 = 0xee;
const SECTOR: u64 = 512;
/// Basic data and EFI system, as they lie on the disk.
const FAT_GUIDS: [[u8; 16]; 2] = [
    [0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44, 0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7],
    [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b],
];

pub struct Disk<D> {
    disk: D,
    /// The four slots of its MBR.
    pub slots: [Slot; 4],
}

/// A slot of an MBR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub kind: u8,
    pub first: u32,
    pub sectors: u32,
}

/// A partition that may hold a FAT, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    pub number: u32,
    pub offset: u64,
    pub size: u64,
    /// What its slot's type says of the FAT.
    pub fat: Option<Fat>,
}

/// FAT32, or one of its older kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fat {
    Old,
    Fat32,
}

/// The slots of an MBR, which is a disk's first sector.
pub fn slots(mbr: &[u8; 512]) -> [Slot; 4] {
    [446, 462, 478, 494].map(|at| {
        let number = |at: usize| u32::from_le_bytes(mbr[at..at + 4].try_into().expect("four bytes"));
        Slot { kind: mbr[at + 4], first: number(at + 8), sectors: number(at + 12) }
    })
}

impl<D: Read + Seek> Disk<D> {
    pub fn new(mut disk: D) -> Result<Self, Stop> {
        let mut mbr = [0; 512];
        disk.rewind().and_then(|()| disk.read_exact(&mut mbr)).map_err(|error| Stop::Dark(error.to_string()))?;
        if mbr[510..] != [0x55, 0xaa] {
            return Err(Stop::Dark("sector 0 has no MBR".to_owned()));
        }
        Ok(Self { disk, slots: slots(&mbr) })
    }

    /// Partitions that can be booted from, by the MBR.
    pub fn mbr(&self) -> Vec<Partition> {
        let partition = |(number, slot): (u32, &Slot)| {
            let fat = match slot.kind {
                0x0b | 0x0c => Some(Fat::Fat32),
                0x01 | 0x04 | 0x06 | 0x0e => Some(Fat::Old),
                0xef => None,
                _ => return None,
            };
            let (offset, size) = (u64::from(slot.first) * SECTOR, u64::from(slot.sectors) * SECTOR);
            Some(Partition { number, offset, size, fat })
        };
        (1..).zip(&self.slots).filter_map(partition).collect()
    }

    /// The same by the GUID partition table at sector 1, if there is one.
    pub fn gpt(&mut self) -> Option<Vec<Partition>> {
        let mut header = [0; 512];
        self.disk.seek(SeekFrom::Start(SECTOR)).and_then(|_| self.disk.read_exact(&mut header)).ok()?;
        if !header.starts_with(b"EFI PART") {
            return None;
        }
        let mut entries = vec![0; 128 * 128];
        // The EEPROM wants them at sector 2 (raspberrypi/rpi-eeprom#585).
        self.disk.seek(SeekFrom::Start(2 * SECTOR)).and_then(|_| self.disk.read_exact(&mut entries)).ok()?;
        let partition = |(number, entry): (u32, &[u8])| {
            let sector = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().expect("eight bytes"));
            let (first, last) = (sector(32), sector(40));
            let is_fat = FAT_GUIDS.iter().any(|guid| entry[..16] == *guid);
            let size = (last - first.min(last) + 1) * SECTOR;
            is_fat.then_some(Partition { number, offset: first * SECTOR, size, fat: None })
        };
        Some((1..).zip(entries.chunks_exact(128)).filter_map(partition).collect())
    }

    /// The file system of a partition, if it is a FAT of the kind that its slot says.
    pub fn files(&mut self, partition: Partition) -> Option<FileSystem<Window<'_, D>>> {
        let window = Window { disk: &mut self.disk, partition, at: 0 };
        let files = FileSystem::new(window, FsOptions::new().update_accessed_date(false)).ok()?;
        let is = if files.fat_type() == FatType::Fat32 { Fat::Fat32 } else { Fat::Old };
        partition.fat.is_none_or(|fat| fat == is).then_some(files)
    }
}

/// The file of this name in the top directory.
pub fn file<D: Read + Seek>(files: &FileSystem<Window<'_, D>>, name: &str) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    files.root_dir().open_file(name.trim_start_matches('/')).ok()?.read_to_end(&mut content).ok()?;
    Some(content)
}

/// A partition's bytes, to be read only.
pub struct Window<'d, D> {
    disk: &'d mut D,
    partition: Partition,
    at: u64,
}

impl<D: Read + Seek> Read for Window<'_, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.partition.size.saturating_sub(self.at);
        let len = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.disk.seek(SeekFrom::Start(self.partition.offset + self.at))?;
        let read = self.disk.read(&mut buffer[..len])?;
        self.at += read as u64;
        Ok(read)
    }
}

impl<D> Seek for Window<'_, D> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.partition.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl<D> Write for Window<'_, D> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
