//! Words: quoting, parameters, substitutions, patterns (XCU 2.2, 2.6, 2.14).

use super::Generator;

/// Where a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Outside of quotes.
    Bare,
    /// Within `"…"`.
    Quotes,
    /// Within the braces of a parameter outside of quotes.
    Braces,
    /// Within braces within quotes.
    QuotedBraces,
    /// In a here-document.
    Here,
}

const NAMES: &[&str] = &["x", "y", "z", "x", "y", "i", "u", "1", "2", "3", "4", "n1"];
const SPECIAL: &[&str] = &["@", "*", "#", "?", "@", "*"];

impl Generator {
    /// A word of a command.
    pub(super) fn word(&mut self, depth: usize) -> String {
        self.parts(Place::Bare, depth)
    }

    pub(super) fn parts(&mut self, place: Place, depth: usize) -> String {
        let mut text = String::new();
        for _ in 0..=self.numbers.below(5) / 2 {
            let part = self.part(place, depth);
            // What follows a name would belong to it.
            // `$$` is the number of a process.
            if text.ends_with('$') && part.starts_with(['$', '!', '-']) {
                text.push('.');
            }
            if text.ends_with(|last: char| last.is_ascii_alphanumeric())
                && part.starts_with(|first: char| first.is_ascii_alphanumeric())
            {
                text.push('-');
            }
            text.push_str(&part);
        }
        text
    }

    fn part(&mut self, place: Place, depth: usize) -> String {
        let is_quoted = matches!(place, Place::Quotes | Place::QuotedBraces | Place::Here);
        match self.numbers.below(if depth == 0 { 8 } else { 12 }) {
            0 => self.escaped(place).to_owned(),
            1 | 2 if !is_quoted => self.single_quoted(),
            1 if place == Place::QuotedBraces && depth > 0 => format!("\"{}\"", self.parts(Place::Quotes, depth - 1)),
            3 | 4 if !is_quoted => format!("\"{}\"", self.parts(Place::Quotes, depth.saturating_sub(1))),
            3..=5 => format!("${}", self.plain_parameter()),
            8 | 9 => self.parameter(place, depth - 1),
            10 => self.substitution(depth - 1),
            11 => format!("$(({}))", self.expression(2)),
            _ => self.literal(place).to_owned(),
        }
    }

    fn plain_parameter(&mut self) -> &'static str {
        let names = if self.numbers.once_in(3) { SPECIAL } else { NAMES };
        self.numbers.one(names)
    }

    fn literal(&mut self, place: Place) -> &'static str {
        match place {
            Place::Bare => self.numbers.one(&[
                "a",
                "b",
                "x=1",
                "*",
                "a*",
                "?",
                "[ab]",
                "*.txt",
                "dir/*",
                "dir/*/",
                "[!a]*",
                "~",
                "~/x",
                "x=~",
                "a:~",
                ":",
                "-n",
                "{",
                "}",
                "!",
                "a=b",
                "\\\na",
                "%",
                "#",
                "a#b",
                "a/",
                "[[:alpha:]]",
                ".*",
                "link*",
                "[x]",
                "\"\"",
                "''",
                "$",
                "if",
                "^",
            ]),
            Place::Braces => {
                self.numbers.one(&["a", "b c", " ", "*", "a:b", "~", "?", "[ab]", "\n", "#", "a  b", "%", ")", ";", ""])
            }
            Place::Quotes => self
                .numbers
                .one(&["a", "  ", "*", "a  b", "'", "~", "\n", "#", "}", "{", "$", "a:b", ";", ")", "", "[x]"]),
            Place::QuotedBraces => {
                self.numbers.one(&["a", "  ", "*", "a  b", "~", "\n", "#", "$", "a:b", ")", "", "[x]", "{"])
            }
            Place::Here => {
                self.numbers.one(&["a", "  ", "*", "'", "\"", "\n", "\t", "#", "}", "$", "\n\tx", "E ", "~"])
            }
        }
    }

    fn escaped(&mut self, place: Place) -> &'static str {
        match place {
            Place::Bare => self
                .numbers
                .one(&["\\a", "\\*", "\\ ", "\\'", "\\\"", "\\$x", "\\\\", "\\~", "\\`", "\\\n", "\\#", "\\;"]),
            Place::Braces => self.numbers.one(&["\\a", "\\}", "\\*", "\\ ", "\\'", "\\\"", "\\$", "\\\\"]),
            _ => self.numbers.one(&["\\a", "\\$x", "\\\\", "\\\"", "\\`", "\\*", "\\\n"]),
        }
    }

    fn single_quoted(&mut self) -> String {
        format!(
            "'{}'",
            self.numbers.one(&["", "a", " ", "a  b", "*", "$x", "\"", "\\", "`", "\n", "}", "a:b", "[", "~", "#"])
        )
    }

    /// `${…}`
    fn parameter(&mut self, place: Place, depth: usize) -> String {
        let inner = if matches!(place, Place::Bare | Place::Braces) { Place::Braces } else { Place::QuotedBraces };
        let name = self.plain_parameter();
        match self.numbers.below(10) {
            0 => format!("${{{name}}}"),
            1 => format!("${{#{}}}", self.numbers.one(NAMES)),
            2 | 3 => {
                let (operator, pattern) = (self.numbers.one(&["#", "##", "%", "%%"]), self.pattern(depth));
                // XCU 2.6.2 leaves these open for `@`, `*` and `#`.
                format!("${{{}{operator}{pattern}}}", self.numbers.one(NAMES))
            }
            4 => {
                let name = self.numbers.one(&["x", "u", "v", "z"]);
                // dash divides what `"$@"` at the beginning assigned at each blank.
                let word = self.parts(inner, depth).replace("$@", "$*");
                format!("${{{name}{}{word}}}", self.numbers.one(&["=", ":="]))
            }
            5 if self.numbers.once_in(3) => {
                format!("${{{name}{}{}}}", self.numbers.one(&["?", ":?"]), self.parts(inner, depth))
            }
            _ => {
                let name = if name == "#" { "x" } else { name };
                format!("${{{name}{}{}}}", self.numbers.one(&["-", ":-", "+", ":+"]), self.parts(inner, depth))
            }
        }
    }

    /// A pattern, as in `${x#…}`: quoting counts in it wherever it stands.
    pub(super) fn pattern(&mut self, depth: usize) -> String {
        let mut text = String::new();
        for _ in 0..=self.numbers.below(3) {
            match self.numbers.below(7) {
                0 => text.push_str(&self.single_quoted()),
                1 => text.push_str(self.numbers.one(&["\\*", "\\a", "\\\\", "\\}", "\\[", "\\?"])),
                2 if depth > 0 => {
                    text.push_str(self.numbers.one(&["$x", "\"$x\"", "${y}", "\"$y\"", "$z", "${x%?}", "$(echo a)"]));
                }
                3 => text.push_str(self.numbers.one(&["\"*\"", "\"a\"", "\"\\\\\"", "\"[\"", "\"?\"", "\" \""])),
                _ => text.push_str(self.numbers.one(&[
                    "*",
                    "?",
                    "a",
                    "b",
                    ":",
                    "[ab]",
                    "[!a]",
                    "[a-c]",
                    "[[:alpha:]]",
                    "[]a]",
                    "[!]]",
                    "[",
                    "]",
                    "a*",
                    "*/",
                    "/*",
                    "-",
                    "~",
                ])),
            }
        }
        text
    }

    /// `$(…)` and `` `…` ``
    fn substitution(&mut self, depth: usize) -> String {
        let list =
            if self.left > 0 && self.numbers.once_in(4) { self.open_list(depth.min(1)) } else { self.printing() };
        self.left = self.left.saturating_sub(1);
        if self.numbers.once_in(3) && !list.contains("\\\n") {
            let mut text = "`".to_owned();
            for next in list.chars() {
                if matches!(next, '\\' | '`') {
                    text.push('\\');
                }
                text.push(next);
            }
            return format!("{text}`");
        }
        let blank = if list.starts_with('(') { " " } else { "" };
        format!("$({blank}{list})")
    }
}
