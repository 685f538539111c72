//! What the program says of itself: help, completions, manual pages, schema, exit codes.

use std::process::Command;

use crate::place::{Place, Ran, files, forget_settings};

/// The verbs that the help lists, with those that some of them have themselves; each as it is typed.
pub fn verbs(place: &Place) -> Vec<Vec<String>> {
    let listed = |args: &[&str]| -> Vec<String> {
        let help = place.run(args).ok();
        let list = help.split_once("Commands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap());
        let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        names.filter(|name| !["", "help"].contains(name)).map(str::to_owned).collect()
    };
    let mut all = Vec::new();
    for verb in listed(&["--help"]) {
        let inner = listed(&[&verb, "--help"]);
        all.push(vec![verb.clone()]);
        all.extend(inner.into_iter().map(|inner| vec![verb.clone(), inner]));
    }
    assert!(all.len() > 20, "{all:?}");
    all
}

/// What the program says with no variable of its own set.
fn help(place: &Place, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imgbuild"));
    forget_settings(&mut command);
    Ran::of(command.args(args).env_remove("IMGBUILD_K3S_DIR").current_dir(place.path(""))).ok()
}

#[test]
fn every_verb_has_a_help_of_eighty_columns_with_the_global_options_and_an_example() {
    let place = Place::new();
    let top = help(&place, &["--help"]);
    assert_eq!(help(&place, &["-h"]), top);
    let (_, rest) = top.split_once("Global options:\n").unwrap();
    let global = format!("Global options:\n{}\n\n", rest.split("\n\n").next().unwrap());
    let mut all = vec![format!("── imgbuild\n{top}")];
    for verb in verbs(&place) {
        let verb: Vec<&str> = verb.iter().map(String::as_str).collect();
        let text = help(&place, &[&["help"], &verb[..]].concat());
        for flag in ["-h", "--help"] {
            assert_eq!(help(&place, &[&verb[..], &[flag]].concat()), text, "{verb:?} {flag}");
        }
        assert!(text.contains(&global) && text.contains("\nExample"), "{text}");
        all.push(format!("── imgbuild {}\n{}", verb.join(" "), text.replace(&global, "")));
    }
    let all = all.join("\n");
    for line in all.lines() {
        assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
    }
    insta::assert_snapshot!(all);
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
fn a_wrong_command_line_is_told_with_what_would_be_right() {
    let place = Place::new().file("x.img", "no disk");
    let wrong: &[&[&str]] = &[
        &["biuld"],
        &["build"],
        &["why"],
        &["build", "--profile", "demo", "--fast"],
        &["lock", "--check", "--update"],
        &["completions", "tcsh"],
        &["boot", "demo", "--profile", "demo"],
        &["flash", "pi1", "--profile", "demo"],
        &["build", "nosuch"],
        &["build", "--profile", "dmo"],
        &["check", "--node", "pi1"],
        &["--workspace", "nowhere", "check"],
        &["--workspace", "x.img", "check"],
        &["--mirror", "", "check"],
        &["--mirror", "ftp://h/", "check"],
        &["--k3s-mirror", "http://h/a?b", "check"],
        &["lock", "--k3s-channels", "update.k3s.io"],
        &["init", "x.img"],
        &["boot", "x.img"],
        &["inspect", "/dev/null"],
        &["flash", "--profile", "demo"],
        &["build", "--profile", "demo", "--output", "x.img/below"],
    ];
    let told: String = wrong.iter().map(|args| place.transcript(args) + "\n").collect();
    insta::assert_snapshot!(told);

    let wrong: &[&[&str]] = &[
        &["--json", "biuld"],
        &["build", "--json"],
        &["--json", "build", "--profile", "demo", "--fast"],
        &["--offline", "--json"],
        &["node", "--json"],
        &["--json", "build", "nosuch"],
        &["--json", "flash", "--profile", "demo"],
    ];
    let told: String = wrong.iter().map(|args| place.transcript(args) + "\n").collect();
    insta::assert_snapshot!("a_wrong_command_line_is_told_to_programs", told);
    assert_eq!(place.files(), ["x.img"]);
}

#[test]
fn every_shell_gets_completions_of_all_verbs() {
    let place = Place::new();
    let verbs = verbs(&place);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).ok();
        for verb in &verbs {
            assert!(script.contains(&verb[0]), "{shell} does not complete {verb:?}");
        }
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = place.command(&["completions", "bash"]);
    assert_eq!(command.stdout(full).status().unwrap().code(), Some(2), "a script that was not written is no success");
    // As a file: one argument of a program has 128 KiB at most.
    place.write("imgbuild.bash", place.run(&["completions", "bash"]).ok());
    crate::support::ok(&place.path(""), "bash", &["-n", "imgbuild.bash"]);
}

#[test]
fn every_verb_has_a_manual_page() {
    let place = Place::new();
    place.run(&["man", "pages"]).ok();
    let mut expected: Vec<String> = verbs(&place).iter().map(|verb| format!("imgbuild-{}.1", verb.join("-"))).collect();
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
    command.args(["--offline", "--verbose", "check", "--profile", "demo"]).current_dir(place.path(""));
    command.env_remove("XDG_CACHE_HOME").env("HOME", &home);
    for name in ["IMGBUILD_WORKSPACE", "IMGBUILD_CACHE", "IMGBUILD_MIRROR", "IMGBUILD_SNAPSHOT"] {
        command.env(name, "");
    }
    let ran = Ran::of(&mut command);
    assert!(ran.stderr.contains(&format!("cache {}", home.join(".cache/imgbuild").display())), "{}", ran.stderr);
    assert!(ran.ok().contains("not locked"));
    // An option that is given empty is a mistake all the same.
    let error = place.run(&["--mirror", "", "check", "--profile", "demo"]).fails(1);
    assert!(error.contains("mirror ``"), "{error}");
}
