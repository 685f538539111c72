//! Reads what a Pi's firmware would load from the image's boot partition. QEMU cannot emulate a Pi with USB, so kernel and initrd
//! run on its generic ARM machine instead.

use std::io;

use crate::cmd::disk::{Disk, LONGEST_FILE};

/// Label of the boot partition.
const BOOT_LABEL: &str = "boot-a";
/// First serial port of QEMU's generic ARM machine.
const CONSOLE: &str = "console=ttyAMA0";

/// The files that the firmware loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PiBoot {
    pub(super) kernel: Vec<u8>,
    pub(super) initrd: Vec<u8>,
    /// The kernel command line, its consoles replaced by the virtual machine's.
    pub(super) cmdline: String,
}

/// Why the boot partition could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PiError {
    /// There is no boot partition.
    #[error("the image has no partition named `{BOOT_LABEL}` with a FAT32 file system")]
    NoPartition,
    /// `config.txt` does not say what to load.
    #[error("`config.txt` has no line for `{key}`")]
    NoSetting { key: &'static str },
    /// A file could not be read.
    #[error("cannot read `{file}` from the boot partition")]
    File { file: String, source: io::Error },
}

/// Reads what the firmware would load from the image `disk`.
///
/// # Errors
/// A missing partition, setting or file.
pub(super) fn read(disk: &Disk) -> Result<PiBoot, PiError> {
    let mut files = disk.files(BOOT_LABEL).ok_or(PiError::NoPartition)?;
    let mut load =
        |file: &str| files.file(file, LONGEST_FILE).map_err(|source| PiError::File { file: file.to_owned(), source });
    let config = String::from_utf8_lossy(&load("config.txt")?).into_owned();
    let cmdline = String::from_utf8_lossy(&load("cmdline.txt")?).into_owned();
    let kernel = setting(&config, "kernel", '=').ok_or(PiError::NoSetting { key: "kernel" })?;
    let initrd = setting(&config, "initramfs", ' ').ok_or(PiError::NoSetting { key: "initramfs" })?;
    Ok(PiBoot { kernel: load(kernel)?, initrd: load(initrd)?, cmdline: on_generic_machine(&cmdline) })
}

/// The first word of the value of `key` in `config.txt`; the last line wins. `initramfs` is the one key without an equals
/// sign before its value.
fn setting<'a>(config: &'a str, key: &str, separator: char) -> Option<&'a str> {
    config
        .lines()
        .filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix(separator))
        .filter_map(|value| value.split_ascii_whitespace().next())
        .next_back()
}

/// `cmdline` with the generic machine's console instead of the board's.
fn on_generic_machine(cmdline: &str) -> String {
    let mut options: Vec<&str> =
        cmdline.split_ascii_whitespace().filter(|option| !option.starts_with("console=")).collect();
    options.push(CONSOLE);
    options.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_setting_wins_and_comments_are_none() {
        let config = "arm_64bit=1\n# kernel=old\nkernel=first\nkernel=vmlinuz\ninitramfs initrd.img followkernel\n";
        assert_eq!(setting(config, "kernel", '='), Some("vmlinuz"));
        assert_eq!(setting(config, "initramfs", ' '), Some("initrd.img"));
        assert_eq!(setting(config, "device_tree", '='), None);
    }

    #[test]
    fn only_the_consoles_of_the_command_line_change() {
        let cmdline = "roothash=00 console=tty0 console=ttyS1,115200 quiet\n";
        assert_eq!(on_generic_machine(cmdline), "roothash=00 quiet console=ttyAMA0");
    }
}
