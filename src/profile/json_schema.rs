//! The JSON Schema of profiles and cluster files in a workspace: that of the file format, with the parameters of the overlays
//! that can be named there, so that editors complete and check them.

use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value, json};

use super::outline::{Param, param_of};
use super::parse::parse;
use super::schema::{OverlayToml, ProfileToml, SetBy, root_schema, text_of};
use super::{ParamValue, ProfileError, Via, Workspace, via};

/// The JSON Schema of profiles, for editors. Ends with a line break.
///
/// # Errors
/// An overlay of the workspace that cannot be read, or anything wrong with its keys and single values.
pub fn json_schema(workspace: &Workspace) -> Result<String, ProfileError> {
    with_overlays::<ProfileToml>(SetBy::Profile, workspace)
}

/// The JSON Schema of a file that is read as `T`, with those parameters of overlays that it sets.
///
/// # Errors
/// As [`json_schema`].
pub(crate) fn with_overlays<T: JsonSchema>(set_by: SetBy, workspace: &Workspace) -> Result<String, ProfileError> {
    let mut schema = root_schema::<T>();
    let mut overlays = Map::new();
    for name in workspace.overlay_names()? {
        let Some(source) = workspace.overlay_toml(&name)? else { continue };
        let toml: OverlayToml = parse(&source)?;
        // Most overlays leave nothing to the cluster.
        if set_by == SetBy::Profile || toml.params.values().any(|table| table.set_by == set_by) {
            let has_via = set_by == SetBy::Profile && !workspace.overlay_manifests(&name)?.is_empty();
            overlays.insert(name, of_overlay(toml, set_by, has_via));
        }
    }
    if let Some(tables) = schema.pointer_mut("/properties/overlay").and_then(Value::as_object_mut) {
        tables.insert("properties".to_owned(), Value::Object(overlays));
        tables.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    Ok(text_of(&schema))
}

/// What may stand in `[overlay.NAME]`; `has_via` if that says how its manifests reach the cluster.
fn of_overlay(toml: OverlayToml, set_by: SetBy, has_via: bool) -> Value {
    let via = toml.via.map(|via| via.0.into_inner()).unwrap_or_default();
    let params = toml.params.into_iter().filter(|(_, table)| table.set_by == set_by);
    let params = params.map(|(name, table)| (name.0, of_param(param_of(table)).to_value()));
    let mut params: Map<String, Value> = params.collect();
    if has_via {
        let description = "How its manifests reach the cluster: with the image, or from the owner's Git repository";
        let words = [Via::Image.name(), Via::Gitops.name()];
        let schema = json!({ "description": description, "type": "string", "enum": words, "default": via.name() });
        params.insert(via::KEY.to_owned(), schema);
    }
    let mut schema = json_schema!({ "type": "object", "properties": params, "additionalProperties": false });
    if let Some(description) = toml.description {
        schema.insert("description".to_owned(), Value::String(description.into()));
    }
    schema.to_value()
}

fn of_param(param: Param) -> Schema {
    let mut schema = if param.secret {
        ParamValue::named_schema(&param.description)
    } else {
        json_schema!({ "description": param.description, "type": param.kind })
    };
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            schema.insert(key.to_owned(), value);
        }
    };
    put("default", param.default.map(|value| json!(value)));
    put("enum", (!param.one_of.is_empty()).then(|| json!(param.one_of)));
    put("pattern", param.form.map(|form| form.pattern().into()));
    put("examples", param.form.map(|form| json!([form.example()])));
    put("minimum", param.min.map(Value::from));
    put("maximum", param.max.map(Value::from));
    schema
}
