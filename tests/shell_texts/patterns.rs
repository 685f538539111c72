//! Patterns that are made up: what they match, and what their subexpressions take.

use super::harness::{Case, compare, with_input};

/// Numbers as if by chance, the same in each run (`SplitMix64`).
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((word ^ (word >> 31)) % bound as u64).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn atom(&mut self, extended: bool, depth: usize) -> String {
        match self.below(10) {
            0 | 1 if depth > 0 => {
                let inner = self.pattern(extended, depth - 1);
                if extended { format!("({inner})") } else { format!("\\({inner}\\)") }
            }
            2 => ".".to_owned(),
            3 => self.one(&["[ab]", "[^a]", "[a-c]", "[[:alpha:]]", "[^[:space:]b]", "[]a]"]).to_owned(),
            4 => self.one(&["\\w", "\\W", "\\s", "\\.", "\\*"]).to_owned(),
            _ => self.one(&["a", "b", "c", "ab", "x", " ", "B"]).to_owned(),
        }
    }

    fn pattern(&mut self, extended: bool, depth: usize) -> String {
        let branches = 1 + self.below(6) / 4;
        let mut all = Vec::new();
        for _ in 0..branches {
            let mut branch = String::new();
            if self.below(8) == 0 {
                branch.push('^');
            }
            for _ in 0..=self.below(3) {
                let atom = self.atom(extended, depth);
                branch.push_str(&atom);
                // The C library takes for ever for what is repeated in each other.
                let simple =
                    !atom.contains(['(', '\\']) || !atom[1..].contains(['*', '+', '?', '{', '^', '$', '<', '>']);
                let operators: &[&str] = match extended {
                    _ if !simple => &["", "?"][..=usize::from(extended)],
                    true => &["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,}"],
                    false => &["", "", "", "*", "\\+", "\\?", "\\{2\\}", "\\{1,2\\}", "\\{,1\\}"],
                };
                branch.push_str(self.one(operators));
                if self.below(12) == 0 {
                    branch.push_str(self.one(&["\\b", "\\>"]));
                    break;
                }
            }
            if self.below(8) == 0 {
                branch.push('$');
            }
            all.push(branch);
        }
        all.join(if extended { "|" } else { "\\|" })
    }
}

const TEXT: &[u8] =
    b"a\nb\nab\nba\naab\nabab\nabcabc\nx\n\na b\nb a c\nxaxbxc\ncab bac\nB\nbB ab.*a]\naaaa bbbb\n  \nacbx xbca\n";

/// As many patterns as `count` with the command that `line` makes of each.
fn cases(count: usize, extended: bool, line: impl Fn(&str) -> String) -> Vec<Case> {
    let mut numbers = Numbers(count as u64);
    (0..count).map(|_| with_input(&line(&numbers.pattern(extended, 2)), TEXT)).collect()
}

#[test]
fn made_up_patterns_select_the_same_lines_and_take_the_same_parts() {
    let mut all = cases(50, true, |pattern| format!("grep -E -n '{pattern}'"));
    all.extend(cases(51, true, |pattern| format!("grep -E -on '{pattern}'")));
    all.extend(cases(82, false, |pattern| format!("grep -on '{pattern}'")));
    all.extend(cases(50, true, |pattern| format!("grep -Ewon '{pattern}'")));
    all.extend(cases(51, true, |pattern| format!("grep -Ewn '{pattern}'")));
    all.extend(cases(40, false, |pattern| format!("grep -inx '{pattern}'")));
    compare(&all, 20);
}

#[test]
fn made_up_patterns_replace_the_same() {
    let mut all = cases(90, true, |pattern| format!("sed -E 's/{pattern}/<&>/g'"));
    all.extend(cases(91, false, |pattern| format!("sed 's/{pattern}/<&>/g'")));
    all.extend(cases(40, false, |pattern| format!("sed -n 's/{pattern}/<&>/2p;/{pattern}/='")));
    compare(&all, 0);
}

#[test]
fn subexpressions_of_made_up_patterns_take_the_same_or_are_refused() {
    let mut all = cases(92, true, |pattern| format!("sed -E 's/({pattern})(b*)/<\\1|\\2>/'"));
    all.extend(cases(93, false, |pattern| format!("sed 's/\\({pattern}\\)\\(.\\)/<\\1|\\2>/g'")));
    all.extend(cases(94, true, |pattern| format!("sed -E 's/(a*)(b|x)?({pattern})/<\\1|\\2|\\3>/'")));
    compare(&all, 130);
}
