//! What containers are given of an NVIDIA driver: a specification of the Container Device Interface in the image.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::artifact::{self, listed};
use crate::modules::in_image;
use crate::tiny;

/// Judges standard input by the schema in the directory that is the argument, and names what is wrong.
const VALIDATE: &str = r#"
import json, pathlib, sys
from jsonschema import Draft7Validator, RefResolver
folder = pathlib.Path(sys.argv[1])
schema = json.loads((folder / "schema.json").read_text())
validator = Draft7Validator(schema, resolver=RefResolver(folder.as_uri() + "/", schema))
errors = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(json.load(sys.stdin))]
sys.exit("\n".join(errors) or None)
"#;

/// What the published schema has against a specification.
fn complaints(spec: &[u8]) -> String {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cdi");
    let mut python = Command::new("/usr/bin/python3");
    let python = python.args(["-W", "ignore", "-c", VALIDATE]).arg(schema);
    let mut child = python.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(spec).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), told.is_empty(), "{told}");
    told
}

#[test]
fn an_image_with_a_driver_has_a_valid_specification_of_files_that_are_there() {
    const SYSTEM: &str = "/usr/lib/x86_64-linux-gnu";
    let online = tiny::archive(0).online();
    let link = |name: &str, to: &str| format!("[[file]]\npath = \"{SYSTEM}/{name}\"\nsymlink = \"{to}\"\n");
    let links = ["libcuda", "libnvidia-ml"].map(|name| link(&format!("{name}.so.1"), &format!("{name}.so.550.163.01")));
    let place = artifact::place(&online, &links.concat());
    for file in ["libcuda.so.550.163.01", "libnvidia-ml.so.550.163.01", "libnvidia-nvvm.so.550.163.01"] {
        place.write(&format!("overlays/mine/files{SYSTEM}/{file}"), file);
    }
    place.write("overlays/mine/files/usr/bin/nvidia-smi", "a program");
    place.write("overlays/mine/files/usr/lib/firmware/nvidia/550.163.01/gsp_ga10x.bin", "firmware");
    let profile = place.read("profiles/node.toml");
    let drop = format!("schema = 1\ndrop = [\"{SYSTEM}/libnvidia-nvvm*\"]\n");
    place.write("profiles/node.toml", profile.replace("schema = 1\n", &drop));
    place.run(&["lock", "node"]).ok();
    place.run(&["build", "node"]).ok();

    let bytes = in_image(&place, "etc/cdi/nvidia.json");
    assert_eq!(complaints(&bytes), "");
    let spec: Value = serde_json::from_slice(&bytes).unwrap();
    let mounts = spec["containerEdits"]["mounts"].as_array().unwrap();
    let files: Vec<&str> = mounts.iter().map(|mount| mount["hostPath"].as_str().unwrap()).collect();
    for file in &files {
        assert_eq!(listed(&place, file).unwrap()[1], "f", "{file}");
    }
    for file in ["libcuda.so.550.163.01", "libnvidia-ml.so.550.163.01", "nvidia-smi", "gsp_ga10x.bin"] {
        assert!(files.iter().any(|path| path.ends_with(&format!("/{file}"))), "{file} is not among {files:?}");
    }
    assert!(!files.iter().any(|path| path.contains("nvvm")), "the profile drops it: {files:?}");
    assert_eq!(listed(&place, "/etc/cdi/nvidia.json").unwrap().last().unwrap(), "effect:cdi");

    // The judge has something against what is wrong.
    let broken = String::from_utf8(bytes).unwrap().replace("\"hostPath\"", "\"hostpath\"");
    assert!(complaints(broken.as_bytes()).contains("'hostPath' is a required property"));
}
