//! `[debconf]`: answers to what packages ask.

use super::values::refused;
use super::{error, node};

const DEMO: &str = "schema = 1\nextends = \"demo\"\n";

#[test]
fn answers_are_kept_as_debconf_keeps_them() {
    let text = format!(
        "{DEMO}[debconf]\n\"lamp/on\" = true\n\"lamp/volts\" = 230\n\"lamp/name\" = \"a lamp\"\n\
         \"lamp/rooms\" = [\"hall\", \"attic, left\"]\n\"lamp/none\" = \"\"\n"
    );
    let profile = node(&[("profiles/node.toml", &text)]);
    let answers: Vec<(&str, &str)> =
        profile.debconf.iter().map(|(name, reply)| (name.as_str(), reply.as_str())).collect();
    assert_eq!(
        answers,
        [
            ("lamp/name", "a lamp"),
            ("lamp/none", ""),
            ("lamp/on", "true"),
            ("lamp/rooms", "hall, attic\\, left"),
            ("lamp/volts", "230")
        ]
    );
    let place = profile.marks.mistake("debconf", "lamp/volts", "too much").unwrap().render(false);
    assert!(place.contains("\"lamp/volts\" = 230"), "{place}");
}

#[test]
fn a_profile_answers_before_its_overlays_and_an_extending_one_before_the_extended() {
    let base = format!("{DEMO}overlays = [\"lamp\"]\n[debconf]\n\"lamp/on\" = true\n\"lamp/volts\" = 110\n");
    let profile = node(&[
        ("profiles/house.toml", &base),
        ("profiles/node.toml", "schema = 1\nextends = \"house\"\n[debconf]\n\"lamp/volts\" = 230\n"),
        ("overlays/lamp/overlay.toml", "schema = 1\n[debconf]\n\"lamp/on\" = false\n\"lamp/name\" = \"hall\"\n"),
    ]);
    assert_eq!(profile.debconf["lamp/on"], "true");
    assert_eq!(profile.debconf["lamp/volts"], "230");
    assert_eq!(profile.debconf["lamp/name"], "hall");
    let by = |question| {
        let givers = profile.marks.givers("debconf", question);
        givers.map(|giver| giver.origin.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(by("lamp/volts"), ["profile:node"]);
    assert_eq!(by("lamp/on"), ["profile:house"]);
    assert_eq!(by("lamp/name"), ["overlay:lamp"]);
}

#[test]
fn questions_and_answers_that_debconf_cannot_keep_are_refused() {
    refused(&[
        (
            "debconf = { lamp.on = true }",
            r#"`lamp` is not a question of debconf's | write `PACKAGE/NAME`, quoted, as the package's templates have it: `"iproute2/setcaps" = false`"#,
        ),
        (
            r#"debconf = { "lamp/on" = 1.5 }"#,
            "expected text, `true`, `false`, a whole number, or a list of texts, found floating point `1.5`",
        ),
        (r#"debconf = { "lamp/name" = "a\nb" }"#, "`a\\nb` is not an answer to debconf | write it on one line"),
        (
            r#"debconf = { "lamp/name" = " a" }"#,
            "` a` is not an answer to debconf | write it without white space at its ends, which debconf drops",
        ),
    ]);
}

#[test]
fn overlays_that_answer_differently_disagree() {
    let overlay = |answer: &str| format!("schema = 1\n[debconf]\n\"lamp/on\" = {answer}\n");
    let text = format!("{DEMO}overlays = [\"one\", \"two\"]\n");
    let files = |one: &str, two: &str| {
        let (one, two) = (overlay(one), overlay(two));
        let files = [
            ("profiles/node.toml", text.as_str()),
            ("overlays/one/overlay.toml", &one),
            ("overlays/two/overlay.toml", &two),
        ];
        error(&files, "node")
    };
    assert!(files("true", "false").contains("`lamp/on`"), "{}", files("true", "false"));
}
