//! Recommended packages: what comes along, and what does not.

use super::*;

/// Recommendations of all packages but those in `except`.
fn all_but(except: &[&str]) -> Recommends {
    Recommends { by_default: true, except: except.iter().map(|&name| name.to_owned()).collect() }
}

/// Recommendations of these packages.
fn of(packages: &[&str]) -> Recommends {
    Recommends { by_default: false, ..all_but(packages) }
}

/// Calls `see` with what is selected of packages from `lines`.
fn resolved<T>(
    lines: &str,
    wanted: &[&str],
    recommends: &Recommends,
    see: impl FnOnce(Result<Selection<'_>, ResolveError>) -> T,
) -> T {
    let text = index(lines);
    let universe = Universe::new("arm64", [("debian", index::parse(&text).unwrap())]).unwrap();
    let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
    see(resolve(&universe, &wanted, recommends))
}

fn selected(lines: &str, wanted: &[&str], recommends: &Recommends) -> Vec<String> {
    resolved(lines, wanted, recommends, |selection| {
        selection.unwrap().packages().map(|candidate| candidate.stanza.name.to_owned()).collect()
    })
}

fn gives(lines: &str, wanted: &[&str], expected: &[&str]) {
    assert_eq!(selected(lines, wanted, &all_but(&[])), expected);
}

#[test]
fn what_is_recommended_comes_along_with_what_it_needs_and_recommends_itself() {
    let lines = "a 1; Recommends: b\nb 1; Depends: c; Recommends: d\nc 1; Recommends: e\nd 1\ne 1\nf 1";
    gives(lines, &["a"], &["a", "b", "c", "d", "e"]);
    assert_eq!(selected(lines, &["a"], &of(&["a"])), ["a", "b", "c", "d", "e"]);
    assert_eq!(selected(lines, &["a"], &Recommends::default()), ["a"]);
}

#[test]
fn essential_packages_recommend_too() {
    gives("a 1\nbase 1; Essential: yes; Recommends: b\nb 1", &["a"], &["a", "b", "base"]);
}

#[test]
fn what_is_only_suggested_stays_out() {
    gives("a 1; Suggests: b\nb 1; Enhances: a", &["a"], &["a"]);
}

#[test]
fn loops_of_recommendations_end() {
    gives("a 1; Recommends: b\nb 1; Recommends: c\nc 1; Recommends: a, b, c", &["a"], &["a", "b", "c"]);
    gives("a 1; Recommends: b\nb 1; Depends: c\nc 1; Recommends: b; Depends: a", &["a"], &["a", "b", "c"]);
}

#[test]
fn a_recommendation_that_cannot_be_had_is_left_out() {
    gives("a 1; Recommends: gone, b\nb 1", &["a"], &["a", "b"]);
    // With all that came along for it.
    gives("a 1; Recommends: b, c\nb 1; Depends: d, gone\nc 1\nd 1", &["a"], &["a", "c"]);
}

#[test]
fn a_recommendation_that_conflicts_with_what_is_selected_is_left_out_whoever_says_so() {
    gives("a 1; Recommends: b\nb 1; Conflicts: c\nc 1", &["a", "c"], &["a", "c"]);
    gives("a 1; Recommends: b\nb 1\nc 1; Conflicts: b", &["a", "c"], &["a", "c"]);
    gives("a 1; Recommends: b; Breaks: b (<< 2)\nb 1", &["a"], &["a"]);
    gives("a 1; Recommends: b\nb 1; Depends: d\nd 1; Breaks: c\nc 1", &["a", "c"], &["a", "c"]);
}

#[test]
fn a_dependency_wins_over_a_recommendation_that_comes_before_it() {
    // In the order of the walk `b` recommends `x` before `z` is looked at.
    let lines = "a 1; Depends: b, c\nb 1; Recommends: x\nc 1; Depends: z\nx 1; Conflicts: z\nz 1";
    gives(lines, &["a"], &["a", "b", "c", "z"]);
    // An automatic choice does not give way either, though it would to a dependency.
    gives("a 1; Depends: x | y; Recommends: b\nx 1\ny 1\nb 1; Conflicts: x", &["a"], &["a", "x"]);
}

#[test]
fn recommendations_change_no_choice_between_dependencies() {
    gives("a 1; Recommends: y\nb 1; Depends: x | y\nx 1\ny 1", &["a", "b"], &["a", "b", "x", "y"]);
    gives("a 1; Recommends: y\nb 1; Depends: x | y\nx 1\ny 1; Conflicts: x", &["a", "b"], &["a", "b", "x"]);
}

#[test]
fn of_recommendations_that_exclude_each_other_the_first_comes_along() {
    gives("a 1; Recommends: b, c, d\nb 1\nc 1; Conflicts: b\nd 1", &["a"], &["a", "b", "d"]);
}

#[test]
fn one_alternative_is_enough() {
    let lines = "a 1; Recommends: x | y\nx 1\ny 1\nz 1; Depends: y";
    gives(lines, &["a"], &["a", "x"]);
    gives(lines, &["a", "z"], &["a", "y", "z"]);
    gives("a 1; Recommends: gone | y\ny 1", &["a"], &["a", "y"]);
    gives("a 1; Recommends: x | y\nx 1; Depends: gone\ny 1", &["a"], &["a", "y"]);
    gives("a 1; Recommends: x | y\nx 1; Conflicts: a\ny 1", &["a"], &["a", "y"]);
}

#[test]
fn versions_decide_who_fulfils_a_recommendation() {
    gives("a 1; Recommends: b (>= 2)\nb 1", &["a"], &["a"]);
    gives("a 1; Recommends: b (>= 2) | c\nb 1\nc 1", &["a"], &["a", "c"]);
    // Even where that version is selected: it is never replaced.
    gives("a 1; Recommends: b (>= 2), c\nb 1\nc 1", &["a", "b"], &["a", "b", "c"]);
}

#[test]
fn a_virtual_package_is_recommended_as_its_best_provider() {
    let lines = "a 1; Recommends: mta\nq 1; Provides: mta; Priority: optional\np 1; Provides: mta; Priority: standard";
    gives(lines, &["a"], &["a", "p"]);
    gives(lines, &["a", "q"], &["a", "q"]);
    // Providers that exclude each other by the virtual name: one is enough, and another does not come in.
    let lines = "a 1; Recommends: mta\nb 1; Recommends: p\nq 1; Provides: mta; Conflicts: mta\n\
        p 1; Provides: mta; Conflicts: mta";
    gives(lines, &["b", "a"], &["a", "b", "p"]);
    gives(lines, &["b", "a", "q"], &["a", "b", "q"]);
}

#[test]
fn what_was_refused_for_one_recommendation_can_be_had_for_another() {
    // `d` is not to be had beside `c`, which is gone with `b`.
    gives("a 1; Recommends: b, d\nb 1; Depends: c, d | e, gone\nc 1; Conflicts: d\nd 1\ne 1", &["a"], &["a", "d"]);
}

#[test]
fn a_package_can_be_left_out_of_those_whose_recommendations_count() {
    let lines = "a 1; Depends: c; Recommends: x\nb 1; Recommends: y\nc 1; Recommends: z\nx 1\ny 1\nz 1";
    assert_eq!(selected(lines, &["a", "b"], &all_but(&["a"])), ["a", "b", "c", "y", "z"]);
    assert_eq!(selected(lines, &["a", "b"], &all_but(&["b"])), ["a", "b", "c", "x", "z"]);
}

#[test]
fn of_one_package_the_recommendations_of_what_comes_in_for_it_alone_count() {
    let lines = "a 1; Depends: c, d; Recommends: w\nb 1; Depends: c; Recommends: x\nc 1; Recommends: y\n\
        d 1; Recommends: z\nw 1\nx 1\ny 1\nz 1";
    // `c` would be there without `a`.
    assert_eq!(selected(lines, &["a", "b"], &of(&["a"])), ["a", "b", "c", "d", "w", "z"]);
    assert_eq!(selected(lines, &["a", "b"], &of(&["a", "b"])), ["a", "b", "c", "d", "w", "x", "y", "z"]);
    // It is wanted by name too, and counts although others need it.
    assert_eq!(selected(lines, &["b", "c"], &of(&["c"])), ["b", "c", "y"]);
}

#[test]
fn why_names_who_recommends_a_package_and_prefers_who_needs_it() {
    let lines = "a 1; Depends: b; Recommends: c, e\nb 1; Recommends: d (>= 1) | x\nc 1; Depends: e\nd 1; Depends: f\n\
        e 1\nf 1; Recommends: h\ng 1; Depends: e\nh 1";
    resolved(lines, &["a"], &all_but(&[]), |selection| {
        let selection = selection.unwrap();
        let why = |name| selection.why(name).map(|chain| chain.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(why("c").unwrap(), ["a is wanted by the profile", "c is recommended by a"]);
        let chain = [
            "a is wanted by the profile",
            "a needs b",
            "d is recommended by b (`d (>= 1)`)",
            "d needs f",
            "h is recommended by f",
        ];
        assert_eq!(why("f").unwrap(), chain[..4]);
        assert_eq!(why("h").unwrap(), chain);
        assert_eq!(why("x"), None);
    });
    // Longer, and there without any recommendation.
    let lines = "a 1; Depends: b; Recommends: e\nb 1; Depends: c\nc 1; Depends: e\ne 1";
    resolved(lines, &["a"], &all_but(&[]), |selection| {
        let chain = selection.unwrap().why("e").unwrap();
        assert_eq!(chain.last().unwrap().to_string(), "c needs e");
    });
    // What `b` recommends does not count, so it is not the reason.
    let lines = "a 1; Depends: c\nb 1; Recommends: d\nc 1; Recommends: d\nd 1";
    resolved(lines, &["a", "b"], &of(&["a"]), |selection| {
        let chain = selection.unwrap().why("d").unwrap();
        assert_eq!(chain.last().unwrap().to_string(), "d is recommended by c");
    });
}

#[test]
fn recommendations_are_read_only_where_they_count() {
    let lines = "a 1; Recommends: b (1)\nb 1";
    assert_eq!(selected(lines, &["a"], &Recommends::default()), ["a"]);
    let error = resolved(lines, &["a"], &all_but(&[]), |selection| selection.unwrap_err().to_string());
    assert_eq!(error, "package `a` 1: `b (1)` is not a package relation");
}

#[test]
fn recommendations_are_counted_against_the_budget() {
    let all: Vec<String> = (0..100).map(|n| format!("p{n:03}")).collect();
    let all = all.join(", ");
    let lines: String = (0..100).fold(format!("top 1; Recommends: {all}"), |mut lines, n| {
        write!(lines, "\np{n:03} 1; Recommends: {all}").unwrap();
        lines
    });
    let text = index(&lines);
    let universe = Universe::new("arm64", [("debian", index::parse(&text).unwrap())]).unwrap();
    let top = universe.find("top").unwrap();
    let add = |budget| {
        let mut selector = select::select(&universe, &[top], universe::WorkBudget::new(budget)).unwrap();
        recommend::add(&mut selector, &[top], &all_but(&[])).map(|counting| counting.len())
    };
    assert_eq!(add(40_000).unwrap(), 101);
    assert!(matches!(add(5_000), Err(ResolveError::TooMuch)));
}
