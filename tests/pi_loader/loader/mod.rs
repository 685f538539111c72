//! A stand-in for the two programs that start a Raspberry Pi 4B: its boot EEPROM, and `start4.elf`, the GPU's firmware. Neither's
//! source is public. What they do is taken from their documentation and from bug reports, and `../README.md` says which for each
//! rule; where these are silent or contradict each other, this stand-in refuses.
//!
//! ```text
//! disk ─▶ eeprom: autoboot.txt, partition, start4.elf ─▶ firmware: config.txt, kernel, initrd, device tree ─▶ Handover
//! ```

mod config;
mod disk;
mod eeprom;
mod firmware;

use std::io::{Read, Seek};

/// Year, month and day.
pub type Date = (u16, u8, u8);

/// A Pi 4B with nothing attached but the disk.
#[derive(Debug, Clone, Copy)]
pub struct Pi {
    /// When the program in its boot EEPROM was released.
    pub eeprom: Date,
    /// Whether it was told `reboot "0 tryboot"`.
    pub tryboot: bool,
}

impl Pi {
    pub const fn with(eeprom: Date) -> Self {
        Self { eeprom, tryboot: false }
    }

    pub const fn trying(self) -> Self {
        Self { tryboot: true, ..self }
    }
}

/// What the kernel is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// Number of the partition that all of it is from.
    pub partition: u32,
    /// Unpacked.
    pub kernel: Vec<u8>,
    pub initrd: Vec<u8>,
    /// File name and content.
    pub device_tree: (String, Vec<u8>),
    /// Without what the firmware adds of its own.
    pub cmdline: String,
}

/// Why it does not start, as somebody before it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The screen stays dark, and the EEPROM goes on to the next boot mode.
    Dark(String),
    /// The EEPROM finds no firmware.
    FourFlashes(String),
    /// After the rainbow screen: the firmware finds no kernel.
    SevenFlashes(String),
}

/// Starts `pi` from a disk.
pub fn start(disk: impl Read + Seek, pi: Pi) -> Result<Handover, Stop> {
    let mut disk = disk::Disk::new(disk)?;
    let boot = eeprom::run(&mut disk, pi)?;
    firmware::run(&mut disk, pi, &boot)
}
