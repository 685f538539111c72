//! What a Pi's own firmware would load, read from the image's boot partition: QEMU has no Pi with USB, so its kernel and
//! initrd run on the generic ARM machine instead.

use std::fs::File;
use std::io::{self, Cursor, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use fatfs::{FileSystem, FsOptions};
use gpt::{GptConfig, GptError};

/// Label of the partition that the firmware reads.
const BOOT_LABEL: &str = "boot-a";
/// First serial port of QEMU's generic ARM machine.
const CONSOLE: &str = "console=ttyAMA0";

/// The files that the firmware hands over to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PiBoot {
    pub kernel: Vec<u8>,
    pub initrd: Vec<u8>,
    /// The kernel command line, its consoles replaced by the virtual machine's.
    pub cmdline: String,
}

/// Why the boot partition could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PiError {
    /// The image cannot be read.
    #[error("cannot read the image")]
    Image(#[from] io::Error),
    /// The image has no partition table, or a damaged one.
    #[error("the image has no readable partition table")]
    Table(#[from] GptError),
    /// There is no boot partition.
    #[error("the image has no partition named `{BOOT_LABEL}`")]
    NoPartition,
    /// `config.txt` does not say what to load.
    #[error("`config.txt` has no line for `{key}`")]
    NoSetting { key: &'static str },
    /// A file could not be read.
    #[error("cannot read `{file}` from the boot partition")]
    File { file: String, source: io::Error },
}

/// Reads what the firmware would load from the disk image at `image`.
///
/// # Errors
/// A missing partition, setting or file.
pub fn read(image: &Path) -> Result<PiBoot, PiError> {
    let image = File::open(image)?;
    let disk = GptConfig::new().writable(false).open_from_device(image.try_clone()?)?;
    let boot = disk.partitions().values().find(|found| found.name == BOOT_LABEL).ok_or(PiError::NoPartition)?;
    let block = *disk.logical_block_size();
    let mut bytes = vec![0; usize::try_from(boot.bytes_len(block)?).map_err(io::Error::other)?];
    image.read_exact_at(&mut bytes, boot.bytes_start(block)?)?;

    let files = FileSystem::new(Cursor::new(bytes), FsOptions::new())?;
    let load = |file: &str| {
        let mut content = Vec::new();
        match files.root_dir().open_file(file).and_then(|mut open| open.read_to_end(&mut content)) {
            Ok(_) => Ok(content),
            Err(source) => Err(PiError::File { file: file.to_owned(), source }),
        }
    };
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
