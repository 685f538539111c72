//! Arithmetic expressions (XCU 2.6.4): those of C over 64-bit numbers.

use crate::shell::variables::Variables;

use super::number::{Number, whole};

/// How deep parentheses and signs may lie within each other.
const DEPTH_MAX: usize = 50;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is none.
    Expression(String),
    /// It is nested deeper than this goes.
    TooDeep,
    /// The smallest number is divided by -1, for which the processor has no answer: dash is killed.
    Killed,
}

/// Variables and what they were set to, in that order.
type Assigned = Vec<(String, i64)>;

/// The value of `expression`, and what it assigns.
pub(super) fn evaluate(expression: &str, variables: &Variables) -> (Result<i64, Wrong>, Assigned) {
    let mut parser = Parser { rest: expression, variables, assigned: Vec::new(), skipping: false, depth: 0 };
    let value = parser.whole();
    (value, parser.assigned)
}

struct Parser<'a> {
    rest: &'a str,
    variables: &'a Variables,
    assigned: Assigned,
    /// In the half of `&&`, `||` or `?:` that does not count: nothing is assigned or divided.
    skipping: bool,
    depth: usize,
}

type Value = Result<i64, Wrong>;

/// Binary operators, the weakest first.
const LEVELS: [&[&str]; 8] =
    [&["|"], &["^"], &["&"], &["==", "!="], &["<=", ">=", "<", ">"], &["<<", ">>"], &["+", "-"], &["*", "/", "%"]];

impl Parser<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n']);
    }

    fn eat(&mut self, token: &str) -> bool {
        self.blanks();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn wrong<T>(what: impl Into<String>) -> Result<T, Wrong> {
        Err(Wrong::Expression(what.into()))
    }

    fn whole(&mut self) -> Value {
        let value = self.assignment()?;
        self.blanks();
        if self.rest.is_empty() { Ok(value) } else { Self::wrong("an operator is expected") }
    }

    fn deeper(&mut self) -> Result<(), Wrong> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(Wrong::TooDeep) } else { Ok(()) }
    }

    fn assignment(&mut self) -> Value {
        self.deeper()?;
        self.blanks();
        let before = self.rest;
        let value = match self.name() {
            Some(name) => match self.assigns() {
                Some(operator) => {
                    let right = self.assignment()?;
                    let value = match operator {
                        "" => right,
                        _ if self.skipping => right,
                        operator => {
                            let left = self.variable(&name)?;
                            self.apply(operator, left, right)?
                        }
                    };
                    if !self.skipping {
                        self.assigned.push((name, value));
                    }
                    Ok(value)
                }
                None => {
                    self.rest = before;
                    self.ternary()
                }
            },
            None => self.ternary(),
        };
        self.depth -= 1;
        value
    }

    /// The operator of an assignment without its `=`, if that is next.
    fn assigns(&mut self) -> Option<&'static str> {
        self.blanks();
        if self.rest.starts_with("==") {
            return None;
        }
        let operators = ["<<", ">>", "+", "-", "*", "/", "%", "&", "^", "|", ""];
        let operator = operators
            .into_iter()
            .find(|operator| self.rest.strip_prefix(operator).is_some_and(|rest| rest.starts_with('=')))?;
        self.rest = self.rest.get(operator.len() + 1..).unwrap_or_default();
        Some(operator)
    }

    fn ternary(&mut self) -> Value {
        let condition = self.or()?;
        if !self.eat("?") {
            return Ok(condition);
        }
        let first = self.skip_unless(condition != 0, Self::assignment)?;
        if !self.eat(":") {
            return Self::wrong("`?` has no `:`");
        }
        let second = self.skip_unless(condition == 0, Self::ternary)?;
        Ok(if condition != 0 { first } else { second })
    }

    fn skip_unless(&mut self, counts: bool, parse: fn(&mut Self) -> Value) -> Value {
        let before = self.skipping;
        self.skipping |= !counts;
        let value = parse(self);
        self.skipping = before;
        value
    }

    fn or(&mut self) -> Value {
        let mut value = self.and()?;
        while self.eat("||") {
            let right = self.skip_unless(value == 0, Self::and)?;
            value = i64::from(value != 0 || right != 0);
        }
        Ok(value)
    }

    fn and(&mut self) -> Value {
        let mut value = self.binary(0)?;
        while self.eat("&&") {
            let right = self.skip_unless(value != 0, |parser| parser.binary(0))?;
            value = i64::from(value != 0 && right != 0);
        }
        Ok(value)
    }

    fn binary(&mut self, level: usize) -> Value {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut value = self.binary(level + 1)?;
        loop {
            self.blanks();
            let found = operators.iter().find(|operator| {
                let after = self.rest.strip_prefix(**operator);
                // `|` is no half of `||`, `<` none of `<<`, and `+` none of `+=`.
                let is_half = |after: &str| {
                    after.starts_with('=') || "|&<>".contains(**operator) && after.starts_with(**operator)
                };
                after.is_some_and(|after| operator.len() == 2 || !is_half(after))
            });
            let Some(operator) = found else { return Ok(value) };
            self.rest = self.rest.get(operator.len()..).unwrap_or_default();
            let right = self.binary(level + 1)?;
            value = self.apply(operator, value, right)?;
        }
    }

    fn apply(&self, operator: &str, left: i64, right: i64) -> Value {
        let shift = u32::try_from(right.rem_euclid(64)).unwrap_or(0);
        Ok(match operator {
            "|" => left | right,
            "^" => left ^ right,
            "&" => left & right,
            "==" => i64::from(left == right),
            "!=" => i64::from(left != right),
            "<=" => i64::from(left <= right),
            ">=" => i64::from(left >= right),
            "<" => i64::from(left < right),
            ">" => i64::from(left > right),
            "<<" => left.wrapping_shl(shift),
            ">>" => left.wrapping_shr(shift),
            "+" => left.wrapping_add(right),
            "-" => left.wrapping_sub(right),
            "*" => left.wrapping_mul(right),
            _ if self.skipping => 0,
            _ if right == 0 => return Self::wrong("division by zero"),
            "/" => left.checked_div(right).ok_or(Wrong::Killed)?,
            _ => left.checked_rem(right).ok_or(Wrong::Killed)?,
        })
    }

    fn unary(&mut self) -> Value {
        self.blanks();
        self.deeper()?;
        let value = if self.eat("!") {
            self.unary().map(|value| i64::from(value == 0))
        } else if self.eat("~") {
            self.unary().map(|value| !value)
        } else if self.eat("-") {
            self.unary().map(i64::wrapping_neg)
        } else if self.eat("+") {
            self.unary()
        } else if self.eat("(") {
            let value = self.assignment()?;
            if self.eat(")") { Ok(value) } else { Self::wrong("`(` has no `)`") }
        } else if let Some(name) = self.name() {
            self.variable(&name)
        } else {
            self.number()
        };
        self.depth -= 1;
        value
    }

    fn name(&mut self) -> Option<String> {
        if !self.rest.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic()) {
            return None;
        }
        let end = self.rest.find(|next: char| next != '_' && !next.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(name.to_owned())
    }

    /// An unset or empty variable counts as 0.
    fn variable(&self, name: &str) -> Value {
        if self.skipping {
            return Ok(0);
        }
        if let Some((_, value)) = self.assigned.iter().rev().find(|(assigned, _)| assigned == name) {
            return Ok(*value);
        }
        let text = self.variables.get(name).unwrap_or_default();
        match whole(text, None, true) {
            Some(value) => Ok(value),
            None => Self::wrong(format!("`{name}` is no number")),
        }
    }

    /// A constant of C; one that is too large is the largest.
    fn number(&mut self) -> Value {
        if !self.rest.starts_with(|first: char| first.is_ascii_digit()) {
            return Self::wrong("a number or a name is expected");
        }
        let number = Number::read(self.rest, None);
        self.rest = self.rest.get(number.length..).unwrap_or_default();
        Ok(number.signed().0)
    }
}
