//! The shell's file utilities against GNU's: each command line is run by both over the same small directory tree, and what is
//! there afterwards, what was printed and the exit status must be equal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod drawn;
mod host;
mod ours;
mod sample;

use std::fmt::Write as _;

use sample::Outcome;

/// Command lines that somebody thought of, with comments.
const LINES: &str = include_str!("lines.txt");

/// What both did, where it was not the same, and how many lines are not modelled; those the real utilities need not try, some of which
/// would wait for ever.
fn differences(lines: &[String]) -> (Vec<String>, usize) {
    let ours: Vec<(String, Outcome)> =
        lines.iter().filter_map(|line| Some((line.clone(), ours::run(line).ok()?))).collect();
    let real = host::run(ours.iter().map(|(line, _)| line));
    let unlike = ours.iter().zip(&real).filter(|((_, ours), real)| ours != *real);
    let found = unlike.map(|((line, ours), real)| format!("{line}\n{}", difference(ours, real))).collect();
    (found, lines.len() - ours.len())
}

fn difference(ours: &Outcome, real: &Outcome) -> String {
    let mut text = String::new();
    if ours.status != real.status {
        writeln!(text, "    status {}, GNU's {}", ours.status, real.status).unwrap();
    }
    if ours.out != real.out {
        writeln!(text, "    printed {:?}, GNU's {:?}", ours.out, real.out).unwrap();
    }
    let paths = ours.files.keys().chain(real.files.keys()).collect::<std::collections::BTreeSet<_>>();
    for path in paths {
        let (ours, real) = (ours.files.get(path), real.files.get(path));
        if ours != real {
            writeln!(text, "    {path}: {ours:?}, GNU's {real:?}").unwrap();
        }
    }
    text
}

#[test]
#[ignore = "needs root: files get other owners"]
fn command_lines_do_what_the_real_utilities_do() {
    let lines: Vec<String> = LINES
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let refused: Vec<&String> = lines.iter().filter(|line| ours::run(line).is_err()).collect();
    assert!(refused.is_empty(), "not modelled: {refused:#?}");
    let (found, _) = differences(&lines);
    assert!(found.is_empty(), "{} of {} lines:\n{}", found.len(), lines.len(), found.join("\n"));
}

#[test]
#[ignore = "needs root: files get other owners"]
fn drawn_command_lines_do_what_the_real_utilities_do() {
    let lines = drawn::lines(600);
    let (found, refused) = differences(&lines);
    assert!(found.is_empty(), "{} of {} lines:\n{}", found.len(), lines.len(), found.join("\n"));
    assert!(refused < lines.len() / 8, "{refused} of {} lines were refused", lines.len());
}
