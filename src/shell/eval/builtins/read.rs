//! `read` (XCU 3, "read").

use crate::shell::eval::fields::{Expansion, bytes};
use crate::shell::eval::redirect::Input;
use crate::shell::eval::state::{Shell, Step};
use crate::shell::reason::Reason;

/// A line of input.
struct Line {
    text: Expansion,
    /// It had an end.
    whole: bool,
}

impl Shell<'_> {
    /// `read [-r] NAME …`
    pub(super) fn read(&mut self, args: &[String]) -> Step<u8> {
        let bash = self.environment.options.bash;
        let mut raw = false;
        let mut names = args;
        while let Some((first, rest)) = names.split_first() {
            match first.as_str() {
                "-r" => raw = true,
                "--" => {
                    names = rest;
                    break;
                }
                // Nobody is there to be prompted.
                "-p" if !rest.is_empty() => {
                    names = rest.get(1..).unwrap_or_default();
                    continue;
                }
                "-" => break,
                word if word.starts_with('-') => {
                    if bash || word.starts_with("-p") || word.starts_with("-r") {
                        return Err(self.stop(Reason::unsupported("read", format!("option {word}"))));
                    }
                    return self.fail(&format!("read: Illegal option {word}"));
                }
                _ => break,
            }
            names = rest;
        }
        let reply = ["REPLY".to_owned()];
        let names = match names {
            [] if bash => &reply[..],
            [] => return self.fail("read: arg count"),
            names => names,
        };
        let input = self.input(0)?;
        let Line { text, whole } = input.take(|rest| line(rest, raw));
        self.count(text.len())?;
        // `REPLY` without a name has all of the line.
        let ifs = if std::ptr::eq(names, &reply) { String::new() } else { self.environment.ifs() };
        let mut fields = text.split_into(&ifs, names.len()).into_iter();
        for name in names {
            let value = self.text(bytes(&fields.next().unwrap_or_default()))?;
            self.count(value.len())?;
            self.assign(name, value)?;
        }
        Ok(u8::from(!whole || matches!(input, Input::Unreadable)))
    }
}

/// The next line, and how many bytes it takes. A backslash quotes the next character, or continues the line, unless it is `raw`.
fn line(rest: &[u8], raw: bool) -> (Line, usize) {
    let mut text = Expansion::default();
    let mut start = 0;
    let mut quoted = false;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            0 => continue,
            b'\n' if !quoted => {
                text.region(start, false);
                return (Line { text, whole: true }, at + 1);
            }
            b'\\' if !raw && !quoted => {
                quoted = true;
                continue;
            }
            _ => {}
        }
        if quoted {
            text.region(start, false);
            if *byte != b'\n' {
                text.push_byte(*byte, true);
            }
            start = text.len();
            quoted = false;
        } else {
            text.push_byte(*byte, false);
        }
    }
    text.region(start, false);
    (Line { text, whole: false }, rest.len())
}
