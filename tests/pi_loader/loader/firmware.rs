//! `start4.elf`: what `config.txt` names, from the partition that it was started from.

use std::io::{Read, Seek};

use flate2::read::GzDecoder;

use super::config;
use super::disk::{Disk, GPT, Partition, file};
use super::eeprom::Boot;
use super::{Date, Handover, Pi, Stop};

/// From here on partitions of a GUID partition table are found by their numbers.
const FINDS_IN_GPT: Date = (2025, 2, 18);

pub fn run(disk: &mut Disk<impl Read + Seek>, pi: Pi, boot: &Boot) -> Result<Handover, Stop> {
    let partition = partition(disk, boot)?;
    let missing = |what: &str| Stop::SevenFlashes(format!("partition {} has no {what}", partition.number));
    let files = disk.files(partition).ok_or_else(|| missing("FAT"))?;
    let load = |name: &str| file(&files, name).ok_or_else(|| missing(&format!("`{name}`")));

    let lines = config::lines(&file(&files, boot.config).unwrap_or_default(), config::config(pi));
    let setting = |key: &str| config::setting(&lines, key);
    if setting("arm_64bit") != Some("1") {
        return Err(missing("arm_64bit=1, without which a kernel for 32 bits is looked for"));
    }
    let kernel = unpacked(load(setting("kernel").unwrap_or("kernel8.img"))?).ok_or_else(|| missing("whole kernel"))?;
    // Documentation/arch/arm64/booting.rst.
    if kernel.get(0x38..0x3c) != Some(b"ARM\x64") {
        return Err(missing("kernel for 64 bits"));
    }
    // The one setting without an equals sign.
    let initramfs = lines.iter().filter_map(|line| line.strip_prefix("initramfs ")).next_back().unwrap_or_default();
    let initrd = match initramfs.split_ascii_whitespace().collect::<Vec<_>>()[..] {
        [names, "followkernel" | "0"] => {
            names.split(',').map(load).collect::<Result<Vec<_>, _>>().map(|parts| parts.concat())?
        }
        _ => return Err(missing(&format!("initramfs that can be placed: `{initramfs}`"))),
    };
    // Mainline's name, which is the firmware's own too on this board; `upstream_kernel` would prefer it otherwise.
    let name = setting("device_tree").unwrap_or("bcm2711-rpi-4-b.dtb").to_owned();
    let device_tree = load(&name)?;
    let cmdline = load(setting("cmdline").unwrap_or("cmdline.txt"))?;
    let cmdline = String::from_utf8_lossy(&cmdline).lines().next().unwrap_or_default().trim().to_owned();
    Ok(Handover { partition: partition.number, kernel, initrd, device_tree: (name, device_tree), cmdline })
}

/// The partition of the number that it was told; of number 0, the first.
fn partition(disk: &mut Disk<impl Read + Seek>, boot: &Boot) -> Result<Partition, Stop> {
    let number = boot.number;
    let goes_by_gpt = disk.slots[..2].iter().any(|slot| slot.kind == GPT);
    if goes_by_gpt && number != 0 && boot.built < FINDS_IN_GPT {
        return Err(Stop::SevenFlashes(format!("partition {number} of a GUID partition table is not found")));
    }
    let partitions = if goes_by_gpt { disk.gpt().unwrap_or_default() } else { disk.mbr() };
    let found = partitions.into_iter().find(|partition| number == 0 || partition.number == number);
    found.ok_or_else(|| Stop::SevenFlashes(format!("there is no partition {number}")))
}

/// A kernel as it is, or out of gzip. None if it is cut.
fn unpacked(kernel: Vec<u8>) -> Option<Vec<u8>> {
    if !kernel.starts_with(b"\x1f\x8b") {
        return Some(kernel);
    }
    let mut image = Vec::new();
    GzDecoder::new(&kernel[..]).read_to_end(&mut image).ok()?;
    Some(image)
}
