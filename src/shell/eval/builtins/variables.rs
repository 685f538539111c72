//! Variables: `export`, `readonly`, `local`, `unset` (XCU 2.15).

use std::rc::Rc;

use crate::shell::ast::is_name;
use crate::shell::eval::state::{Local, Shell, Step};
use crate::shell::reason::Reason;

impl Shell<'_> {
    /// `export` and `readonly`.
    pub(super) fn declare(&mut self, command: &str, args: &[String]) -> Step<u8> {
        let (flags, operands) = match args {
            [first, ..] if first == "-n" && self.environment.options.bash => {
                return Err(self.stop(Reason::unsupported(command, "option -n")));
            }
            args => self.builtin_options("p", args)?,
        };
        let exports = command == "export";
        if operands.is_empty() || !flags.is_empty() {
            return self.print_declared(command);
        }
        for operand in operands {
            let (name, value) = match operand.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (operand.as_str(), None),
            };
            match value {
                Some(value) => self.assign(name, value)?,
                None if !is_name(name) => return self.fail(&format!("{name}: bad variable name")),
                None => {}
            }
            if exports {
                self.environment.variables.export(name);
            } else {
                self.environment.variables.make_readonly(name);
            }
        }
        Ok(0)
    }

    fn print_declared(&mut self, command: &str) -> Step<u8> {
        if self.environment.options.bash {
            return Err(self.stop(Reason::unsupported(command, "no operand")));
        }
        let variables = &self.environment.variables;
        let mut text = String::new();
        for name in variables.names() {
            let is_meant = if command == "export" { variables.is_exported(name) } else { variables.is_readonly(name) };
            if is_meant {
                let value = variables.get(name).map(|value| format!("={}", quoted(value))).unwrap_or_default();
                text.extend([command, " ", name, &value, "\n"]);
            }
        }
        self.print(&text)?;
        Ok(0)
    }

    pub(super) fn local(&mut self, args: &[String]) -> Step<u8> {
        if self.environment.locals.is_empty() {
            return self.fail("local: not in a function");
        }
        let bash = self.environment.options.bash;
        for arg in args {
            if arg == "-" {
                let options = self.environment.options;
                if let Some(locals) = self.environment.locals.last_mut() {
                    locals.push(Local::Options(options));
                }
                continue;
            }
            if arg.starts_with('-') && bash {
                return Err(self.stop(Reason::unsupported("local", format!("option {arg}"))));
            }
            let (name, value) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
            if !is_name(name) {
                return self.fail(&format!("{name}: bad variable name"));
            }
            self.make_local(name);
            match value {
                Some(value) => self.assign(name, value)?,
                // In dash the value outside stays; in bash there is none.
                None if bash => self.environment.variables.unset(name),
                None => {}
            }
        }
        Ok(0)
    }

    pub(super) fn unset_all(&mut self, args: &[String]) -> Step<u8> {
        let (flags, names) = self.builtin_options("vf", args)?;
        let of_functions = flags.ends_with('f');
        for name in names {
            if of_functions {
                Rc::make_mut(&mut self.environment.functions).remove(name);
                continue;
            }
            // bash unsets a function where there is no variable.
            if self.environment.options.bash
                && flags.is_empty()
                && self.environment.variables.saved(name).is_none()
                && self.environment.functions.contains_key(name)
            {
                return Err(self.stop(Reason::unsupported("unset", "a function without option -f")));
            }
            // A value after the name is overlooked by dash.
            let name = match name.split_once('=') {
                Some((name, _)) if !self.environment.options.bash => name,
                _ => name,
            };
            self.may_change(name)?;
            self.environment.variables.unset(name);
        }
        Ok(0)
    }
}

/// A text in quotes, so that a shell reads it as one word.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('\'').unwrap_or(rest.len());
        let (plain, after) = rest.split_at(end);
        out.extend(["'", plain, "'"]);
        let quotes = after.len() - after.trim_start_matches('\'').len();
        if quotes == 0 {
            return out;
        }
        out.extend(["\"", after.get(..quotes).unwrap_or_default(), "\""]);
        rest = after.get(quotes..).unwrap_or_default();
        if rest.is_empty() {
            return out;
        }
    }
}
