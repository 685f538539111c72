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
    /// When the `start4.elf` that was loaded was built.
    pub built: Date,
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
    let found = candidates.into_iter().find_map(|partition| Some((partition, firmware(disk, partition)?)));
    let (found, firmware) =
        found.ok_or_else(|| Stop::FourFlashes(format!("partition {asked} has no start4.elf and fixup4.dat")))?;
    Ok(Boot {
        number: if pi.eeprom >= RESOLVES { found.number } else { asked },
        config: if pi.tryboot && pi.eeprom >= TRYBOOT && !a_b { "tryboot.txt" } else { "config.txt" },
        built: built(&firmware),
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

/// `start4.elf`, if a partition has it and what belongs to it.
fn firmware(disk: &mut Disk<impl Read + Seek>, partition: Partition) -> Option<Vec<u8>> {
    let files = disk.files(partition)?;
    file(&files, "fixup4.dat")?;
    file(&files, "start4.elf").filter(|content| content.starts_with(b"\x7fELF"))
}

/// The date that a `start4.elf` carries, as in `VC_BUILD_ID_TIME: Apr 17 2024`; one without is older than all.
fn built(firmware: &[u8]) -> Date {
    const MARK: &[u8] = b"VC_BUILD_ID_TIME: ";
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = |at: usize| -> Option<Date> {
        let text = str::from_utf8(firmware.get(at + MARK.len()..)?.get(..11)?).ok()?;
        let [month, day, year] = text.split_ascii_whitespace().collect::<Vec<_>>()[..] else { return None };
        let month = (1..).zip(MONTHS).find(|(_, name)| *name == month)?.0;
        Some((year.parse().ok()?, month, day.parse().ok()?))
    };
    let marks = (0..firmware.len()).filter(|at| firmware[*at..].starts_with(MARK));
    marks.into_iter().find_map(date).unwrap_or_default()
}
