//! `imgbuild boot`: an image in QEMU, from an emulated USB stick, its serial console on the terminal.
//!
//! The image file is copied to a sparse file in a temporary directory, which is removed at the end, also when the program is
//! stopped.

pub mod host;
mod kvm;
mod pi;
pub mod qemu;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::Outcome;
use super::disk::Disk;
use super::finished::Finished;
use super::image;
use super::interrupt;
use super::session::Session;
use crate::cli::Boot;
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::process;
use crate::profile::{self, Arch, Board};
use qemu::{Accelerator, Machine, Start};

/// Bytes of the emulated stick: the smallest that is sold.
const STICK: u64 = 8 << 30;

pub(super) fn run(args: &Boot, session: &Session<'_>) -> Outcome {
    let image = match (&args.profile, &args.image) {
        (_, Some(dir)) if dir.is_dir() => Finished::open(dir)?.image(),
        (_, Some(image)) => image.clone(),
        (Some(profile), None) => {
            // Checked first, since without QEMU the build would be in vain.
            find(profile::load(&session.workspace, profile)?.board)?;
            let output = session.output_dir(profile);
            image::build(session, profile, &output, args.k3s.k3s_dir.as_deref(), &args.unlock)?;
            Finished::open(&output)?.image()
        }
        (None, None) => {
            return Err(
                Failure::refused("neither a profile nor an image is named").hint("name one: `imgbuild boot NAME`")
            );
        }
    };
    let disk = Disk::open(&image)?;
    disk.check_whole(&image)?;
    let board = disk.board().ok_or_else(|| Failure {
        code: Code::Verification,
        ..Failure::refused(format!("{} has no boot files for any board of this program", image.display()))
            .hint("name an image that `imgbuild build` made, whole and unchanged")
    })?;
    let (qemu, firmware) = find(board)?;
    let _hold = interrupt::hold();
    let dir = tempfile::tempdir().map_err(|error| Failure::new(Code::Unexpected, &error))?;
    let stick = dir.path().join("stick.img");
    host::write_stick(&image, &stick, STICK).map_err(|error| Failure::new(Code::Unexpected, &error))?;
    let start = match firmware {
        Some(firmware) => firmware,
        None => kernel_of_pi(&disk, dir.path())?,
    };
    let id = disk.image_id().unwrap_or_else(|| "of no known id".to_owned());
    session.console.note(&format!("booting {} ({id}) in QEMU; leave it with Ctrl-A X", image.display()));
    emulate(&qemu, board.arch(), &start, &stick, session.console)?;
    session.console.result(&serde_json::json!({"image": image, "image_id": disk.image_id()}), "");
    Ok(())
}

/// Finds what this host needs to boot an image of `board`: QEMU, and firmware unless QEMU loads the kernel itself.
fn find(board: Board) -> Result<(PathBuf, Option<Start>), Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let arch = board.arch();
    let qemu = host::find_qemu(arch, &path).map_err(|error| missing(&error))?;
    let firmware = match board {
        Board::Rpi4 => None,
        Board::UefiArm64 | Board::UefiAmd64 => Some(host::find_firmware(arch).map_err(|error| missing(&error))?),
    };
    Ok((qemu, firmware))
}

/// Runs QEMU until it ends. If KVM is available but broken, as with nested virtualisation often, QEMU is killed by a signal at
/// its start, or reports that KVM failed; then the machine is started again with software emulation, which always works.
fn emulate(program: &Path, arch: Arch, start: &Start, disk: &Path, console: &Console) -> Outcome {
    let machine = |accelerator| {
        let machine = Machine { arch, start: start.clone(), disk, accelerator, ssh_port: None, interactive: true };
        let mut command = process::command(program);
        command.args(qemu::arguments(&machine));
        if !console.is_for_people() {
            // Standard output must have only JSON lines.
            command.stdout(io::stderr());
        }
        command
    };
    let unstarted = |error| Failure::new(Code::Unexpected, &error).hint(format!("check {}", program.display()));
    let mut accelerator = host::best_accelerator(arch);
    if accelerator == Accelerator::Kvm {
        let end = kvm::run(&mut machine(accelerator)).map_err(unstarted)?;
        if !interrupt::came() && end.is_broken() {
            console.progress().warn("KVM does not work on this host; starting again in software, which is slower");
            accelerator = Accelerator::Software;
        } else {
            return ended(program, end.status);
        }
    }
    let status = interrupt::run(&mut machine(accelerator), |_| {}).map_err(unstarted)?;
    ended(program, status)
}

fn ended(program: &Path, status: ExitStatus) -> Outcome {
    if status.success() || interrupt::came() {
        return Ok(());
    }
    let message = format!("{} ended with {status}", program.display());
    Err(Failure { code: Code::Unexpected, ..Failure::refused(message) })
}

/// QEMU cannot emulate a Pi that boots from USB, so it gets the files that the Pi's firmware would load.
fn kernel_of_pi(disk: &Disk, dir: &Path) -> Result<Start, Failure> {
    let boot = pi::read(disk).map_err(|error| Failure::new(Code::Verification, &error))?;
    let put = |name: &str, bytes: &[u8]| -> Result<PathBuf, Failure> {
        let path = dir.join(name);
        fs::write(&path, bytes).map_err(|error| Failure::new(Code::Unexpected, &error))?;
        Ok(path)
    };
    Ok(Start::Kernel {
        kernel: put("kernel", &boot.kernel)?,
        initrd: put("initrd", &boot.initrd)?,
        cmdline: boot.cmdline,
    })
}

fn missing(error: &host::HostError) -> Failure {
    Failure::new(Code::Refused, error).maybe_hint(error.hint())
}
