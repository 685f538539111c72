//! Variables, options and positional parameters: `export`, `local`, `set`, `shift`.

use crate::shell::eval::state::{Shell, Step};
use crate::shell::reason::Reason;

impl Shell<'_> {
    pub(super) fn export(&mut self, args: &[String], exports: bool) -> Step<u8> {
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

    pub(super) fn local(&mut self, args: &[String]) -> u8 {
        for arg in args.iter().filter(|arg| !arg.starts_with('-')) {
            let (name, value) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
            let outer = self.environment.variables.get(name).map(str::to_owned);
            if let Some(locals) = self.environment.locals.last_mut() {
                locals.push((name.to_owned(), outer));
            }
            match value {
                Some(value) => self.environment.variables.set(name, value),
                // In dash the value outside stays; in bash there is none.
                None if self.environment.options.bash => self.environment.variables.unset(name),
                None => {}
            }
        }
        0
    }

    pub(super) fn set(&mut self, args: &[String]) -> Step<u8> {
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
                    'e' => self.environment.options.errexit = on,
                    'u' => self.environment.options.nounset = on,
                    'f' => self.environment.options.noglob = on,
                    'x' | 'v' | 'h' | 'b' | 'm' | 'C' if flag != 'C' => {}
                    'o' => {
                        let Some((name, more)) = rest.split_first() else { return Ok(0) };
                        rest = more;
                        match name.as_str() {
                            "errexit" => self.environment.options.errexit = on,
                            "nounset" => self.environment.options.nounset = on,
                            "noglob" => self.environment.options.noglob = on,
                            "pipefail" => self.environment.options.pipefail = on,
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

    pub(super) fn shift(&mut self, args: &[String]) -> Step<u8> {
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
}
