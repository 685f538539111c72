//! The command line that runs an image in QEMU: from emulated USB storage, with the serial console on stdio.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::profile::Arch;

/// Memory of the machine in MiB: a Pi 4's smallest size that K3s runs well on.
const MEMORY: &str = "2048";

/// QEMU's accelerator that needs none: it translates the guest's instructions.
pub const TCG: &str = "tcg,thread=multi";

/// How the system is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// UEFI firmware: its program, and the template of its variable store (which is not written to).
    Uefi { code: PathBuf, variables: PathBuf },
    /// QEMU loads the kernel itself, for boards whose firmware it does not have.
    Kernel { kernel: PathBuf, initrd: PathBuf, cmdline: String },
}

/// Who executes the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// QEMU in software: any guest on any host.
    Software,
    /// The host's processor, for a guest of its own architecture.
    Kvm,
}

/// A machine to run.
#[derive(Debug, Clone)]
pub struct Machine<'a> {
    pub arch: Arch,
    pub start: Start,
    /// The stick: a raw disk that the guest writes to.
    pub disk: &'a Path,
    pub accelerator: Accelerator,
    /// Port of the host's loopback that reaches the guest's SSH.
    pub ssh_port: Option<u16>,
    /// Whether keys of the terminal control QEMU too (Ctrl-A X ends it); else stdio is the serial line alone.
    pub interactive: bool,
}

/// Name of the QEMU program for `arch`.
#[must_use]
pub fn program(arch: Arch) -> &'static str {
    match arch {
        Arch::Amd64 => "qemu-system-x86_64",
        Arch::Arm64 => "qemu-system-aarch64",
    }
}

/// The arguments for [`program`].
#[must_use]
pub fn arguments(machine: &Machine<'_>) -> Vec<OsString> {
    let mut args = Arguments::default();
    args.option("-machine", if machine.arch == Arch::Amd64 { "q35" } else { "virt" });
    let (accelerator, processor) = match (machine.accelerator, machine.arch) {
        (Accelerator::Kvm, _) => ("kvm", "host"),
        // With `erms` and `fsrm` the kernel clears and copies memory by single bytes, which is one instruction of a real
        // processor. In software each byte is a write, and a slow one where the page holds instructions that were run.
        (Accelerator::Software, Arch::Amd64) => (TCG, "max,erms=off,fsrm=off"),
        // The Pi 4's. `max` would also emulate pointer authentication, which costs a third of the speed.
        (Accelerator::Software, Arch::Arm64) => (TCG, "cortex-a72"),
    };
    args.option("-accel", accelerator).option("-cpu", processor);
    args.option("-smp", "2").option("-m", MEMORY);
    args.option("-display", "none").option("-monitor", "none");
    if machine.interactive {
        args.option("-serial", "mon:stdio");
    } else {
        args.option("-serial", "stdio").flag("-no-reboot");
    }

    match &machine.start {
        Start::Uefi { code, variables } => {
            args.drive("if=pflash,unit=0,format=raw,readonly=on", code);
            args.drive("if=pflash,unit=1,format=raw,snapshot=on", variables);
        }
        Start::Kernel { kernel, initrd, cmdline } => {
            args.option("-kernel", kernel).option("-initrd", initrd).option("-append", cmdline);
        }
    }

    args.option("-device", "qemu-xhci,id=usb");
    args.drive("if=none,id=stick,format=raw,cache=unsafe", machine.disk);
    args.option("-device", "usb-storage,bus=usb.0,drive=stick,removable=on,bootindex=0");
    let forward = machine.ssh_port.map(|port| format!(",hostfwd=tcp:127.0.0.1:{port}-:22")).unwrap_or_default();
    args.option("-netdev", format!("user,id=net{forward}"));
    // Without a boot ROM, which may not be installed.
    args.option("-device", "virtio-net-pci,netdev=net,romfile=");
    args.option("-device", "virtio-rng-pci");
    args.0
}

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn flag(&mut self, name: &str) -> &mut Self {
        self.0.push(name.into());
        self
    }

    fn option(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        self.0.extend([name.into(), value.into()]);
        self
    }

    /// Adds a `-drive`. A comma in the file's name is doubled, since commas separate the settings.
    fn drive(&mut self, settings: &str, file: &Path) -> &mut Self {
        let mut value = OsString::from(settings);
        value.push(",file=");
        value.push(file.to_string_lossy().replace(',', ",,"));
        self.option("-drive", value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(arch: Arch, start: Start) -> Vec<String> {
        let disk = Path::new("/tmp/a,b.img");
        let machine =
            Machine { arch, start, disk, accelerator: Accelerator::Software, ssh_port: Some(2222), interactive: false };
        arguments(&machine).into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn the_image_is_a_usb_stick_and_its_name_may_hold_a_comma() {
        let start = Start::Uefi { code: "code.fd".into(), variables: "vars.fd".into() };
        let args = machine(Arch::Amd64, start);
        assert!(args.iter().any(|arg| arg.starts_with("if=none,id=stick,") && arg.ends_with(",file=/tmp/a,,b.img")));
        assert!(args.iter().any(|arg| arg.starts_with("usb-storage,") && arg.contains("drive=stick")));
        assert!(args.iter().any(|arg| arg.ends_with("snapshot=on,file=vars.fd")));
    }

    #[test]
    fn a_board_without_firmware_here_gets_its_kernel_from_qemu() {
        let start = Start::Kernel { kernel: "k".into(), initrd: "i".into(), cmdline: "roothash=00 quiet".to_owned() };
        let args = machine(Arch::Arm64, start);
        let append = args.iter().position(|arg| arg == "-append").unwrap();
        assert_eq!(args[append + 1], "roothash=00 quiet");
        assert!(!args.iter().any(|arg| arg.contains("pflash")));
    }
}
