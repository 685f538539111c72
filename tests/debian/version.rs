//! The version order against `dpkg --compare-versions`.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::process::Command;

use imgbuild::debian::version::Version;

/// Pairs that implementations are known to get wrong.
const TRICKY: [(&str, &str); 28] = [
    ("1.2+", "1.2+0"),
    ("3.2.-5", "3.2.0-5"),
    ("1.0", "1.00"),
    ("1.0", "0:1.0"),
    ("1.0", "1.0-0"),
    ("1.0-", "1.0"),
    ("1.0~rc1", "1.0"),
    ("1.0~", "1.0~~"),
    ("1.0~~a", "1.0~"),
    ("1.0a", "1.0+"),
    ("1.0.", "1.0"),
    ("1.0-1", "1.0-1.1"),
    ("1.0-1~bpo1", "1.0-1"),
    ("1:1.0", "2.0"),
    ("0001", "1"),
    ("99999999999999999999", "100000000000000000000"),
    ("1.0-1-1", "1.0-1"),
    ("1a", "1Z"),
    ("1.a", "1.+"),
    ("1:2:3", "1:2:4"),
    ("1.0-a", "1.0-+"),
    ("a", "1"),
    ("~1", "1"),
    ("1.0+b1", "1.0+deb13u1"),
    ("0:0-0", "0"),
    ("1.0~-1", "1.0-1"),
    ("1..2", "1.0.2"),
    ("2147483647:1", "1:1"),
];
/// What versions are made of; few letters, so that pairs share long prefixes.
const ALPHABET: &[u8] = b"000112aZ~~+..-";
const OPERATORS: [&str; 3] = ["lt", "eq", "gt"];

/// A fixed sequence of numbers (xorshift).
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn generated(count: usize) -> Vec<(String, String)> {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let mut pick = |bound: usize| usize::try_from(next(&mut state) % bound as u64).unwrap();
    let mut version = |base: &str| {
        let mut text: Vec<u8> = base.bytes().collect();
        for _ in 0..=pick(3) {
            // Not in front: dpkg would take a leading hyphen for an option.
            let at = 1 + pick(text.len());
            text.insert(at, ALPHABET[pick(ALPHABET.len())]);
        }
        String::from_utf8(text).unwrap()
    };
    (0..count)
        .map(|n| {
            let base = version(["1", "1.0-1", "0:2~3", "10.2+b1"][n % 4]);
            (version(&base), version(&base))
        })
        .collect()
}

/// Asks dpkg which of `lt`, `eq`, `gt` holds for each pair; in one shell, as starting one a question is slow.
fn dpkg(pairs: &[(String, String)]) -> Vec<String> {
    let mut script = "holds() { dpkg --compare-versions \"$@\" 2>/dev/null && echo $2; }\n".to_owned();
    for (left, right) in pairs {
        for operator in OPERATORS {
            write!(script, "holds '{left}' {operator} '{right}' || ").unwrap();
        }
        script += "echo\n";
    }
    let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_order_is_that_of_dpkg() {
    assert!(Command::new("dpkg").arg("--version").output().unwrap().status.success());
    let mut pairs: Vec<(String, String)> = TRICKY.map(|(left, right)| (left.to_owned(), right.to_owned())).into();
    pairs.extend(generated(400));
    let mut compared = 0;
    for ((left, right), theirs) in pairs.iter().zip(dpkg(&pairs)) {
        // dpkg answers nothing at all for what it takes for no version.
        match (Version::parse(left), Version::parse(right)) {
            (Ok(a), Ok(b)) if !theirs.is_empty() => {
                let ours = match a.cmp(&b) {
                    Ordering::Less => "lt",
                    Ordering::Equal => "eq",
                    Ordering::Greater => "gt",
                };
                assert_eq!(ours, theirs, "{left} and {right}");
                compared += 1;
            }
            (a, b) => assert!(theirs.is_empty() == (a.is_err() || b.is_err()), "{left} {right}: {theirs} {a:?} {b:?}"),
        }
    }
    assert!(compared > 300, "only {compared} pairs were versions");
}
