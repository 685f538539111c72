//! What a shell script says, as a value (POSIX.1-2024, XCU 2.10 "Shell Grammar").
//!
//! Words keep their quoting, since what is quoted is neither split nor matched against file names. Every command knows its
//! line, so that whoever cannot follow one says where it stands.

use std::cell::OnceCell;
use std::rc::Rc;

/// Commands, one after the other.
pub type List = Vec<AndOr>;

/// Pipelines with `&&` and `||` between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AndOr {
    pub first: Pipeline,
    pub rest: Vec<(Connector, Pipeline)>,
    /// It ends with `&`.
    pub background: bool,
}

/// When the pipeline after it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    /// `&&`
    And,
    /// `||`
    Or,
}

/// Commands whose outputs and inputs are tied together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// It begins with `!`.
    pub negated: bool,
    /// At least one.
    pub commands: Vec<Command>,
}

/// A command with its redirections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Of the script, from 1.
    pub line: usize,
    pub kind: CommandKind,
    /// In the order in which they are made.
    pub redirects: Vec<Redirect>,
}

/// What kind of command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandKind {
    /// Assignments, then a command's name and arguments; either may be missing.
    Simple { assignments: Vec<Assignment>, words: Vec<Word> },
    /// `{ …; }`
    Group(List),
    /// `( … )`
    Subshell(List),
    /// `if` and each `elif` with its `then`, and what `else` has.
    If { branches: Vec<(List, List)>, otherwise: List },
    /// `while`, or `until`.
    While { until: bool, condition: List, body: List },
    /// `for NAME in WORDS`; without `in` it goes through the positional parameters.
    For { name: String, words: Option<Vec<Word>>, body: List },
    /// `case`
    Case { word: Word, arms: Vec<Arm> },
    /// `alias` of these names, which stand for words from the next line on.
    Alias(Vec<String>),
    /// `NAME() …`
    Function { name: String, body: Rc<Command> },
    /// `[[ … ]]` of bash: its words, of which `<`, `>`, `&&`, `||`, `(`, `)` and `!` stand as unquoted words of their own.
    Test(Vec<Word>),
}

/// One arm of `case`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    pub patterns: Vec<Word>,
    pub body: List,
    /// It ends with `;&`: the next arm's body follows.
    pub falls_through: bool,
}

/// `NAME=WORD` before a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    pub name: String,
    /// `+=` of bash.
    pub append: bool,
    pub value: Word,
}

/// One redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The descriptor before the operator; the operator's own if there is none.
    pub descriptor: Option<u32>,
    pub kind: RedirectKind,
}

/// What a redirection does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectKind {
    /// `<`
    Read(Word),
    /// `>` and `>|`
    Write(Word),
    /// `>>`
    Append(Word),
    /// `<>`
    ReadWrite(Word),
    /// `<&`
    DuplicateInput(Word),
    /// `>&`
    DuplicateOutput(Word),
    /// `&>` of bash: standard output and standard error.
    WriteBoth(Word),
    /// `<<` and `<<-`: the text, with expansions if its delimiter was not quoted. It is known once the line is read.
    Here(Rc<OnceCell<Word>>),
}

/// A word before expansion: its parts, side by side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    pub parts: Vec<Part>,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it stands, unquoted: `*`, `?` and `[` are special in it where patterns are.
    Text(String),
    /// As it stands, quoted by `'`, `\` or within `"`: nothing in it is special.
    Quoted(String),
    /// Within `"…"`: its expansions are not split. An empty one makes an empty word.
    DoubleQuoted(Vec<Part>),
    /// `$NAME`, `${…}`
    Parameter(Box<Parameter>),
    /// `$(…)` and `` `…` ``
    Command(List),
    /// `$((…))`: the expression, whose expansions come first.
    Arithmetic(Word),
}

/// A parameter's expansion (XCU 2.6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// A name, a number, or one of `@*#?-$!`.
    pub name: String,
    pub operation: Operation,
    /// Of the script, from 1.
    pub line: usize,
}

/// What is done with a parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `$NAME`
    Value,
    /// `${#NAME}`
    Length,
    /// `${NAME-WORD}`; `${NAME:-WORD}` if `or_empty`.
    Default { or_empty: bool, word: Word },
    /// `${NAME=WORD}`
    Assign { or_empty: bool, word: Word },
    /// `${NAME?WORD}`
    Error { or_empty: bool, word: Word },
    /// `${NAME+WORD}`
    Alternative { or_empty: bool, word: Word },
    /// `${NAME#PATTERN}`; `##` if `longest`.
    RemovePrefix { longest: bool, pattern: Word },
    /// `${NAME%PATTERN}`; `%%` if `longest`.
    RemoveSuffix { longest: bool, pattern: Word },
    /// `${NAME/PATTERN/WORD}` of bash; `//` if `all`.
    Replace { all: bool, pattern: Word, with: Word },
    /// `${NAME:OFFSET:LENGTH}` of bash: two arithmetic expressions.
    Substring { offset: Word, length: Option<Word> },
    /// Anything else, which is a mistake once it is carried out (dash: "Bad substitution").
    Unknown,
}

impl Word {
    /// A word that stands for itself, if it has nothing to expand and nothing quoted.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it has the form of an assignment: an unquoted name and `=` come first (XCU 2.10.2, rule 7).
    #[must_use]
    pub fn is_assignment(&self) -> bool {
        let Some(Part::Text(first)) = self.parts.first() else { return false };
        first.split_once('=').is_some_and(|(name, _)| is_name(name))
    }
}

/// Whether `text` is a name (XBD 3.216): that of a variable or a function.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}
