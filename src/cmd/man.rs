//! `imgbuild man`: the manual pages, made from the same declarations as `--help`.

use clap::CommandFactory;

use super::Outcome;
use crate::cli::{Cli, Man};
use crate::exit::{Code, Failure};
use crate::output::Console;

pub(super) fn run(args: &Man, console: &Console) -> Outcome {
    let failed = |error: std::io::Error| {
        Failure::io(Code::Refused, format!("cannot write manual pages to `{}`", args.dir.display()), &error)
            .hint("name a directory that can be written")
    };
    std::fs::create_dir_all(&args.dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &args.dir).map_err(failed)?;
    console.result(
        &serde_json::json!({"dir": args.dir}),
        &format!(
            "manual pages are in {}; read one with `man -l {}/imgbuild.1`",
            args.dir.display(),
            args.dir.display()
        ),
    );
    Ok(())
}
