//! Commands that are files of the tree: found by `PATH`, carried out as utilities, as the host's commands, or as scripts.

use super::descriptors::Target;
use super::redirect::Input;
use super::state::{Environment, Flow, OptionPlace, Options, Shell, Step};
use crate::shell::call::{Answer, Call, Host, Stdin};
use crate::shell::files::FileError;
use crate::shell::interpreter::Interpreter;
use crate::shell::parse::parse_at;
use crate::shell::reason::Reason;
use crate::shell::utilities;
use crate::shell::variables::Variables;

/// Where commands are looked for if `PATH` is not set, and by `command -p`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Utilities that look whether they would read what they write (`input file is output file`), which turns on how much of it there is.
const COPYING: [&str; 4] = ["cat", "egrep", "fgrep", "grep"];

impl Shell<'_> {
    /// Carries out a command that is neither function nor builtin.
    pub(super) fn external(&mut self, name: &str, args: &[String]) -> Step<u8> {
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

    /// `exec COMMAND`: the shell's place is taken.
    pub(super) fn replace(&mut self, name: &str, args: &[String]) -> Step<u8> {
        let is_there = if name.contains('/') { self.is_program(name)? } else { self.find_program(name)?.is_some() };
        let status = self.external(name, args)?;
        Err(if is_there { Flow::Replaced(status) } else { Flow::Exit(status) })
    }

    /// The program that a name means, by `PATH` in the tree.
    pub(super) fn find_program(&mut self, name: &str) -> Step<Option<String>> {
        if name.is_empty() {
            return Ok(None);
        }
        let path = self.environment.variables.get("PATH").unwrap_or(PATH).to_owned();
        for dir in path.split(':') {
            let candidate = if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") };
            if self.is_program(&candidate)? {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    pub(super) fn is_program(&mut self, path: &str) -> Step<bool> {
        match self.files()?.stat(path, true) {
            Ok((_, node)) => Ok(!node.is_dir() && node.mode & 0o111 != 0),
            Err(FileError::Reason(reason)) => Err(self.stop(reason)),
            Err(_) => Ok(false),
        }
    }

    /// Carries out the program at `path`: as a command that is modelled, or as a script of its own.
    fn program(&mut self, path: &str, args: &[String]) -> Step<u8> {
        let known = match self.files()?.stat(path, true) {
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
            if COPYING.contains(&name) && self.prints_to_its_input(args)? {
                let what = "a file that it reads and writes at once";
                return Err(self.stop(Reason::unsupported(name, what)));
            }
            return self.call(args, |_, call| Some(utility(call))).map(Option::unwrap_or_default);
        }
        if let Some(status) = self.utility_of_builtin(name, args)? {
            return Ok(status);
        }
        let shown = if name == path { path } else { name };
        let bytes = self.files()?.read(path).map(std::borrow::Cow::into_owned).unwrap_or_default();
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

    /// Whether standard output leads to a file which holds something that is read too: as standard input, or as an operand.
    fn prints_to_its_input(&mut self, args: &[String]) -> Step<bool> {
        let Some(Target::File(out)) = self.descriptors.get(1).cloned() else { return Ok(false) };
        let input = match self.descriptors.get(0) {
            Some(Target::File(file)) => Some(file.number),
            _ => None,
        };
        let files = self.files()?;
        let Some(path) = files.opened_path(out.number).map(str::to_owned) else { return Ok(false) };
        let is_input = input.is_some_and(|input| files.opened_path(input) == Some(&path));
        let is_empty = files.opened_content(out.number).is_ok_and(|content| content.is_empty());
        let is_it = |arg: &String| files.stat(arg, true).is_ok_and(|(real, _)| real == path);
        Ok(!is_empty && (is_input || args.iter().any(is_it)))
    }

    /// A program of coreutils that shells have as a builtin too.
    fn utility_of_builtin(&mut self, name: &str, args: &[String]) -> Step<Option<u8>> {
        let status = match name {
            // That of coreutils knows backslashes only with `-e`.
            "echo" => self.echo(args, true),
            "printf" => self.printf(args),
            "test" | "[" => self.test(name, args),
            _ => return Ok(None),
        };
        match status {
            Err(Flow::Error) => Ok(Some(2)),
            status => status.map(Some),
        }
    }

    /// Carries out a shell script of the tree, in a shell of its own.
    pub(super) fn script(&mut self, text: &str, path: &str, args: &[String], interpreter: Interpreter) -> Step<u8> {
        let list = parse_at(text, 1, interpreter.bash).map_err(|error| {
            self.line = error.line;
            self.stop(Reason::Syntax(error.what))
        })?;
        let mut variables = Variables::default();
        for (name, value) in self.environment.variables.environment() {
            variables.set(name, value);
            variables.export(name);
        }
        self.work(variables.len())?;
        let directory = match variables.get("PWD") {
            Some(directory) if *directory == *self.environment.directory => directory.to_owned(),
            _ => self.files()?.cwd(),
        };
        let environment = Environment::new(variables, path, args, Options::of(interpreter), &directory);
        let (line, file) = (self.line, self.file.replace(path.to_owned()));
        let result = self.tested(false, |shell| {
            shell.subshell(|shell| {
                shell.environment = environment;
                shell.environment.option_place = OptionPlace::default();
                shell.loops = 0;
                shell.list(&list)
            })
        });
        // A line that stops it is one of that file.
        (self.line, self.file) = (line, file);
        result
    }

    /// The host's command `name`, if it has one.
    pub(super) fn host(&mut self, name: &str, args: &[String]) -> Step<Option<u8>> {
        self.call(args, |host, call| host.run(name, call))
    }

    /// Calls a utility with what the descriptors lead to.
    pub(super) fn call(
        &mut self,
        args: &[String],
        run: impl FnOnce(&mut dyn Host, &mut Call<'_>) -> Option<Answer>,
    ) -> Step<Option<u8>> {
        let input = self.input(0)?;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let (files, host, variables) = self.parts()?;
        let (answer, was_read) = input.take(|bytes| {
            let stdin = Stdin::new(bytes);
            let mut call = Call { args, stdin, out: &mut out, err: &mut err, files, variables };
            let answer = run(host, &mut call);
            let was_read = call.stdin.was_read();
            ((answer, was_read), if was_read { bytes.len() } else { 0 })
        });
        let Some(answer) = answer else { return Ok(None) };
        let mut status = answer.map_err(|reason| self.stop(reason))?;
        let written = self.send(1, &out)?;
        self.send(2, &err)?;
        if !written || (was_read && matches!(input, Input::Unreadable)) {
            self.complain("Bad file descriptor")?;
            status = 1;
        }
        Ok(Some(status))
    }
}

/// Whether a path is that of a file in a directory of the default `PATH`.
pub(super) fn is_on_path(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(dir, _)| PATH.split(':').any(|known| known == dir))
}
