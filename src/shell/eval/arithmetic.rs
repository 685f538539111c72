//! Arithmetic expressions (XCU 2.6.4): those of C over 64-bit numbers.

use crate::shell::variables::Variables;

/// How deep parentheses and signs may lie within each other.
const DEPTH_MAX: usize = 50;

/// The value of `expression`. Variables may be assigned.
///
/// # Errors
/// What is wrong with it, in words.
pub fn evaluate(expression: &str, variables: &mut Variables) -> Result<i64, String> {
    let mut parser = Parser { rest: expression, variables, skipping: false, depth: 0 };
    let value = parser.comma()?;
    parser.blanks();
    if parser.rest.is_empty() { Ok(value) } else { Err(format!("`{}` is no end of an expression", parser.rest)) }
}

struct Parser<'a> {
    rest: &'a str,
    variables: &'a mut Variables,
    /// In the half of `&&`, `||` or `?:` that does not count: nothing is assigned or divided.
    skipping: bool,
    depth: usize,
}

type Value = Result<i64, String>;

/// Binary operators, the weakest first.
const LEVELS: [&[&str]; 8] =
    [&["|"], &["^"], &["&"], &["==", "!="], &["<=", ">=", "<", ">"], &["<<", ">>"], &["+", "-"], &["*", "/", "%"]];

impl Parser<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
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

    fn comma(&mut self) -> Value {
        let mut value = self.assignment()?;
        while self.eat(",") {
            value = self.assignment()?;
        }
        Ok(value)
    }

    fn assignment(&mut self) -> Value {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("it is nested too deep".to_owned());
        }
        self.blanks();
        let before = self.rest;
        let value = match self.name() {
            Some(name) => match self.assigns() {
                Some(operator) => {
                    let right = self.assignment()?;
                    let value = match operator {
                        "" => right,
                        operator => {
                            let left = self.variable(&name)?;
                            self.apply(operator, left, right)?
                        }
                    };
                    if !self.skipping {
                        self.variables.set(&name, value.to_string());
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
        self.rest = &self.rest[operator.len() + 1..];
        Some(operator)
    }

    fn ternary(&mut self) -> Value {
        let condition = self.or()?;
        if !self.eat("?") {
            return Ok(condition);
        }
        let first = self.skip_unless(condition != 0, Self::comma)?;
        if !self.eat(":") {
            return Err("`?` has no `:`".to_owned());
        }
        let second = self.skip_unless(condition == 0, Self::assignment)?;
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
            self.rest = &self.rest[operator.len()..];
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
            _ if right == 0 => return Err("division by zero".to_owned()),
            "/" => left.wrapping_div(right),
            _ => left.wrapping_rem(right),
        })
    }

    fn unary(&mut self) -> Value {
        self.blanks();
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("it is nested too deep".to_owned());
        }
        let value = if self.rest.starts_with("++") || self.rest.starts_with("--") {
            Err("`++` and `--` are not POSIX's".to_owned())
        } else if self.eat("!") {
            self.unary().map(|value| i64::from(value == 0))
        } else if self.eat("~") {
            self.unary().map(|value| !value)
        } else if self.eat("-") {
            self.unary().map(i64::wrapping_neg)
        } else if self.eat("+") {
            self.unary()
        } else if self.eat("(") {
            let value = self.comma()?;
            if self.eat(")") { Ok(value) } else { Err("`(` has no `)`".to_owned()) }
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
        match self.variables.get(name).map(str::trim) {
            None | Some("") => Ok(0),
            Some(text) => number(text).ok_or_else(|| format!("`{name}` is `{text}`, which is no number")),
        }
    }

    fn number(&mut self) -> Value {
        let end = self.rest.find(|next: char| !next.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        let value = number(text)
            .ok_or_else(|| format!("a number is expected at `{}`", self.rest.chars().take(20).collect::<String>()))?;
        self.rest = rest;
        Ok(value)
    }
}

/// A constant of C: decimal, `0` octal, `0x` hexadecimal; signs may stand before it in a variable's value.
fn number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        None => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = i64::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}
