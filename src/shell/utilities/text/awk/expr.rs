//! Reads expressions of awk, by precedence (POSIX.1-2024 XCU awk, table of operators).

use std::borrow::Cow;
use std::rc::Rc;

use super::ast::{Arithmetic, Comparison, Expr, Function};
use super::lex::{KEYWORDS, Token, function};
use super::unsupported;
use crate::shell::reason::Reason;
use crate::shell::regex::{Dialect, Escapes, Options, PatternError, Regex, Syntax};

/// Deepest nesting.
const DEPTH_MAX: usize = 100;

/// The pattern `text`. Classes of bytes such as `\s`, which gawk has and POSIX does not, are refused; mawk takes them for the letters.
pub(super) fn regex(text: &[u8], mawk: bool) -> Result<Rc<Regex>, Reason> {
    let plain = if mawk { without_classes(text) } else { Cow::Borrowed(text) };
    let syntax = Syntax { dialect: Dialect::Extended, escapes: Escapes::Awk };
    let error = |error: PatternError| {
        unsupported(format!("the pattern `{}`, which has {error}", String::from_utf8_lossy(text)))
    };
    Regex::new([&*plain], syntax, Options::default()).map(Rc::new).map_err(error)
}

/// A pattern with the letters that mawk 1.3.4 takes `\s`, `\w` and the like for; from its first bracket on as it is.
fn without_classes(text: &[u8]) -> Cow<'_, [u8]> {
    let mut plain = Vec::new();
    let mut rest = text;
    loop {
        match rest {
            [b'\\', byte @ (b's' | b'S' | b'w' | b'W' | b'd' | b'D'), after @ ..] => {
                plain.push(*byte);
                rest = after;
            }
            [b'\\', byte, after @ ..] => {
                plain.extend([b'\\', *byte]);
                rest = after;
            }
            [b'[', ..] | [] => break,
            [byte, after @ ..] => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

/// Goes through the tokens.
pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Within `print` without parentheses, where `>` names a file.
    printing: bool,
    /// Within `for (`, where `in` ends an expression.
    parentheses: usize,
    /// Whether the awk is known to be mawk.
    mawk: bool,
}

impl Parser {
    pub(super) fn new(tokens: Vec<Token>, mawk: bool) -> Self {
        Self { tokens, at: 0, depth: 0, printing: false, parentheses: 0, mawk }
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }

    pub(super) fn back(&mut self, place: usize) {
        self.at = place;
    }

    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(super) fn here(&self) -> String {
        match self.peek() {
            None => "the end".to_owned(),
            Some(Token::Mark(mark)) => format!("`{mark}`"),
            Some(Token::Name(name)) => format!("`{name}`"),
            Some(Token::Line) => "a line's end".to_owned(),
            Some(_) => "a value".to_owned(),
        }
    }

    pub(super) fn is(&self, mark: &str) -> bool {
        matches!(self.peek(), Some(Token::Mark(here)) if *here == mark)
    }

    pub(super) fn take(&mut self, mark: &str) -> bool {
        let here = self.is(mark);
        self.at += usize::from(here);
        here
    }

    pub(super) fn need(&mut self, mark: &str) -> Result<(), Reason> {
        if self.take(mark) { Ok(()) } else { Err(unsupported(format!("{} in place of `{mark}`", self.here()))) }
    }

    pub(super) fn is_line(&self) -> bool {
        matches!(self.peek(), Some(Token::Line))
    }

    pub(super) fn take_line(&mut self) -> bool {
        let here = self.is_line();
        self.at += usize::from(here);
        here
    }

    pub(super) fn lines(&mut self) {
        while self.take_line() {}
    }

    pub(super) fn take_name(&mut self, name: &str) -> bool {
        let here = matches!(self.peek(), Some(Token::Name(here)) if here == name);
        self.at += usize::from(here);
        here
    }

    /// Takes the name of a variable or an array.
    pub(super) fn any_name(&mut self) -> Option<String> {
        let Some(Token::Name(name)) = self.peek() else { return None };
        if KEYWORDS.contains(&name.as_str()) || function(name).is_some() {
            return None;
        }
        let name = name.clone();
        self.at += 1;
        Some(name)
    }

    pub(super) fn enter(&mut self) -> Result<(), Reason> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            Err(Reason::Limit("100 statements or values of awk in each other"))
        } else {
            Ok(())
        }
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// What `print` and `printf` are given.
    pub(super) fn printed(&mut self) -> Result<Vec<Expr>, Reason> {
        let ends = |parser: &Self| {
            parser.at_end() || parser.is_line() || [";", "}", ">", ">>", "|"].iter().any(|mark| parser.is(mark))
        };
        if ends(self) {
            return Ok(Vec::new());
        }
        self.printing = true;
        let mut all = vec![self.expr()?];
        while self.take(",") {
            self.lines();
            all.push(self.expr()?);
        }
        self.printing = false;
        match all.pop() {
            Some(Expr::Several(inner)) if all.is_empty() => Ok(inner),
            Some(Expr::Several(_)) => Err(unsupported("several values in parentheses")),
            Some(last) => {
                all.push(last);
                Ok(all)
            }
            None => Ok(all),
        }
    }

    pub(super) fn expr(&mut self) -> Result<Expr, Reason> {
        self.enter()?;
        let found = self.condition()?;
        self.leave();
        Ok(found)
    }

    fn condition(&mut self) -> Result<Expr, Reason> {
        let condition = self.or()?;
        if self.take("?") {
            self.lines();
            let then = self.expr()?;
            self.lines();
            self.need(":")?;
            self.lines();
            let otherwise = self.expr()?;
            return Ok(Expr::Condition(Box::new(condition), Box::new(then), Box::new(otherwise)));
        }
        let operators = [
            ("=", None),
            ("+=", Some(Arithmetic::Add)),
            ("-=", Some(Arithmetic::Subtract)),
            ("*=", Some(Arithmetic::Multiply)),
            ("/=", Some(Arithmetic::Divide)),
            ("%=", Some(Arithmetic::Remainder)),
            ("^=", Some(Arithmetic::Power)),
        ];
        for (mark, operator) in operators {
            if self.take(mark) {
                if !is_place(&condition) {
                    return Err(unsupported("an assignment to what is no variable"));
                }
                self.lines();
                let value = self.expr()?;
                return Ok(Expr::Assign(Box::new(condition), operator, Box::new(value)));
            }
        }
        Ok(condition)
    }

    fn or(&mut self) -> Result<Expr, Reason> {
        let mut left = self.and()?;
        while self.take("||") {
            self.lines();
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, Reason> {
        let mut left = self.membership()?;
        while self.take("&&") {
            self.lines();
            left = Expr::And(Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Result<Expr, Reason> {
        let mut left = self.matching()?;
        while self.take_name("in") {
            let array = self.any_name().ok_or_else(|| unsupported("`in` without an array"))?;
            left = Expr::In(Box::new(left), array);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Result<Expr, Reason> {
        let mut left = self.comparison()?;
        loop {
            let wanted = if self.take("~") {
                true
            } else if self.is("!") && self.tokens.get(self.at + 1) == Some(&Token::Mark("~")) {
                self.at += 2;
                false
            } else {
                return Ok(left);
            };
            // Whether `!` or `~` comes first is not the same in every awk.
            if matches!(left, Expr::Not(_)) {
                return Err(unsupported("`!` before `~` without parentheses"));
            }
            left = Expr::Match(Box::new(left), Box::new(self.comparison()?), wanted);
        }
    }

    fn comparison(&mut self) -> Result<Expr, Reason> {
        let left = self.joined()?;
        let operators = [
            ("<", Comparison::Less),
            ("<=", Comparison::LessOrEqual),
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            (">=", Comparison::GreaterOrEqual),
            (">", Comparison::Greater),
        ];
        for (mark, operator) in operators {
            if self.printing && self.parentheses == 0 && mark.starts_with('>') {
                // mawk takes this for the name of a file, too.
                if self.is(">=") {
                    return Err(unsupported("`>=` in `print` without parentheses"));
                }
                continue;
            }
            if self.take(mark) {
                if matches!(left, Expr::Not(_)) {
                    return Err(unsupported("`!` before a comparison without parentheses"));
                }
                return Ok(Expr::Compare(operator, Box::new(left), Box::new(self.joined()?)));
            }
        }
        Ok(left)
    }

    /// Whether something follows that is joined to what came before.
    fn begins_operand(&self) -> bool {
        match self.peek() {
            Some(Token::Number(_) | Token::Text(_)) => true,
            Some(Token::Name(name)) => function(name).is_some() || !KEYWORDS.contains(&name.as_str()),
            Some(Token::Mark(mark)) => ["$", "("].contains(mark),
            _ => false,
        }
    }

    fn joined(&mut self) -> Result<Expr, Reason> {
        let mut left = self.sum()?;
        while self.begins_operand() {
            left = Expr::Join(Box::new(left), Box::new(self.sum()?));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expr, Reason> {
        let mut left = self.product()?;
        loop {
            let operator = match () {
                () if self.take("+") => Arithmetic::Add,
                () if self.take("-") => Arithmetic::Subtract,
                () => return Ok(left),
            };
            left = Expr::Calculate(operator, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expr, Reason> {
        let mut left = self.unary()?;
        loop {
            let operator = match () {
                () if self.take("*") => Arithmetic::Multiply,
                () if self.take("/") => Arithmetic::Divide,
                () if self.take("%") => Arithmetic::Remainder,
                () => return Ok(left),
            };
            left = Expr::Calculate(operator, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Result<Expr, Reason> {
        self.enter()?;
        let found = if self.is("!") && self.tokens.get(self.at + 1) != Some(&Token::Mark("~")) {
            self.skip();
            Expr::Not(Box::new(self.unary()?))
        } else if self.take("-") {
            Expr::Negative(Box::new(self.unary()?))
        } else if self.take("+") {
            Expr::Positive(Box::new(self.unary()?))
        } else {
            self.power()?
        };
        self.leave();
        Ok(found)
    }

    fn power(&mut self) -> Result<Expr, Reason> {
        let left = self.step()?;
        if self.take("^") {
            let right = self.unary()?;
            return Ok(Expr::Calculate(Arithmetic::Power, Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn step(&mut self) -> Result<Expr, Reason> {
        for (mark, by) in [("++", 1.0), ("--", -1.0)] {
            if self.take(mark) {
                let place = self.primary()?;
                if !is_place(&place) {
                    return Err(unsupported(format!("`{mark}` of what is no variable")));
                }
                return Ok(Expr::Step(Box::new(place), by, false));
            }
        }
        let found = self.primary()?;
        if is_place(&found) {
            for (mark, by) in [("++", 1.0), ("--", -1.0)] {
                if self.take(mark) {
                    return Ok(Expr::Step(Box::new(found), by, true));
                }
            }
        }
        Ok(found)
    }

    fn primary(&mut self) -> Result<Expr, Reason> {
        let token = self.peek().cloned();
        let here = self.here();
        self.skip();
        Ok(match token {
            Some(Token::Number(number)) => Expr::Number(number),
            Some(Token::Text(text)) => Expr::Text(text.into()),
            Some(Token::Pattern(text)) => Expr::Pattern(regex(&text, self.mawk)?),
            Some(Token::Mark("$")) => {
                self.enter()?;
                // `$i++` is the field's step, `$++i` the variable's.
                let of = if self.is("++") || self.is("--") { self.step()? } else { self.primary()? };
                self.leave();
                Expr::Field(Box::new(of))
            }
            Some(Token::Mark("-")) => Expr::Negative(Box::new(self.primary()?)),
            Some(Token::Mark("(")) => {
                self.parentheses += 1;
                let mut all = vec![self.expr()?];
                while self.take(",") {
                    self.lines();
                    all.push(self.expr()?);
                }
                self.need(")")?;
                self.parentheses -= 1;
                match all.pop() {
                    Some(only) if all.is_empty() => Expr::Group(Box::new(only)),
                    last => {
                        all.extend(last);
                        Expr::Several(all)
                    }
                }
            }
            Some(Token::Name(name)) => match function(&name) {
                Some(function) => self.call(function)?,
                None => {
                    self.at -= 1;
                    let name = self.any_name().ok_or_else(|| unsupported(format!("`{name}`")))?;
                    if self.take("[") {
                        self.parentheses += 1;
                        let key = self.expr()?;
                        if self.is(",") {
                            return Err(unsupported("an array of several dimensions"));
                        }
                        self.need("]")?;
                        self.parentheses -= 1;
                        Expr::Element(name, Box::new(key))
                    } else {
                        Expr::Variable(name)
                    }
                }
            },
            _ => return Err(unsupported(format!("{here} in place of a value"))),
        })
    }

    fn call(&mut self, function: Function) -> Result<Expr, Reason> {
        let mut all = Vec::new();
        if self.take("(") {
            self.parentheses += 1;
            if !self.is(")") {
                all.push(self.expr()?);
                while self.take(",") {
                    self.lines();
                    all.push(self.expr()?);
                }
            }
            self.need(")")?;
            self.parentheses -= 1;
        } else if function != Function::Length {
            return Err(unsupported("a function without its parentheses"));
        }
        let (least, most) = match function {
            Function::Length => (0, 1),
            Function::Int | Function::ToLower | Function::ToUpper => (1, 1),
            Function::Index | Function::Match => (2, 2),
            Function::Split | Function::Substr | Function::Sub | Function::Gsub => (2, 3),
            Function::Sprintf => (1, usize::MAX),
        };
        if !(least..=most).contains(&all.len()) {
            return Err(unsupported("that many arguments of a function"));
        }
        Ok(Expr::Call(function, all))
    }
}

/// Whether something can be assigned to it.
pub(super) fn is_place(expr: &Expr) -> bool {
    matches!(expr, Expr::Variable(_) | Expr::Field(_) | Expr::Element(..))
}
