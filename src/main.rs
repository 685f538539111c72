//! The program: parse, call, exit code.

use std::process::ExitCode;

use imgbuild::cmd;

fn main() -> ExitCode {
    cmd::run(std::env::args_os()).into()
}
