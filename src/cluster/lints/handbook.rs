//! Generates `docs/lints.md` from the lints.

use std::fmt::Write as _;

use super::{Lint, Theme, online, themes, workspace};
use crate::diagnostic::Severity;

const HEAD: &str = "\
# What `imgbuild check` finds

Made from the lints in `src/cluster/lints/` by `just generate`; do not edit it. Each finding names its place and how to
mend it there. An error makes `check` exit with 1; warnings and infos do not. Every lint has a workspace that it finds
something in, and one that it does not, in `tests/fixtures/lints/CODE/`, but for C140 and C141, which are tried through the
program; those of `check --online` (D…) are tried against
real servers, all but D006, D007, D013, D019, D021, D028 and D030, which no server of the tests gives rise to.
";

/// The text of `docs/lints.md`.
///
/// # Panics
/// Never: strings grow.
#[must_use]
pub fn handbook() -> String {
    let mut text = HEAD.to_owned();
    for Theme { title, lints } in themes().into_iter().chain([workspace::THEME, online::THEME]) {
        write!(text, "\n## {title}\n").expect("strings grow");
        for Lint { code, severity, title, why, .. } in lints {
            let severity = match severity {
                Severity::Error => "Error",
                Severity::Warning => "Warning",
                Severity::Info => "Info",
            };
            write!(text, "\n### {code}\n\n{severity}: {title}. Why: {why}.\n").expect("strings grow");
        }
    }
    text
}
