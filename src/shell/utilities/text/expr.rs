//! expr: POSIX.1-2024 XCU expr; the manual of GNU coreutils 9.7, 16.4.

use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;
use crate::shell::regex::{Dialect, Escapes, Options, Regex, Syntax};

/// Deepest nesting of parentheses.
const DEPTH_MAX: usize = 100;

fn unsupported(what: impl Into<String>) -> Reason {
    Reason::unsupported("expr", what)
}

/// Why there is no value.
enum Stop {
    Reason(Reason),
    /// It says so and its exit status is 2.
    Error(&'static str),
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Reason(reason)
    }
}

struct Parser<'a> {
    args: &'a [String],
    at: usize,
    depth: usize,
}

fn is_null(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    value.is_empty() || !digits.is_empty() && digits.bytes().all(|byte| byte == b'0')
}

fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(value: &str) -> Result<i128, Stop> {
    if !is_number(value) {
        return Err(Stop::Error("non-integer argument"));
    }
    // Numbers have any size there.
    Ok(value.parse().map_err(|_| unsupported("so large a number"))?)
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Result<&'a str, Stop> {
        let arg = self.args.get(self.at).ok_or_else(|| unsupported("an unfinished expression"))?;
        self.at += 1;
        Ok(arg)
    }

    /// Takes the next argument if it is one of `operators`.
    fn take(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        let next = self.args.get(self.at)?;
        let found = operators.iter().find(|operator| *operator == next)?;
        self.at += 1;
        Some(found)
    }

    fn either(&mut self) -> Result<String, Stop> {
        let mut left = self.both()?;
        while self.take(&["|"]).is_some() {
            let right = self.both()?;
            if is_null(&left) {
                left = if is_null(&right) { "0".to_owned() } else { right };
            }
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<String, Stop> {
        let mut left = self.comparison()?;
        while self.take(&["&"]).is_some() {
            let right = self.comparison()?;
            if is_null(&left) || is_null(&right) {
                "0".clone_into(&mut left);
            }
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<String, Stop> {
        let mut left = self.sum()?;
        while let Some(operator) = self.take(&["<", "<=", "=", "==", "!=", ">=", ">"]) {
            let right = self.sum()?;
            let order = if is_number(&left) && is_number(&right) {
                number(&left)?.cmp(&number(&right)?)
            } else {
                left.as_bytes().cmp(right.as_bytes())
            };
            let holds = match operator {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                "=" | "==" => order.is_eq(),
                "!=" => order.is_ne(),
                ">=" => order.is_ge(),
                _ => order.is_gt(),
            };
            left = u8::from(holds).to_string();
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<String, Stop> {
        let mut left = self.product()?;
        while let Some(operator) = self.take(&["+", "-"]) {
            let right = self.product()?;
            left = calculate(operator, &left, &right)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<String, Stop> {
        let mut left = self.matching()?;
        while let Some(operator) = self.take(&["*", "/", "%"]) {
            let right = self.matching()?;
            left = calculate(operator, &left, &right)?;
        }
        Ok(left)
    }

    fn matching(&mut self) -> Result<String, Stop> {
        let mut left = self.function()?;
        while self.take(&[":"]).is_some() {
            let pattern = self.function()?;
            left = matched(&left, &pattern)?;
        }
        Ok(left)
    }

    fn function(&mut self) -> Result<String, Stop> {
        match self.take(&["+", "length", "match", "index", "substr"]) {
            Some("+") => Ok(self.next()?.to_owned()),
            Some("length") => Ok(self.function()?.len().to_string()),
            Some("match") => {
                let text = self.function()?;
                let pattern = self.function()?;
                Ok(matched(&text, &pattern)?)
            }
            Some("index") => {
                let text = self.function()?;
                let bytes = self.function()?;
                let place = text.bytes().position(|byte| bytes.as_bytes().contains(&byte));
                Ok(place.map_or(0, |at| at + 1).to_string())
            }
            Some(_) => {
                let text = self.function()?;
                let (from, count) = (self.function()?, self.function()?);
                let place = |value: &str| number(value).ok().and_then(|number| usize::try_from(number).ok());
                let (Some(from), Some(count)) = (place(&from), place(&count)) else { return Ok(String::new()) };
                let bytes = text.as_bytes().iter().skip(from.wrapping_sub(1)).take(count);
                let bytes = if from == 0 { Vec::new() } else { bytes.copied().collect() };
                Ok(String::from_utf8(bytes).map_err(|_| Reason::NotText)?)
            }
            None => self.primary(),
        }
    }

    fn primary(&mut self) -> Result<String, Stop> {
        match self.next()? {
            "(" => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(Reason::Limit("100 parentheses in each other").into());
                }
                let value = self.either()?;
                if self.next()? != ")" {
                    return Err(unsupported("a `(` without its `)`").into());
                }
                self.depth -= 1;
                Ok(value)
            }
            ")" => Err(unsupported("a `)` without its `(`").into()),
            value => Ok(value.to_owned()),
        }
    }
}

fn calculate(operator: &str, left: &str, right: &str) -> Result<String, Stop> {
    let (left, right) = (number(left)?, number(right)?);
    if right == 0 && ["/", "%"].contains(&operator) {
        return Err(Stop::Error("division by zero"));
    }
    let value = match operator {
        "+" => left.checked_add(right),
        "-" => left.checked_sub(right),
        "*" => left.checked_mul(right),
        "/" => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    Ok(value.ok_or_else(|| unsupported("so large a number"))?.to_string())
}

/// `text : pattern`: the subexpression's part, or how many bytes are matched, from the start of the text.
fn matched(text: &str, pattern: &str) -> Result<String, Reason> {
    let syntax = Syntax { dialect: Dialect::Basic, escapes: Escapes::Grep };
    let error = |error| unsupported(format!("the pattern `{pattern}`, which has {error}"));
    let regex = Regex::new([pattern.as_bytes()], syntax, Options::default()).map_err(error)?;
    let wanted: &[usize] = if regex.groups() > 0 { &[1] } else { &[] };
    let found = regex.groups_at(text.as_bytes(), 0, wanted).map_err(error)?;
    let found = found.filter(|spans| matches!(spans.first(), Some(Some((0, _)))));
    if regex.groups() > 0 {
        let part = found.and_then(|spans| spans.get(1).copied().flatten());
        let (from, to) = part.unwrap_or((0, 0));
        return text.get(from..to).map(str::to_owned).ok_or(Reason::NotText);
    }
    Ok(found.and_then(|spans| spans.first().copied().flatten()).map_or(0, |(_, end)| end).to_string())
}

/// expr(1)
pub(super) fn expr(call: &mut Call<'_>) -> Answer {
    let args = match call.args {
        [first, rest @ ..] if first == "--" => rest,
        args => args,
    };
    let mut parser = Parser { args, at: 0, depth: 0 };
    let value = parser.either();
    match value {
        Ok(_) if parser.at < args.len() => Err(unsupported("a syntax error")),
        Ok(value) => {
            call.print(&format!("{value}\n"));
            Ok(u8::from(is_null(&value)))
        }
        Err(Stop::Reason(reason)) => Err(reason),
        Err(Stop::Error(error)) => {
            call.complain(&format!("expr: {error}"));
            Ok(2)
        }
    }
}
