//! Raspberry Pi 4, 400, CM4: the boot EEPROM loads `start4.elf` from FAT, which loads kernel, initrd and device tree.
//!
//! `autoboot.txt` names slot A, partition 1, also for a reboot that asks for a trial of the other slot, which finds its
//! `config.txt` then and looks for no `tryboot.txt`. It has no section `[tryboot]` while slot B is empty: an EEPROM from before
//! 2022-10-18 does not know that condition, takes one that it does not know for true (raspberrypi/firmware#1839), and would
//! start from slot B alone. `docs/image-layout.md` has what an upgrade that fills slot B writes.

use std::collections::BTreeMap;

use super::{BootError, BootFile, BootParts, blobs};
use crate::profile::config_txt::overlay_of;
use crate::tree::Content;

const BLOBS: &str = include_str!("../../../firmware/rpi4/blobs.toml");
const CONFIG: &str = include_str!("../../../firmware/rpi4/config.txt");
const CONFIG_SERIAL: &str = include_str!("../../../firmware/rpi4/config-serial.txt");
const AUTOBOOT: &str = include_str!("../../../firmware/rpi4/autoboot.txt");

/// Where Debian's firmware package has a few device tree overlays, which a profile may add to.
const OVERLAYS: &str = "usr/lib/raspi-firmware/overlays";

/// The files of `boot-a`.
pub(super) fn files(parts: &BootParts<'_>) -> Result<Vec<BootFile>, BootError> {
    let mut files = blobs(BLOBS, parts)?;
    let mut put = |path: &str, content: Content| files.push(BootFile { path: path.to_owned(), content });
    put("config.txt", config(parts).into());
    for (name, overlay) in overlays(parts)? {
        put(&format!("overlays/{name}.dtbo"), overlay);
    }
    put("cmdline.txt", format!("{}\n", parts.cmdline).into());
    put("autoboot.txt", AUTOBOOT.into());
    put("vmlinuz", parts.kernel.image.clone());
    put("initrd.img", parts.initrd.into());
    Ok(files)
}

/// The image's own lines, then the profile's. No filter of the profile's stays in force behind them.
fn config(parts: &BootParts<'_>) -> String {
    let serial = if parts.profile.serial { CONFIG_SERIAL } else { "" };
    let own = &parts.profile.config_txt;
    let own = if own.is_empty() { String::new() } else { format!("# The profile's.\n{}\n[all]\n", own.join("\n")) };
    format!("{CONFIG}{serial}{own}")
}

/// The device tree overlays that the profile's lines name. The firmware passes over one that is not there.
fn overlays<'a>(parts: &BootParts<'a>) -> Result<BTreeMap<&'a str, Content>, BootError> {
    let named = parts.profile.config_txt.iter().filter_map(|line| Some((line, overlay_of(line)?)));
    let find = |(line, name): (&String, &'a str)| match parts.tree.file(&format!("{OVERLAYS}/{name}.dtbo")) {
        Some(content) => Ok((name, content.clone())),
        None => Err(BootError::NoOverlay { line: line.clone(), path: format!("{OVERLAYS}/{name}.dtbo") }),
    };
    named.map(find).collect()
}

#[cfg(test)]
pub(super) const TEXTS: [&str; 4] = [BLOBS, CONFIG, CONFIG_SERIAL, AUTOBOOT];
