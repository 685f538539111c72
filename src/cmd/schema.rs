//! `imgbuild schema`: the JSON Schema of a kind of file on standard output.

use super::Outcome;
use crate::cli::{Schema, SchemaKind};
use crate::output::Console;
use crate::{cluster, profile};

#[expect(clippy::unnecessary_wraps, reason = "all verbs have one form")]
pub(super) fn run(args: &Schema, console: &Console) -> Outcome {
    let text = match args.kind {
        SchemaKind::Profile => profile::json_schema(),
        SchemaKind::Overlay => profile::overlay_json_schema(),
        SchemaKind::Cluster => cluster::json_schema(),
    };
    console.text(&text);
    Ok(())
}
