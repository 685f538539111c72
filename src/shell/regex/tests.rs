//! Patterns of our own; `tests/shell_texts` holds many more against the real tools.

use super::*;

const BASIC: Syntax = Syntax { dialect: Dialect::Basic, escapes: Escapes::Sed };
const EXTENDED: Syntax = Syntax { dialect: Dialect::Extended, escapes: Escapes::Sed };

fn regex(pattern: &str, syntax: Syntax) -> Regex {
    Regex::new([pattern.as_bytes()], syntax, Options::default()).unwrap()
}

/// What `pattern` takes of `text`, and its subexpressions.
fn taken(pattern: &str, syntax: Syntax, text: &str) -> Option<Vec<String>> {
    let regex = regex(pattern, syntax);
    let wanted: Vec<usize> = (0..=regex.groups()).collect();
    let groups = regex.groups_at(text.as_bytes(), 0, &wanted).unwrap()?;
    Some(groups.iter().map(|span| span.map_or("-".to_owned(), |(from, to)| text[from..to].to_owned())).collect())
}

#[test]
fn the_longest_of_the_leftmost_matches_is_taken() {
    let cases = [
        ("a|ab|abc", "xabcd", &["abc"][..]),
        ("(foo|foobar)(bar)?", "foobarbar", &["foobarbar", "foobar", "bar"]),
        ("(^|,)b", "a,b", &[",b", ","]),
        ("x*", "aaa", &[""]),
        ("[0-9]+(\\.[0-9]+)?", "v1.25", &["1.25", ".25"]),
        ("a?(ab)?", "ab", &["ab", "ab"]),
        ("(a{2,3}){2}", "aaaaaaa", &["aaaaaa", "aaa"]),
    ];
    for (pattern, text, want) in cases {
        assert_eq!(taken(pattern, EXTENDED, text).unwrap(), want, "{pattern} in {text}");
    }
}

#[test]
fn basic_patterns_take_their_operators_with_a_backslash() {
    let cases = [
        ("a+b", "aab a+b", Some("a+b")),
        ("a\\+b", "aab", Some("aab")),
        ("*a", "b*a", Some("*a")),
        ("^*a", "*a", Some("*a")),
        ("\\(*a\\)", "*a", Some("*a")),
        ("a^b$c", "a^b$c", Some("a^b$c")),
        ("x\\|^y", "zy", None),
        ("x\\{2,\\}", "xaxxxx", Some("xxxx")),
        ("[]a]*", "]a]b", Some("]a]")),
        ("[^]a]", "]ab", Some("b")),
        ("[[:space:][:digit:]]\\{1,\\}", "ab 1\t2c", Some(" 1\t2")),
        ("[a\\n]*", "a\na\\", Some("a\na")),
        ("\\bfoo\\>", "afoo foo", Some("foo")),
        ("\\w\\+\\s\\S", "  ab c", Some("ab c")),
        ("a.c", "a\nc", Some("a\nc")),
        ("[a-]", "-", Some("-")),
        ("[[.-.]]", "-", Some("-")),
        ("\\x41", "A", Some("A")),
    ];
    for (pattern, text, want) in cases {
        let found = regex(pattern, BASIC).find(text.as_bytes(), 0).unwrap();
        assert_eq!(found.map(|(from, to)| &text[from..to]), want, "{pattern:?} in {text:?}");
    }
}

#[test]
fn what_is_not_valid_or_not_modelled_is_refused() {
    for (pattern, syntax) in [
        ("\\(a\\)\\1", BASIC),
        ("(a)\\1", EXTENDED),
        ("\\(a", BASIC),
        ("a\\)", BASIC),
        ("(a", EXTENDED),
        ("a)", EXTENDED),
        ("*a", EXTENDED),
        ("a|*", EXTENDED),
        ("^*", EXTENDED),
        ("a{", EXTENDED),
        ("a{2,1}", EXTENDED),
        ("a\\{1", BASIC),
        ("[a", BASIC),
        ("[[=a=]]", BASIC),
        ("[[:alpha]", BASIC),
        ("[[:letter:]]", BASIC),
        ("[z-a]", BASIC),
        ("a\\", BASIC),
        ("\\q", BASIC),
        ("(((a{1000}){1000}){1000})", EXTENDED),
    ] {
        assert!(Regex::new([pattern.as_bytes()], syntax, Options::default()).is_err(), "{pattern}");
    }
    let deep = "(".repeat(5000);
    assert!(Regex::new([deep.as_bytes()], EXTENDED, Options::default()).is_err());
    let long = "a".repeat(100_000);
    assert!(Regex::new([long.as_bytes()], EXTENDED, Options::default()).is_err());
}

#[test]
fn subexpressions_that_might_take_another_part_are_refused_when_they_are_asked_for() {
    for (pattern, text) in [("(a|ab)(c|bcd)(d*)", "abcd"), ("((a)|b)*", "ab"), ("(a*)*", "b")] {
        let regex = regex(pattern, EXTENDED);
        let wanted: Vec<usize> = (1..=regex.groups()).collect();
        assert!(regex.groups_at(text.as_bytes(), 0, &wanted).is_err(), "{pattern}");
        assert!(regex.groups_at(text.as_bytes(), 0, &[0]).is_ok(), "{pattern}");
    }
}

#[test]
fn options_bind_a_match_to_words_lines_and_the_whole() {
    let found = |pattern: &str, text: &str, options| {
        let regex = Regex::new([pattern.as_bytes()], BASIC, options).unwrap();
        regex.find(text.as_bytes(), 0).unwrap().map(|(from, to)| text[from..to].to_owned())
    };
    let words = Options { words: true, ..Options::default() };
    assert_eq!(found("nut", "nuts nut", words).as_deref(), Some("nut"));
    assert_eq!(found("nut", "nuts peanut", words), None);
    let whole = Options { whole: true, ..Options::default() };
    assert_eq!(found("a*", "aab", whole), None);
    let lines = Options { lines: true, ..Options::default() };
    assert_eq!(found("^b$", "a\nb\nc", lines).as_deref(), Some("b"));
    assert_eq!(found("^b$", "a\nb\nc", Options::default()), None);
    let any_case = Options { any_case: true, ..Options::default() };
    assert_eq!(found("[a-c]X", "Bx", any_case).as_deref(), Some("Bx"));
}

#[test]
fn a_pattern_that_is_hard_for_backtracking_takes_no_longer_for_it() {
    let text = "a".repeat(2000);
    let regex = regex("(a*)*(a|aa)*b", EXTENDED);
    assert!(!regex.is_match(text.as_bytes()).unwrap());
}

#[test]
fn none_of_no_patterns_matches() {
    let regex = Regex::new([], BASIC, Options::default()).unwrap();
    assert!(!regex.is_match(b"").unwrap());
    assert!(!regex.is_match(b"a").unwrap());
}
