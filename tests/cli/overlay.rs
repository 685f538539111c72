//! `imgbuild overlay`: what an overlay is by itself.

use crate::place::Place;

const DRIVER: &str = r#"schema = 1
description = "The driver and its tools"
provides = ["gpu-driver"]
needs = ["node"]
conflicts = ["nouveau"]
packages = ["tools"]
modules = ["driver"]
drop = ["/usr/share/driver"]
expects = ["driver/secret/driver-tls"]

[params.source]
description = "Whose packages it takes"
default = "vendor"
one_of = ["vendor", "debian"]

[params.branch]
description = "What versions begin with"

[params.cards]
description = "How many cards there are"
default = 1
min = 1
max = 8

[params.idle]
description = "Whether cards rest"
default = false

[params.host]
description = "Where it answers"
set_by = "cluster"

[[when]]
params = { source = "vendor" }
defaults = { branch = "580" }
packages = ["vendor-driver"]

[[when.source]]
name = "vendor"
archive = "https://packages.example.com/debian"
suite = "/"
versions = "{{ params.branch }}"

[when.kernel-module.driver]
package = "vendor-source"
source = "usr/src/driver-*"
modules = ["driver.ko"]
kernels = ">=6.12 <6.13"

[[when]]
params = { branch = ">=575" }
drop = ["/usr/share/old"]

[[when]]
params = { source = "debian" }
needs = ["contrib"]
packages = ["driver"]
units.enable = ["driver.service"]

[[when.source]]
name = "extra"
archive = "debian"
suite = "trixie"
components = ["contrib", "non-free"]

[sysctl]
"vm.swappiness" = 10

[units]
disable = ["nouveau.service"]

[board]
config = ["dtparam=audio=off"]

[[file]]
path = "/usr/bin/driver"
symlink = "../lib/driver/run"

[[directory]]
path = "/etc/driver"
mode = "0700"

[[artifact]]
path = "/usr/bin/tool"
url = "https://example.org/tool-amd64"
sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
mode = "0755"
architecture = "amd64"

[[artifact]]
path = "/usr/bin/tool"
url = "https://example.org/tool-arm64"
sha256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
mode = "0755"
architecture = "arm64"
"#;

/// A workspace with an overlay that has something of all.
fn place() -> Place {
    Place::new()
        .file("overlays/driver/overlay.toml", DRIVER)
        .file("overlays/driver/files/usr/lib/driver/run", "#!/bin/sh\n")
        .file("overlays/driver/manifests/driver-10.yaml", "kind: Namespace\n")
        .file("overlays/driver/manifests/driver-20.yaml", "cards: {{ params.cards }}\n")
        .file("overlays/driver/manifests/driver-30.yaml", "host: {{ cluster.values.host }} {{ secrets.driver_key }}\n")
        .file("overlays/driver/manifests/driver-40.yaml", "name: {{ params.host }}\n")
        .file("overlays/driver/manifests/driver-50.yaml", "name: {{ cluster.name }}\n")
}

#[test]
fn an_overlay_is_shown_with_all_that_it_brings_and_what_its_parameters_decide() {
    let place = place();
    let text = place.transcript(&["overlay", "show", "driver"]);
    insta::assert_snapshot!(text + "\n" + &place.transcript(&["--json", "overlay", "show", "driver"]));
    // The program's own.
    let shown = place.run(&["overlay", "show", "node"]).ok();
    assert!(shown.contains("program, <embedded>/overlays/node") && shown.contains("man-db.timer"), "{shown}");
}

#[test]
fn the_schema_of_profiles_is_that_of_the_workspace() {
    let place = place();
    let schema = place.run(&["--json", "schema", "profile"]).result();
    let tables = &schema["properties"]["overlay"]["properties"];
    assert_eq!(tables["driver"]["properties"]["source"]["enum"], serde_json::json!(["vendor", "debian"]));
    // What the cluster sets is in its own schema alone.
    assert!(tables["driver"]["properties"]["host"].is_null());
    let schema = place.run(&["--json", "schema", "cluster"]).result();
    let driver = &schema["properties"]["overlay"]["properties"]["driver"]["properties"];
    assert_eq!(*driver, serde_json::json!({ "host": { "description": "Where it answers", "type": "string" } }));
    let elsewhere = Place::new().run(&["--json", "schema"]).result();
    assert!(elsewhere["properties"]["overlay"]["properties"]["driver"].is_null());
    let told = place.run(&["--workspace", "nowhere", "schema"]).fails(1);
    assert!(told.contains("cannot open the workspace `nowhere`"), "{told}");
}

#[test]
fn a_list_of_overlays_is_that_part_of_the_list_of_all() {
    let place = place();
    let (all, overlays) = (place.run(&["list"]).ok(), place.run(&["overlay", "list"]).ok());
    assert!(overlays.starts_with("overlays ") && all.ends_with(&overlays), "{all}{overlays}");
    let of = |args: &[&str]| place.run(args).result()["overlays"].clone();
    assert_eq!(of(&["--json", "list"]), of(&["--json", "overlay", "list"]));
}

#[test]
fn an_overlay_that_is_not_there_or_is_broken_is_told_with_a_cure() {
    let place = place();
    let told = place.run(&["overlay", "show", "drivr"]).fails(1);
    assert!(told.contains("there is no overlay `drivr`") && told.contains("did you mean `driver`?"), "{told}");
    let told = place.run(&["overlay", "show", "../profiles"]).fails(1);
    assert!(told.contains("there is no overlay `../profiles`"), "{told}");
    place.write("overlays/driver/overlay.toml", DRIVER.replace("default = \"vendor\"", "default = \"nobody\""));
    let told = place.run(&["overlay", "show", "driver"]).fails(1);
    assert!(told.contains("overlays/driver/overlay.toml:13:11"), "{told}");
    place.write("overlays/driver/overlay.toml", DRIVER);
    place.write("overlays/driver/manifests/driver-40.yaml", "{{ secrets }}\n");
    let told = place.run(&["overlay", "show", "driver"]).fails(1);
    assert!(told.contains("driver-40.yaml, line 1") && told.contains("secrets.deploy_key"), "{told}");
}
