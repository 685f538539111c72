//! Machines as their kernels tell of them: `tests/fixtures/devices/NAME.toml`, laid out as the files that the program reads.
//!
//! A table there is a directory, and its keys are what lies in it. A string is a file's text, and ends with a new line, as
//! the kernel ends it. A list of strings and bytes is a file with exactly these. `{ link = "…" }` is a symbolic link.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

/// Lays the machine `name` out below `root`.
pub fn lay_out(name: &str, root: &Path) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/devices").join(name).with_extension("toml");
    let machine: Table = fs::read_to_string(file).unwrap().parse().unwrap();
    for (directory, entries) in &machine {
        let directory = root.join(directory);
        fs::create_dir_all(&directory).unwrap();
        for (entry, value) in entries.as_table().unwrap() {
            let path = directory.join(entry);
            if let Some(target) = value.get("link") {
                std::os::unix::fs::symlink(target.as_str().unwrap(), path).unwrap();
            } else {
                fs::write(path, content(value)).unwrap();
            }
        }
    }
}

fn content(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) if text.ends_with('\n') => text.clone().into_bytes(),
        Value::String(text) => format!("{text}\n").into_bytes(),
        Value::Integer(byte) => vec![u8::try_from(*byte).unwrap()],
        Value::Array(parts) => {
            parts.iter().flat_map(|part| part.as_str().map_or_else(|| content(part), Into::into)).collect()
        }
        other => panic!("neither a file nor a link: {other}"),
    }
}
