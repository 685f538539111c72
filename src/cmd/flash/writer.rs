//! `imgbuild __write`: the half with the rights to write to one disk. It takes a job from standard input, and nothing from
//! the workspace.

use crate::cli::WriteDevice;
use crate::cmd::Outcome;
use crate::exit::{Code, Failure};
use crate::flash::protocol::Expected;

pub(in crate::cmd) fn run(args: &WriteDevice) -> Outcome {
    let expected: Expected = serde_json::from_str(&args.expect).map_err(|error| {
        Failure::new(Code::Refused, &error).about("`--expect`").hint("`imgbuild flash` is what runs this")
    })?;
    write(args, &expected);
    Ok(())
}

#[cfg(target_os = "linux")]
fn write(args: &WriteDevice, expected: &Expected) {
    use crate::flash::block::{Block, Way};
    use crate::flash::child;
    use crate::flash::writer::Settings;

    let way = if args.udisks { Way::Udisks } else { Way::Direct };
    let open = |_: &_| Block::exclusive(&args.device, expected, way);
    // The parent has heard of any error, and tells it.
    let _ = child::run(std::io::stdin().lock(), std::io::stdout().lock(), Settings::default(), open);
}

/// `flash` refuses before it comes to this.
#[cfg(not(target_os = "linux"))]
fn write(_: &WriteDevice, _: &Expected) {}
