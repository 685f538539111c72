//! `read` (XCU 3, "read").

use crate::shell::eval::state::{Shell, Step};
use crate::shell::reason::Reason;

impl Shell<'_> {
    /// `read [-r] NAME …` (XCU 3, "read").
    pub(super) fn read(&mut self, args: &[String]) -> Step<u8> {
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
    pub(super) fn line_of_input(&mut self, raw: bool) -> Step<(Vec<(char, bool)>, bool)> {
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
}
