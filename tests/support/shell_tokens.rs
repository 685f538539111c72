//! Scripts that are changed token by token, so that much of their grammar stays.

use crate::numbers::Numbers;

/// What stands for one thing though it is several characters.
const LONG: [&str; 18] =
    ["$((", "))", "<<-", "$(", "${", "&&", "||", ";;", "<<", ">>", ">&", "<&", "<>", ":-", ":+", "##", "%%", "\\\n"];

/// What may be put around tokens.
const AROUND: [(&str, &str); 16] = [
    ("$(", ")"),
    ("\"", "\""),
    ("`", "`"),
    ("{ ", "; }"),
    ("( ", " )"),
    ("${x:-", "}"),
    ("${x#", "}"),
    ("\"${x+", "}\""),
    ("if ", "; then :; fi"),
    ("$((", "))"),
    ("'", "'"),
    ("eval '", "'"),
    ("! ", " || false"),
    ("f() { ", "; }; f"),
    ("case ", " in *) ;; esac"),
    ("cat <<E\n", "\nE\n"),
];

/// A text as tokens, which together are the text.
pub fn tokens(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |is: fn(char) -> bool| rest.find(|next| !is(next)).unwrap_or(rest.len());
        let length = match LONG.iter().find(|long| rest.starts_with(**long)) {
            Some(long) => long.len(),
            None if is_word(first) => run(is_word),
            None if first == ' ' => run(|next| next == ' '),
            None => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        all.push(token);
        rest = after;
    }
    all
}

fn is_word(next: char) -> bool {
    next.is_alphanumeric() || matches!(next, '_' | '/' | '.' | '-')
}

/// `tokens` with a few changed; what is put in comes from `others`.
pub fn changed(tokens: &[&str], others: &[&str], numbers: &mut Numbers) -> String {
    let mut all: Vec<&str> = tokens.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(all.len() + 1);
        let end = (at + 1 + numbers.below(12)).min(all.len());
        match numbers.below(7) {
            0 if at < end => drop(all.drain(at..end)),
            1 if at < all.len() => drop(all.remove(at)),
            2 if at < all.len() => {
                let other = numbers.below(all.len());
                all.swap(at, other);
            }
            3 if at < end => {
                let copy = all[at..end].to_vec();
                let to = numbers.below(all.len() + 1);
                all.splice(to..to, copy);
            }
            4 if at < all.len() => all[at] = numbers.one(others),
            5 => all.insert(at, numbers.one(others)),
            _ if at < end => {
                let (open, close) = AROUND[numbers.below(AROUND.len())];
                all.insert(end, close);
                all.insert(at, open);
            }
            _ => {}
        }
    }
    all.concat()
}
