//! What the program says of itself: help, completions, manual pages, schema, exit codes.

use std::process::Command;

use crate::place::{Place, Ran, files};

const VERBS: [&str; 18] = [
    "init",
    "list",
    "build",
    "lock",
    "check",
    "why",
    "inspect",
    "diff",
    "flash",
    "verify",
    "boot",
    "export",
    "devices",
    "secrets",
    "node",
    "schema",
    "completions",
    "man",
];
/// Verbs that have verbs of their own.
const INNER: [(&str, &[&str]); 2] =
    [("secrets", &["init", "set", "check", "export"]), ("node", &["show", "ssh-known-hosts"])];

#[test]
fn the_help_of_every_verb_fits_eighty_columns() {
    let place = Place::new();
    let top = place.run(&["--help"]).ok();
    let mut texts = vec![top.clone(), place.run(&["-h"]).ok()];
    for verb in VERBS {
        assert!(top.contains(&format!("\n  {verb} ")), "{verb} is not in the help");
        texts.push(place.run(&["help", verb]).ok());
        texts.push(place.run(&[verb, "-h"]).ok());
    }
    for (verb, inner) in INNER {
        let help = place.run(&[verb, "--help"]).ok();
        for inner in inner {
            assert!(help.contains(&format!("\n  {inner} ")), "{verb} {inner} is not in the help");
            texts.push(place.run(&["help", verb, inner]).ok());
            texts.push(place.run(&[verb, inner, "-h"]).ok());
        }
    }
    for text in texts {
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
        }
    }
}

#[test]
fn the_exit_codes_are_those_of_the_documentation() {
    let documented: Vec<&str> = include_str!("../../docs/cli.md")
        .lines()
        .skip_while(|line| !line.starts_with("## Exit codes"))
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"))
        .map(|(code, _)| code)
        .filter(|code| code.parse::<u8>().is_ok())
        .collect();
    assert_eq!(documented, ["0", "1", "2", "3", "4", "5", "130"]);
    let help = Place::new().run(&["--help"]).ok();
    let list = help.split_once("Exit codes: ").unwrap().1;
    for code in documented {
        assert!(list.split(|c: char| !c.is_ascii_digit()).any(|word| word == code), "{code} is not in the help");
    }
}

#[test]
fn a_wrong_command_line_is_refused_with_code_1() {
    let place = Place::new();
    for (args, named) in [
        (&["biuld"][..], "build"),
        (&["build"], "NAME"),
        (&["build", "--profile", "demo", "--fast"], "--fast"),
        (&["lock", "--check", "--update"], "--update"),
        (&["completions", "tcsh"], "fish"),
        (&[], "Usage"),
    ] {
        let ran = place.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{args:?}");
        assert!(ran.stderr.contains(named), "{args:?}: {}", ran.stderr);
    }
    assert!(place.run(&["--version"]).ok().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn programs_get_an_error_event_for_a_wrong_command_line() {
    let place = Place::new();
    for (args, message, hint) in [
        (&["--json", "biuld"][..], "unrecognized subcommand 'biuld'", "'build'"),
        (&["build", "--json"], "required arguments were not provided", "Usage: "),
        (&["--json", "build", "--profile", "demo", "--fast"], "unexpected argument '--fast'", "Usage: "),
    ] {
        let ran = place.run(args);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""), "{args:?}");
        let event: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((&event["event"], &event["code"]), (&"error".into(), &1.into()), "{event}");
        assert!(event["message"].as_str().unwrap().contains(message), "{event}");
        assert!(event["hint"].as_str().unwrap().contains(hint), "{event}");
    }
    assert!(place.run(&["--json", "--help"]).ok().contains("Usage"));
}

#[test]
fn a_workspace_that_is_not_there_is_named() {
    let place = Place::new();
    let error = place.run(&["--workspace", "nowhere", "check"]).fails(1);
    assert!(error.lines().next().unwrap().contains("nowhere"), "{error}");
}

#[test]
fn every_shell_gets_completions_of_all_verbs() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).ok();
        for verb in VERBS {
            assert!(script.contains(verb), "{shell} does not complete {verb}");
        }
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = place.command(&["completions", "bash"]);
    assert_eq!(command.stdout(full).status().unwrap().code(), Some(2), "a script that was not written is no success");
    crate::support::ok(&place.path(""), "bash", &["-n", "-c", &place.run(&["completions", "bash"]).ok()]);
}

#[test]
fn every_verb_has_a_manual_page() {
    let place = Place::new();
    place.run(&["man", "pages"]).ok();
    let mut expected: Vec<String> = VERBS.iter().map(|verb| format!("imgbuild-{verb}.1")).collect();
    expected.extend(
        INNER.iter().flat_map(|(verb, inner)| inner.iter().map(move |inner| format!("imgbuild-{verb}-{inner}.1"))),
    );
    expected.push("imgbuild.1".to_owned());
    expected.sort();
    assert_eq!(files(&place.path("pages")), expected);
    for page in expected {
        assert!(place.read(&format!("pages/{page}")).contains("\n.SH NAME\n"), "{page}");
    }
}

#[test]
fn the_schemas_in_the_repository_are_the_programs() {
    let place = Place::new();
    for (args, checked_in) in [
        (&["schema"][..], include_str!("../../profiles/schema.json")),
        (&["schema", "profile"], include_str!("../../profiles/schema.json")),
        (&["schema", "overlay"], include_str!("../../overlays/schema.json")),
        (&["schema", "cluster"], include_str!("../../workspace/cluster.schema.json")),
    ] {
        assert!(place.run(args).ok() == checked_in, "{args:?}: run `just generate`");
    }
}

#[test]
fn an_environment_variable_that_is_empty_counts_as_not_set() {
    let place = Place::new();
    let home = place.path("home");
    let mut command = Command::new(env!("CARGO_BIN_EXE_imgbuild"));
    command.args(["--offline", "check", "--profile", "demo"]).current_dir(place.path(""));
    command.env_remove("XDG_CACHE_HOME").env("HOME", &home);
    for name in ["IMGBUILD_WORKSPACE", "IMGBUILD_CACHE", "IMGBUILD_MIRROR", "IMGBUILD_SNAPSHOT"] {
        command.env(name, "");
    }
    assert!(Ran::of(&mut command).ok().contains("not locked"));
    assert!(home.join(".cache/imgbuild").is_dir());
    // An option that is given empty is a mistake all the same.
    let error = place.run(&["--mirror", "", "check", "--profile", "demo"]).fails(1);
    assert!(error.contains("mirror ``"), "{error}");
}
