//! Lists, pipelines and compound commands (XCU 2.9), with `set -e` as dash has it.

use std::rc::Rc;

use super::state::{Flow, Function, Shell, Step};
use crate::shell::ast::{AndOr, Arm, Command, CommandKind, Connector, List, Pipeline, Word};
use crate::shell::reason::Reason;

impl Shell<'_> {
    /// Carries out a list; its status is that of its last command.
    pub(super) fn list(&mut self, list: &List) -> Step<u8> {
        let mut status = 0;
        for item in list {
            status = self.and_or(item)?;
        }
        Ok(status)
    }

    fn and_or(&mut self, item: &AndOr) -> Step<u8> {
        if item.background {
            return Err(self.stop(Reason::Construct("a command in the background (`&`)".to_owned())));
        }
        let last = item.rest.len();
        let mut status = if last == 0 {
            self.pipeline(&item.first)?
        } else {
            self.tested(true, |shell| shell.pipeline(&item.first))?
        };
        for (number, (connector, pipeline)) in item.rest.iter().enumerate() {
            if (*connector == Connector::And) != (status == 0) {
                continue;
            }
            status = if number + 1 == last {
                self.pipeline(pipeline)?
            } else {
                self.tested(true, |shell| shell.pipeline(pipeline))?
            };
        }
        Ok(status)
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Step<u8> {
        let status = if pipeline.negated {
            u8::from(self.tested(true, |shell| shell.joined(&pipeline.commands))? == 0)
        } else {
            self.joined(&pipeline.commands)?
        };
        self.environment.status = status;
        Ok(status)
    }

    /// The commands of a pipeline, one after the other: each gets all that the one before it printed.
    fn joined(&mut self, commands: &[Command]) -> Step<u8> {
        let [others @ .., last] = commands else { return Ok(0) };
        if others.is_empty() {
            return self.command(last);
        }
        let saved = self.descriptors.table();
        let status = self.piped(others, last);
        self.restore(saved)?;
        self.leave_on_failure(status?)
    }

    fn piped(&mut self, others: &[Command], last: &Command) -> Step<u8> {
        let out = self.descriptors.get(1).cloned();
        let mut failed = 0;
        for command in others {
            let sink = self.descriptors.collect(1);
            let status = self.subshell(|shell| shell.command(command))?;
            let bytes = sink.take();
            if status != 0 {
                failed = status;
            }
            self.count(bytes.len())?;
            match &out {
                Some(out) => self.descriptors.set(1, out.clone()),
                None => self.descriptors.close(1),
            }
            self.descriptors.feed(0, bytes);
        }
        Ok(match self.subshell(|shell| shell.command(last))? {
            0 if self.environment.options.pipefail => failed,
            status => status,
        })
    }

    /// With `set -e`, a failure that nobody looks at ends the shell.
    fn leave_on_failure(&mut self, status: u8) -> Step<u8> {
        self.environment.status = status;
        if status != 0 && self.environment.options.errexit && !self.tested {
            Err(Flow::Exit(status))
        } else {
            Ok(status)
        }
    }

    /// The status of what the shell itself could not do: a redirection, a builtin that is used wrongly.
    pub(super) fn error_status(&self) -> u8 {
        if self.environment.options.bash { 1 } else { 2 }
    }

    /// What a shell that ends comes to: its status, after what `trap … EXIT` asked for.
    pub(super) fn ended(&mut self, result: Step<u8>) -> Step<u8> {
        match result {
            Ok(status) | Err(Flow::Exit(status) | Flow::Return(status)) => self.run_exit_trap(status),
            Err(Flow::Error) => {
                let status = self.error_status();
                self.run_exit_trap(status)
            }
            Err(Flow::Break(_) | Flow::Continue(_)) => self.run_exit_trap(0),
            Err(Flow::Replaced(status)) => Ok(status),
            Err(Flow::Stop(stop)) => Err(Flow::Stop(stop)),
        }
    }

    pub(super) fn command(&mut self, command: &Command) -> Step<u8> {
        self.step()?;
        self.at_line(command.line);
        match &command.kind {
            CommandKind::Simple { assignments, words } => {
                match self.simple(assignments, words, &command.redirects) {
                    // `return` is a command too.
                    Err(Flow::Return(status)) => {
                        self.leave_on_failure(status)?;
                        Err(Flow::Return(status))
                    }
                    result => self.leave_on_failure(result?),
                }
            }
            CommandKind::Subshell(list) => {
                // Its redirections are its own too.
                let status = self.within(|shell| {
                    shell.subshell(|shell| {
                        if shell.redirect(&command.redirects)? { shell.list(list) } else { Err(Flow::Error) }
                    })
                })?;
                self.leave_on_failure(status)
            }
            kind => {
                let run = |shell: &mut Self| shell.within(|shell| shell.compound(kind)).map(Some);
                let Some(status) = self.redirected(&command.redirects, run)? else {
                    let status = self.error_status();
                    return self.leave_on_failure(status);
                };
                self.environment.status = status;
                if matches!(kind, CommandKind::Test(_)) { self.leave_on_failure(status) } else { Ok(status) }
            }
        }
    }

    /// What follows stands at this line. What a sourced file or a program changes is told with the script's line that calls it.
    pub(super) fn at_line(&mut self, line: usize) {
        self.line = line;
        if self.file.is_none() {
            self.unsettled().line = line;
        }
    }

    fn compound(&mut self, kind: &CommandKind) -> Step<u8> {
        match kind {
            CommandKind::Simple { .. } | CommandKind::Subshell(_) => Ok(0),
            CommandKind::Group(list) => self.list(list),
            CommandKind::If { branches, otherwise } => {
                for (condition, then) in branches {
                    if self.tested(true, |shell| shell.list(condition))? == 0 {
                        return self.list(then);
                    }
                }
                self.list(otherwise)
            }
            CommandKind::While { until, condition, body } => self.while_loop(*until, condition, body),
            CommandKind::For { name, words, body } => self.for_loop(name, words.as_deref(), body),
            CommandKind::Case { word, arms } => self.case(word, arms),
            CommandKind::Function { name, body } => {
                let function = Function { body: Rc::clone(body), file: self.file.clone() };
                Rc::make_mut(&mut self.environment.functions).insert(name.clone(), function);
                Ok(0)
            }
            CommandKind::Alias(names) => {
                Rc::make_mut(&mut self.environment.aliases).extend(names.iter().cloned());
                Ok(0)
            }
            CommandKind::Test(words) => self.double_brackets(words),
        }
    }

    /// Carries out a loop's body once. Says with what status it goes on, or that it ends.
    fn turn(&mut self, body: &List) -> Step<Result<u8, u8>> {
        self.step()?;
        self.loops += 1;
        let result = self.list(body);
        self.loops -= 1;
        match result {
            Ok(status) => Ok(Ok(status)),
            Err(Flow::Break(1)) => Ok(Err(0)),
            Err(Flow::Continue(1)) => Ok(Ok(0)),
            Err(Flow::Break(outer)) => Err(Flow::Break(outer - 1)),
            Err(Flow::Continue(outer)) => Err(Flow::Continue(outer - 1)),
            Err(flow) => Err(flow),
        }
    }

    fn while_loop(&mut self, until: bool, condition: &List, body: &List) -> Step<u8> {
        let mut status = 0;
        loop {
            self.loops += 1;
            let result = self.tested(true, |shell| shell.list(condition));
            self.loops -= 1;
            let condition = match result {
                Err(Flow::Break(1)) => return Ok(0),
                Err(Flow::Continue(1)) => continue,
                Err(Flow::Break(outer)) => return Err(Flow::Break(outer - 1)),
                Err(Flow::Continue(outer)) => return Err(Flow::Continue(outer - 1)),
                result => result?,
            };
            if (condition == 0) == until {
                return Ok(status);
            }
            match self.turn(body)? {
                Ok(now) => status = now,
                Err(last) => return Ok(last),
            }
        }
    }

    fn for_loop(&mut self, name: &str, words: Option<&[Word]>, body: &List) -> Step<u8> {
        let values = match words {
            Some(words) => self.expand(words)?,
            None => self.environment.positional.as_slice().to_vec(),
        };
        let mut status = 0;
        for value in values {
            self.assign(name, value)?;
            match self.turn(body)? {
                Ok(now) => status = now,
                Err(last) => return Ok(last),
            }
        }
        Ok(status)
    }

    fn case(&mut self, word: &Word, arms: &[Arm]) -> Step<u8> {
        let value = self.expand_bytes(word)?;
        let (mut status, mut falls_through) = (0, false);
        for arm in arms {
            let mut matches = falls_through;
            for pattern in &arm.patterns {
                if matches {
                    break;
                }
                let pattern = self.expand_pattern(pattern)?;
                matches = self.matching(|budget| pattern.matches_all(&value, budget))?;
            }
            if matches {
                status = self.list(&arm.body)?;
                if !arm.falls_through {
                    return Ok(status);
                }
                falls_through = true;
            }
        }
        Ok(status)
    }
}
