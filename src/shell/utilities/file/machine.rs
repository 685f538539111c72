//! Commands that find nothing to do while an image is made, and those that answer with what differs from one run to the next. Of what
//! differs by machine the host has the rest.

use crate::shell::{Answer, Call, Reason, Utility};

/// The command of this name.
pub(super) fn find(name: &str) -> Option<Utility> {
    Some(match name {
        "du" => |_| Err(Reason::differs("du", "how a file system keeps files")),
        "hwclock" => |_| Err(Reason::differs("hwclock", "the clock")),
        "shred" => |_| Err(Reason::differs("shred", "randomness")),
        "sleep" => sleep,
        "sync" => |_| Ok(0),
        _ => return None,
    })
}

/// sleep(1): nothing changes meanwhile.
fn sleep(call: &mut Call<'_>) -> Answer {
    let is_time = |arg: &String| {
        let number = arg.trim_end_matches(['s', 'm', 'h', 'd']);
        arg.len() <= number.len() + 1 && number.parse::<f64>().is_ok_and(|time| time >= 0.0)
    };
    if call.args.is_empty() || !call.args.iter().all(is_time) {
        return Err(Reason::unsupported("sleep", "these operands"));
    }
    Ok(0)
}
