//! What is told of image, disk and plan.

use super::image::Image;
use super::share;
use crate::device::Disk;
use crate::flash::Plan;
use crate::flash::protocol::Waits;
use crate::output::bytes;

/// A disk on one line.
pub(super) fn disk(disk: &Disk) -> String {
    let serial = disk.serial.as_ref().map_or("no serial number".to_owned(), |serial| format!("serial number {serial}"));
    format!("{}: {}, {}, {}, {serial}", disk.path.display(), disk.title(), disk.transport, bytes(disk.size))
}

/// The image on one line.
pub(super) fn image(image: &Image) -> String {
    let manifest = &image.manifest;
    let node =
        image.node.as_ref().map_or("without a seed".to_owned(), |node| format!("with the seed of node `{node}`"));
    format!("image  {} {} ({}), {node}", manifest.profile, manifest.image_id, manifest.board)
}

/// All that is about to happen.
pub(super) fn plan(what: &Image, target: &Disk, plan: &Plan) -> String {
    let partitions = target.partitions.iter().map(|partition| {
        let label = partition.label.as_deref().map_or(String::new(), |label| format!(" `{label}`"));
        format!("{}{label} {}", partition.name, bytes(partition.size))
    });
    let on_it = target.whole().into_iter().chain(partitions).collect::<Vec<_>>().join(", ");
    let by_id = target.by_id.first().map_or(String::new(), |path| format!("\n       {}", path.display()));
    format!(
        "{}\ndisk   {}{by_id}\non it  {on_it}: all of it will be lost\nwrite  {}",
        image(what),
        disk(target),
        share(plan.mapped(), plan.size_needed),
    )
}

/// How it ended, and what comes next.
pub(super) fn end(what: &Image, disk: &Disk, mapped: u64, seconds: f64, waits: Waits, ejected: bool) -> String {
    let slower = if waits.device_ms >= waits.source_ms { "the disk" } else { "the image" };
    let next = match (&what.node, ejected) {
        (Some(_), true) => "next: plug it into the node and switch it on",
        (Some(_), false) => "next: unplug it, plug it into the node and switch it on",
        (None, _) => "it has no seed: a node that starts from it lets nobody in",
    };
    let minutes = if what.node.is_some() {
        "\n      its console counts what it waits for, then says `ready N s after power-on`: docs/runbook.md"
    } else {
        ""
    };
    format!(
        "{} holds {} {}: {} written and read back in {seconds:.1} s; {slower} set the pace\n{next}{minutes}",
        disk.path.display(),
        what.manifest.profile,
        what.manifest.image_id,
        bytes(mapped),
    )
}
