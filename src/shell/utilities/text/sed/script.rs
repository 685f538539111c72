//! A script of sed, taken apart.

use std::rc::Rc;

use crate::shell::regex::Regex;

/// What an address is compared with.
#[derive(Debug, Clone)]
pub(super) enum Address {
    /// The number of the line; 0 only as the first of two.
    Line(usize),
    /// `first~step`
    Step(usize, usize),
    /// `$`
    Last,
    /// A pattern; none is the last one that was used.
    Pattern(Option<Rc<Regex>>),
}

/// The second of two addresses.
#[derive(Debug, Clone)]
pub(super) enum Until {
    Address(Address),
    /// `+N`
    More(usize),
}

#[derive(Debug)]
pub(super) struct Command {
    pub(super) from: Option<Address>,
    pub(super) until: Option<Until>,
    /// `!`
    pub(super) inverse: bool,
    pub(super) action: Action,
}

/// A change of case in a replacement (`\U` and so on; GNU sed manual, 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
    UpperOne,
    LowerOne,
    End,
}

#[derive(Debug)]
pub(super) enum Piece {
    Text(Vec<u8>),
    Group(usize),
    Case(Case),
}

#[derive(Debug)]
pub(super) struct Substitute {
    pub(super) pattern: Option<Rc<Regex>>,
    pub(super) replacement: Vec<Piece>,
    /// Subexpressions that the replacement names.
    pub(super) wanted: Vec<usize>,
    pub(super) global: bool,
    pub(super) print: bool,
    /// From which match on.
    pub(super) number: usize,
    pub(super) write: Option<String>,
}

#[derive(Debug)]
pub(super) enum Action {
    /// `{`, with the place after its `}`
    Open(usize),
    /// `}`, `:`
    Nothing,
    Append(Vec<u8>),
    Insert(Vec<u8>),
    Change(Vec<u8>),
    /// `b`, with the place to go on
    Branch(usize),
    /// `t`
    IfReplaced(usize),
    /// `T`
    UnlessReplaced(usize),
    Delete,
    DeleteFirst,
    Empty,
    FileName,
    Number,
    Copy,
    CopyAppend,
    Hold,
    HoldAppend,
    Exchange,
    List(Option<usize>),
    Next,
    NextAppend,
    Print,
    PrintFirst,
    Quit(u8),
    QuitSilently(u8),
    Read(String),
    Write(String),
    Substitute(Box<Substitute>),
    Translate(Box<[u8; 256]>),
}
