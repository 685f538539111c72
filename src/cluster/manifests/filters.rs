//! Filters of templates that the engine has not, or in another way.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use minijinja::value::{Kwargs, ValueIter, ValueKind};
use minijinja::{Error, ErrorKind, State, Value, filters};

/// Text as base64.
pub(super) fn b64encode(text: &str) -> String {
    STANDARD.encode(text)
}

/// The engine's own `tojson`, which makes `null` of a value that is not there, also where all else refuses one.
pub(super) fn tojson(state: &mut State, value: &Value, indent: Option<Value>, args: Kwargs) -> Result<Value, Error> {
    if lacks_something(value) {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let text = filters::tojson(value, indent, args)?;
    // As much as the engine's own takes.
    state.consume_fuel(text.as_str().map_or(0, str::len) as u64 / BYTES_OF_A_STEP)?;
    Ok(text)
}

/// How many bytes of JSON count as one step.
const BYTES_OF_A_STEP: u64 = 4;

/// Whether it is not there, or has something in it that is not there: `[params.a, params.b]`.
fn lacks_something(value: &Value) -> bool {
    let has = |values: Option<ValueIter>| values.into_iter().flatten().any(|value| lacks_something(&value));
    match value.kind() {
        ValueKind::Undefined => true,
        ValueKind::Seq => has(value.try_iter().ok()),
        ValueKind::Map => {
            let keys = value.try_iter().ok().into_iter().flatten();
            keys.filter_map(|key| value.get_item(&key).ok()).any(|value| lacks_something(&value))
        }
        _ => false,
    }
}
