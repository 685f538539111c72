//! The language of the shell, held against the real one: fragments of scripts are carried out by `dash` in a small directory, and
//! by the evaluator over a tree that holds the same. What they print, their exit status and the files that they leave must be equal.
//!
//! `fragments/` has those that somebody thought of, by theme, divided by lines of `%%`; `generator` makes more of them from
//! the grammar, always the same ones. What the evaluator refuses counts as refused: by hand, such a fragment says so in a line
//! `#! refused`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;
mod generator;
mod known;
#[path = "../support/numbers.rs"]
mod numbers;
mod world;

use std::fs;

use imgbuild::shell::{Reason, Stop};
use world::{Outcome, World};

/// Shows words one by one.
const PRELUDE: &str = r#"p() { printf '%s:' "$#"; printf '<%s>' "$@"; echo; }; "#;

/// Says that a fragment is refused.
const REFUSED: &str = "#! refused";

/// What came of a fragment.
enum Verdict {
    Equal,
    Refused(String),
    Different(String),
}

fn judge(world: &World, script: &str) -> Verdict {
    let ours = match world.ours(script) {
        Ok(ours) => ours,
        // What is no script for dash either.
        Err(Stop { reason: Reason::Syntax(_), .. }) if world.is_no_script(script) => return Verdict::Equal,
        Err(stop) => return Verdict::Refused(stop.to_string()),
    };
    let theirs = Outcome { is_no_script: false, ..world.dash(script) };
    if ours == theirs { Verdict::Equal } else { Verdict::Different(difference(script, &ours, &theirs)) }
}

fn difference(script: &str, ours: &Outcome, theirs: &Outcome) -> String {
    let mut text = format!("----------\n{}\n", script.trim_end());
    let mut say = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            text.extend(["  ", what, "\n    ours: ", &ours, "\n    dash: ", &theirs, "\n"]);
        }
    };
    let show = |bytes: &[u8]| format!("{:?}", String::from_utf8_lossy(bytes));
    say("out", show(&ours.out), show(&theirs.out));
    say("status", ours.status.to_string(), theirs.status.to_string());
    say("complained", ours.complained.to_string(), theirs.complained.to_string());
    for name in ours.files.keys().chain(theirs.files.keys()).collect::<std::collections::BTreeSet<_>>() {
        say(name, format!("{:?}", ours.files.get(name)), format!("{:?}", theirs.files.get(name)));
    }
    text
}

/// Goes through fragments with as many worlds as there are processors. Gives what differs, and what was refused and why.
fn differences(fragments: &[String]) -> (Vec<String>, Vec<(String, String)>) {
    let base = tempfile::tempdir().unwrap();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut different, mut refused) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|worker| {
                let world = World::new(&base.path().join(worker.to_string()));
                scope.spawn(move || {
                    let mine = fragments.iter().skip(worker).step_by(workers);
                    mine.map(|script| (script, judge(&world, script))).collect::<Vec<_>>()
                })
            })
            .collect();
        for thread in threads {
            for (script, verdict) in thread.join().unwrap() {
                match verdict {
                    Verdict::Equal => {}
                    Verdict::Refused(why) => refused.push((script.clone(), why)),
                    Verdict::Different(text) => different.push(text),
                }
            }
        }
    });
    (different, refused)
}

fn by_hand() -> Vec<String> {
    let mut files: Vec<_> =
        fs::read_dir("tests/shell_language/fragments").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut fragments = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        fragments.extend(text.split("\n%%\n").map(|fragment| format!("{PRELUDE}{fragment}\n")));
    }
    fragments
}

#[test]
fn fragments_written_by_hand_do_what_dash_does() {
    let fragments = by_hand();
    let (mut complaints, refused) = differences(&fragments);
    let is_refused = |script: &str| refused.iter().any(|(refused, _)| refused == script);
    for (script, why) in refused.iter().filter(|(script, _)| !script.contains(REFUSED)) {
        complaints.push(format!("---------- refused\n{script}  {why}\n"));
    }
    for script in fragments.iter().filter(|script| script.contains(REFUSED) && !is_refused(script)) {
        complaints.push(format!("---------- not refused\n{script}"));
    }
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), fragments.len(), complaints.join("\n"));
}

/// How many fragments are made up.
const MADE_UP: usize = 3000;

/// How many of those may be refused.
const REFUSED_MOST: usize = 15;

#[test]
fn made_up_fragments_do_what_dash_does() {
    let mut generator = generator::Generator::new(1);
    let fragments: Vec<_> = (0..MADE_UP).map(|_| format!("{PRELUDE}{}", generator.fragment())).collect();
    let (complaints, refused) = differences(&fragments);
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), fragments.len(), complaints.join("\n"));
    let why: Vec<_> = refused.iter().map(|(script, why)| format!("---------- {why}\n{script}")).collect();
    assert!(refused.len() <= REFUSED_MOST, "{} refused:\n{}", refused.len(), why.join("\n"));
}
