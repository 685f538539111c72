//! `[[ … ]]` of bash: words are not split, and `==` takes patterns.

use super::state::{Shell, Step};
use super::test::{Failure, binary, unary};
use crate::shell::ast::{Part, Word};
use crate::shell::reason::Reason;

impl Shell<'_> {
    pub(super) fn double_brackets(&mut self, words: &[Word]) -> Step<u8> {
        let mut rest = words;
        let truth = self.any(&mut rest, 0)?;
        if rest.is_empty() { Ok(u8::from(!truth)) } else { Err(self.stop(unknown())) }
    }

    fn matches(&mut self, pattern: &Word, text: &str) -> Step<bool> {
        let pattern = self.expand_pattern(pattern)?;
        self.matching(|budget| pattern.matches_all(text.as_bytes(), budget))
    }

    fn any(&mut self, rest: &mut &[Word], depth: usize) -> Step<bool> {
        let mut truth = self.all(rest, depth)?;
        while eat(rest, "||") {
            truth |= self.all(rest, depth)?;
        }
        Ok(truth)
    }

    fn all(&mut self, rest: &mut &[Word], depth: usize) -> Step<bool> {
        let mut truth = self.one(rest, depth)?;
        while eat(rest, "&&") {
            truth &= self.one(rest, depth)?;
        }
        Ok(truth)
    }

    fn one(&mut self, rest: &mut &[Word], depth: usize) -> Step<bool> {
        if depth > 50 {
            return Err(self.stop(unknown()));
        }
        if eat(rest, "!") {
            return Ok(!self.one(rest, depth + 1)?);
        }
        if eat(rest, "(") {
            let truth = self.any(rest, depth + 1)?;
            return if eat(rest, ")") { Ok(truth) } else { Err(self.stop(unknown())) };
        }
        let is_end = |word: Option<&Word>| word.is_none_or(|word| matches!(word.literal(), Some("&&" | "||" | ")")));
        let result = match *rest {
            [left, operator, right, ..] if !is_end(Some(operator)) && !is_end(Some(right)) => {
                let operator = operator.literal().unwrap_or_default().to_owned();
                let left = self.expand_text(left)?;
                let result = match operator.as_str() {
                    "==" | "=" => Ok(self.matches(right, &left)?),
                    "!=" => Ok(!self.matches(right, &left)?),
                    "=~" => return Err(self.stop(Reason::Construct("`=~` of bash".to_owned()))),
                    operator => {
                        let right = self.expand_text(right)?;
                        binary(&left, operator, &right, self.files()?)
                    }
                };
                *rest = rest.get(3..).unwrap_or_default();
                result
            }
            [operator, operand, ..]
                if operator.literal().is_some_and(|text| text.starts_with('-')) && !is_end(Some(operand)) =>
            {
                let operator = operator.literal().unwrap_or_default().to_owned();
                let operand = self.expand_text(operand)?;
                *rest = rest.get(2..).unwrap_or_default();
                unary(&operator, &operand, self.files()?)
            }
            [word, ..] => {
                let text = self.expand_text(word)?;
                *rest = rest.get(1..).unwrap_or_default();
                Ok(!text.is_empty())
            }
            [] => return Err(self.stop(unknown())),
        };
        match result {
            Ok(truth) => Ok(truth),
            Err(Failure::Reason(reason)) => Err(self.stop(reason)),
            Err(Failure::Usage(_)) => Err(self.stop(unknown())),
        }
    }
}

fn eat(rest: &mut &[Word], token: &str) -> bool {
    match rest.split_first() {
        Some((Word { parts }, more)) if matches!(parts.as_slice(), [Part::Text(text)] if text == token) => {
            *rest = more;
            true
        }
        _ => false,
    }
}

fn unknown() -> Reason {
    Reason::Construct("this form of `[[ … ]]`".to_owned())
}
