//! A program of awk, taken apart.

use std::rc::Rc;

use crate::shell::regex::Regex;

/// Operators on numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

/// Functions that awk has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Gsub,
    Index,
    Int,
    Length,
    Match,
    Split,
    Sprintf,
    Sub,
    Substr,
    ToLower,
    ToUpper,
}

#[derive(Debug)]
pub(super) enum Expr {
    Number(f64),
    Text(Rc<[u8]>),
    /// Alone it is matched with the record.
    Pattern(Rc<Regex>),
    Variable(String),
    Field(Box<Expr>),
    Element(String, Box<Expr>),
    /// Several in parentheses, as `print` has them.
    Several(Vec<Expr>),
    Group(Box<Expr>),
    Assign(Box<Expr>, Option<Arithmetic>, Box<Expr>),
    /// `++` and `--`; whether the value is that from before.
    Step(Box<Expr>, f64, bool),
    Condition(Box<Expr>, Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    In(Box<Expr>, String),
    /// Whether it matches, or with `false` whether not.
    Match(Box<Expr>, Box<Expr>, bool),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Join(Box<Expr>, Box<Expr>),
    Calculate(Arithmetic, Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Positive(Box<Expr>),
    Call(Function, Vec<Expr>),
}

#[derive(Debug)]
pub(super) enum Statement {
    Nothing,
    Expr(Expr),
    /// What is printed, and whether to standard error.
    Print(Vec<Expr>, bool),
    Printf(Vec<Expr>, bool),
    If(Expr, Box<Statement>, Option<Box<Statement>>),
    While(Expr, Box<Statement>),
    Do(Box<Statement>, Expr),
    For(Box<Statement>, Option<Expr>, Box<Statement>, Box<Statement>),
    ForIn(String, String, Box<Statement>),
    Block(Vec<Statement>),
    Delete(String, Option<Expr>),
    Next,
    Exit(Option<Expr>),
    Break,
    Continue,
}

/// When an action is carried out.
#[derive(Debug)]
pub(super) enum When {
    Begin,
    End,
    Always,
    Expr(Expr),
    Range(Expr, Expr),
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) when: When,
    /// None prints the record.
    pub(super) action: Option<Statement>,
}
