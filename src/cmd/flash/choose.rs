//! Which disk is written to. No disk is ever chosen without asking the user.

use std::io;
use std::path::{Path, PathBuf};

use super::image::Image;
use super::show;
use crate::cli::Flash;
use crate::cmd::session::Session;
use crate::device::{self, Disk, Limits, Refusal, Transport};
use crate::exit::Failure;
use crate::flash::protocol::Expected;
use crate::output::Console;

/// How many characters of the serial number the user types to confirm.
const TAIL: usize = 4;

/// The chosen disk.
pub(super) struct Choice {
    pub(super) disk: Disk,
    pub(super) expected: Expected,
}

/// Checks all that does not depend on the image before one is built or downloaded, since that may take long.
/// `already_written` are the disks that this run has written, by the kernel's sequence number.
pub(super) fn preflight(args: &Flash, already_written: &[u64], session: &Session<'_>) -> Result<(), Failure> {
    let disks = device::list(Path::new("/"))?;
    let found = || candidates(&disks, args, already_written, &limits(args, None, session)).map(drop);
    // A wrong `--device` is reported first, since it would be wrong on a terminal too.
    if args.device.is_some() {
        found()?;
    }
    if !(args.yes || args.dry_run || session.console.can_ask()) {
        return Err(cannot_ask(&io::ErrorKind::Unsupported.into(), session.console));
    }
    found()
}

/// The rules for the disk. Without an image, its size is not known yet.
fn limits(args: &Flash, image: Option<&Image>, session: &Session<'_>) -> Limits {
    let file = args.image.iter().map(PathBuf::from).filter(|path| path.is_file());
    let protected_paths = image.map_or_else(|| file.collect(), |image| image.protected_paths.clone());
    Limits {
        allow_large: args.allow_large,
        allow_loop: args.allow_loop,
        needed: image.map(|image| image.manifest.disk_size()),
        protected_paths: protected_paths
            .into_iter()
            .chain([session.root().to_owned(), session.cache.dir().to_owned()])
            .collect(),
    }
}

/// The disk that the command line names, else all disks that may be written to. The list may be empty only for `--dry-run`.
fn candidates<'d>(
    disks: &'d [Disk],
    args: &Flash,
    already_written: &[u64],
    limits: &Limits,
) -> Result<Vec<&'d Disk>, Failure> {
    let is_already_written = |disk: &Disk| disk.diskseq.is_some_and(|number| already_written.contains(&number));
    let written_before = |disk: &Disk| {
        Failure::refused(format!("{} was written just now, for another node", disk.path.display()))
            .hint("take it out, and plug in the next one")
    };
    if let Some(path) = &args.device {
        let disk = named(disks, path, limits, args.yes)?;
        return if is_already_written(disk) { Err(written_before(disk)) } else { Ok(vec![disk]) };
    }
    if args.yes {
        return Err(Failure::refused("`--yes` writes to no disk that is not named")
            .hint("name it: `--device /dev/disk/by-id/…`; `imgbuild devices` lists them"));
    }
    let (already_written, free): (Vec<&Disk>, Vec<&Disk>) =
        disks.iter().filter(|disk| disk.refusals(limits).is_empty()).partition(|disk| is_already_written(disk));
    match already_written.first() {
        _ if !free.is_empty() || args.dry_run => Ok(free),
        Some(disk) => Err(written_before(disk)),
        None => Err(device::none_fits(disks, limits).into()),
    }
}

impl Choice {
    /// The disk that the command line names, else the only candidate, else the one that the user chooses. None only for
    /// `--dry-run` without a candidate.
    pub(super) fn make(
        args: &Flash,
        image: &Image,
        already_written: &[u64],
        session: &Session<'_>,
    ) -> Result<Option<Self>, Failure> {
        let limits = limits(args, Some(image), session);
        let disks = device::list(Path::new("/"))?;
        let disk = match candidates(&disks, args, already_written, &limits)?[..] {
            [] => return Ok(None),
            [one] => one,
            // `--all` asks which disk is for which node when it writes them.
            _ if args.all && args.dry_run => return Ok(None),
            ref many => ask_which(many, session.console)?,
        };
        let expected = Expected {
            size: disk.size,
            diskseq: disk.diskseq,
            serial: disk.serial.clone(),
            allow_large: args.allow_large,
            allow_loop: args.allow_loop,
            protected_paths: limits.protected_paths,
        };
        Ok(Some(Self { disk: disk.clone(), expected }))
    }

    /// Shows the plan and asks the user to type the end of the disk's serial number, unless `--yes` was given.
    pub(super) fn confirm(&self, args: &Flash, plan: &str, console: &Console) -> Result<(), Failure> {
        if args.yes {
            console.note(plan);
            return Ok(());
        }
        let (what, expected) = confirmation_token(&self.disk);
        // The plan is a part of the question, so that it is shown with `--quiet` too.
        let question = format!("{plan}\n\ntype {what} to write to {}:", self.disk.path.display());
        let typed = console.ask(&question).map_err(|error| cannot_ask(&error, console))?;
        if typed.eq_ignore_ascii_case(&expected) {
            return Ok(());
        }
        Err(Failure::refused("that is not it: nothing was written").hint(format!("look at the disk, and type {what}")))
    }
}

/// What the user has to type: its description, and the text itself.
fn confirmation_token(disk: &Disk) -> (String, String) {
    let serial: Vec<char> =
        disk.serial.iter().flat_map(|serial| serial.chars()).filter(|char| !char.is_whitespace()).collect();
    if serial.is_empty() {
        return (format!("`{}`", disk.name), disk.name.clone());
    }
    let tail = serial[serial.len().saturating_sub(TAIL)..].iter().collect();
    (format!("the last {} characters of its serial number", serial.len().min(TAIL)), tail)
}

/// The disk at `path`, if it may be written to.
fn named<'d>(disks: &'d [Disk], path: &Path, limits: &Limits, yes: bool) -> Result<&'d Disk, Failure> {
    let disk = device::find(disks, path)?;
    let refusals = disk.refusals(limits);
    if let Some(first) = refusals.first() {
        let causes = refusals[1..].iter().map(Refusal::to_string).collect();
        return Err(Failure {
            causes,
            ..Failure::refused(format!("{} is not written to: {first}", disk.path.display()))
        }
        .hint(
            refusals.iter().find_map(Refusal::hint).unwrap_or_else(|| {
                "take another disk; `imgbuild devices` lists those that may be written to".to_owned()
            }),
        ));
    }
    // The path is compared as it was typed: `/dev/disk/by-id/../../sdb` is below that directory too.
    if yes && disk.transport != Transport::Loop && !disk.by_id.iter().any(|id| id == path) {
        let by_id = disk.by_id.first().map_or("/dev/disk/by-id/…".to_owned(), |path| path.display().to_string());
        return Err(Failure::refused(format!(
            "`--yes` takes a disk only by its name in /dev/disk/by-id, and {} is none of {}",
            path.display(),
            disk.path.display()
        ))
        .hint(format!("name it as `--device {by_id}`")));
    }
    Ok(disk)
}

fn ask_which<'d>(disks: &[&'d Disk], console: &Console) -> Result<&'d Disk, Failure> {
    let line = |(number, disk): (usize, &&Disk)| format!("{number:>3}  {}\n", show::disk(disk));
    let lines: String = (1..).zip(disks).map(line).collect();
    let typed = console.ask(&format!("{lines}which one? Its number:")).map_err(|error| cannot_ask(&error, console))?;
    let chosen = typed.parse().ok().and_then(|number: usize| disks.get(number.checked_sub(1)?));
    chosen
        .copied()
        .ok_or_else(|| Failure::refused(format!("`{typed}` is none of these disks")).hint("or name it with `--device`"))
}

/// Why the user could not be asked.
pub(super) fn cannot_ask(error: &io::Error, console: &Console) -> Failure {
    const WHAT: &str = "whether the disk may be written to";
    let failure = match error.kind() {
        io::ErrorKind::Unsupported if !console.is_for_people() => {
            Failure::refused(format!("with `--json` nobody is asked {WHAT}"))
        }
        io::ErrorKind::Unsupported => {
            Failure::refused(format!("nobody can be asked {WHAT}: standard input or standard error is not a terminal"))
        }
        io::ErrorKind::UnexpectedEof => Failure::refused(format!("nobody answered {WHAT}: standard input ended")),
        _ => Failure { causes: vec![error.to_string()], ..Failure::refused("cannot ask on the terminal") },
    };
    failure.hint("run it on a terminal, or with `--yes --device /dev/disk/by-id/…`; `imgbuild devices` lists the names")
}
