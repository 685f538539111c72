//! Which disk is written to. None is ever taken unasked.

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

/// Characters of a serial number that are typed.
const TAIL: usize = 4;

/// A disk that may be written to.
pub(super) struct Choice {
    pub(super) disk: Disk,
    pub(super) expected: Expected,
}

/// Refuses what no image could mend, before one is built or fetched: that takes its time.
pub(super) fn beforehand(args: &Flash, taken: &[u64], session: &Session<'_>) -> Result<(), Failure> {
    let disks = device::list(Path::new("/"))?;
    let found = || candidates(&disks, args, taken, &limits(args, None, session)).map(drop);
    // A name of no disk is told first: on a terminal it would be wrong too.
    if args.device.is_some() {
        found()?;
    }
    if !(args.yes || args.dry_run || session.console.can_ask()) {
        return Err(unasked(&io::ErrorKind::Unsupported.into(), session.console));
    }
    found()
}

/// What is asked of the disk; without an image, of what is known without it.
fn limits(args: &Flash, image: Option<&Image>, session: &Session<'_>) -> Limits {
    let file = args.image.iter().map(PathBuf::from).filter(|path| path.is_file());
    let keep = image.map_or_else(|| file.collect(), |image| image.keep.clone());
    Limits {
        allow_large: args.allow_large,
        allow_loop: args.allow_loop,
        needed: image.map(|image| image.manifest.disk_size()),
        keep: keep.into_iter().chain([session.root().to_owned(), session.cache.dir().to_owned()]).collect(),
    }
}

/// The disk that is named, else all that may be written to; none only where nothing will be written anyway. What is `taken`,
/// by the kernel's running number, was written by this run.
fn candidates<'d>(disks: &'d [Disk], args: &Flash, taken: &[u64], limits: &Limits) -> Result<Vec<&'d Disk>, Failure> {
    let is_taken = |disk: &Disk| disk.diskseq.is_some_and(|number| taken.contains(&number));
    let unchanged = |disk: &Disk| {
        Failure::refused(format!("{} was written just now, for another node", disk.path.display()))
            .hint("take it out, and plug in the next one")
    };
    if let Some(path) = &args.device {
        let disk = named(disks, path, limits, args.yes)?;
        return if is_taken(disk) { Err(unchanged(disk)) } else { Ok(vec![disk]) };
    }
    if args.yes {
        return Err(Failure::refused("`--yes` writes to no disk that is not named")
            .hint("name it: `--device /dev/disk/by-id/…`; `imgbuild devices` lists them"));
    }
    let (taken, free): (Vec<&Disk>, Vec<&Disk>) =
        disks.iter().filter(|disk| disk.refusals(limits).is_empty()).partition(|disk| is_taken(disk));
    match taken.first() {
        _ if !free.is_empty() || args.dry_run => Ok(free),
        Some(disk) => Err(unchanged(disk)),
        None => Err(device::none_fits(disks, limits).into()),
    }
}

impl Choice {
    /// The disk that is named, else the one that there is, else one that is asked for. Nothing if there is none and nothing
    /// will be written anyway.
    pub(super) fn make(
        args: &Flash,
        image: &Image,
        taken: &[u64],
        session: &Session<'_>,
    ) -> Result<Option<Self>, Failure> {
        let limits = limits(args, Some(image), session);
        let disks = device::list(Path::new("/"))?;
        let disk = match candidates(&disks, args, taken, &limits)?[..] {
            [] => return Ok(None),
            [one] => one,
            // Which of them gets which node is asked when they are written.
            _ if args.all && args.dry_run => return Ok(None),
            ref many => ask_which(many, session.console)?,
        };
        let expected = Expected {
            size: disk.size,
            diskseq: disk.diskseq,
            serial: disk.serial.clone(),
            allow_large: args.allow_large,
            allow_loop: args.allow_loop,
            keep: limits.keep,
        };
        Ok(Some(Self { disk: disk.clone(), expected }))
    }

    /// Lets a person who sees the plan type what only the right disk has, unless the command line said `--yes`.
    pub(super) fn confirm(&self, args: &Flash, plan: &str, console: &Console) -> Result<(), Failure> {
        if args.yes {
            console.note(plan);
            return Ok(());
        }
        let (what, expected) = secret_word(&self.disk);
        // A part of the question, so that a quiet run shows it too.
        let question = format!("{plan}\n\ntype {what} to write to {}:", self.disk.path.display());
        let typed = console.ask(&question).map_err(|error| unasked(&error, console))?;
        if typed.eq_ignore_ascii_case(&expected) {
            return Ok(());
        }
        Err(Failure::refused("that is not it: nothing was written").hint(format!("look at the disk, and type {what}")))
    }
}

/// What has to be typed, in words, and the word itself.
fn secret_word(disk: &Disk) -> (String, String) {
    let serial: Vec<char> =
        disk.serial.iter().flat_map(|serial| serial.chars()).filter(|char| !char.is_whitespace()).collect();
    if serial.is_empty() {
        return (format!("`{}`", disk.name), disk.name.clone());
    }
    let tail = serial[serial.len().saturating_sub(TAIL)..].iter().collect();
    (format!("the last {} characters of its serial number", serial.len().min(TAIL)), tail)
}

/// The disk at `path`, if nothing speaks against it.
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
    // Word for word: `/dev/disk/by-id/../../sdb` lies there too.
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
    let typed = console.ask(&format!("{lines}which one? Its number:")).map_err(|error| unasked(&error, console))?;
    let chosen = typed.parse().ok().and_then(|number: usize| disks.get(number.checked_sub(1)?));
    chosen
        .copied()
        .ok_or_else(|| Failure::refused(format!("`{typed}` is none of these disks")).hint("or name it with `--device`"))
}

/// There was nobody to ask.
pub(super) fn unasked(error: &io::Error, console: &Console) -> Failure {
    const WHAT: &str = "whether the disk may be written to";
    let failure = match error.kind() {
        io::ErrorKind::Unsupported if !console.is_for_people() => {
            Failure::refused(format!("with `--json` nobody is asked {WHAT}"))
        }
        io::ErrorKind::Unsupported => {
            Failure::refused(format!("nobody can be asked {WHAT}: standard input or standard error is no terminal"))
        }
        io::ErrorKind::UnexpectedEof => Failure::refused(format!("nobody answered {WHAT}: standard input ended")),
        _ => Failure { causes: vec![error.to_string()], ..Failure::refused("cannot ask on the terminal") },
    };
    failure.hint("run it on a terminal, or with `--yes --device /dev/disk/by-id/…`; `imgbuild devices` lists the names")
}
