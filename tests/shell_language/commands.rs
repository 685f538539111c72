//! No commands but the utilities that the evaluator has.

use imgbuild::shell::{Answer, Call, Host};

/// A host without commands.
pub struct Commands;

impl Host for Commands {
    fn run(&mut self, _: &str, _: &mut Call<'_>) -> Option<Answer> {
        None
    }

    fn sourced(&mut self, _: &str, _: &mut Call<'_>) -> Option<Answer> {
        None
    }
}
