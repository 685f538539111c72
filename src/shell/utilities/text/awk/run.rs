//! Carries out statements and rules of awk.

use super::ast::{Expr, Rule, Statement, When};
use super::functions::sprintf;
use super::state::State;
use super::unsupported;
use super::value::integer;
use crate::shell::reason::Reason;
use crate::shell::utilities::text::input::bounded;

/// What comes after a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Next,
    Break,
    Continue,
    Exit,
}

/// A program that runs.
pub(super) struct Run<'p> {
    pub(super) rules: &'p [Rule],
    /// Which ranges are open.
    pub(super) open: Vec<bool>,
    pub(super) state: State,
    pub(super) status: u8,
}

impl Run<'_> {
    /// Carries out the rules of BEGIN or of END; says whether it goes on.
    pub(super) fn special(&mut self, begin: bool) -> Result<bool, Reason> {
        for rule in self.rules {
            let here = match rule.when {
                When::Begin => begin,
                When::End => !begin,
                _ => false,
            };
            if let (true, Some(action)) = (here, &rule.action) {
                match self.statement(action)? {
                    Flow::On => {}
                    Flow::Exit => return Ok(false),
                    _ => return Err(unsupported("`next`, `break` or `continue` in BEGIN or END")),
                }
            }
        }
        Ok(true)
    }

    /// Carries out the rules for the record; says whether it goes on.
    pub(super) fn record(&mut self) -> Result<bool, Reason> {
        for (at, rule) in self.rules.iter().enumerate() {
            let selected = match &rule.when {
                When::Begin | When::End => false,
                When::Always => true,
                When::Expr(expr) => self.state.value(expr)?.truth(),
                When::Range(first, last) => {
                    let was_open = self.open.get(at).copied().unwrap_or_default();
                    let selected = was_open || self.state.value(first)?.truth();
                    let open = selected && !self.state.value(last)?.truth();
                    if let Some(place) = self.open.get_mut(at) {
                        *place = open;
                    }
                    selected
                }
            };
            if !selected {
                continue;
            }
            let flow = match &rule.action {
                Some(action) => self.statement(action)?,
                None => {
                    self.print(&[], false)?;
                    Flow::On
                }
            };
            match flow {
                Flow::On => {}
                Flow::Next => return Ok(true),
                Flow::Exit => return Ok(false),
                Flow::Break | Flow::Continue => return Err(unsupported("`break` or `continue` outside of a loop")),
            }
        }
        Ok(true)
    }

    fn put(&mut self, text: &[u8], error: bool) -> Result<(), Reason> {
        let to = if error { &mut self.state.err } else { &mut self.state.out };
        to.extend_from_slice(text);
        bounded(to.len())
    }

    fn print(&mut self, all: &[Expr], error: bool) -> Result<(), Reason> {
        let mut parts = Vec::new();
        for expr in all {
            let value = self.state.value(expr)?;
            parts.push(value.bytes(&self.state.setting("OFMT"))?);
        }
        if all.is_empty() {
            parts.push(self.state.whole()?);
        }
        let mut line = parts.join(&*self.state.setting("OFS"));
        line.extend_from_slice(&self.state.setting("ORS"));
        self.put(&line, error)
    }

    fn is_true(&mut self, condition: Option<&Expr>) -> Result<bool, Reason> {
        condition.map_or(Ok(true), |condition| self.state.value(condition).map(|value| value.truth()))
    }

    fn statement(&mut self, statement: &Statement) -> Result<Flow, Reason> {
        self.state.step()?;
        match statement {
            Statement::Nothing => {}
            Statement::Expr(expr) => drop(self.state.value(expr)?),
            Statement::Print(all, error) => self.print(all, *error)?,
            Statement::Printf(all, error) => {
                let values = all.iter().map(|expr| self.state.value(expr)).collect::<Result<Vec<_>, _>>()?;
                let text = sprintf(&self.state, &values)?;
                self.put(&text, *error)?;
            }
            Statement::If(condition, then, otherwise) => {
                if self.is_true(Some(condition))? {
                    return self.statement(then);
                }
                if let Some(otherwise) = otherwise {
                    return self.statement(otherwise);
                }
            }
            Statement::While(condition, body) => return self.repeat(false, Some(condition), &Statement::Nothing, body),
            Statement::Do(body, condition) => return self.repeat(true, Some(condition), &Statement::Nothing, body),
            Statement::For(first, condition, last, body) => {
                self.statement(first)?;
                return self.repeat(false, condition.as_ref(), last, body);
            }
            Statement::ForIn(variable, array, body) => {
                let keys: Vec<_> = self.state.array(array)?.keys().cloned().collect();
                // In which order they come is not said.
                if keys.len() > 1 {
                    return Err(unsupported("`for … in` of several elements, whose order is awk's own"));
                }
                for key in keys {
                    self.state.set_variable(variable, super::value::Value::input(&key))?;
                    match self.statement(body)? {
                        Flow::On | Flow::Continue => {}
                        Flow::Break => break,
                        flow => return Ok(flow),
                    }
                }
            }
            Statement::Block(all) => {
                for statement in all {
                    match self.statement(statement)? {
                        Flow::On => {}
                        flow => return Ok(flow),
                    }
                }
            }
            Statement::Delete(array, None) => self.state.array(array)?.clear(),
            Statement::Delete(array, Some(key)) => {
                let key = self.state.key(key)?;
                self.state.array(array)?.remove(&key);
            }
            Statement::Next => return Ok(Flow::Next),
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Exit(status) => {
                if let Some(status) = status {
                    let status = integer(self.state.value(status)?.number()?)?;
                    self.status = u8::try_from(status).map_err(|_| unsupported("such an exit status"))?;
                }
                return Ok(Flow::Exit);
            }
        }
        Ok(Flow::On)
    }

    fn repeat(
        &mut self,
        body_first: bool,
        condition: Option<&Expr>,
        last: &Statement,
        body: &Statement,
    ) -> Result<Flow, Reason> {
        let mut first = body_first;
        while std::mem::take(&mut first) || self.is_true(condition)? {
            match self.statement(body)? {
                Flow::On | Flow::Continue => {}
                Flow::Break => break,
                flow => return Ok(flow),
            }
            self.statement(last)?;
        }
        Ok(Flow::On)
    }
}
