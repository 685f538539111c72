//! The commands that are part of the shell (XCU 2.15, 1.7).

use super::state::{Flow, Shell, Step};
use super::{printf, test};
use crate::shell::files::FileError;
use crate::shell::parse::parse_at;
use crate::shell::reason::Reason;

/// The special builtins (XCU 2.15): assignments before them stay, and their errors end the shell.
const SPECIAL: [&str; 15] = [
    ":", ".", "source", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift",
    "trap", "unset",
];

pub(super) fn is_special(name: &str) -> bool {
    SPECIAL.contains(&name)
}

/// Whether the shell has a command of this name by itself.
pub(super) fn is_builtin(name: &str) -> bool {
    is_special(name)
        || [
            "cd", "command", "echo", "false", "getopts", "hash", "local", "printf", "pwd", "read", "test", "[", "true",
            "type", "typeset", "declare", "umask", "wait", "alias", "unalias", "which",
        ]
        .contains(&name)
}

impl Shell<'_> {
    /// Carries out a builtin, if `name` is one.
    pub(super) fn builtin(&mut self, name: &str, args: &[String]) -> Option<Step<u8>> {
        Some(match name {
            ":" | "true" | "hash" | "wait" => Ok(0),
            "false" => Ok(1),
            "." | "source" => self.source(args),
            "break" => self.leave_loops(args, Flow::Break),
            "continue" => self.leave_loops(args, Flow::Continue),
            "cd" => self.change_directory(args),
            "command" => self.command_builtin(args),
            "echo" => self.echo(args),
            "eval" => self.eval(&args.join(" ")),
            "exec" => self
                .run_plain(args.first().map_or("", String::as_str), args.get(1..).unwrap_or_default())
                .and_then(|status| Err(Flow::Exit(status))),
            "exit" => self.status_of(args).and_then(|status| Err(Flow::Exit(status))),
            "return" => self.status_of(args).and_then(|status| Err(Flow::Return(status))),
            "export" | "readonly" => self.export(args, name == "export"),
            "local" | "typeset" | "declare" => self.local(args),
            "printf" => self.printf(args),
            "pwd" => {
                let cwd = self.files.cwd();
                self.print(&format!("{cwd}\n")).map(|()| 0)
            }
            "read" => self.read(args),
            "set" => self.set(args),
            "shift" => self.shift(args),
            "test" | "[" => self.test(name, args),
            "trap" => self.trap(args),
            "type" => self.describe(args, true),
            "which" => self.which(args),
            "umask" => self.umask(args),
            "unset" => {
                for name in args.iter().filter(|arg| !arg.starts_with('-')) {
                    if args.iter().any(|arg| arg == "-f") {
                        self.environment.functions.remove(name);
                    } else {
                        self.environment.variables.unset(name);
                    }
                }
                Ok(0)
            }
            "getopts" => self.getopts(args),
            "alias" | "unalias" => Err(self.stop(Reason::Construct(format!("`{name}`")))),
            _ => return None,
        })
    }

    fn status_of(&mut self, args: &[String]) -> Step<u8> {
        match args.first() {
            None => Ok(self.environment.status),
            Some(text) => match text.parse::<i64>() {
                // As the kernel: the low eight bits.
                Ok(status) => Ok(status.to_le_bytes()[0]),
                Err(_) => self.fail(&format!("Illegal number: {text}")),
            },
        }
    }

    fn leave_loops(&mut self, args: &[String], flow: fn(usize) -> Flow) -> Step<u8> {
        let count: usize = match args.first().map(|text| text.parse()) {
            None => 1,
            Some(Ok(count)) if count > 0 => count,
            Some(_) => return self.fail("Illegal number"),
        };
        // Outside of a loop nothing happens.
        if self.loops == 0 { Ok(0) } else { Err(flow(count.min(self.loops))) }
    }

    fn change_directory(&mut self, args: &[String]) -> Step<u8> {
        let operands: Vec<&String> =
            args.iter().filter(|arg| !matches!(arg.as_str(), "-P" | "-L" | "--" | "-e")).collect();
        let target = match operands.as_slice() {
            [] => self.environment.variables.get("HOME").unwrap_or("/").to_owned(),
            [dash] if *dash == "-" => self.environment.variables.get("OLDPWD").unwrap_or("/").to_owned(),
            [target] => (*target).clone(),
            _ => return Err(self.stop(Reason::unsupported("cd", "several operands"))),
        };
        let before = self.files.cwd();
        match self.files.chdir(&target) {
            Ok(()) => {
                let now = self.files.cwd();
                self.environment.variables.set("OLDPWD", before);
                self.environment.variables.set("PWD", now.as_str());
                if operands.first().is_some_and(|operand| *operand == "-") {
                    self.print(&format!("{now}\n"))?;
                }
                Ok(0)
            }
            Err(FileError::Reason(reason)) => Err(self.stop(reason)),
            Err(_) => {
                self.complain(&format!("cd: can't cd to {target}"))?;
                Ok(2)
            }
        }
    }

    fn command_builtin(&mut self, args: &[String]) -> Step<u8> {
        match args.first().map(String::as_str) {
            Some("-v" | "-V") => self.describe(args.get(1..).unwrap_or_default(), args[0] == "-V"),
            Some("-p" | "--") => self.command_builtin(args.get(1..).unwrap_or_default()),
            Some(name) => self.run_plain(name, args.get(1..).unwrap_or_default()),
            None => Ok(0),
        }
    }

    /// `command -v` and `type`.
    fn describe(&mut self, names: &[String], in_words: bool) -> Step<u8> {
        let mut status = 0;
        for name in names {
            let found = if self.environment.functions.contains_key(name) || is_builtin(name) && name != "which" {
                Some(name.clone())
            } else if name.contains('/') {
                self.is_program(name)?.then(|| name.clone())
            } else {
                self.find_program(name)?
            };
            match found {
                Some(found) if in_words => self.print(&format!("{name} is {found}\n"))?,
                Some(found) => self.print(&format!("{found}\n"))?,
                None => {
                    if in_words {
                        self.complain(&format!("{name}: not found"))?;
                    }
                    status = 127;
                }
            }
        }
        Ok(status)
    }

    /// which(1) of debianutils.
    fn which(&mut self, args: &[String]) -> Step<u8> {
        let all = args.first().is_some_and(|arg| arg == "-a");
        if all {
            return Err(self.stop(Reason::unsupported("which", "option -a")));
        }
        let silent = args.first().is_some_and(|arg| arg == "-s");
        let mut status = u8::from(args.is_empty());
        for name in args.iter().skip(usize::from(silent)) {
            let found = if name.contains('/') {
                self.is_program(name)?.then(|| name.clone())
            } else {
                self.find_program(name)?
            };
            match found {
                Some(found) if !silent => self.print(&format!("{found}\n"))?,
                Some(_) => {}
                None => status = 1,
            }
        }
        Ok(status)
    }

    /// `echo` of dash takes `-n` and knows backslashes; that of bash knows them only with `-e`.
    fn echo(&mut self, args: &[String]) -> Step<u8> {
        let (mut newline, mut escapes, mut words) = (true, !self.environment.bash, args);
        while let Some((first, rest)) = words.split_first() {
            match first.as_str() {
                "-n" => newline = false,
                "-e" if self.environment.bash => escapes = true,
                "-ne" | "-en" if self.environment.bash => (newline, escapes) = (false, true),
                "-E" if self.environment.bash => escapes = false,
                _ => break,
            }
            words = rest;
            if !self.environment.bash {
                break;
            }
        }
        let text = words.join(" ");
        let (mut bytes, stopped) = if escapes { printf::escapes(&text) } else { (text.into_bytes(), false) };
        if newline && !stopped {
            bytes.push(b'\n');
        }
        self.send(1, &bytes)?;
        Ok(0)
    }

    fn printf(&mut self, args: &[String]) -> Step<u8> {
        match printf::format(args) {
            Ok((bytes, complaints)) => {
                self.send(1, &bytes)?;
                for complaint in &complaints {
                    self.complain(complaint)?;
                }
                Ok(u8::from(!complaints.is_empty()))
            }
            Err(what) => Err(self.stop(Reason::unsupported("printf", what))),
        }
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
    fn source(&mut self, args: &[String]) -> Step<u8> {
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

    fn export(&mut self, args: &[String], exports: bool) -> Step<u8> {
        for arg in args {
            if let Some(option) = arg.strip_prefix('-') {
                if option.is_empty() || option == "-" {
                    continue;
                }
                return Err(self
                    .stop(Reason::unsupported(if exports { "export" } else { "readonly" }, format!("option {arg}"))));
            }
            let name = match arg.split_once('=') {
                Some((name, value)) => {
                    self.environment.variables.set(name, value);
                    name
                }
                None => arg,
            };
            if exports {
                self.environment.variables.export(name);
            }
        }
        Ok(0)
    }

    fn local(&mut self, args: &[String]) -> Step<u8> {
        for arg in args.iter().filter(|arg| !arg.starts_with('-')) {
            let (name, value) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
            let outer = self.environment.variables.get(name).map(str::to_owned);
            if let Some(locals) = self.environment.locals.last_mut() {
                locals.push((name.to_owned(), outer));
            }
            match value {
                Some(value) => self.environment.variables.set(name, value),
                // In dash the value outside stays; in bash there is none.
                None if self.environment.bash => self.environment.variables.unset(name),
                None => {}
            }
        }
        Ok(0)
    }

    fn set(&mut self, args: &[String]) -> Step<u8> {
        let mut rest = args;
        while let Some((first, more)) = rest.split_first() {
            let on = match first.as_str() {
                "--" => {
                    self.environment.positional = more.to_vec();
                    return Ok(0);
                }
                "-" => {
                    rest = more;
                    break;
                }
                word if word.starts_with('-') => true,
                word if word.starts_with('+') => false,
                _ => break,
            };
            rest = more;
            for flag in first.chars().skip(1) {
                match flag {
                    'e' => self.environment.errexit = on,
                    'u' => self.environment.nounset = on,
                    'f' => self.environment.noglob = on,
                    'x' | 'v' | 'h' | 'b' | 'm' | 'C' if flag != 'C' => {}
                    'o' => {
                        let Some((name, more)) = rest.split_first() else { return Ok(0) };
                        rest = more;
                        match name.as_str() {
                            "errexit" => self.environment.errexit = on,
                            "nounset" => self.environment.nounset = on,
                            "noglob" => self.environment.noglob = on,
                            "pipefail" => self.environment.pipefail = on,
                            "xtrace" | "verbose" => {}
                            name => return Err(self.stop(Reason::unsupported("set", format!("-o {name}")))),
                        }
                    }
                    flag => return Err(self.stop(Reason::unsupported("set", format!("option -{flag}")))),
                }
            }
        }
        if args.is_empty() {
            return Err(self.stop(Reason::unsupported("set", "no operand")));
        }
        if !rest.is_empty() {
            self.environment.positional = rest.to_vec();
        }
        Ok(0)
    }

    fn shift(&mut self, args: &[String]) -> Step<u8> {
        let count: usize = match args.first().map(|text| text.parse()) {
            None => 1,
            Some(Ok(count)) => count,
            Some(Err(_)) => return self.fail("shift: Illegal number"),
        };
        if count > self.environment.positional.len() {
            return self.fail("shift: can't shift that many");
        }
        self.environment.positional.drain(..count);
        Ok(0)
    }

    fn test(&mut self, name: &str, args: &[String]) -> Step<u8> {
        let operands = if name == "[" {
            match args.split_last() {
                Some((last, operands)) if last == "]" => operands,
                _ => {
                    self.complain("[: missing ]")?;
                    return Ok(2);
                }
            }
        } else {
            args
        };
        match test::evaluate(operands, &self.files) {
            Ok(truth) => Ok(u8::from(!truth)),
            Err(test::Failure::Reason(reason)) => Err(self.stop(reason)),
            Err(test::Failure::Usage(cause)) => {
                self.complain(&format!("{name}: {cause}"))?;
                Ok(2)
            }
        }
    }

    /// `trap`: no signal comes, so only what is done on exit counts.
    fn trap(&mut self, args: &[String]) -> Step<u8> {
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
    pub(super) fn run_exit_trap(&mut self, status: u8) -> Step<u8> {
        let Some(action) = self.environment.exit_trap.take() else { return Ok(status) };
        self.environment.status = status;
        match self.eval(&action) {
            Ok(_) => Ok(status),
            Err(Flow::Exit(status)) => Ok(status),
            Err(flow) => Err(flow),
        }
    }

    fn umask(&mut self, args: &[String]) -> Step<u8> {
        match args.first().map(String::as_str) {
            None => {
                let umask = self.files.umask;
                self.print(&format!("{umask:04o}\n"))?;
            }
            Some(text) => match u16::from_str_radix(text, 8) {
                Ok(umask) if umask <= 0o777 => self.files.umask = umask,
                _ => return Err(self.stop(Reason::unsupported("umask", format!("`{text}`")))),
            },
        }
        Ok(0)
    }

    /// `read [-r] NAME …` (XCU 3, "read").
    fn read(&mut self, args: &[String]) -> Step<u8> {
        let mut raw = false;
        let mut names = args;
        while let Some((first, rest)) = names.split_first() {
            match first.as_str() {
                "-r" => raw = true,
                "-p" if !rest.is_empty() => {
                    names = &rest[1..];
                    continue;
                }
                word if word.starts_with('-') => {
                    return Err(self.stop(Reason::unsupported("read", format!("option {word}"))));
                }
                _ => break,
            }
            names = rest;
        }
        let (line, whole) = self.line_of_input(raw)?;
        let ifs = self.ifs();
        let reply = ["REPLY".to_owned()];
        let names = if names.is_empty() { &reply[..] } else { names };
        let mut rest: Vec<(char, bool)> = line;
        let is_blank = |(character, quoted): &(char, bool)| {
            !quoted && ifs.contains(*character) && matches!(character, ' ' | '\t' | '\n')
        };
        let is_other = |(character, quoted): &(char, bool)| {
            !quoted && ifs.contains(*character) && !matches!(character, ' ' | '\t' | '\n')
        };
        for (number, name) in names.iter().enumerate() {
            let start = rest.iter().position(|character| !is_blank(character)).unwrap_or(rest.len());
            rest.drain(..start);
            let value: String = if number + 1 == names.len() {
                let mut end = rest.len();
                while end > 0 && is_blank(&rest[end - 1]) {
                    end -= 1;
                }
                // One delimiter at the end belongs to the last field, unless it is the only one.
                if end > 0
                    && is_other(&rest[end - 1])
                    && rest.iter().filter(|character| is_other(character)).count() == 1
                {
                    end -= 1;
                }
                rest.drain(..end).map(|(character, _)| character).collect()
            } else {
                let end =
                    rest.iter().position(|character| is_blank(character) || is_other(character)).unwrap_or(rest.len());
                let value = rest.drain(..end).map(|(character, _)| character).collect();
                let blanks = rest.iter().position(|character| !is_blank(character)).unwrap_or(rest.len());
                rest.drain(..blanks);
                if rest.first().is_some_and(is_other) {
                    rest.remove(0);
                }
                value
            };
            self.environment.variables.set(name, value);
        }
        Ok(u8::from(!whole))
    }

    /// The next line of standard input, and whether it had an end. A backslash quotes the next character, or continues the line.
    fn line_of_input(&mut self, raw: bool) -> Step<(Vec<(char, bool)>, bool)> {
        let mut line = Vec::new();
        loop {
            let rest = self.descriptors.rest(0);
            let end = rest.iter().position(|byte| *byte == b'\n');
            let bytes = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default().to_vec();
            self.descriptors.consume(0, bytes.len() + 1);
            self.count(bytes.len())?;
            let text = String::from_utf8(bytes).map_err(|_| self.stop(Reason::NotText))?;
            let mut characters = text.chars();
            let mut continued = false;
            while let Some(character) = characters.next() {
                match character {
                    '\\' if !raw => match characters.next() {
                        Some(quoted) => line.push((quoted, true)),
                        None => continued = true,
                    },
                    character => line.push((character, false)),
                }
            }
            if !(continued && end.is_some()) {
                return Ok((line, end.is_some()));
            }
        }
    }

    /// `getopts` (XCU 3).
    fn getopts(&mut self, args: &[String]) -> Step<u8> {
        let [options, name, more @ ..] = args else { return self.fail("getopts: usage") };
        let words = if more.is_empty() { self.environment.positional.clone() } else { more.to_vec() };
        let variables = &mut self.environment.variables;
        let index: usize = variables.get("OPTIND").and_then(|text| text.parse().ok()).unwrap_or(1);
        let word =
            words.get(index.wrapping_sub(1)).filter(|word| word.len() > 1 && word.starts_with('-') && *word != "--");
        let at = if self.environment.option_at == 0 { 1 } else { self.environment.option_at };
        let Some(option) = word.and_then(|word| word.chars().nth(at)) else {
            let skip = usize::from(words.get(index.wrapping_sub(1)).is_some_and(|word| word == "--"));
            variables.set("OPTIND", (index + skip).to_string());
            variables.set(name, "?");
            self.environment.option_at = 0;
            return Ok(1);
        };
        let is_last = word.is_some_and(|word| word.chars().nth(at + 1).is_none());
        let (mut next, mut next_at) = if is_last { (index + 1, 0) } else { (index, at + 1) };
        let silent = options.starts_with(':');
        let known = option != ':' && options.contains(option);
        let takes = options.split_once(option).is_some_and(|(_, after)| after.starts_with(':'));
        let (mut value, mut argument) = (option.to_string(), None);
        if !known {
            value = "?".to_owned();
            argument = silent.then(|| option.to_string());
        } else if takes {
            let attached: Option<String> =
                word.map(|word| word.chars().skip(at + 1).collect()).filter(|rest: &String| !rest.is_empty());
            argument = attached.clone().or_else(|| words.get(index).cloned());
            (next, next_at) = (if attached.is_some() { index + 1 } else { index + 2 }, 0);
            if argument.is_none() {
                value = if silent { ":" } else { "?" }.to_owned();
                argument = silent.then(|| option.to_string());
            }
        }
        variables.set("OPTIND", next.to_string());
        variables.set(name, value);
        match argument {
            Some(argument) => variables.set("OPTARG", argument),
            None => variables.unset("OPTARG"),
        }
        self.environment.option_at = next_at;
        Ok(0)
    }
}
