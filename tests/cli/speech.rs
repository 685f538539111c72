//! How the program speaks: to people on terminals of any width, and to programs in JSON lines.

use serde_json::Value;

use crate::face::verbs;
use crate::node_image;
use crate::place::{Place, Ran};
use crate::screen::Screen;
use crate::tiny;

/// Whether all that a run printed is JSON lines that end with a result, or with an error if it failed.
fn check_json(what: &[&str], ran: &Ran) -> Vec<Value> {
    let Ran { code, stdout, stderr } = ran;
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{what:?} printed `{line}`"));
    let events: Vec<Value> = stdout.lines().map(parse).collect();
    let last = events.last().unwrap_or_else(|| panic!("{what:?} printed nothing; {stderr}"));
    let expected = if *code == Some(0) { "result" } else { "error" };
    assert_eq!(last["event"], expected, "{what:?} ended with {code:?}: {stdout}{stderr}");
    assert!(events.iter().all(|event| event["event"].is_string()), "{what:?}: {stdout}");
    assert_eq!(stderr, "", "{what:?}");
    events
}

#[test]
fn every_verb_prints_nothing_but_json_lines_with_json() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    let verbs = verbs(&place);
    let runs: &[&[&str]] = &[
        &["list"],
        &["overlay", "list"],
        &["overlay", "show", "node"],
        &["overlay", "show", "nosuch"],
        &["plan"],
        &["lock", "node"],
        &["build", "node"],
        &["build", "--node", "control"],
        &["check"],
        &["why", "machine", "node"],
        &["images", "node"],
        &["inspect", "build/node"],
        &["diff", "build/node", "build/nodes/control"],
        &["verify", "build/node/node.img"],
        &["export", "node"],
        &["devices"],
        &["flash", "node", "--dry-run"],
        &["boot", "node.img"],
        &["modules", "build", "node"],
        &["modules", "export", "node"],
        &["modules", "import", "tool.modules.tar", "node"],
        &["secrets", "init"],
        &["secrets", "set", "server-token"],
        &["secrets", "secure-boot"],
        &["secrets", "check"],
        &["secrets", "export", "--age", "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"],
        &["node", "show", "control"],
        &["node", "ssh-known-hosts"],
        &["gitops", "init", "git"],
        &["gitops", "render", "git", "--check"],
        &["schema", "profile"],
        &["schema", "overlay"],
        &["schema", "cluster"],
        &["completions", "bash"],
        &["completions", "powershell"],
        &["man", "pages"],
        &["init", "home"],
        // Without anything to do, and wrong.
        &["--version"],
        &["--help"],
        &["help", "build"],
        &["build", "--help"],
        &["secrets"],
        &[],
        &["biuld"],
        &["build"],
        &["build", "nosuch"],
        &["flash", "--yes", "--all"],
        &["--workspace", "nowhere", "check"],
    ];
    for run in runs {
        let events = check_json(run, &place.run(&[*run, &["--json"]].concat()));
        let last = events.last().unwrap();
        assert!(!last["result"].is_string() && last["result"] != Value::Bool(true), "{run:?}: {last}");
    }
    for verb in verbs {
        let is_run =
            |run: &&[&str]| run.len() >= verb.len() && verb.iter().zip(*run).all(|(word, given)| word == given);
        assert!(runs.iter().any(is_run), "{verb:?} is not tried here");
    }
}

#[test]
fn help_is_a_result_and_usage_names_no_variables() {
    let place = Place::new();
    let help = place.run(&["--json", "help", "build"]).result();
    assert_eq!(place.run(&["help", "build", "--json"]).result(), help);
    let bare = place.run(&["--offline"]);
    assert_eq!((bare.code, &*bare.stdout), (Some(1), ""));
    assert!(bare.stderr.contains("Usage: imgbuild") && !bare.stderr.contains("__write"), "{}", bare.stderr);
}

#[test]
fn programs_get_what_people_are_told() {
    let online = tiny::archive(1000).online();
    let place = node_image::place(&online);
    let last = |args: &[&str]| check_json(args, &place.run(args)).pop().unwrap();

    let next = last(&["--json", "build", "--node", "control"])["result"]["next"].clone();
    assert_eq!(next[1], "imgbuild flash --node control", "{next}");
    let events = check_json(&["verbose"], &place.run(&["--json", "--verbose", "build", "control"]));
    let notes: Vec<&str> = events.iter().filter_map(|event| event["message"].as_str()).collect();
    assert!(notes.iter().any(|note| note.starts_with("workspace ")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("means the node")), "{notes:?}");

    // Where a mistake is, also when it stops another verb than `check`.
    let cluster = place.read("cluster.toml");
    place.write("cluster.toml", format!("{cluster}address = \"192.168.1.0/24\"\n"));
    let error = last(&["--json", "build", "--node", "control"]);
    let finding = &error["findings"][0];
    let line = finding["line"].as_u64().unwrap();
    assert_eq!(
        place.read("cluster.toml").lines().nth(usize::try_from(line).unwrap() - 1),
        Some("address = \"192.168.1.0/24\"")
    );
    assert!(finding["code"].is_string() && finding["why"].is_string() && finding["hint"].is_string(), "{error}");
    place.write("cluster.toml", cluster.replace("[node.control]", "[nodes.control]"));
    let finding = last(&["--json", "list"])["findings"][0].clone();
    assert!(finding["line"].is_u64() && finding["message"].as_str().unwrap().contains("nodes"), "{finding}");
}

#[test]
fn on_a_terminal_each_phase_leaves_one_line_and_no_bar_stays() {
    let online = tiny::archive(3_000_000).online();
    for columns in [80, 60, 40] {
        let place = node_image::place(&online);
        // With a warning between the phases: what is so short is not searched for.
        let secrets = place.read("secrets.toml");
        place.write("secrets.toml", format!("{secrets}\nshort = \"1234\"\n"));
        place.write(
            "profiles/node.toml",
            place.read("profiles/node.toml").replace("\"machine\"", "\"machine\", \"freight\""),
        );
        let screen = Screen::of(&place.command(&["build", "--profile", "node"]), columns);
        let shown = screen.lines.join("\n");
        assert_eq!(screen.code, Some(0), "{shown}");
        assert!(!shown.contains(['━', '╸', '⠁', '⠋', '⠙']), "a bar was left at {columns} columns:\n{shown}");
        for phase in
            ["indexes", "resolve", "download", "k3s", "unpack", "effects", "initrd", "compress", "verity", "write"]
        {
            let lines = screen.lines.iter().filter(|line| line.trim_start().starts_with(&format!("{phase} "))).count();
            assert!(lines <= 1, "{phase} is there {lines} times at {columns} columns:\n{shown}");
        }
        assert_eq!(shown.matches("warning:").count(), 1, "{shown}");
    }
}

#[test]
fn a_failure_leaves_no_bar_on_the_terminal() {
    let online = tiny::archive(1000).online();
    let place = tiny::place(&online, &[]);
    place.run(&["lock", "node"]).ok();
    // Found while the tree is made, which is a phase.
    let profile = place.read("profiles/node.toml");
    place.write("profiles/node.toml", format!("{profile}[units]\nenable = [\"nosuch.service\"]\n"));
    let screen = Screen::of(&place.command(&["build", "node"]), 80);
    let shown = screen.lines.join("\n");
    assert_eq!(screen.code, Some(1), "{shown}");
    assert!(shown.contains("nosuch.service"), "{shown}");
    assert!(!screen.lines.iter().any(|line| line.trim_start().starts_with("effects ")), "{shown}");
}

#[test]
fn no_word_is_broken_on_a_narrow_terminal() {
    let place = Place::new()
        .file("cluster.toml", include_str!("../../workspace/cluster.toml"))
        .file("profiles/server.toml", include_str!("../../workspace/profiles/server.toml"));
    for args in [
        &["check"][..],
        &["build", "nosuch"],
        &["build", "--node", "control"],
        &["flash", "--profile", "demo", "--yes"],
        &["why", "nosuch"],
        &["lock", "--update", "nosuch"],
        &["secrets", "init"],
        &["list"],
        &["export", "--help"],
        &["help", "flash"],
    ] {
        // What was made by the run before would be in the way of the next.
        let fresh = || _ = std::fs::remove_file(place.path("secrets.toml"));
        fresh();
        let plain = place.run(args);
        for columns in [80, 60] {
            fresh();
            let screen = Screen::of(&place.command(args), columns);
            let expected: Vec<&str> =
                [&plain.stdout, &plain.stderr].iter().flat_map(|text| text.split_whitespace()).collect();
            let words = screen.words();
            // What is longer than a line cannot be shown in one.
            let is_of_long =
                |word: &str| expected.iter().any(|long| long.len() + 2 > columns.into() && long.contains(word));
            let broken: Vec<_> = words.iter().filter(|word| !expected.contains(word) && !is_of_long(word)).collect();
            assert!(broken.is_empty(), "{args:?} at {columns} columns: {broken:?}\n{}", screen.lines.join("\n"));
        }
    }
}
