//! Parameters of overlays: what profiles may say of them, and what follows.

use super::{error, node};
use crate::profile::{ParamValue, Workspace, json_schema};

const OVERLAY: &str = r#"schema = 1
packages = ["always"]

[params.source]
description = "Whose packages it takes"
default = "vendor"
one_of = ["vendor", "debian"]

[params.branch]
description = "What versions begin with"

[params.many]
description = "How many there are"
default = 3
min = 1
max = 8

[params.tools]
description = "Whether its tools come along"
default = false

[[when]]
params = { source = "vendor" }
defaults = { branch = "580" }
packages = ["vendor-driver"]
modules = ["vendor"]
drop = ["/usr/share/vendor"]

[[when.source]]
name = "vendor"
archive = "https://packages.example.com/"
suite = "/"
versions = "{{ params.branch }}"

[[when]]
params = { source = "debian" }
packages = ["debian-driver"]
units.enable = ["debian.service"]

[[when.source]]
name = "extra"
archive = "debian"
suite = "trixie"
components = ["contrib"]
versions = "{{ params.branch }}"

[[when]]
params = { source = "debian", tools = true }
packages = ["debian-tools"]
"#;

fn profile(more: &str) -> String {
    format!("schema = 1\nextends = \"demo\"\noverlays = [\"driver\"]\n{more}")
}

/// The error of such a profile, and of such an overlay.
fn refused(more: &str) -> String {
    error(&[("overlays/driver/overlay.toml", OVERLAY), ("profiles/node.toml", &profile(more))], "node")
}

fn refused_overlay(text: &str) -> String {
    error(&[("overlays/driver/overlay.toml", text), ("profiles/node.toml", &profile(""))], "node")
}

#[test]
fn what_an_overlay_gives_follows_from_its_parameters() {
    let node = |more: &str| node(&[("overlays/driver/overlay.toml", OVERLAY), ("profiles/node.toml", &profile(more))]);
    let usual = node("");
    let versions = |profile: &super::Profile, name: &str| {
        let source = profile.sources.iter().find(|source| source.name == name);
        source.map(|source| source.versions.clone())
    };
    let has = |profile: &super::Profile, name: &str| profile.packages.iter().any(|package| package == name);
    assert!(has(&usual, "always") && has(&usual, "vendor-driver") && !has(&usual, "debian-driver"));
    assert_eq!(versions(&usual, "vendor"), Some(Some("580".to_owned())), "the default under this condition");
    assert!(usual.kernel.modules.contains(&"vendor".to_owned()));
    assert!(usual.drop.contains(&"usr/share/vendor".to_owned()));
    assert_eq!(usual.overlays[1].params["many"], ParamValue::Number(3));

    let older = node("[overlay.driver]\nbranch = \"570.86\"\n");
    assert_eq!(versions(&older, "vendor"), Some(Some("570.86".to_owned())));

    let debian = node("[overlay.driver]\nsource = \"debian\"\ntools = true\n");
    assert!(has(&debian, "debian-driver") && has(&debian, "debian-tools") && !has(&debian, "vendor-driver"));
    assert_eq!(versions(&debian, "vendor"), None);
    assert_eq!(versions(&debian, "extra"), Some(None), "without a value every version is let in");
    assert!(debian.enable.contains(&"debian.service".to_owned()));
    assert_eq!(debian.overlays[1].params.get("branch"), None);
}

#[test]
fn a_chain_of_profiles_lays_its_values_over_each_other_one_by_one() {
    let base = profile("[overlay.driver]\nsource = \"debian\"\ntools = true\nmany = 5\n");
    let files = |leaf: &str| {
        [
            ("overlays/driver/overlay.toml", OVERLAY.to_owned()),
            ("profiles/gpu.toml", base.clone()),
            ("profiles/node.toml", format!("schema = 1\nextends = \"gpu\"\n{leaf}")),
        ]
    };
    let load = |leaf: &str| {
        let files = files(leaf);
        node(&files.each_ref().map(|(path, text)| (*path, text.as_str())))
    };
    let changed = load("[overlay.driver]\ntools = false\n");
    assert!(changed.packages.contains(&"debian-driver".to_owned()));
    assert!(!changed.packages.contains(&"debian-tools".to_owned()));
    // What an extended file sets of an overlay that this profile takes away is nobody's mistake.
    let without = load("overlays = [\"-driver\"]\n");
    assert!(!without.packages.contains(&"debian-driver".to_owned()));
}

#[test]
fn mistakes_in_a_profiles_values_are_shown_at_their_places() {
    insta::assert_snapshot!(
        [
            "[overlay.driver]\nbrunch = \"580\"\n",
            "[overlay.driver]\nsource = \"debain\"\n",
            "[overlay.driver]\nbranch = 580\n",
            "[overlay.driver]\nmany = \"4\"\n",
            "[overlay.driver]\nmany = 9\n",
            "[overlay.driver]\nmany = 0\n",
            "[overlay.driver]\ntools = 1\n",
            "[overlay.driver]\nbranch = \"R580\"\n",
            "[overlay.driver]\nbranch = [\"580\"]\n",
            "[overlay.node]\nquiet = true\n",
            "[overlay.drivers]\nsource = \"debian\"\n",
        ]
        .map(refused)
        .join("\n\n")
    );
    let elsewhere = "schema = 1\nextends = \"demo\"\n[overlay.driver]\ntools = true\n";
    let told = error(&[("overlays/driver/overlay.toml", OVERLAY), ("profiles/node.toml", elsewhere)], "node");
    assert!(told.contains("this profile does not have the overlay `driver`"), "{told}");
    let source = "[[source]]\nname = \"a\"\narchive = \"debian\"\nsuite = \"trixie\"\ncomponents = [\"main\"]\n\
                  versions = \"{{ params.branch }}\"\n";
    let told = refused(source);
    assert!(told.contains("a profile has no parameter `branch`"), "{told}");
}

#[test]
fn mistakes_in_an_overlays_declarations_are_shown_at_their_places() {
    let change = |from: &str, to: &str| {
        assert!(OVERLAY.contains(from), "{from}");
        refused_overlay(&OVERLAY.replacen(from, to, 1))
    };
    insta::assert_snapshot!(
        [
            change("default = \"vendor\"", "default = \"nobody\""),
            change("one_of = [\"vendor\", \"debian\"]", "one_of = [\"vendor\", 2]"),
            change("params = { source = \"vendor\" }", "params = { sauce = \"vendor\" }"),
            change("params = { source = \"debian\" }", "params = { source = \"debain\" }"),
            change("defaults = { branch = \"580\" }", "defaults = { branch = 580 }"),
            change("{{ params.branch }}", "{{ params.brunch }}"),
            change("{{ params.branch }}", "{{ branch }}"),
            change("{{ params.branch }}", "{{ params.many }}"),
            change("description = \"How many there are\"\n", ""),
            change("default = 3", "default = 30"),
            change("max = 8", "max = 0"),
            change("default = 3\n", ""),
            change("max = 8", "max = 8.5"),
            change("tools = true }\n", "tools = true }\nsysctl = { \"vm.swappiness\" = 1 }\n"),
        ]
        .join("\n\n")
    );
}

#[test]
fn a_text_of_another_form_is_refused_at_its_place_in_the_profile_and_in_the_overlay() {
    let formed = OVERLAY.to_owned()
        + "\n[params.size]\ndescription = \"How large its volume is\"\nform = \"quantity\"\ndefault = \"10Gi\"\n\
           \n[params.name]\ndescription = \"Its name\"\nform = \"host\"\nset_by = \"cluster\"\n";
    let refused = |overlay: &str, more: &str| {
        error(&[("overlays/driver/overlay.toml", overlay), ("profiles/node.toml", &profile(more))], "node")
    };
    let change = |from: &str, to: &str| {
        assert!(formed.contains(from), "{from}");
        refused(&formed.replacen(from, to, 1), "")
    };
    insta::assert_snapshot!(
        [
            refused(&formed, "[overlay.driver]\nsize = \"10GB\"\n"),
            change("default = \"10Gi\"", "default = \"ten\""),
            change("form = \"quantity\"", "form = \"amount\""),
            change("default = \"10Gi\"", "default = 10"),
            change("form = \"host\"\nset_by = \"cluster\"", "form = \"host\"\nsecret = true"),
        ]
        .join("\n\n")
    );
    let node = node(&[
        ("overlays/driver/overlay.toml", &formed),
        ("profiles/node.toml", &profile("[overlay.driver]\nsize = \"1.5Ti\"\n")),
    ]);
    assert_eq!(node.overlays[1].params["size"].text(), Some("1.5Ti"));
}

#[test]
fn what_the_cluster_sets_is_refused_wherever_an_image_would_depend_on_it() {
    let pool = "\n[params.pool]\ndescription = \"Addresses for services\"\nset_by = \"cluster\"\n";
    let refused = |overlay: &str, more: &str| {
        error(&[("overlays/driver/overlay.toml", overlay), ("profiles/node.toml", &profile(more))], "node")
    };
    let with = |from: &str, to: &str| OVERLAY.replacen(from, to, 1) + pool;
    insta::assert_snapshot!(
        [
            refused(&(OVERLAY.to_owned() + pool), "[overlay.driver]\npool = \"192.168.1.200/29\"\n"),
            refused(&with("params = { source = \"vendor\" }", "params = { pool = \"vendor\" }"), ""),
            refused(&with("{{ params.branch }}", "{{ params.pool }}"), ""),
            refused(&with("default = 3\n", "default = 3\nset_by = \"node\"\n"), ""),
        ]
        .join("\n\n")
    );
}

/// An overlay with parameters that are secrets, of which one has no default.
const SECRETIVE: &str = r#"schema = 1

[params.mode]
description = "Who may log in"
default = "passwords"
one_of = ["passwords", "github"]

[params.password]
description = "The administrator's password"
secret = true
default = { secret = "driver-admin" }

[params.client]
description = "The client's secret"
secret = true

[[when]]
params = { mode = "github" }
defaults = { client = { secret = "driver-client" } }
"#;

#[test]
fn a_secret_parameter_names_a_secret_in_the_overlay_or_in_the_profile() {
    let node =
        |more: &str| node(&[("overlays/driver/overlay.toml", SECRETIVE), ("profiles/node.toml", &profile(more))]);
    let named = |profile: &super::Profile, name: &str| {
        let value = profile.overlays[1].params.get(name);
        value.map(|value| value.secret().unwrap_or("no secret").to_owned())
    };
    let usual = node("");
    assert_eq!(named(&usual, "password").as_deref(), Some("driver-admin"));
    assert_eq!(named(&usual, "client"), None, "what has no default names none");
    let other = node("[overlay.driver]\nmode = \"github\"\n[overlay.driver.password]\nsecret = \"other\"\n");
    assert_eq!(named(&other, "password").as_deref(), Some("other"));
    assert_eq!(named(&other, "client").as_deref(), Some("driver-client"), "the default under a condition");
}

#[test]
fn a_secret_in_a_profile_is_refused_and_not_shown() {
    let refused = |more: &str| {
        error(&[("overlays/driver/overlay.toml", SECRETIVE), ("profiles/node.toml", &profile(more))], "node")
    };
    let told = [
        "[overlay.driver]\npassword = \"hunter2\"\n",
        "overlay.driver.client = \"\"\"hunter2\nhunter2\"\"\"  # behind it\n",
        "[overlay.driver]\npassword = 20212223\n",
        "[overlay.driver]\npasswort = \"hunter2\"\n",
        "[overlay.driver]\nmode = { secret = \"driver-admin\" }\n",
        "[overlay.driver]\npassword = { name = \"driver-admin\" }\n",
        "[overlay.driver]\npassword = { secret = \"Driver Admin\" }\n",
    ]
    .map(refused)
    .join("\n\n");
    assert!(!told.contains("hunter2") && !told.contains("2021"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn an_overlay_declares_a_secret_without_a_value_of_its_own() {
    let change = |from: &str, to: &str| {
        assert!(SECRETIVE.contains(from), "{from}");
        refused_overlay(&SECRETIVE.replacen(from, to, 1))
    };
    let told = [
        change("default = { secret = \"driver-admin\" }", "default = \"hunter2\""),
        change("default = \"passwords\"", "default = { secret = \"driver-mode\" }"),
        change("secret = true\n\n[[when]]", "secret = true\none_of = [\"hunter2\"]\n\n[[when]]"),
        change("{ mode = \"github\" }", "{ client = { secret = \"driver-client\" } }"),
        change("{ mode = \"github\" }", "{ client = \"hunter2\" }"),
        change("client = { secret = \"driver-client\" }", "client = \"hunter2\""),
        change("default = { secret = \"driver-admin\" }", "set_by = \"cluster\""),
    ]
    .join("\n\n");
    assert!(!told.contains("hunter2"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn the_schema_of_a_secret_parameter_takes_the_name_of_a_secret_alone() {
    let dir = super::workspace(&[("overlays/driver/overlay.toml", SECRETIVE)]);
    let schema = json_schema(&Workspace::open(dir.path()).unwrap()).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let password = &schema["properties"]["overlay"]["properties"]["driver"]["properties"]["password"];
    assert_eq!(password["type"], "object");
    assert_eq!(password["required"], serde_json::json!(["secret"]));
    assert_eq!(password["default"], serde_json::json!({ "secret": "driver-admin" }));
    assert_eq!(password["description"], "The administrator's password");
}

#[test]
fn the_schema_of_profiles_has_the_parameters_of_all_overlays() {
    let dir = super::workspace(&[("overlays/driver/overlay.toml", OVERLAY)]);
    let schema = |files: &std::path::Path| json_schema(&Workspace::open(files).unwrap());
    let schema: serde_json::Value = serde_json::from_str(&schema(dir.path()).unwrap()).unwrap();
    let tables = &schema["properties"]["overlay"];
    assert_eq!(tables["additionalProperties"], false);
    let driver = &tables["properties"]["driver"];
    assert_eq!(driver["additionalProperties"], false);
    let expected = serde_json::json!({
        "source": {
            "description": "Whose packages it takes", "type": "string", "default": "vendor", "enum": ["vendor", "debian"]
        },
        "branch": { "description": "What versions begin with", "type": "string" },
        "many": { "description": "How many there are", "type": "integer", "default": 3, "minimum": 1, "maximum": 8 },
        "tools": { "description": "Whether its tools come along", "type": "boolean", "default": false },
    });
    assert_eq!(driver["properties"], expected);
    // The program's own overlays are there too, those without parameters as tables that nothing may stand in.
    assert_eq!(tables["properties"]["node"]["properties"], serde_json::json!({}));
    assert!(tables["properties"]["node"]["description"].as_str().unwrap().contains("watchdog"));

    let broken = super::workspace(&[("overlays/driver/overlay.toml", "schema = 1\npackage = []\n")]);
    let error = json_schema(&Workspace::open(broken.path()).unwrap()).unwrap_err();
    assert!(error.render(false).contains("unknown key `package`"), "{}", error.render(false));
}

#[test]
fn a_condition_may_be_a_range_of_versions() {
    let text = OVERLAY.to_owned()
        + "\n[[when]]\nparams = { branch = \">=590\" }\npackages = [\"newer\"]\n\n[[when]]\nparams = { branch = \"<590\" }\npackages = [\"older\"]\n";
    let brings = |table: &str| {
        let node = node(&[("overlays/driver/overlay.toml", &text), ("profiles/node.toml", &profile(table))]);
        ["older", "newer"].map(|name| node.packages.contains(&name.to_owned()))
    };
    assert_eq!(brings(""), [true, false], "by the default of another condition");
    assert_eq!(brings("[overlay.driver]\nbranch = \"590\"\n"), [false, true]);
    assert_eq!(brings("[overlay.driver]\nbranch = \"589.99.1\"\n"), [true, false]);
    assert_eq!(brings("[overlay.driver]\nsource = \"debian\"\n"), [false, false], "without a value none holds");
    let told = refused_overlay(&text.replacen(">=590", ">=R590", 1));
    assert!(told.contains("`R590` is no version in numbers and dots") && told.contains(">=590 <600"), "{told}");
}

#[test]
fn a_kernel_module_of_two_conditions_that_both_hold_is_refused() {
    let module = "\n[when.kernel-module.driver]\npackage = \"driver-source\"\nsource = \"usr/src/driver-*\"\nmodules = [\"driver.ko\"]\n";
    let when = |params: &str| format!("\n[[when]]\nparams = {{ {params} }}\n{module}");
    let apart = OVERLAY.to_owned() + &when("source = \"vendor\"") + &when("source = \"debian\"");
    let profile = profile("");
    let node = node(&[("overlays/driver/overlay.toml", &apart), ("profiles/node.toml", &profile)]);
    assert_eq!(node.kernel_modules["driver"].package, "driver-source");
    let told = refused_overlay(&(OVERLAY.to_owned() + &when("source = \"vendor\"") + &when("many = 3")));
    assert!(told.contains("kernel module `driver` is given twice for these parameters"), "{told}");
    assert!(told.contains("let their `params` exclude each other"), "{told}");
}

#[test]
fn a_manifest_that_conditions_name_is_there_only_under_one_that_names_it() {
    let overlay = OVERLAY.to_owned()
        + "
[[when]]
params = { source = \"vendor\" }
manifests = [\"driver-1*.yaml\"]

[[when]]
params = { tools = true }
manifests = [\"driver-11-tools.yaml\", \"driver-20-more.yaml\"]
";
    let manifests = ["driver-10-vendor.yaml", "driver-11-tools.yaml", "driver-20-more.yaml", "driver-30-always.yaml"];
    let of = |overlay: &str, more: &str| {
        let files = manifests.map(|file| (format!("overlays/driver/manifests/{file}"), "# nothing\n"));
        let mut all: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let profile = profile(more);
        all.extend([("overlays/driver/overlay.toml", overlay), ("profiles/node.toml", &profile)]);
        node(&all).manifests.into_keys().collect::<Vec<_>>()
    };
    let with = |names: &[usize]| names.iter().map(|index| manifests[*index].to_owned()).collect::<Vec<_>>();
    assert_eq!(of(&overlay, ""), with(&[0, 1, 3]));
    assert_eq!(of(&overlay, "[overlay.driver]\ntools = true\n"), with(&[0, 1, 2, 3]));
    assert_eq!(of(&overlay, "[overlay.driver]\nsource = \"debian\"\n"), with(&[3]));
    assert_eq!(of(&overlay, "[overlay.driver]\nsource = \"debian\"\ntools = true\n"), with(&[1, 2, 3]));
    let told = refused_overlay(&overlay.replace("driver-1*", "driver-5*"));
    assert!(told.contains("`driver-5*.yaml` is no manifest of overlay `driver`"), "{told}");
}
