//! The workspace that `init` writes, with every system of it switched on.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::place::{Place, Ran};
use crate::tiny;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8vWqK0mD1tQ7yRk5cUe0oM3bLhXz2nGfP4sYdTwA9e you@laptop";
const CERTIFICATE: &[u8] = include_bytes!("../fixtures/lints/C052-datastore-ca-unusable/good/datastore-ca.pem");

/// Secrets that the systems ask for, none of them real; `secrets init` makes the others.
const SECRETS: [(&str, &str); 14] = [
    ("datastore-url", "postgres://k3s:correct-horse@db.example.org:5432/k3s"),
    ("deploy-key", "deploy key that nobody may see\nin two lines\n"),
    ("grafana-admin", "grafana password that nobody may see"),
    ("login-cookie", "0123456789abcdef0123456789abcdef"),
    ("login-passwords", "you:$2y$05$abcdefghijklmnopqrstuuE1Gq0mUzXq3lJ3mD1tQ7yRk5cUe0oM3\n"),
    ("portainer-admin", "portainer password that nobody may see"),
    ("registry-accounts", "cluster:$2y$05$abcdefghijklmnopqrstuuE1Gq0mUzXq3lJ3mD1tQ7yRk5cUe0oM4\n"),
    ("registry-key", "registry key that nobody may see\nin two lines\n"),
    ("registry-password", "registryPasswordThatNobodyMaySee"),
    ("registry-session", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
    ("renovate-token", "renovateTokenThatNobodyMaySee"),
    ("s3-access-key-id", "AKIATHATNOBODYMAYSEE"),
    ("s3-secret-access-key", "s3SecretAccessKeyThatNobodyMaySee"),
    ("sealing-key", "sealing key that nobody may see\nin two lines\n"),
];

/// A file with all that is commented out switched on: a system's line, and tables and texts up to an empty line.
fn switched_on(text: &str) -> String {
    let mut on = String::new();
    let mut in_table = false;
    for line in text.lines() {
        let bare = line.trim_start().strip_prefix("# ");
        let begins = bare
            .is_some_and(|bare| bare.starts_with("[overlay.") || bare.starts_with("[[") || bare.ends_with("\"\"\""));
        in_table = !line.is_empty() && (in_table || begins);
        match bare {
            Some(bare) if in_table || bare.starts_with('"') => on.push_str(bare),
            _ => on.push_str(line),
        }
        on.push('\n');
        in_table &= bare != Some("\"\"\"");
    }
    on
}

/// The example in `home`, filled in, with all systems on.
fn filled_in(place: &Place) {
    place.run(&["init", "home"]).ok();
    let cluster = place.read("home/cluster.toml").replace("ssh_keys = []", &format!("ssh_keys = [\"{KEY}\"]"));
    place.write("home/cluster.toml", switched_on(&cluster));
    place.write("home/profiles/server.toml", switched_on(&place.read("home/profiles/server.toml")));
    place.write("home/datastore-ca.pem", CERTIFICATE);
    place.write("home/registry.pem", CERTIFICATE);
    place.run(&["--workspace", "home", "secrets", "init"]).ok();
    let more: String = SECRETS.map(|(name, value)| format!("{name} = {value:?}\n")).concat();
    place.write("home/secrets.toml", place.read("home/secrets.toml") + "\n" + &more);
}

fn home<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["--workspace", "home"], args].concat()
}

#[test]
fn the_example_names_every_system_in_a_line_of_its_own() {
    let place = Place::new();
    filled_in(&place);
    let profile = place.read("home/profiles/server.toml");
    let on: Vec<&str> = profile.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).collect();
    assert!(on.len() >= 12, "{on:?}");
    let known = place.run(&["--json", "overlay", "list"]).result();
    let known: Vec<&str> =
        known["overlays"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    for name in &on {
        assert!(known.contains(name), "{name} is no overlay");
    }
    // And none of the program's systems is left out: those with manifests.
    for name in known {
        let shown = place.run(&["--json", "overlay", "show", name]).result();
        let is_system = !shown["manifests"].as_array().unwrap().is_empty();
        assert_eq!(on.contains(&name), is_system, "{name}");
    }
}

#[test]
fn with_every_system_on_the_example_is_clean_and_its_plan_is_the_one_of_the_documentation() {
    let place = Place::new();
    filled_in(&place);
    let Ran { code, stdout, stderr } = place.run(&home(&["check"]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(!stdout.contains("[C") && !stderr.contains("warning"), "{stdout}{stderr}");

    let plan = place.run(&home(&["--json", "plan", "--svg", "plan.svg"])).result();
    let missing: Vec<_> =
        plan["secrets"].as_array().unwrap().iter().filter(|secret| secret["state"] != "set").collect();
    assert!(missing.is_empty(), "{missing:?}");
    let steps = plan["steps"].as_array().unwrap();
    for step in steps {
        assert!(step["nowhere"].as_array().unwrap().is_empty(), "{step}");
        let unknown = step["files"].as_array().unwrap().iter().find(|file| !file["unknown"].is_null());
        assert!(unknown.is_none(), "{unknown:?}");
    }
    let text = place.run(&home(&["plan"])).ok();
    for (_, value) in SECRETS {
        assert!(!text.contains(value.trim()) && !plan.to_string().contains(value.trim()), "a secret is in the plan");
    }
    let documented = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/systems/plan.svg");
    let drawn = place.read("plan.svg");
    if std::env::var_os("IMGBUILD_GENERATE").is_some() {
        fs::write(documented, &drawn).unwrap();
    }
    assert!(
        fs::read_to_string(documented).unwrap() == drawn,
        "docs/systems/plan.svg is not up to date: run `just generate`"
    );

    // Without any secret it is the same, but for what it says of them.
    fs::remove_file(place.path("home/secrets.toml")).unwrap();
    let without = place.run(&home(&["--json", "plan"])).result();
    assert_eq!(without["steps"], plan["steps"]);
    assert!(without["secrets"].as_array().unwrap().iter().all(|secret| secret["state"] == "missing"));
}

#[test]
fn images_of_the_example_are_built_and_hold_no_secret_of_another_node() {
    let online = tiny::archive(1000).online();
    let place = tiny::place(&online, &[]);
    filled_in(&place);
    // The systems on nodes of a few files.
    let cluster = place.read("home/cluster.toml");
    let boards = cluster.lines().filter(|line| !line.starts_with("board = ")).collect::<Vec<_>>().join("\n");
    place.write("home/cluster.toml", boards);
    place.write("home/keys/tiny.asc", place.read("keys/tiny.asc"));
    let node = place.read("profiles/node.toml");
    let first = node.find("\n[").unwrap() + 1;
    for (name, role) in [("control", "server"), ("storage", "agent"), ("gpu", "agent")] {
        let k3s = format!("[k3s]\nversion = \"v1.36.5+k3s1\"\nrole = \"{role}\"\n\n");
        place.write(&format!("home/profiles/{name}.toml"), [&node[..first], &k3s, &node[first..]].concat());
    }
    place.run(&home(&["build", "--profile", "server"])).ok();
    for node in ["control", "pi1"] {
        place.run(&home(&["build", "--node", node])).ok();
    }
    // The build searches for secrets in every form that it knows; here once more, as they are.
    for image in ["server/server", "nodes/pi1/pi1"] {
        // Nodes log in to the cluster's registry.
        let of_others = SECRETS.iter().filter(|(name, _)| *name != "registry-password" || image.starts_with("server"));
        let lines: Vec<&str> = of_others.map(|(_, value)| value.lines().next().unwrap()).collect();
        place.write("lines", lines.join("\n"));
        let mut grep = Command::new("grep");
        grep.args(["--text", "--fixed-strings", "--only-matching", "--file"]).arg(place.path("lines"));
        let found = grep.arg(place.path(&format!("home/build/{image}.img"))).output().unwrap();
        assert_eq!((found.status.code(), &*found.stdout), (Some(1), &b""[..]), "{image}");
    }
}

#[test]
fn the_repository_of_the_example_has_the_same_bytes_each_time_and_no_secret() {
    let place = Place::new();
    filled_in(&place);
    let files = |dir: &str| -> BTreeMap<String, Vec<u8>> {
        let root = place.path(dir);
        let mut found = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().display().to_string();
                    found.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        found
    };
    place.run(&home(&["gitops", "init", "first"])).ok();
    place.run(&home(&["gitops", "init", "second"])).ok();
    let first = files("first");
    assert!(first.contains_key("apps/enabled/longhorn.yaml"), "{:?}", first.keys());
    place.run(&home(&["gitops", "render", "first"])).ok();
    place.run(&home(&["gitops", "render", "first", "--check"])).ok();
    assert!(files("first") == first && files("second") == first, "other bytes");
    for (name, value) in SECRETS {
        let line = value.lines().next().unwrap().as_bytes();
        let holder = first.iter().find(|(_, bytes)| bytes.windows(line.len()).any(|window| window == line));
        assert!(holder.is_none(), "{name} is in {:?}", holder.map(|(path, _)| path));
    }
}
