//! What prints: `echo`, `printf`; and `test`.

use crate::shell::eval::escapes::escapes;
use crate::shell::eval::printf::{self, Failure};
use crate::shell::eval::state::{Shell, Step};
use crate::shell::eval::test;
use crate::shell::reason::Reason;

/// Bytes that one `printf` may print.
const OUTPUT_MAX: usize = 16 << 20;

impl Shell<'_> {
    /// `echo` of dash takes `-n` and knows backslashes; that of bash and coreutils knows them only with `-e`.
    pub(in crate::shell::eval) fn echo(&mut self, args: &[String], plain: bool) -> Step<u8> {
        let (mut newline, mut backslashes, mut words) = (true, !plain, args);
        while let Some((first, rest)) = words.split_first() {
            match first.strip_prefix('-') {
                Some("n") => newline = false,
                Some(flags) if plain && !flags.is_empty() && flags.chars().all(|flag| "neE".contains(flag)) => {
                    for flag in flags.chars() {
                        match flag {
                            'n' => newline = false,
                            flag => backslashes = flag == 'e',
                        }
                    }
                }
                _ => break,
            }
            words = rest;
            if !plain {
                break;
            }
        }
        let text = words.join(" ");
        if plain && backslashes && ["\\x", "\\u", "\\U"].iter().any(|escape| text.contains(escape)) {
            return Err(self.stop(Reason::unsupported("echo", "such a backslash")));
        }
        let (mut bytes, stopped) = if backslashes { escapes(&text) } else { (text.into_bytes(), false) };
        if newline && !stopped {
            bytes.push(b'\n');
        }
        self.print_bytes(&bytes)?;
        Ok(0)
    }

    /// `printf` (XCU 3).
    pub(in crate::shell::eval) fn printf(&mut self, args: &[String]) -> Step<u8> {
        let is_separated = args.first().is_some_and(|arg| arg == "--");
        let args = if is_separated { args.get(1..).unwrap_or_default() } else { args };
        let Some((format, arguments)) = args.split_first() else {
            self.complain("printf: usage: printf format [arg ...]")?;
            return Ok(2);
        };
        if format.len() > 1 && format.starts_with('-') && args.first() == Some(format) && !is_separated {
            if format == "-v" {
                return Err(self.stop(Reason::unsupported("printf", "option -v")));
            }
            return self.fail(&format!("printf: Illegal option {format}"));
        }
        let (printed, result) = printf::format(format, arguments, OUTPUT_MAX);
        self.print_bytes(&printed.bytes)?;
        for complaint in &printed.complaints {
            self.complain(&format!("printf: {complaint}"))?;
        }
        match result {
            Ok(()) => Ok(u8::from(!printed.complaints.is_empty())),
            Err(Failure::Usage(what)) => {
                self.complain(&format!("printf: {what}"))?;
                Ok(2)
            }
            Err(Failure::Unsupported(what)) => Err(self.stop(Reason::unsupported("printf", what))),
            Err(Failure::TooLong) => Err(self.stop(Reason::Limit("16 MiB printed at once"))),
        }
    }

    pub(in crate::shell::eval) fn test(&mut self, name: &str, args: &[String]) -> Step<u8> {
        let operands = if name == "[" {
            match args.split_last() {
                Some((last, operands)) if last == "]" || (!self.environment.options.bash && last.starts_with(']')) => {
                    operands
                }
                _ => {
                    self.complain("[: missing ]")?;
                    return Ok(2);
                }
            }
        } else {
            args
        };
        let bash = self.environment.options.bash;
        match test::evaluate(operands, bash, self.files()?) {
            Ok(truth) => Ok(u8::from(!truth)),
            Err(test::Failure::Reason(reason)) => Err(self.stop(reason)),
            Err(test::Failure::Usage(cause)) => {
                self.complain(&format!("{name}: {cause}"))?;
                Ok(2)
            }
        }
    }
}
