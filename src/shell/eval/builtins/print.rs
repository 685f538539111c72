//! What prints: `echo`, `printf`; and `test`.

use crate::shell::eval::escapes::escapes;
use crate::shell::eval::printf::{self, Failure};
use crate::shell::eval::state::{Shell, Step};
use crate::shell::eval::test;
use crate::shell::reason::Reason;

/// Bytes that one `printf` may print.
const OUTPUT_MAX: usize = 16 << 20;

impl Shell<'_> {
    /// `echo` of dash takes `-n` and knows backslashes; that of bash knows them only with `-e`.
    pub(super) fn echo(&mut self, args: &[String]) -> Step<u8> {
        let (mut newline, mut backslashes, mut words) = (true, !self.environment.options.bash, args);
        while let Some((first, rest)) = words.split_first() {
            match first.as_str() {
                "-n" => newline = false,
                "-e" if self.environment.options.bash => backslashes = true,
                "-ne" | "-en" if self.environment.options.bash => (newline, backslashes) = (false, true),
                "-E" if self.environment.options.bash => backslashes = false,
                _ => break,
            }
            words = rest;
            if !self.environment.options.bash {
                break;
            }
        }
        let text = words.join(" ");
        let (mut bytes, stopped) = if backslashes { escapes(&text) } else { (text.into_bytes(), false) };
        if newline && !stopped {
            bytes.push(b'\n');
        }
        self.send(1, &bytes)?;
        Ok(0)
    }

    /// `printf` (XCU 3).
    pub(super) fn printf(&mut self, args: &[String]) -> Step<u8> {
        let args = if args.first().is_some_and(|arg| arg == "--") { args.get(1..).unwrap_or_default() } else { args };
        let Some((format, arguments)) = args.split_first() else {
            self.complain("printf: usage: printf format [arg ...]")?;
            return Ok(2);
        };
        if format.starts_with('-') && format != "-" {
            return Err(self.stop(Reason::unsupported("printf", format!("option {format}"))));
        }
        let (printed, result) = printf::format(format, arguments, OUTPUT_MAX);
        self.send(1, &printed.bytes)?;
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

    pub(super) fn test(&mut self, name: &str, args: &[String]) -> Step<u8> {
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
}
