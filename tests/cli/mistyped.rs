//! Command lines that are almost right, and places that cannot be had: each is told what to type instead.

use std::process::Command;

use crate::archive::Archive;
use crate::k3s::VERSION;
use crate::place::{Place, Ran, forget_settings};

#[test]
fn usage_is_the_same_whatever_the_environment_says() {
    let place = Place::new();
    for verb in ["build", "boot", "export", "why"] {
        // `run` says where K3s is by a variable.
        let (with, without) = (place.run(&[verb]), place.run_without_k3s(&[verb]));
        assert_eq!(with.stderr, without.stderr);
        assert!(!with.stderr.contains("--k3s-dir"), "{}", with.stderr);
    }
    // Set to nothing, those of single verbs count as not set too.
    let error = Ran::of(place.command(&["build", "nosuch"]).env("IMGBUILD_K3S_DIR", "")).fails(1);
    assert!(error.contains("nosuch"), "{error}");
}

#[test]
fn colour_and_version_are_the_programs_in_what_the_parser_says_too() {
    let place = Place::new();
    for (args, colored) in [
        (&["--color", "always", "biuld"][..], true),
        (&["biuld", "--color=always"], true),
        (&["--color", "never", "biuld"], false),
        (&["--color", "always"], true),
        (&["--color", "always", "--help"], true),
        (&["biuld"], false),
    ] {
        let ran = place.run(args);
        assert_eq!((ran.stdout + &ran.stderr).contains('\u{1b}'), colored, "{args:?}");
    }
    let version = concat!("imgbuild ", env!("CARGO_PKG_VERSION"));
    for args in [&["--version"][..], &["flash", "--version"], &["node", "show", "-V"]] {
        assert_eq!(place.run(args).ok(), format!("{version}\n"), "{args:?}");
    }
    assert_eq!(place.run(&["--json", "flash", "--version"]).result()["version"], version);
}

#[test]
fn a_cache_that_cannot_be_made_is_a_wrong_input() {
    let place = Place::new().file("taken", "");
    let mut command = Command::new(env!("CARGO_BIN_EXE_imgbuild"));
    forget_settings(&mut command);
    command.current_dir(place.path("")).args(["--cache-dir", "taken/x", "build", "demo"]);
    for last in ["--offline", "--plan"] {
        let error = Ran::of(command.arg(last)).fails(1);
        assert!(error.starts_with("cannot make the cache directory `taken/x`"), "{error}");
        assert!(error.contains("because: taken/x/downloads") && error.contains("--cache-dir"), "{error}");
    }
}

#[test]
fn k3s_out_of_reach_is_told_in_short_lines_with_the_last_cause() {
    let archive = Archive::new().online();
    let place = archive.place(&[]);
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", format!("{profile}[k3s]\nversion = \"{VERSION}\"\nrole = \"server\"\n"));
    let args = ["lock", "node", "--k3s-mirror", "http://127.0.0.1:9/k3s"];
    let error = place.run_without_k3s(&args).fails(5);
    assert!(error.starts_with(&format!("K3s {VERSION} for amd64 cannot be had\n")), "{error}");
    assert_eq!((error.matches("because: ").count(), error.matches("127.0.0.1:9").count()), (1, 1), "{error}");
    assert!(error.contains("no connection: Connection refused") && !error.contains("tcp connect error"), "{error}");
    let ran = place.run_without_k3s(&[&["--json"][..], &args].concat());
    let event: serde_json::Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    assert!(event["causes"][0].as_str().unwrap().contains("sha256sum-amd64.txt: no connection"), "{event}");
}

#[test]
fn a_damaged_lock_is_told_in_words() {
    let place = Place::new().file("imgbuild.lock", "version = 1\n[profile\n");
    insta::assert_snapshot!(place.transcript(&["check"]));
}

#[test]
fn a_repository_with_a_readme_becomes_a_workspace() {
    let place = Place::new().file("home/README.md", "mine").file("home/.gitignore", "/own\n");
    let ran = place.run(&["init", "home"]);
    assert!(ran.stderr.contains("home/README.md exists already and was not changed"), "{}", ran.stderr);
    ran.ok();
    assert_eq!(place.read("home/README.md"), "mine");
    assert!(place.read("home/.gitignore").contains("/secrets.toml"));
}
