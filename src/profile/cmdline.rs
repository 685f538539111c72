//! `[kernel] cmdline`: which options a profile may add to the kernel's command line, and how many.

use std::ops::Range;
use std::sync::Arc;

use super::checks::{self, Verdict};
use super::{Board, Marks};
use crate::diagnostic::{Diagnostic, SourceText};

/// Bytes that Linux takes of a command line, its final zero among them: `COMMAND_LINE_SIZE` of
/// `arch/x86/include/asm/setup.h` and `arch/arm64/include/uapi/asm/setup.h`. The rest is cut off without a word.
const LINUX: usize = 2048;
/// What the Raspberry Pi's `start4.elf` takes of `cmdline.txt` (raspberrypi/linux issue 140).
const RASPBERRY_PI: usize = 1024;
/// Room for the image's own options, of which each build has the same number of letters.
pub(crate) const OWN: usize = 256;

/// One option of the kernel command line.
pub(super) fn kernel_option(text: &str) -> Verdict {
    if !checks::only(text, |char| char.is_ascii_graphic()) {
        return checks::refuse(text, "one kernel option", "write each option as an entry of its own, without spaces");
    }
    // The kernel reads double quotes, systemd both kinds (proc-cmdline.c). An open one takes in what follows.
    if ['"', '\''].into_iter().any(|quote| text.matches(quote).count() % 2 == 1) {
        return Err(format!("`{text}` has a quote that is not closed\nleave quotes out: an option has no spaces"));
    }
    let plain = text.replace(['"', '\''], "");
    let key = plain.split_once('=').map_or(&*plain, |(key, _)| key);
    if is_of_the_image(key) {
        let hint = "take it out; the root file system is found and proved by its hash";
        return Err(format!("`{}` is decided by the image\n{hint}", text.escape_debug()));
    }
    Ok(())
}

/// Kernel and systemd take `-` and `_` in a name for the same; in the initrd systemd also reads names with `rd.` in front.
fn is_of_the_image(key: &str) -> bool {
    let key = key.replace('-', "_");
    let key = key.strip_prefix("rd.").unwrap_or(&key);
    matches!(key, "root" | "roothash" | "usrhash" | "systemd.verity")
        || key.starts_with("systemd.verity_")
        || key.starts_with("imgbuild.")
}

/// Refuses options that are too many for `board`, at the one that is too much.
pub(super) fn check_length(
    options: &[String],
    board: Board,
    marks: &Marks,
    leaf: &Arc<SourceText>,
) -> Result<(), Diagnostic> {
    let (reader, limit) =
        if board.is_raspberry_pi() { ("the Raspberry Pi's firmware", RASPBERRY_PI) } else { ("Linux", LINUX) };
    let room = limit - 1 - OWN;
    // A space stands before each.
    let lengths = options.iter().scan(0, |sum, option| {
        *sum += option.len() + 1;
        Some((option, *sum))
    });
    let total = options.iter().map(|option| option.len() + 1).sum::<usize>();
    let Some((option, _)) = lengths.into_iter().find(|(_, sum)| *sum > room) else { return Ok(()) };
    let message = format!("the options of `kernel.cmdline` have {total} characters together, there is room for {room}");
    let placeless = || Diagnostic::new(leaf, None::<Range<usize>>, message.clone());
    let hint = format!("take some out: {reader} takes {} of the whole line and cuts off the rest", limit - 1);
    Err(marks.mistake("kernel.cmdline", option, message.clone()).unwrap_or_else(placeless).hint(hint))
}
