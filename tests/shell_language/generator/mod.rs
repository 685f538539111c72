//! Fragments of scripts made up from the grammar (XCU 2.10), always the same ones.
//!
//! [`words`] makes words with their quoting and expansions, [`arithmetic`] expressions, [`simple`] commands with names, [`compound`]
//! all that holds commands. What a fragment does has an end: loops count, and functions call only those before them. It
//! touches nothing but the directory that it works in: files are named as they stand, never by what a variable holds.
//!
//! The same fragment must do the same each time that dash carries it out. So the text of a complaint is never printed, and what
//! may end a pipeline's reader early is fed by a command that does nothing else.

mod arithmetic;
mod compound;
mod simple;
mod words;

use crate::numbers::Numbers;

/// Makes fragments.
pub struct Generator {
    numbers: Numbers,
    /// How many functions there are, `f1` and so on, all of which may be called.
    functions: usize,
    /// How many variables that count in loops there are, `n1` and so on.
    counters: usize,
    /// Whether it is within a loop, a function.
    in_loop: bool,
    in_function: bool,
    /// Here-documents that the line has asked for so far.
    pending: Vec<String>,
    /// How many more commands the fragment may have.
    left: usize,
}

/// What variables hold in the beginning.
const VALUES: &[&str] = &[
    "",
    "a",
    "'a b'",
    "'  a  b '",
    "a:b::c",
    "':a:'",
    "'*'",
    "'a*'",
    "'[x]'",
    "'\\x'",
    "'a\nb\n'",
    "-n",
    "ab/cd/ab",
    "\"it's\"",
    "'q\"'",
    "é",
    "'~'",
    "0",
    "7",
    "'a\\ b'",
    "'$y'",
    "'`x`'",
    "'?'",
    "'}'",
    "'dir/*'",
    "'\\*'",
    "one",
    "' '",
    "-3",
    "010",
];

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self {
            numbers: Numbers::new(seed),
            functions: 0,
            counters: 0,
            in_loop: false,
            in_function: false,
            pending: Vec::new(),
            left: 0,
        }
    }

    /// The next fragment.
    pub fn fragment(&mut self) -> String {
        (self.functions, self.counters, self.left) = (0, 0, 7);
        (self.in_loop, self.in_function) = (false, false);
        let mut text = String::new();
        for name in ["x", "y", "z"] {
            if !self.numbers.once_in(4) {
                text.extend([name, "=", self.numbers.one(VALUES), " "]);
            }
        }
        text.push_str("i=3 j=-2\n");
        text.push_str(self.numbers.one(&[
            "",
            "",
            "",
            "",
            "set -e\n",
            "set -e\n",
            "set -u\n",
            "set -f\n",
            "set -eu\n",
            "IFS=:\n",
            "IFS=' :'\n",
            "IFS=\n",
            "set --\n",
            "set -- 'a b' '' '*'\n",
            "unset IFS\n",
            "set -a\n",
        ]));
        text.push_str(self.numbers.one(&[
            "",
            "",
            "",
            "",
            "",
            "trap 'echo bye $?' EXIT\n",
            "trap 'p \"$x\"; exit 4' EXIT\n",
        ]));
        for _ in 0..=self.numbers.below(3) {
            text.push_str(&self.and_or(2));
            text.push_str(&self.newline());
        }
        text.push_str("echo \"$? $#\"; p \"$x\" \"$y\" \"$i\"\n");
        text
    }

    /// The end of a line, and the here-documents that it asked for.
    fn newline(&mut self) -> String {
        let mut text = "\n".to_owned();
        text.extend(std::mem::take(&mut self.pending));
        text
    }

    /// What divides two commands.
    fn separator(&mut self) -> String {
        match self.numbers.below(8) {
            0 => format!(" # comment{}", self.newline()),
            1 | 2 => self.newline(),
            3 => format!(";{}", self.newline()),
            4 => " ; ".to_owned(),
            _ => "; ".to_owned(),
        }
    }

    /// Commands, then what divides the last one from the word that closes the list.
    fn closed_list(&mut self, depth: usize) -> String {
        let mut text = String::new();
        for _ in 0..=self.numbers.below(3) {
            text.push_str(&self.and_or(depth));
            text.push_str(&self.separator());
        }
        text
    }

    /// Commands of which the last is not divided from what follows, which is no here-document.
    fn open_list(&mut self, depth: usize) -> String {
        let outer = std::mem::take(&mut self.pending);
        let mut text = String::new();
        for _ in 0..self.numbers.below(2) {
            text.push_str(&self.and_or(depth));
            text.push_str(&self.separator());
        }
        text.push_str(&self.and_or(depth));
        if !self.pending.is_empty() {
            text.push_str(&self.newline());
        }
        self.pending = outer;
        text
    }

    fn and_or(&mut self, depth: usize) -> String {
        let mut text = self.pipeline(depth);
        for _ in 0..self.numbers.below(6).saturating_sub(3) {
            text.push_str(self.numbers.one(&[" && ", " || ", "&&", "||"]));
            if self.numbers.once_in(8) {
                text.push_str(&self.newline());
            }
            text.push_str(&self.pipeline(depth));
        }
        text
    }

    fn pipeline(&mut self, depth: usize) -> String {
        let negation = if self.numbers.once_in(12) { "! " } else { "" };
        let text = match self.numbers.below(12) {
            0 => {
                let reader = match self.numbers.below(4) {
                    0 => "while read -r x y; do p \"$x\" \"$y\"; done".to_owned(),
                    1 => format!("{{ read x y{} p \"$x\" \"$y\"; cat; }}", self.separator()),
                    2 => format!("cat{}", self.redirections()),
                    _ => "(cat; echo $?)".to_owned(),
                };
                format!("{} | {reader}", self.writer())
            }
            1 => format!("{} | {}", self.printing(), self.command(depth.saturating_sub(1))),
            _ => self.command(depth),
        };
        format!("{negation}{text}")
    }

    /// The left side of a pipeline. It runs at the same time as the right one, so it leaves files alone.
    fn writer(&mut self) -> String {
        let (first, second) = (self.printing(), self.printing());
        match self.numbers.below(5) {
            0 => format!("{{ {first}; {second}; }}"),
            1 => format!("({first}; {second}; exit 3)"),
            2 => format!("for x in $y 'a b'; do {first}; done"),
            3 => format!("if {first}; then {second} >&2; fi 2>/dev/null"),
            _ => first,
        }
    }
}
