//! Utilities that carry out other commands: they need the shell itself.

use super::programs::is_on_path;
use super::state::{Shell, Step};
use crate::shell::files::FileError;
use crate::shell::interpreter::Interpreter;
use crate::shell::reason::Reason;
use crate::shell::utilities::file::find;

/// Arguments that one call of xargs gets at most.
const ARGUMENTS_MAX: usize = 10_000;

impl Shell<'_> {
    /// Carries out a utility that carries out another command, if `name` is one.
    pub(super) fn wrapper(&mut self, name: &str, args: &[String]) -> Step<Option<u8>> {
        Ok(Some(match name {
            "env" => self.env(args)?,
            "find" => find::run(self, args)?,
            "xargs" => self.xargs(args)?,
            "sh" | "dash" | "bash" => self.nested(name == "bash", args)?,
            "su" | "runuser" => self.as_somebody(name, args)?,
            "nice" | "ionice" | "nohup" | "setsid" | "timeout" => self.without_options(name, args)?,
            _ => return Ok(None),
        }))
    }

    /// env(1): assignments, then a command; alone, the environment.
    fn env(&mut self, args: &[String]) -> Step<u8> {
        let mut rest = args;
        let mut unset = Vec::new();
        let mut clear = false;
        let mut set = Vec::new();
        while let Some((first, more)) = rest.split_first() {
            if first == "-i" || first == "-" {
                clear = true;
            } else if first == "-u" {
                let Some((name, more)) = more.split_first() else { break };
                unset.push(name.clone());
                rest = more;
                continue;
            } else if first == "--" {
                rest = more;
                break;
            } else if first.starts_with('-') {
                return Err(self.stop(Reason::unsupported("env", format!("option {first}"))));
            } else if let Some((name, value)) = first.split_once('=') {
                set.push((name.to_owned(), value.to_owned()));
            } else {
                break;
            }
            rest = more;
        }
        let command = rest.to_vec();
        self.subshell(|shell| {
            let variables = &mut shell.environment.variables;
            if clear {
                let names: Vec<String> = variables.environment().map(|(name, _)| name.to_owned()).collect();
                for name in &names {
                    variables.unset(name);
                }
            }
            for name in &unset {
                variables.unset(name);
            }
            for (name, value) in set {
                variables.set(&name, value);
                variables.export(&name);
            }
            match command.split_first() {
                Some((name, args)) => shell.external(name, args),
                None => {
                    let mut lines = String::new();
                    for (name, value) in shell.environment.variables.environment() {
                        lines.extend([name, "=", value, "\n"]);
                    }
                    shell.print(&lines)?;
                    Ok(0)
                }
            }
        })
    }

    /// xargs(1)
    fn xargs(&mut self, args: &[String]) -> Step<u8> {
        let (mut nul, mut if_any, mut most, mut replace, mut rest) = (false, false, ARGUMENTS_MAX, None, args);
        while let Some((first, more)) = rest.split_first() {
            match first.as_str() {
                "-0" | "--null" => nul = true,
                "-r" | "--no-run-if-empty" => if_any = true,
                "-0r" | "-r0" => (nul, if_any) = (true, true),
                "-n" | "-I" if !more.is_empty() => {
                    if first == "-n" {
                        most = more.first().and_then(|number| number.parse().ok()).unwrap_or(0);
                    } else {
                        replace = more.first().cloned();
                        most = 1;
                    }
                    rest = more.get(1..).unwrap_or_default();
                    continue;
                }
                "-n1" => most = 1,
                word if word.starts_with('-') => {
                    return Err(self.stop(Reason::unsupported("xargs", format!("option {word}"))));
                }
                _ => break,
            }
            rest = more;
        }
        if most == 0 {
            return Err(self.stop(Reason::unsupported("xargs", "such a number")));
        }
        let text = self.rest_of_input()?;
        if !nul && text.contains(['\'', '"', '\\']) {
            return Err(self.stop(Reason::unsupported("xargs", "quotes in its input")));
        }
        let items: Vec<&str> = match (nul, &replace) {
            (true, _) => text.split_terminator('\0').collect(),
            (false, Some(_)) => text.lines().map(str::trim_start).filter(|line| !line.is_empty()).collect(),
            (false, None) => text.split_whitespace().collect(),
        };
        if items.is_empty() && (if_any || replace.is_some()) {
            return Ok(0);
        }
        let echo = ["echo".to_owned()];
        let command = if rest.is_empty() { &echo[..] } else { rest };
        let mut status = 0;
        let empty: [&str; 0] = [];
        let chunks: Vec<&[&str]> = if items.is_empty() { vec![&empty[..]] } else { items.chunks(most).collect() };
        for chunk in chunks {
            self.step()?;
            let words: Vec<String> = match (&replace, chunk.first()) {
                (Some(mark), Some(item)) => command.iter().map(|word| word.replace(mark.as_str(), item)).collect(),
                _ => command.iter().cloned().chain(chunk.iter().map(|item| (*item).to_owned())).collect(),
            };
            let Some((name, args)) = words.split_first() else { continue };
            match self.external(name, args)? {
                0 => {}
                failed @ (126 | 127) => return Ok(failed),
                _ => status = 123,
            }
        }
        Ok(status)
    }

    /// `sh -c TEXT`, `sh FILE` and `sh -s`.
    fn nested(&mut self, bash: bool, args: &[String]) -> Step<u8> {
        let mut interpreter = Interpreter { bash, ..Interpreter::default() };
        let (mut inline, mut from_input, mut rest) = (false, false, args);
        while let Some((first, more)) = rest.split_first() {
            let Some(flags) = first.strip_prefix('-') else { break };
            rest = more;
            if matches!(flags, "" | "-") {
                break;
            }
            for flag in flags.chars() {
                match flag {
                    'c' => inline = true,
                    's' => from_input = true,
                    'e' => interpreter.errexit = true,
                    'u' => interpreter.nounset = true,
                    'x' => {}
                    flag => return Err(self.stop(Reason::unsupported("sh", format!("option -{flag}")))),
                }
            }
        }
        match rest.split_first() {
            Some((text, more)) if inline => {
                let (name, args) = more.split_first().map_or(("sh", more), |(name, args)| (name.as_str(), args));
                self.script(text, name, args, interpreter)
            }
            None if inline => {
                self.complain("-c requires an argument")?;
                Ok(2)
            }
            Some((path, args)) if !from_input => {
                // A program that is modelled is the same whoever starts it.
                let name = path.rsplit('/').next().unwrap_or(path);
                if is_on_path(path)
                    && self.is_program(path)?
                    && let Some(status) = self.host(name, args)?
                {
                    return Ok(status);
                }
                match self.files()?.read_text(path) {
                    Ok(text) => self.script(&text, path, args, interpreter),
                    Err(FileError::Reason(reason)) => Err(self.stop(reason)),
                    Err(_) => {
                        self.complain(&format!("cannot open {path}"))?;
                        Ok(if bash { 127 } else { 2 })
                    }
                }
            }
            _ => {
                let text = self.rest_of_input()?;
                self.script(&text, "sh", rest, interpreter)
            }
        }
    }

    /// All that is left of standard input.
    fn rest_of_input(&mut self) -> Step<String> {
        let bytes = self.input(0)?.take(|bytes| (bytes.to_vec(), bytes.len()));
        self.count(bytes.len())?;
        self.text(bytes)
    }

    /// A command after a utility's own options, which say nothing of what it does to files.
    fn without_options(&mut self, name: &str, args: &[String]) -> Step<u8> {
        let mut rest = args;
        while let Some((first, more)) = rest.split_first() {
            if !first.starts_with('-') {
                break;
            }
            let takes =
                matches!(first.as_str(), "-n" | "-c" | "-k" | "-s") && matches!(name, "nice" | "ionice" | "timeout");
            rest = more.get(usize::from(takes)..).unwrap_or_default();
        }
        if name == "timeout" {
            rest = rest.get(1..).unwrap_or_default();
        }
        match rest.split_first() {
            Some((name, args)) => self.subshell(|shell| shell.external(name, args)),
            None => Err(self.stop(Reason::unsupported(name, "no command"))),
        }
    }
}
