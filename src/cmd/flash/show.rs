//! Descriptions of image, disk, plan and result for the user.

use std::path::Path;

use super::image::Image;
use crate::device::Disk;
use crate::flash::Plan;
use crate::flash::protocol::{Phase, StallTimes};
use crate::output::bytes;
use crate::profile::Role;

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

/// What a flash will do, for the user to confirm.
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

/// What the node does until it is ready, with the times that were measured. docs/measurements.md has the same times.
fn minutes(role: Role) -> String {
    let last = match role {
        Role::Server => "its datastore",
        Role::Agent => "the server",
    };
    let seconds = seconds(role);
    format!(
        "
      at its first start it uses the rest of the stick for its own data; then it waits for
      what it needs of: data disks, a route, the time and {last}, in this order
      its console says what it waits for, why, and what helps; it continues by itself
      then K3s starts, until the console says `ready N s after power-on`: that took
      {seconds} s in emulation; it was not measured on a real board yet
      if Kubernetes already has a Node of this name, keep it: the node takes it over"
    )
}

fn seconds(role: Role) -> &'static str {
    match role {
        Role::Server => "54 to 69",
        Role::Agent => "63 to 69",
    }
}

/// Messages for the first Ctrl-C, and for the second one, which ends the program at once.
pub(super) fn stopping(disk: &Disk) -> [String; 2] {
    let path = disk.path.display();
    [
        format!("stopping: waiting until the writer closes {path} …"),
        format!("ended without waiting for the writer: {path} may be half-written; flash it again"),
    ]
}

/// A part of an amount of bytes (`12 MiB of 2 GiB`).
fn share(part: u64, of: u64) -> String {
    format!("{} of {}", bytes(part), bytes(of))
}

/// What the user does next.
pub(super) fn next(what: &Image, ejected: bool) -> String {
    let next = match (&what.node, ejected) {
        (Some(_), true) => "next: plug it into the node and switch it on",
        (Some(_), false) => "next: unplug it, plug it into the node and switch it on",
        (None, _) => "it has no seed: nobody can log in to a node that starts from it",
    };
    format!("{next}{}", what.role.map_or(String::new(), minutes))
}

/// The report of a finished flash; `next` is what the user does next.
pub(super) fn end(what: &Image, disk: &Disk, mapped: u64, seconds: f64, waits: StallTimes, next: &str) -> String {
    let slower = waits.bottleneck();
    format!(
        "{} holds {} {}: {} written and read back in {seconds:.1} s; {slower} set the pace\n{next}",
        disk.path.display(),
        what.manifest.profile,
        what.manifest.image_id,
        bytes(mapped),
    )
}

/// The state of a disk after a flash that failed in the phase `reached`.
pub(super) fn left(disk: &Path, reached: Option<Phase>) -> String {
    let path = disk.display();
    match reached {
        None => format!("nothing was written to {path}"),
        Some(Phase::Clear) => {
            format!("{path} may still have its old partition table and content: nothing else was written yet")
        }
        Some(Phase::Tables) => {
            format!("{path} has no valid partition table, unless it was cut off in the last moment: flash it again")
        }
        Some(_) => format!("{path} has no valid partition table now: nothing starts from it until it is flashed again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_times_are_the_same_here_and_in_all_documents() {
        let measured: Vec<(bool, u32)> = include_str!("../../../docs/measurements.md")
            .lines()
            .skip_while(|line| *line != "## From power-on to ready")
            .filter(|line| line.starts_with("| ") && line.contains(" s"))
            .flat_map(|line| {
                let numbers = line.split([' ', ',']).filter_map(|word| word.parse().ok());
                numbers.map(move |number| (line.contains("control node"), number))
            })
            .collect();
        let range = |is_control: bool| {
            let of = measured.iter().filter(|(control, _)| *control == is_control).map(|(_, seconds)| seconds);
            format!("{} to {}", of.clone().min().unwrap(), of.max().unwrap())
        };
        assert_eq!((seconds(Role::Server), seconds(Role::Agent)), (&*range(true), &*range(false)));
        let runbook = include_str!("../../../docs/runbook.md");
        let said = format!("a control node took {} s and a worker {} s", range(true), range(false));
        assert!(runbook.contains(&said), "the runbook does not say: {said}");
    }

    #[test]
    fn what_is_left_depends_on_how_far_it_came() {
        let left = |reached| left(Path::new("/dev/sdb"), reached);
        assert_eq!(left(None), "nothing was written to /dev/sdb");
        assert!(left(Some(Phase::Clear)).contains("may still have its old partition table"));
        for phase in [Phase::Probe, Phase::Discard, Phase::Write, Phase::Verify] {
            assert!(left(Some(phase)).contains("has no valid partition table now"));
        }
        assert!(left(Some(Phase::Tables)).contains("unless it was cut off in the last moment"));
    }
}
