//! `imgbuild schema`: the JSON Schema of a kind of file on standard output; those of profiles and of the cluster know the
//! workspace's overlays.

use super::Outcome;
use super::session::Session;
use crate::cli::{Schema, SchemaKind};
use crate::exit::{Code, Failure};
use crate::{cluster, profile};

pub(super) fn run(args: &Schema, session: &Session<'_>) -> Outcome {
    let text = match args.kind {
        SchemaKind::Profile => profile::json_schema(&session.workspace)?,
        SchemaKind::Overlay => profile::overlay_json_schema(),
        SchemaKind::Cluster => cluster::json_schema(&session.workspace)?,
    };
    let schema: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| Failure::new(Code::Unexpected, &error))?;
    session.console.text(&schema, &text);
    Ok(())
}
