//! `imgbuild __write`: the process that may write to one disk. It reads its job from standard input, and nothing from the
//! workspace.

use crate::cli::WriteDevice;
use crate::cmd::Outcome;
use crate::exit::{Code, Failure};
use crate::flash::protocol::Expected;

pub(in crate::cmd) fn run(args: &WriteDevice) -> Outcome {
    let expected: Expected = serde_json::from_str(&args.expect).map_err(|error| {
        Failure::new(Code::Refused, &error).about("`--expect`").hint("this command is run by `imgbuild flash` only")
    })?;
    write(args, &expected);
    Ok(())
}

#[cfg(target_os = "linux")]
fn write(args: &WriteDevice, expected: &Expected) {
    use crate::flash::block::{Block, OpenMethod};
    use crate::flash::child;
    use crate::flash::writer::Settings;

    let method = if args.udisks { OpenMethod::Udisks } else { OpenMethod::Direct };
    let open = |_: &_| Block::exclusive(&args.device, expected, method);
    // An error was already reported to the parent, which shows it.
    let _ = child::run(std::io::stdin().lock(), std::io::stdout().lock(), Settings::default(), open);
}

/// `flash` refuses on such a host before it starts a writer.
#[cfg(not(target_os = "linux"))]
fn write(_: &WriteDevice, _: &Expected) {}
