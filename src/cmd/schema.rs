//! `imgbuild schema`: the JSON Schema of profiles on standard output.

use std::io::Write;

use super::Outcome;
use crate::profile;

#[expect(clippy::unnecessary_wraps, reason = "all verbs have one form")]
pub(super) fn run() -> Outcome {
    // A reader that has seen enough is no error.
    let _ = write!(std::io::stdout(), "{}", profile::json_schema());
    Ok(())
}
