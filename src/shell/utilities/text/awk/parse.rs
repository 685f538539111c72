//! Reads a program of awk (POSIX.1-2024 XCU awk, "Grammar"): rules and statements.

use super::ast::{Rule, Statement, When};
use super::expr::Parser;
use super::lex::{Token, tokens};
use super::unsupported;
use crate::shell::reason::Reason;

/// Reads the program `text` of an awk that is known to be mawk, or not.
pub(super) fn parse(text: &[u8], mawk: bool) -> Result<Vec<Rule>, Reason> {
    let mut parser = Parser::new(tokens(text)?, mawk);
    let mut rules = Vec::new();
    loop {
        parser.lines();
        if parser.at_end() {
            return Ok(rules);
        }
        rules.push(parser.rule()?);
        parser.take(";");
    }
}

impl Parser {
    fn rule(&mut self) -> Result<Rule, Reason> {
        let when = if self.take_name("BEGIN") {
            When::Begin
        } else if self.take_name("END") {
            When::End
        } else if self.is("{") {
            When::Always
        } else {
            let first = self.expr()?;
            if self.take(",") {
                self.lines();
                When::Range(first, self.expr()?)
            } else {
                When::Expr(first)
            }
        };
        let action = if self.is("{") { Some(self.block()?) } else { None };
        if action.is_none() {
            if matches!(when, When::Begin | When::End) {
                return Err(unsupported("BEGIN or END without an action"));
            }
            if !(self.at_end() || self.is(";") || self.is_line()) {
                return Err(unsupported("such a pattern"));
            }
        }
        Ok(Rule { when, action })
    }

    fn block(&mut self) -> Result<Statement, Reason> {
        self.need("{")?;
        let mut all = Vec::new();
        loop {
            while self.take(";") || self.take_line() {}
            if self.take("}") {
                return Ok(Statement::Block(all));
            }
            all.push(self.statement()?);
        }
    }

    /// What ends a simple statement.
    fn end(&mut self) -> Result<(), Reason> {
        if self.take(";") || self.take_line() || self.is("}") || self.at_end() {
            Ok(())
        } else {
            Err(unsupported(format!("{} after a statement", self.here())))
        }
    }

    /// The statement that belongs to `if`, `while` and the like.
    fn inner(&mut self) -> Result<Box<Statement>, Reason> {
        self.lines();
        if self.take(";") {
            return Ok(Box::new(Statement::Nothing));
        }
        Ok(Box::new(self.statement()?))
    }

    fn statement(&mut self) -> Result<Statement, Reason> {
        self.enter()?;
        let statement = self.any_statement()?;
        self.leave();
        Ok(statement)
    }

    fn any_statement(&mut self) -> Result<Statement, Reason> {
        if self.is("{") {
            return self.block();
        }
        let name = match self.peek() {
            Some(Token::Name(name)) => name.clone(),
            _ => String::new(),
        };
        match name.as_str() {
            "if" => {
                self.skip();
                let condition = self.in_parentheses()?;
                let then = self.inner()?;
                // `else` may come after a `;` and line ends.
                let before = self.place();
                while self.take(";") || self.take_line() {}
                let otherwise = if self.take_name("else") {
                    Some(self.inner()?)
                } else {
                    self.back(before);
                    None
                };
                return Ok(Statement::If(condition, then, otherwise));
            }
            "while" => {
                self.skip();
                let condition = self.in_parentheses()?;
                return Ok(Statement::While(condition, self.inner()?));
            }
            "for" => {
                self.skip();
                return self.for_();
            }
            "do" => {
                self.skip();
                let body = self.inner()?;
                while self.take(";") || self.take_line() {}
                if !self.take_name("while") {
                    return Err(unsupported("a `do` without its `while`"));
                }
                let condition = self.in_parentheses()?;
                self.end()?;
                return Ok(Statement::Do(body, condition));
            }
            _ => {}
        }
        let statement = self.simple()?;
        self.end()?;
        Ok(statement)
    }

    fn for_(&mut self) -> Result<Statement, Reason> {
        self.need("(")?;
        let before = self.place();
        if let (Some(variable), true, Some(array), true) =
            (self.any_name(), self.take_name("in"), self.any_name(), self.take(")"))
        {
            return Ok(Statement::ForIn(variable, array, self.inner()?));
        }
        self.back(before);
        let first = if self.is(";") { Statement::Nothing } else { self.simple()? };
        self.need(";")?;
        self.lines();
        let condition = if self.is(";") { None } else { Some(self.expr()?) };
        self.need(";")?;
        self.lines();
        let last = if self.is(")") { Statement::Nothing } else { self.simple()? };
        self.need(")")?;
        Ok(Statement::For(Box::new(first), condition, Box::new(last), self.inner()?))
    }

    fn in_parentheses(&mut self) -> Result<super::ast::Expr, Reason> {
        self.need("(")?;
        let inner = self.expr()?;
        self.need(")")?;
        Ok(inner)
    }

    fn simple(&mut self) -> Result<Statement, Reason> {
        let name = match self.peek() {
            Some(Token::Name(name)) => name.clone(),
            _ => String::new(),
        };
        Ok(match name.as_str() {
            "print" | "printf" => {
                self.skip();
                let all = self.printed()?;
                let error = self.redirection()?;
                if name == "print" { Statement::Print(all, error) } else { Statement::Printf(all, error) }
            }
            "next" => {
                self.skip();
                Statement::Next
            }
            "break" => {
                self.skip();
                Statement::Break
            }
            "continue" => {
                self.skip();
                Statement::Continue
            }
            "exit" => {
                self.skip();
                let ends = self.is(";") || self.is("}") || self.is_line() || self.at_end();
                Statement::Exit(if ends { None } else { Some(self.expr()?) })
            }
            "delete" => {
                self.skip();
                let array = self.any_name().ok_or_else(|| unsupported("`delete` of no array"))?;
                if self.take("[") {
                    let key = self.expr()?;
                    self.need("]")?;
                    Statement::Delete(array, Some(key))
                } else {
                    Statement::Delete(array, None)
                }
            }
            _ => Statement::Expr(self.expr()?),
        })
    }

    /// `> "/dev/stderr"`; other files and commands are not modelled.
    fn redirection(&mut self) -> Result<bool, Reason> {
        if !(self.is(">") || self.is(">>") || self.is("|")) {
            return Ok(false);
        }
        let to_file = self.take(">");
        match self.peek() {
            Some(Token::Text(name)) if to_file && name == b"/dev/stderr" => {
                self.skip();
                Ok(true)
            }
            _ => Err(unsupported("output to a file or a command")),
        }
    }
}
