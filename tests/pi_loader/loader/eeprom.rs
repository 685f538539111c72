//! The program in the boot EEPROM: which partition, and the firmware on it.

use std::io::{Read, Seek};

use super::config::{self, TRYBOOT_A_B};
use super::disk::{Disk, GPT, Partition, file};
use super::{Date, Pi, Stop};

/// What the firmware is started with.
pub struct Boot {
    /// What was asked for; 0 is the first that can be booted from.
    pub number: u32,
    /// The file that takes the place of `config.txt`, if it is not that.
    pub config: &'static str,
}

/// From here on the firmware is told the partition's own number, not 0.
const RESOLVES: Date = (2025, 2, 11);
/// The first with `tryboot`.
const TRYBOOT: Date = (2020, 10, 28);
/// From here on all partitions are tried if the one that was asked for has no firmware.
const WALKS: Date = (2025, 8, 20);
/// Bytes of `autoboot.txt` that are read.
const AUTOBOOT: usize = 512;

pub fn run(disk: &mut Disk<impl Read + Seek>, pi: Pi) -> Result<Boot, Stop> {
    if disk.slots[0].kind == 0 {
        return Err(Stop::Dark("the first slot of the MBR is empty".to_owned()));
    }
    let partitions = numbered(disk)?;
    let Some(&default) = partitions.first() else { return Err(Stop::Dark("no partition for a FAT".to_owned())) };
    let text = disk.files(default).and_then(|files| file(&files, "autoboot.txt")).unwrap_or_default();
    let lines = config::lines(&text[..text.len().min(AUTOBOOT)], config::autoboot(pi));
    let asked = config::setting(&lines, "boot_partition").and_then(|number| number.parse().ok()).unwrap_or(0);
    let a_b = pi.eeprom >= TRYBOOT_A_B && config::setting(&lines, "tryboot_a_b") == Some("1");

    let mut candidates: Vec<Partition> = match asked {
        0 => vec![default],
        number => partitions.iter().copied().filter(|found| found.number == number).collect(),
    };
    if pi.eeprom >= WALKS {
        candidates.extend(partitions);
    }
    let found = candidates.into_iter().find(|partition| has_firmware(disk, *partition));
    let found = found.ok_or_else(|| Stop::FourFlashes(format!("partition {asked} has no start4.elf")))?;
    Ok(Boot {
        number: if pi.eeprom >= RESOLVES { found.number } else { asked },
        config: if pi.tryboot && pi.eeprom >= TRYBOOT && !a_b { "tryboot.txt" } else { "config.txt" },
    })
}

/// Partitions that may hold a FAT, by the table that the EEPROM goes by. Of a disk with both tables in which slot 1 is a
/// partition, nothing says which one that is: they must have the same.
fn numbered(disk: &mut Disk<impl Read + Seek>) -> Result<Vec<Partition>, Stop> {
    let gpt = disk.gpt();
    if disk.slots[0].kind == GPT {
        return gpt.ok_or_else(|| Stop::Dark("no GUID partition table".to_owned()));
    }
    let mbr = disk.mbr();
    let place = |partition: &Partition| (partition.number, partition.offset, partition.size);
    for found in gpt.iter().flatten() {
        if !mbr.iter().any(|partition| place(partition) == place(found)) {
            return Err(Stop::Dark(format!("partition {} is another one in the MBR", found.number)));
        }
    }
    Ok(mbr)
}

fn has_firmware(disk: &mut Disk<impl Read + Seek>, partition: Partition) -> bool {
    let Some(files) = disk.files(partition) else { return false };
    file(&files, "start4.elf").is_some_and(|content| content.starts_with(b"\x7fELF"))
        && file(&files, "fixup4.dat").is_some()
}
