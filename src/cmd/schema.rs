//! `imgbuild schema`: the JSON Schema of a kind of file on standard output.

use super::Outcome;
use crate::cli::{Schema, SchemaKind};
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::{cluster, profile};

pub(super) fn run(args: &Schema, console: &Console) -> Outcome {
    let text = match args.kind {
        SchemaKind::Profile => profile::json_schema(),
        SchemaKind::Overlay => profile::overlay_json_schema(),
        SchemaKind::Cluster => cluster::json_schema(),
    };
    let schema: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| Failure::new(Code::Unexpected, &error))?;
    console.text(&schema, &text);
    Ok(())
}
