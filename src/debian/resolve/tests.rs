mod recommended;

use std::fmt::Write as _;

use super::*;
use crate::debian::index;

/// An index text from lines `NAME VERSION; Field: value; …`.
fn index(lines: &str) -> String {
    let mut text = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split("; ");
        let (name, version) = parts.next().unwrap().split_once(' ').unwrap();
        let hash = "0".repeat(64);
        write!(text, "Package: {name}\nVersion: {version}\nArchitecture: arm64\n").unwrap();
        write!(text, "Filename: pool/{name}.deb\nSize: 1\nSHA256: {hash}\n").unwrap();
        for field in parts {
            writeln!(text, "{field}").unwrap();
        }
        text.push('\n');
    }
    text
}

fn names(lines: &str, wanted: &[&str]) -> Result<Vec<String>, ResolveError> {
    let text = index(lines);
    let universe = Universe::new("arm64", [("debian", index::parse(&text).unwrap())])?;
    let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
    let selection = resolve(&universe, &wanted, &Recommends::default())?;
    Ok(selection.packages().map(|candidate| candidate.stanza.name.to_owned()).collect())
}

fn selects(lines: &str, wanted: &[&str], expected: &[&str]) {
    assert_eq!(names(lines, wanted).unwrap(), expected);
}

#[test]
fn essential_packages_come_along_with_their_dependencies() {
    selects("base 1; Essential: yes; Pre-Depends: libc\nlibc 1\nother 1", &[], &["base", "libc"]);
}

#[test]
fn a_selected_alternative_wins_over_an_earlier_one() {
    selects("a 1; Depends: x | y\nx 1\ny 1", &["a"], &["a", "x"]);
    selects("a 1; Depends: x | y\nx 1\ny 1", &["a", "y"], &["a", "y"]);
}

#[test]
fn providers_are_ranked_by_priority_after_the_package_of_that_name() {
    let lines =
        "a 1; Depends: awk\ngawk 1; Provides: awk; Priority: optional\nmawk 1; Provides: awk; Priority: required";
    selects(lines, &["a"], &["a", "mawk"]);
    selects(&format!("{lines}\nawk 1; Priority: extra"), &["a"], &["a", "awk"]);
}

#[test]
fn versions_decide_who_fulfils_a_relation() {
    selects("a 1; Depends: v (>= 2)\nv 1\np 1; Provides: v (= 2)\nq 1; Provides: v", &["a"], &["a", "p"]);
    selects("a 1; Depends: x (>= 2) | y\nx 1\ny 1", &["a"], &["a", "y"]);
}

#[test]
fn any_asks_for_a_package_that_allows_it() {
    let lines = "a 1; Depends: x:any | y:any | z:amd64\nx 1; Multi-Arch: foreign\ny 1; Multi-Arch: allowed\nz 1";
    selects(lines, &["a"], &["a", "y"]);
}

#[test]
fn the_highest_version_of_all_sources_is_the_candidate() {
    let (old, new) = (index("a 1:1; Depends: b\nb 2"), index("a 2; Depends: c\nb 2.1"));
    let sources = [("debian", index::parse(&old).unwrap()), ("security", index::parse(&new).unwrap())];
    let universe = Universe::new("arm64", sources).unwrap();
    let selection = resolve(&universe, &["a".to_owned()], &Recommends::default()).unwrap();
    let found: Vec<_> =
        selection.packages().map(|found| (found.source, found.stanza.name, found.stanza.version.as_str())).collect();
    assert_eq!(found, [("debian", "a", "1:1"), ("security", "b", "2.1")]);
}

#[test]
fn a_choice_that_conflicts_or_lacks_something_gives_way_to_the_next() {
    selects("a 1; Depends: x | y\nx 1; Depends: w\nw 1; Conflicts: a\ny 1", &["a"], &["a", "y"]);
    selects("a 1; Depends: x | y; Breaks: x (<< 2)\nx 1\ny 1", &["a"], &["a", "y"]);
    selects("a 1; Depends: x | y\nx 1; Depends: one, gone\none 1\ny 1", &["a"], &["a", "y"]);
}

#[test]
fn an_automatic_choice_gives_way_to_what_is_needed_without_alternative() {
    // As in LibreOffice: the first choice of `base-core` is in the way of what `office` must have.
    let lines = "office 1; Depends: base\nbase 1; Depends: base-core, core\nbase-core 1; Depends: nogui | core\n\
        core 1; Conflicts: nogui\nnogui 1; Conflicts: core; Depends: only-nogui\nonly-nogui 1";
    selects(lines, &["office"], &["base", "base-core", "core", "office"]);
}

#[test]
fn who_loses_a_dependency_gets_another() {
    let lines = "a 1; Depends: b, c\nb 1; Depends: x | y\nc 1; Depends: z\nx 1\ny 1\nz 1; Conflicts: x";
    selects(lines, &["a"], &["a", "b", "c", "y", "z"]);
}

#[test]
fn a_package_may_conflict_with_a_name_it_provides() {
    selects("a 1; Provides: mta; Conflicts: mta", &["a"], &["a"]);
    let lines = "a 1; Provides: mta; Conflicts: mta\nb 1; Provides: mta";
    assert!(matches!(names(lines, &["a", "b"]), Err(ResolveError::Impossible(_))));
}

#[test]
fn loops_of_dependencies_end() {
    selects("a 1; Depends: b\nb 1; Depends: c\nc 1; Depends: a, b", &["a"], &["a", "b", "c"]);
}

#[test]
fn a_failure_is_explained_from_the_wanted_package_down() {
    let lines = "top 1; Depends: mid | other\nmid 2; Depends: low (>= 2)\nlow 1\nother 1; Conflicts: top";
    let error = names(lines, &["top"]).unwrap_err().to_string();
    let expected = "the packages cannot be installed together\n\
        top 1 from debian is wanted by the profile\n  \
          top needs mid | other\n    \
            mid 2 from debian is available\n      \
              mid needs low (>= 2)\n        \
                the only candidate is low 1 from debian\n    \
            other 1 from debian is available\n      \
              but other 1 from debian conflicts with top 1 from debian (`top`)";
    assert_eq!(error, expected);
}

#[test]
fn unknown_names_come_with_suggestions() {
    let lines = "openssh-server 1\nopenssh-client 1\nmawk 1; Provides: awk";
    let error = names(lines, &["openssh-sever", "awk", "qqq"]).unwrap_err();
    assert_eq!(error.to_string(), "no source has `openssh-sever`, `awk`, `qqq`");
    let hint = error.hint().unwrap();
    assert!(hint.contains("for `openssh-sever`, did you mean `openssh-server`"), "{hint}");
    assert!(hint.contains("`awk` is virtual, name one of `mawk`"), "{hint}");
}

#[test]
fn why_gives_the_shortest_chain() {
    let text = index("a 1; Depends: b, c (>= 1)\nb 1; Depends: d\nc 1\nd 1; Depends: c\ne 1; Essential: yes\nf 1");
    let universe = Universe::new("arm64", [("debian", index::parse(&text).unwrap())]).unwrap();
    let selection = resolve(&universe, &["a".to_owned()], &Recommends::default()).unwrap();
    let why = |name| selection.why(name).map(|chain| chain.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(why("c").unwrap(), ["a is wanted by the profile", "a needs c (`c (>= 1)`)"]);
    assert_eq!(why("d").unwrap(), ["a is wanted by the profile", "a needs b", "b needs d"]);
    assert_eq!(why("e").unwrap(), ["e is essential"]);
    assert_eq!(why("f"), None);
}

#[test]
fn a_chain_of_a_thousand_dependencies_is_refused() {
    let lines: String = (0..1000).fold(String::new(), |mut lines, n| {
        writeln!(lines, "p{n:06} 1; Depends: p{:06}", n + 1).unwrap();
        lines
    });
    assert!(matches!(names(&lines, &["p000000"]), Err(ResolveError::TooDeep { .. })));
}

#[test]
fn a_relation_that_cannot_be_read_names_its_package() {
    let error = names("a 1; Depends: b (1)\nb 1", &["a"]).unwrap_err().to_string();
    assert_eq!(error, "package `a` 1: `b (1)` is not a package relation");
}

#[test]
fn what_all_provide_and_all_exclude_does_not_cost_the_square_of_them() {
    let lines: String = (0..100).fold("top 1; Depends: v".to_owned(), |mut lines, n| {
        write!(lines, "\np{n:03} 1; Provides: v; Breaks: v; Depends: gone").unwrap();
        lines
    });
    let text = index(&lines);
    let universe = Universe::new("arm64", [("debian", index::parse(&text).unwrap())]).unwrap();
    let top = universe.find("top").unwrap();
    let enough = select::select(&universe, &[top], universe::WorkBudget::new(20_000)).unwrap_err();
    assert!(matches!(enough, ResolveError::Impossible(_)), "{enough}");
    let little = select::select(&universe, &[top], universe::WorkBudget::new(5_000)).unwrap_err();
    assert!(matches!(little, ResolveError::TooMuch), "{little}");
}

#[test]
fn an_explanation_ends_however_long_the_chain_of_refusals_is() {
    // Each chain of 200 ends at the top of the one before, which was refused by then.
    let chain = |first: usize, last: &str| {
        let lines: Vec<String> = (first..first + 200)
            .map(|n| {
                let next = if n + 1 < first + 200 { format!("p{:06}", n + 1) } else { last.to_owned() };
                format!("p{n:06} 1; Depends: {next}")
            })
            .collect();
        lines.join("\n")
    };
    let lines = format!(
        "top 1; Depends: p000000 | p001000 | p002000\n{}\n{}\n{}",
        chain(0, "gone"),
        chain(1000, "p000000"),
        chain(2000, "p001000")
    );
    let error = names(&lines, &["top"]).unwrap_err().to_string();
    assert!(error.lines().count() < 250 && error.contains("(and so on)"), "{error}");
    assert!(error.lines().all(|line| line.len() < 200), "{error}");
}
