//! Simple commands (XCU 2.9.1): assignments, functions, builtins, utilities, programs of the tree.

use std::rc::Rc;

use super::builtins;
use super::interpreter::Interpreter;
use super::state::{Environment, Flow, Options, Shell, Step};
use crate::shell::ast::{Assignment, Redirect, Word};
use crate::shell::call::{Answer, Call, Stdin};
use crate::shell::files::FileError;
use crate::shell::parse::parse;
use crate::shell::reason::Reason;
use crate::shell::utilities;
use crate::shell::variables::Variables;

/// Where commands are looked for if `PATH` is not set.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Shell<'_> {
    pub(super) fn simple(&mut self, assignments: &[Assignment], words: &[Word], redirects: &[Redirect]) -> Step<u8> {
        self.substituted = None;
        let argv = self.expand(words)?;
        let Some((name, _)) = argv.split_first() else {
            return self.nameless(assignments, redirects);
        };
        // `exec` without a command keeps its redirections.
        if argv == ["exec"] {
            return if self.redirect(redirects)? { Ok(0) } else { Err(Flow::Exit(2)) };
        }
        let special = builtins::is_special(name) && !self.environment.functions.contains_key(name);
        let saved = self.descriptors.table();
        let result = match self.redirect(redirects) {
            Ok(true) => self.with_assignments(assignments, special, &argv),
            Ok(false) if special => Err(Flow::Exit(2)),
            Ok(false) => Ok(1),
            Err(flow) => Err(flow),
        };
        self.descriptors.restore(saved);
        result
    }

    /// Only assignments and redirections: the status is that of the last command substitution.
    fn nameless(&mut self, assignments: &[Assignment], redirects: &[Redirect]) -> Step<u8> {
        let saved = self.descriptors.table();
        let made = self.redirect(redirects);
        self.descriptors.restore(saved);
        if !made? {
            return Ok(1);
        }
        for assignment in assignments {
            self.assign(assignment)?;
        }
        Ok(self.substituted.unwrap_or(0))
    }

    fn assign(&mut self, assignment: &Assignment) -> Step<()> {
        let value = self.expand_text(&assignment.value)?;
        let variables = &mut self.environment.variables;
        let value = if assignment.append {
            format!("{}{value}", variables.get(&assignment.name).unwrap_or_default())
        } else {
            value
        };
        variables.set(&assignment.name, value);
        Ok(())
    }

    /// Assignments before a command hold for it alone, but for special builtins (XCU 2.14).
    fn with_assignments(&mut self, assignments: &[Assignment], special: bool, argv: &[String]) -> Step<u8> {
        if assignments.is_empty() {
            return self.run(argv);
        }
        let before: Vec<(String, Option<String>, bool)> = assignments
            .iter()
            .map(|Assignment { name, .. }| {
                let variables = &self.environment.variables;
                (name.clone(), variables.get(name).map(str::to_owned), variables.is_exported(name))
            })
            .collect();
        for assignment in assignments {
            self.assign(assignment)?;
            self.environment.variables.export(&assignment.name);
        }
        let result = self.run(argv);
        if !special {
            for (name, value, exported) in before {
                let variables = &mut self.environment.variables;
                variables.unset(&name);
                if exported {
                    variables.export(&name);
                }
                if let Some(value) = value {
                    variables.set(&name, value);
                }
            }
        }
        result
    }

    /// Carries out a command by its words.
    pub(super) fn run(&mut self, argv: &[String]) -> Step<u8> {
        let Some((name, args)) = argv.split_first() else { return Ok(0) };
        if let Some(body) = self.environment.functions.get(name).map(Rc::clone) {
            return self.function(&body, args);
        }
        self.run_plain(name, args)
    }

    /// As [`Shell::run`], without functions.
    pub(super) fn run_plain(&mut self, name: &str, args: &[String]) -> Step<u8> {
        if let Some(result) = self.builtin(name, args) {
            return result;
        }
        let path = if name.contains('/') { Some(name.to_owned()) } else { self.find_program(name)? };
        match path {
            Some(path) => self.program(&path, args),
            // What a host models as part of the shell (debconf's functions) is no file.
            None => match self.host(name, args)? {
                Some(status) => Ok(status),
                None => {
                    self.complain(&format!("{name}: not found"))?;
                    Ok(127)
                }
            },
        }
    }

    fn function(&mut self, body: &crate::shell::ast::Command, args: &[String]) -> Step<u8> {
        let outer = std::mem::replace(&mut self.environment.positional, args.to_vec());
        let loops = std::mem::take(&mut self.loops);
        self.environment.locals.push(Vec::new());
        let result = self.deeper(|shell| shell.command(body));
        for (name, value) in self.environment.locals.pop().unwrap_or_default().into_iter().rev() {
            match value {
                Some(value) => self.environment.variables.set(&name, value),
                None => self.environment.variables.unset(&name),
            }
        }
        self.loops = loops;
        self.environment.positional = outer;
        match result {
            Err(Flow::Return(status)) => Ok(status),
            result => result,
        }
    }

    /// The program that a name means, by `PATH` in the tree.
    pub(super) fn find_program(&self, name: &str) -> Step<Option<String>> {
        let path = self.environment.variables.get("PATH").unwrap_or(PATH).to_owned();
        for dir in path.split(':') {
            let candidate = format!("{}/{name}", if dir.is_empty() { "." } else { dir });
            if self.is_program(&candidate)? {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    pub(super) fn is_program(&self, path: &str) -> Step<bool> {
        match self.files.stat(path, true) {
            Ok((_, node)) => Ok(!node.is_dir() && node.mode & 0o111 != 0),
            Err(FileError::Reason(reason)) => Err(self.stop(reason)),
            Err(_) => Ok(false),
        }
    }

    /// Carries out the program at `path`: as a command that is modelled, or as a script of its own.
    pub(super) fn program(&mut self, path: &str, args: &[String]) -> Step<u8> {
        let known = match self.files.stat(path, true) {
            Ok((_, node)) => !node.is_dir() && node.mode & 0o111 != 0,
            Err(FileError::Reason(reason)) => return Err(self.stop(reason)),
            Err(_) => {
                self.complain(&format!("{path}: not found"))?;
                return Ok(127);
            }
        };
        if !known {
            self.complain(&format!("{path}: Permission denied"))?;
            return Ok(126);
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        if let Some(status) = self.host(name, args)? {
            return Ok(status);
        }
        if let Some(status) = self.wrapper(name, args)? {
            return Ok(status);
        }
        if let Some(utility) = utilities::find(name) {
            return self.call(args, |_, call| Some(utility(call))).map(Option::unwrap_or_default);
        }
        let shown = if name == path { path } else { name };
        let bytes = self.files.read(path).map(std::borrow::Cow::into_owned).unwrap_or_default();
        match Interpreter::of(&bytes) {
            Some(interpreter) => match String::from_utf8(bytes) {
                Ok(text) => self.script(&text, path, args, interpreter),
                Err(_) => Err(self.stop(Reason::NotText)),
            },
            None if path.contains('/') && name != path && !is_on_path(path) => {
                Err(self.stop(Reason::Program(path.to_owned())))
            }
            None => Err(self.stop(Reason::UnknownCommand(shown.to_owned()))),
        }
    }

    /// Carries out a shell script of the tree, in a shell of its own.
    pub(super) fn script(&mut self, text: &str, path: &str, args: &[String], interpreter: Interpreter) -> Step<u8> {
        let list = parse(text).map_err(|error| {
            self.line = error.line;
            self.stop(Reason::Syntax(error.what))
        })?;
        let mut variables = Variables::default();
        for (name, value) in self.environment.variables.environment() {
            variables.set(name, value);
            variables.export(name);
        }
        let environment = Environment {
            variables,
            positional: args.to_vec(),
            name: path.to_owned(),
            options: Options::of(interpreter),
            ..Environment::default()
        };
        let (line, file) = (self.line, self.file.replace(path.to_owned()));
        let tested = std::mem::take(&mut self.tested);
        let result = self.subshell(|shell| {
            shell.environment = environment;
            shell.list(&list)
        });
        self.tested = tested;
        // A line that stops it is one of that file.
        (self.line, self.file) = (line, file);
        result
    }

    /// The host's command `name`, if it has one.
    fn host(&mut self, name: &str, args: &[String]) -> Step<Option<u8>> {
        self.call(args, |host, call| host.run(name, call))
    }

    /// Calls a utility with what the descriptors lead to.
    pub(super) fn call(
        &mut self,
        args: &[String],
        run: impl FnOnce(&mut dyn crate::shell::call::Host, &mut Call<'_>) -> Option<Answer>,
    ) -> Step<Option<u8>> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut call = Call {
            args,
            stdin: Stdin::new(self.descriptors.rest(0)),
            out: &mut out,
            err: &mut err,
            files: &mut self.files,
            variables: &mut self.environment.variables,
        };
        let answer = run(self.host, &mut call);
        let consumed = if call.stdin.was_read() { call.stdin.len() } else { 0 };
        self.descriptors.consume(0, consumed);
        let Some(answer) = answer else { return Ok(None) };
        let status = answer.map_err(|reason| self.stop(reason))?;
        self.send(1, &out)?;
        self.send(2, &err)?;
        Ok(Some(status))
    }
}

fn is_on_path(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(dir, _)| PATH.split(':').any(|known| known == dir))
}
