//! `imgbuild schema`: the JSON Schema of a kind of file on standard output.

use std::io::Write;

use super::Outcome;
use crate::cli::{Schema, SchemaKind};
use crate::{cluster, profile};

#[expect(clippy::unnecessary_wraps, reason = "all verbs have one form")]
pub(super) fn run(args: &Schema) -> Outcome {
    let text = match args.kind {
        SchemaKind::Profile => profile::json_schema(),
        SchemaKind::Overlay => profile::overlay_json_schema(),
        SchemaKind::Cluster => cluster::json_schema(),
    };
    // A reader that has seen enough is no error.
    let _ = write!(std::io::stdout(), "{text}");
    Ok(())
}
