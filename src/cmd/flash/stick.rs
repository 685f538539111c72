//! Flashes one stick, from finding the image to switching the disk off.

use std::time::Instant;

use serde_json::json;

use super::choose::Choice;
use super::find::find;
use super::{eject, show, spawn};
use crate::cli::Flash;
use crate::cmd::session::Session;
use crate::cmd::{Outcome, interrupt};
use crate::device::Disk;
use crate::exit::Failure;
use crate::flash::Prepared;
use crate::flash::parent::FlashError;
use crate::flash::protocol::Phase;

/// Flashes one stick, which must not be one of `already_written`, and adds it to them.
pub(super) fn write(
    args: &Flash,
    node: Option<&str>,
    already_written: &mut Vec<u64>,
    session: &Session<'_>,
) -> Outcome {
    let console = session.console;
    let image = find(args, node, already_written, session)?;
    let Some(choice) = Choice::make(args, &image, already_written, session)? else {
        // `--dry-run`, and there is no disk.
        let value = json!({
            "device": null,
            "image_id": image.manifest.image_id,
            "profile": image.manifest.profile,
            "node": image.node,
        });
        console.note("there is no disk that may be written to: `imgbuild devices` tells why");
        console.result(&value, &show::image(&image));
        return Ok(());
    };
    let disk = &choice.disk;
    let prepared = Prepared::new(
        &image.manifest,
        &*image.source,
        (disk.size, disk.sector),
        image.seed.as_ref().map(|seed| &seed[..]),
    )?;
    let plan = show::plan(&image, disk, &prepared.plan);
    let mut value = json!({
        "device": disk.path,
        "serial": disk.serial,
        "image_id": image.manifest.image_id,
        "profile": image.manifest.profile,
        "node": image.node,
    });
    if args.dry_run {
        value["plan"] = json!(prepared.plan);
        console.result(&value, &format!("{plan}\nnothing was written: that was `--dry-run`"));
        return Ok(());
    }
    choice.confirm(args, &plan, console)?;
    let started = Instant::now();
    let waits = {
        let _hold = interrupt::hold_saying(console.is_for_people().then(|| show::stopping(disk)));
        spawn::write(&prepared, &choice.expected, disk, console)
            .map_err(|(error, reached)| failure(error, reached, disk, session))?
    };
    already_written.extend(disk.diskseq);
    let seconds = started.elapsed().as_secs_f64();
    if interrupt::came() {
        interrupt::came_too_late();
        console.note("the stop came after everything was written: the disk is complete");
    }
    let ejected = !args.no_eject && eject::eject(disk, console);
    let next = show::next(&image, ejected);
    value["bytes"] = json!(prepared.plan.mapped());
    value["seconds"] = json!(seconds);
    value["waits"] = json!(waits);
    value["ejected"] = json!(ejected);
    value["note"] = json!(next);
    console.result(&value, &show::end(&image, disk, prepared.plan.mapped(), seconds, waits, &next));
    Ok(())
}

fn failure(error: FlashError, reached: Option<Phase>, disk: &Disk, session: &Session<'_>) -> Failure {
    let left = show::left(&disk.path, reached);
    if matches!(error, FlashError::Interrupted) {
        session.console.note(&format!("stopped; {left}"));
    }
    let mut failure = Failure::from(error);
    failure.causes.push(left);
    failure
}
