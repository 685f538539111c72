//! The keys of a chart, from `tests/fixtures/charts/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

/// What a chart's values may have.
pub struct Keys {
    /// Name and version of the chart.
    pub pin: String,
    known: BTreeSet<String>,
    /// Below these the chart takes anything.
    open: BTreeSet<String>,
}

impl Keys {
    /// Those of the chart of a `HelmChart` of this name.
    pub fn of(release: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/charts");
        let text = fs::read_to_string(folder.join(format!("{release}.keys"))).unwrap();
        let pin = text.strip_prefix("# Keys of chart ").unwrap().split(',').next().unwrap().to_owned();
        let lines = || text.lines().filter(|line| line.starts_with('/'));
        let open = lines().filter_map(|line| line.strip_suffix("/*")).map(str::to_owned).collect();
        let known = lines().map(|line| line.strip_suffix("/*").unwrap_or(line).to_owned()).collect();
        Self { pin, known, open }
    }

    /// The keys of `values` that the chart does not have.
    pub fn unknown(&self, values: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.walk(values, "", &mut found);
        found
    }

    /// A JSON Schema that takes these keys and no others.
    pub fn schema(&self) -> Value {
        self.schema_below("")
    }

    fn schema_below(&self, above: &str) -> Value {
        let start = format!("{above}/");
        let names: Vec<&str> = self.known.iter().filter_map(|path| path.strip_prefix(&start)).collect();
        let names = names.into_iter().filter(|name| !name.contains('/'));
        let properties: Map<String, Value> =
            names.map(|name| (name.to_owned(), self.schema_below(&format!("{start}{name}")))).collect();
        if properties.is_empty() || self.open.contains(above) {
            return json!({});
        }
        json!({"properties": properties, "additionalProperties": false})
    }

    fn walk(&self, values: &Value, above: &str, found: &mut Vec<String>) {
        for (key, value) in values.as_object().into_iter().flatten() {
            let path = format!("{above}/{key}");
            if !self.known.contains(&path) {
                found.push(path.clone());
            }
            if !self.open.contains(&path) {
                self.walk(value, &path, found);
            }
        }
    }
}
