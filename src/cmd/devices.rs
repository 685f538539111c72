//! `imgbuild devices`: disks that an image may be written to, and why the others are refused.

use std::fmt::Write as _;
use std::path::{Path, absolute};

use serde_json::{Value, json};

use super::{Outcome, unsupported_host};
use crate::cache::Cache;
use crate::cli::{Devices, Global};
use crate::device::{Disk, Limits, Refusal, list};
use crate::output::{Console, bytes};

#[cfg(test)]
mod tests;

/// Columns of the output.
const WIDTH: usize = 80;
/// Most columns of a model's name; some names are very long.
const MODEL: usize = 24;

pub(super) fn run(args: &Devices, global: &Global, console: &Console) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(unsupported_host::devices());
    }
    let disks = list(Path::new("/"))?;
    let cache = Cache::locate(global.cache_dir.as_deref());
    let protected_paths = [Some(&*global.workspace), cache.as_ref().map(Cache::dir)];
    let limits = Limits {
        allow_large: args.allow_large,
        allow_loop: args.allow_loop,
        needed: None,
        protected_paths: protected_paths.into_iter().flatten().filter_map(|path| absolute(path).ok()).collect(),
    };
    let judged = judged(&disks, &limits);
    console.result(&judged.iter().map(|(disk, refusals)| entry(disk, refusals)).collect::<Vec<_>>(), &table(&judged));
    Ok(())
}

fn judged<'d>(disks: &'d [Disk], limits: &Limits) -> Vec<(&'d Disk, Vec<Refusal>)> {
    disks.iter().map(|disk| (disk, disk.refusals(limits))).collect()
}

/// The disk as JSON, with message and hint of each refusal.
fn entry(disk: &Disk, refusals: &[Refusal]) -> Value {
    let mut value = json!(disk);
    let refusal = |refusal: &Refusal| {
        let mut value = json!(refusal);
        value["message"] = json!(refusal.to_string());
        value["hint"] = json!(refusal.hint());
        value
    };
    value["refused"] = refusals.iter().map(refusal).collect();
    value
}

fn table(judged: &[(&Disk, Vec<Refusal>)]) -> String {
    let width =
        |cell: fn(&Disk) -> String| judged.iter().map(|(disk, _)| cell(disk).chars().count()).max().unwrap_or(0);
    let widths = [width(device), width(size), width(transport), width(model)];
    let row = |disk: &Disk| {
        let [device_width, size_width, transport_width, model_width] = widths;
        let (device, size, transport, model) = (device(disk), size(disk), transport(disk), model(disk));
        let serial = disk.serial.as_deref().unwrap_or("no serial number");
        format!(
            "{device:<device_width$}  {size:>size_width$}  {transport:<transport_width$}  {model:<model_width$}  {serial}"
        )
    };

    let (fit, refused): (Vec<_>, Vec<_>) = judged.iter().partition(|(_, refusals)| refusals.is_empty());
    let mut text = String::new();
    if fit.is_empty() {
        text.push_str("there is no disk that an image may be written to: plug in a USB stick or a memory card\n");
    }
    for (disk, _) in fit {
        let _ = writeln!(text, "{}", row(disk));
        let _ = writeln!(text, "{}", wrap(&partitions(disk)));
        for id in &disk.by_id {
            let _ = writeln!(text, "  {}", id.display());
        }
    }
    if !refused.is_empty() {
        text.push_str("\nrefused:\n");
    }
    for (disk, refusals) in refused {
        let _ = writeln!(text, "{}", row(disk));
        // If one reason has no cure, the cures of the others do not help.
        let is_curable = refusals.iter().all(|refusal| refusal.hint().is_some());
        for refusal in refusals {
            let _ = writeln!(text, "{}", wrap(&words(&refusal.to_string())));
            if is_curable && let Some(hint) = refusal.hint() {
                let _ = writeln!(text, "{}", wrap(&words(&format!("({hint})"))));
            }
        }
    }
    text
}

fn device(disk: &Disk) -> String {
    disk.path.display().to_string()
}

fn size(disk: &Disk) -> String {
    bytes(disk.size)
}

fn transport(disk: &Disk) -> String {
    disk.transport.to_string()
}

fn model(disk: &Disk) -> String {
    let title = disk.title();
    match title.chars().count() {
        0 => "unnamed".to_owned(),
        length if length > MODEL => title.chars().take(MODEL - 1).chain(['…']).collect(),
        _ => title,
    }
}

/// The disk's content and partitions, as pieces of text between which a line may break.
fn partitions(disk: &Disk) -> Vec<String> {
    let piece = |(index, partition): (usize, &crate::device::Partition)| {
        let comma = if index + 1 < disk.partitions.len() { "," } else { "" };
        let label = partition.label.as_deref().unwrap_or("unnamed");
        format!("{} {label} {}{comma}", partition.number, bytes(partition.size))
    };
    let mut pieces = disk.whole().map_or_else(Vec::new, |whole| words(&whole));
    if let (Some(last), false) = (pieces.last_mut(), disk.partitions.is_empty()) {
        last.push(',');
    }
    pieces.extend(match disk.partitions.len() {
        0 => None,
        1 => Some("partition".to_owned()),
        _ => Some("partitions".to_owned()),
    });
    pieces.extend(disk.partitions.iter().enumerate().map(piece));
    pieces
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// The pieces as indented lines of at most [`WIDTH`] columns; lines break only between pieces.
fn wrap(pieces: &[String]) -> String {
    let (mut text, mut column) = (String::new(), WIDTH);
    for piece in pieces {
        let length = piece.chars().count();
        if column + 1 + length > WIDTH {
            text.push_str(if text.is_empty() { "  " } else { "\n    " });
            column = if text.contains('\n') { 4 } else { 2 };
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(piece);
        column += length;
    }
    text
}
