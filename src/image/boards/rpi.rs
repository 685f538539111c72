//! Raspberry Pi 4, 400, CM4: the boot EEPROM loads `start4.elf` from FAT, which loads kernel, initrd and device tree.
//!
//! `autoboot.txt` names slot A, partition 1, also for a reboot that asks for a trial of the other slot, which finds its
//! `config.txt` then and looks for no `tryboot.txt`. It has no section `[tryboot]` while slot B is empty: an EEPROM from before
//! 2022-10-18 does not know that condition, takes one that it does not know for true (raspberrypi/firmware#1839), and would
//! start from slot B alone. `docs/image-layout.md` has what an upgrade that fills slot B writes.

use super::{BootError, BootFile, BootParts, blobs};
use crate::tree::Content;

const BLOBS: &str = include_str!("../../../firmware/rpi4/blobs.toml");
const CONFIG: &str = include_str!("../../../firmware/rpi4/config.txt");
const CONFIG_SERIAL: &str = include_str!("../../../firmware/rpi4/config-serial.txt");
const AUTOBOOT: &str = include_str!("../../../firmware/rpi4/autoboot.txt");

/// The files of `boot-a`.
pub(super) fn files(parts: &BootParts<'_>) -> Result<Vec<BootFile>, BootError> {
    let mut files = blobs(BLOBS, parts)?;
    let mut put = |path: &str, content: Content| files.push(BootFile { path: path.to_owned(), content });
    let serial = if parts.profile.serial { CONFIG_SERIAL } else { "" };
    put("config.txt", format!("{CONFIG}{serial}").into());
    put("cmdline.txt", format!("{}\n", parts.cmdline).into());
    put("autoboot.txt", AUTOBOOT.into());
    put("vmlinuz", parts.kernel.image.clone());
    put("initrd.img", parts.initrd.into());
    Ok(files)
}

#[cfg(test)]
pub(super) const TEXTS: [&str; 4] = [BLOBS, CONFIG, CONFIG_SERIAL, AUTOBOOT];
