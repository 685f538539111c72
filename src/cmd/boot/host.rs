//! What a virtual machine needs from the host: QEMU, UEFI firmware, and a disk file.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::qemu::{Accelerator, Start, program};
use crate::profile::Arch;

/// Paths of UEFI firmware for QEMU: program and empty variable store. In order: Debian and Ubuntu, Fedora, Arch, openSUSE, then
/// QEMU's own copies (Homebrew on both kinds of Mac, and builds from source).
const FIRMWARE_AMD64: &[(&str, &str)] = &[
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
    ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
    ("/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"),
    ("/opt/homebrew/share/qemu/edk2-x86_64-code.fd", "/opt/homebrew/share/qemu/edk2-i386-vars.fd"),
    ("/usr/local/share/qemu/edk2-x86_64-code.fd", "/usr/local/share/qemu/edk2-i386-vars.fd"),
    ("/usr/share/qemu/edk2-x86_64-code.fd", "/usr/share/qemu/edk2-i386-vars.fd"),
];

/// The same for 64-bit ARM.
const FIRMWARE_ARM64: &[(&str, &str)] = &[
    ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"),
    ("/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw", "/usr/share/edk2/aarch64/vars-template-pflash.raw"),
    ("/usr/share/edk2/aarch64/QEMU_CODE.fd", "/usr/share/edk2/aarch64/QEMU_VARS.fd"),
    ("/usr/share/qemu/aavmf-aarch64-code.bin", "/usr/share/qemu/aavmf-aarch64-vars.bin"),
    ("/opt/homebrew/share/qemu/edk2-aarch64-code.fd", "/opt/homebrew/share/qemu/edk2-arm-vars.fd"),
    ("/usr/local/share/qemu/edk2-aarch64-code.fd", "/usr/local/share/qemu/edk2-arm-vars.fd"),
    ("/usr/share/qemu/edk2-aarch64-code.fd", "/usr/share/qemu/edk2-arm-vars.fd"),
];

/// What the host lacks.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// QEMU is not installed.
    #[error("`{program}` is not on the PATH")]
    NoQemu { program: &'static str, arch: Arch },
    /// No UEFI firmware is installed.
    #[error("no UEFI firmware for {} virtual machines was found", arch.name())]
    NoFirmware { arch: Arch },
}

impl HostError {
    /// The Debian package that has it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let package = match self {
            Self::NoQemu { arch: Arch::Amd64, .. } => "qemu-system-x86",
            Self::NoQemu { arch: Arch::Arm64, .. } => "qemu-system-arm",
            Self::NoFirmware { arch: Arch::Amd64 } => "ovmf",
            Self::NoFirmware { arch: Arch::Arm64 } => "qemu-efi-aarch64",
        };
        Some(format!("on Debian and Ubuntu: sudo apt install {package}"))
    }
}

/// Finds QEMU for `arch` in the directories of `path` (the value of `PATH`).
///
/// # Errors
/// None of them has it.
pub fn find_qemu(arch: Arch, path: &OsStr) -> Result<PathBuf, HostError> {
    let program = program(arch);
    std::env::split_paths(path)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
        .ok_or(HostError::NoQemu { program, arch })
}

/// Finds UEFI firmware for `arch`.
///
/// # Errors
/// It is at none of the known paths.
pub fn find_firmware(arch: Arch) -> Result<Start, HostError> {
    let places = if arch == Arch::Amd64 { FIRMWARE_AMD64 } else { FIRMWARE_ARM64 };
    places
        .iter()
        .map(|(code, variables)| (PathBuf::from(code), PathBuf::from(variables)))
        .find(|(code, variables)| code.is_file() && variables.is_file())
        .map(|(code, variables)| Start::Uefi { code, variables })
        .ok_or(HostError::NoFirmware { arch })
}

/// KVM if this user may use it for `arch`, else software emulation.
#[must_use]
pub fn best_accelerator(arch: Arch) -> Accelerator {
    let native = match arch {
        Arch::Amd64 => cfg!(target_arch = "x86_64"),
        Arch::Arm64 => cfg!(target_arch = "aarch64"),
    };
    if native && OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok() {
        Accelerator::Kvm
    } else {
        Accelerator::Software
    }
}

/// Copies `image` to `disk`, a sparse file of `size` bytes, so that the guest can use the rest and the image file is not
/// changed.
///
/// # Errors
/// The error of reading or writing.
pub fn write_stick(image: &Path, disk: &Path, size: u64) -> io::Result<()> {
    const CHUNK: usize = 1 << 20;
    let mut from = File::open(image)?;
    let mut to = File::create(disk)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        if chunk[..read].iter().any(|&byte| byte != 0) {
            to.write_all(&chunk[..read])?;
        } else {
            to.seek(SeekFrom::Current(i64::try_from(read).map_err(io::Error::other)?))?;
        }
    }
    let end = from.metadata()?.len();
    to.set_len(size.max(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_qemu_is_named_with_the_package_that_brings_it() {
        let empty = tempfile::tempdir().unwrap();
        let error = find_qemu(Arch::Arm64, empty.path().as_os_str()).unwrap_err();
        assert_eq!(error.to_string(), "`qemu-system-aarch64` is not on the PATH");
        assert_eq!(error.hint().unwrap(), "on Debian and Ubuntu: sudo apt install qemu-system-arm");
    }

    #[test]
    fn a_stick_starts_with_the_image_and_is_zero_behind_it() {
        let directory = tempfile::tempdir().unwrap();
        let (image, stick) = (directory.path().join("image"), directory.path().join("stick"));
        let mut bytes = vec![0; 3 << 20];
        bytes[5] = 1;
        bytes[(2 << 20) + 7] = 2;
        std::fs::write(&image, &bytes).unwrap();
        write_stick(&image, &stick, 4 << 20).unwrap();
        bytes.resize(4 << 20, 0);
        assert!(std::fs::read(&stick).unwrap() == bytes);
        write_stick(&image, &stick, 0).unwrap();
        assert_eq!(std::fs::metadata(&stick).unwrap().len(), 3 << 20, "never shorter than the image");
    }
}
