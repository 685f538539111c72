//! What changes the flow: `exit`, `return`, `break`, `eval`, `.`, `trap` (XCU 2.15).

use crate::shell::eval::state::{Flow, Shell, Step};
use crate::shell::files::FileError;
use crate::shell::parse::parse_at;
use crate::shell::reason::Reason;

impl Shell<'_> {
    pub(super) fn status_of(&mut self, args: &[String]) -> Step<u8> {
        match args.first() {
            None => Ok(self.environment.status),
            Some(text) => match text.parse::<i64>() {
                // As the kernel: the low eight bits.
                Ok(status) => Ok(status.to_le_bytes()[0]),
                Err(_) => self.fail(&format!("Illegal number: {text}")),
            },
        }
    }

    pub(super) fn leave_loops(&mut self, args: &[String], flow: fn(usize) -> Flow) -> Step<u8> {
        let count: usize = match args.first().map(|text| text.parse()) {
            None => 1,
            Some(Ok(count)) if count > 0 => count,
            Some(_) => return self.fail("Illegal number"),
        };
        // Outside of a loop nothing happens.
        if self.loops == 0 { Ok(0) } else { Err(flow(count.min(self.loops))) }
    }

    /// `eval` (XCU 2.15).
    pub(super) fn eval(&mut self, text: &str) -> Step<u8> {
        self.count(text.len())?;
        match parse_at(text, self.line) {
            Ok(list) => self.deeper(|shell| shell.list(&list)),
            Err(error) => Err(self.stop(Reason::Syntax(error.what))),
        }
    }

    /// `.`: a file of the tree, in this shell.
    pub(super) fn source(&mut self, args: &[String]) -> Step<u8> {
        let Some((path, more)) = args.split_first() else { return self.fail(".: a file is missing") };
        let modelled = {
            let path = path.clone();
            self.call(more, |host, call| host.sourced(&path, call))?
        };
        if let Some(status) = modelled {
            return Ok(status);
        }
        let found = if path.contains('/') { Some(path.clone()) } else { self.find_program(path)? };
        let text = match found.as_deref().map(|path| self.files.read_text(path)) {
            Some(Ok(text)) => text,
            Some(Err(FileError::Reason(reason))) => return Err(self.stop(reason)),
            _ => return self.fail(&format!(".: cannot open {path}")),
        };
        let (line, outer) = (self.line, self.file.replace(path.clone()));
        let list = crate::shell::parse::parse(&text).map_err(|error| {
            self.line = error.line;
            self.stop(Reason::Syntax(error.what))
        })?;
        let positional = (!more.is_empty()).then(|| std::mem::replace(&mut self.environment.positional, more.to_vec()));
        let result = self.deeper(|shell| shell.list(&list));
        if let Some(positional) = positional {
            self.environment.positional = positional;
        }
        (self.line, self.file) = (line, outer);
        match result {
            Err(Flow::Return(status)) => Ok(status),
            result => result,
        }
    }

    /// `trap`: no signal comes, so only what is done on exit counts.
    pub(super) fn trap(&mut self, args: &[String]) -> Step<u8> {
        let operands: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--").collect();
        let Some((action, conditions)) = operands.split_first() else { return Ok(0) };
        let on_exit = |condition: &&str| matches!(*condition, "EXIT" | "0");
        if conditions.is_empty() {
            if on_exit(action) {
                self.environment.exit_trap = None;
            }
            return Ok(0);
        }
        if conditions.iter().any(on_exit) {
            self.environment.exit_trap = match *action {
                "-" | "" => None,
                action => Some(action.to_owned()),
            };
        }
        if conditions.iter().any(|condition| matches!(*condition, "ERR" | "DEBUG" | "RETURN")) && *action != "-" {
            return Err(self.stop(Reason::unsupported("trap", "conditions of bash")));
        }
        Ok(0)
    }

    /// Carries out what `trap … EXIT` asked for, when the shell ends with `status`.
    pub(in crate::shell::eval) fn run_exit_trap(&mut self, status: u8) -> Step<u8> {
        let Some(action) = self.environment.exit_trap.take() else { return Ok(status) };
        self.environment.status = status;
        match self.eval(&action) {
            Ok(_) => Ok(status),
            Err(Flow::Exit(status)) => Ok(status),
            Err(flow) => Err(flow),
        }
    }
}
