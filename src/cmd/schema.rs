//! `imgbuild schema`: the JSON Schema of profiles on standard output.

use super::Outcome;
use crate::output::Console;

pub(super) fn run(_console: &Console) -> Outcome {
    Ok(())
}
