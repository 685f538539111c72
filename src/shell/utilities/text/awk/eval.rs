//! Values of expressions of awk.

use std::rc::Rc;

use super::ast::{Arithmetic, Comparison, Expr, Function};
use super::functions::{gsub, sprintf, substr};
use super::record::{Separator, find};
use super::state::State;
use super::unsupported;
use super::value::{Value, integer};
use crate::shell::reason::Reason;
use crate::shell::regex::Regex;

impl State {
    pub(super) fn value(&mut self, expr: &Expr) -> Result<Value, Reason> {
        self.step()?;
        Ok(match expr {
            Expr::Number(number) => Value::Number(*number),
            Expr::Text(text) => Value::Text(Rc::clone(text)),
            Expr::Pattern(pattern) => {
                let text = self.whole()?;
                Value::bool(find(pattern, &text, 0)?.is_some())
            }
            Expr::Variable(name) => self.variable(name)?,
            Expr::Field(of) => {
                let number = self.field_number(of)?;
                if number == 0 { Value::input(&self.whole()?) } else { self.record.field(number)? }
            }
            Expr::Element(name, key) => {
                let key = self.key(key)?;
                self.array(name)?.entry(key).or_insert(Value::Unset).clone()
            }
            Expr::Several(_) => return Err(unsupported("several values in parentheses")),
            Expr::Group(inner) => self.value(inner)?,
            Expr::Assign(place, operator, value) => {
                let mut value = self.value(value)?;
                if let Some(operator) = operator {
                    let old = self.value(place)?.number()?;
                    value = calculate(*operator, old, value.number()?)?;
                }
                self.assign(place, value.clone())?;
                value
            }
            Expr::Step(place, by, after) => {
                let old = self.value(place)?.number()?;
                self.assign(place, Value::Number(old + by))?;
                Value::Number(if *after { old } else { old + by })
            }
            Expr::Condition(condition, then, otherwise) => {
                let condition = self.value(condition)?.truth();
                self.value(if condition { then } else { otherwise })?
            }
            Expr::Or(left, right) => Value::bool(self.value(left)?.truth() || self.value(right)?.truth()),
            Expr::And(left, right) => Value::bool(self.value(left)?.truth() && self.value(right)?.truth()),
            Expr::In(key, array) => {
                let key = self.key(key)?;
                Value::bool(self.array(array)?.contains_key(&key))
            }
            Expr::Match(text, pattern, wanted) => {
                let text = self.text(text)?;
                let pattern = self.pattern_of(pattern)?;
                Value::bool(find(&pattern, &text, 0)?.is_some() == *wanted)
            }
            Expr::Compare(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                let order = left.compare(&right, &self.format())?;
                Value::bool(match operator {
                    Comparison::Less => order.is_lt(),
                    Comparison::LessOrEqual => order.is_le(),
                    Comparison::Equal => order.is_eq(),
                    Comparison::NotEqual => order.is_ne(),
                    Comparison::GreaterOrEqual => order.is_ge(),
                    Comparison::Greater => order.is_gt(),
                })
            }
            Expr::Join(left, right) => {
                let mut text = self.text(left)?.to_vec();
                text.extend_from_slice(&self.text(right)?);
                self.charge(text.len())?;
                let value = Value::Text(text.into());
                self.bytes(&value)?;
                value
            }
            Expr::Calculate(operator, left, right) => {
                let (left, right) = (self.value(left)?.number()?, self.value(right)?.number()?);
                calculate(*operator, left, right)?
            }
            Expr::Not(inner) => Value::bool(!self.value(inner)?.truth()),
            Expr::Negative(inner) => Value::Number(-self.value(inner)?.number()?),
            Expr::Positive(inner) => Value::Number(self.value(inner)?.number()?),
            Expr::Call(function, args) => self.call(*function, args)?,
        })
    }

    pub(super) fn text(&mut self, expr: &Expr) -> Result<Rc<[u8]>, Reason> {
        let value = self.value(expr)?;
        self.bytes(&value)
    }

    pub(super) fn key(&mut self, expr: &Expr) -> Result<Rc<[u8]>, Reason> {
        self.text(expr)
    }

    fn field_number(&mut self, of: &Expr) -> Result<usize, Reason> {
        let number = integer(self.value(of)?.number()?)?;
        usize::try_from(number).map_err(|_| unsupported("a negative field"))
    }

    fn pattern_of(&mut self, expr: &Expr) -> Result<Rc<Regex>, Reason> {
        match expr {
            Expr::Pattern(pattern) => Ok(Rc::clone(pattern)),
            Expr::Group(inner) => self.pattern_of(inner),
            expr => {
                let text = self.text(expr)?;
                self.pattern(&text)
            }
        }
    }

    fn assign(&mut self, place: &Expr, value: Value) -> Result<(), Reason> {
        match place {
            Expr::Variable(name) => self.set_variable(name, value),
            Expr::Element(name, key) => {
                let key = self.key(key)?;
                self.array(name)?.insert(key, value);
                Ok(())
            }
            Expr::Field(of) => match self.field_number(of)? {
                0 => {
                    let text = self.bytes(&value)?;
                    self.set_whole(text)
                }
                number => self.record.set_field(number, value),
            },
            _ => Err(unsupported("an assignment to what is no variable")),
        }
    }

    fn call(&mut self, function: Function, args: &[Expr]) -> Result<Value, Reason> {
        let arg = |place: usize| args.get(place).ok_or_else(|| unsupported("too few arguments of a function"));
        #[expect(clippy::cast_precision_loss, reason = "lengths of what is in memory fit")]
        let number = |number: usize| Ok(Value::Number(number as f64));
        match function {
            Function::Length => match args {
                [] => number(self.whole()?.len()),
                [Expr::Variable(name), ..] if self.is_array(name) => number(self.array(name)?.len()),
                [of, ..] => number(self.text(of)?.len()),
            },
            Function::Int => Ok(Value::Number(self.value(arg(0)?)?.number()?.trunc())),
            Function::ToLower => Ok(Value::text(&self.text(arg(0)?)?.to_ascii_lowercase())),
            Function::ToUpper => Ok(Value::text(&self.text(arg(0)?)?.to_ascii_uppercase())),
            Function::Index => {
                let (text, part) = (self.text(arg(0)?)?, self.text(arg(1)?)?);
                if part.is_empty() {
                    return Err(unsupported("index() of an empty string"));
                }
                number(text.windows(part.len()).position(|window| window == &*part).map_or(0, |at| at + 1))
            }
            Function::Match => {
                let text = self.text(arg(0)?)?;
                let pattern = self.pattern_of(arg(1)?)?;
                let found = find(&pattern, &text, 0)?;
                self.set_number("RSTART", found.map_or(0, |(start, _)| start + 1));
                match found {
                    Some((start, end)) => self.set_number("RLENGTH", end - start),
                    None => self.set_variable("RLENGTH", Value::Number(-1.0))?,
                }
                number(found.map_or(0, |(start, _)| start + 1))
            }
            Function::Split => {
                let text = self.text(arg(0)?)?;
                let Expr::Variable(name) = arg(1)? else { return Err(unsupported("split() into what is no array")) };
                let separator = match args.get(2) {
                    None => Separator::new(&self.setting("FS"))?,
                    Some(Expr::Pattern(pattern)) => Separator::Pattern(Rc::clone(pattern)),
                    Some(expr) => Separator::new(&self.text(expr)?)?,
                };
                let parts = separator.split(&text)?;
                let array = self.array(name)?;
                array.clear();
                for (key, part) in (1..).zip(&parts) {
                    let key: usize = key;
                    array.insert(key.to_string().into_bytes().into(), Value::input(part));
                }
                number(parts.len())
            }
            Function::Substr => {
                let text = self.text(arg(0)?)?;
                let start = self.value(arg(1)?)?.number()?;
                let length = match args.get(2) {
                    Some(length) => Some(self.value(length)?.number()?),
                    None => None,
                };
                substr(&text, start, length).map(Value::text)
            }
            Function::Sprintf => {
                let values = args.iter().map(|arg| self.value(arg)).collect::<Result<Vec<_>, _>>()?;
                let text = sprintf(self, &values)?;
                self.charge(text.len())?;
                Ok(Value::Text(text.into()))
            }
            Function::Sub | Function::Gsub => {
                let pattern = self.pattern_of(arg(0)?)?;
                let new = self.text(arg(1)?)?;
                let record = Expr::Field(Box::new(Expr::Number(0.0)));
                let place = args.get(2).unwrap_or(&record);
                if !super::expr::is_place(place) {
                    return Err(unsupported("a replacement in what is no variable"));
                }
                let text = self.text(place)?;
                self.charge(text.len())?;
                let (text, count) = gsub(&pattern, &new, &text, function == Function::Gsub)?;
                if count > 0 {
                    self.assign(place, Value::Text(text.into()))?;
                }
                number(count)
            }
        }
    }
}

fn calculate(operator: Arithmetic, left: f64, right: f64) -> Result<Value, Reason> {
    if right == 0.0 && matches!(operator, Arithmetic::Divide | Arithmetic::Remainder) {
        return Err(unsupported("a division by zero"));
    }
    Ok(Value::Number(match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Remainder => left % right,
        Arithmetic::Power if right.fract() == 0.0 && right.abs() < 64.0 => {
            left.powi(integer(right)?.try_into().unwrap_or(0))
        }
        // What is not exact may differ in its last digit between machines.
        Arithmetic::Power => return Err(unsupported("a power that is no small integer")),
    }))
}
