//! `test` and `[` (XCU 3, "test"): files, texts, numbers.

use super::number::whole;
use crate::shell::files::{FileError, Files};
use crate::shell::reason::Reason;
use crate::tree::Kind;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// It cannot be followed.
    Reason(Reason),
    /// It is used wrongly, which the original reports with status 2.
    Usage(String),
}

type Truth = Result<bool, Failure>;

/// The truth of an expression.
pub(super) fn evaluate(operands: &[String], files: &Files) -> Truth {
    let words: Vec<&str> = operands.iter().map(String::as_str).collect();
    by_count(&words, files)
}

/// POSIX says by the number of operands what they mean; only beyond four they are parsed.
fn by_count(words: &[&str], files: &Files) -> Truth {
    match words {
        [] => Ok(false),
        [word] => Ok(!word.is_empty()),
        ["!", word] => Ok(word.is_empty()),
        [operator, operand] if is_unary(operator) => unary(operator, operand, files),
        [left, operator, right] if is_binary(operator) => binary(left, operator, right, files),
        [left, "-a", right] => Ok(!left.is_empty() && !right.is_empty()),
        [left, "-o", right] => Ok(!left.is_empty() || !right.is_empty()),
        ["!", rest @ ..] if words.len() <= 4 => by_count(rest, files).map(|truth| !truth),
        ["(", word, ")"] => Ok(!word.is_empty()),
        ["(", inner @ .., ")"] if words.len() == 4 => by_count(inner, files),
        [_, _] => Err(Failure::Usage("unexpected operator".to_owned())),
        words => {
            let mut parser = Parser { words, files, depth: 0 };
            let truth = parser.or()?;
            if parser.words.is_empty() { Ok(truth) } else { Err(Failure::Usage("unexpected operator".to_owned())) }
        }
    }
}

struct Parser<'a> {
    words: &'a [&'a str],
    files: &'a Files,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.next();
        }
        found
    }

    fn or(&mut self) -> Truth {
        let mut truth = self.and()?;
        while self.eat("-o") {
            truth |= self.and()?;
        }
        Ok(truth)
    }

    fn and(&mut self) -> Truth {
        let mut truth = self.not()?;
        while self.eat("-a") {
            truth &= self.not()?;
        }
        Ok(truth)
    }

    fn not(&mut self) -> Truth {
        self.depth += 1;
        if self.depth > 50 {
            return Err(Failure::Usage("nested too deep".to_owned()));
        }
        let truth = match self.words {
            // A binary operator in the second place makes the first word an operand.
            [left, operator, right, ..] if is_binary(operator) => {
                self.words = &self.words[3..];
                binary(left, operator, right, self.files)
            }
            ["!", ..] => {
                self.next();
                self.not().map(|truth| !truth)
            }
            ["(", ..] => {
                self.next();
                let truth = self.or()?;
                if self.eat(")") { Ok(truth) } else { Err(Failure::Usage("closing paren expected".to_owned())) }
            }
            [operator, operand, ..] if is_unary(operator) => {
                self.words = &self.words[2..];
                unary(operator, operand, self.files)
            }
            [word, ..] => {
                self.next();
                Ok(!word.is_empty())
            }
            [] => Err(Failure::Usage("argument expected".to_owned())),
        };
        self.depth -= 1;
        truth
    }
}

fn is_unary(operator: &str) -> bool {
    operator.len() == 2 && operator.starts_with('-') && "bcdefghkLnOGprSstuwxz".contains(&operator[1..])
}

fn is_binary(operator: &str) -> bool {
    ["=", "==", "!=", "<", ">", "-eq", "-ne", "-gt", "-ge", "-lt", "-le", "-nt", "-ot", "-ef"].contains(&operator)
}

fn number(text: &str) -> Result<i64, Failure> {
    whole(text, Some(10), false).ok_or_else(|| Failure::Usage(format!("Illegal number: {text}")))
}

/// `LEFT OPERATOR RIGHT`
pub(super) fn binary(left: &str, operator: &str, right: &str, files: &Files) -> Truth {
    Ok(match operator {
        "=" | "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        ">" => left > right,
        "-eq" => number(left)? == number(right)?,
        "-ne" => number(left)? != number(right)?,
        "-gt" => number(left)? > number(right)?,
        "-ge" => number(left)? >= number(right)?,
        "-lt" => number(left)? < number(right)?,
        "-le" => number(left)? <= number(right)?,
        "-ef" => match (files.stat(left, true), files.stat(right, true)) {
            (Ok((left, _)), Ok((right, _))) => left == right,
            (Err(FileError::Reason(reason)), _) | (_, Err(FileError::Reason(reason))) => {
                return Err(Failure::Reason(reason));
            }
            _ => false,
        },
        // Where one of both is missing, no time is needed.
        "-nt" | "-ot" => {
            let there = |path| files.exists(path).map_err(Failure::Reason);
            match (there(left)?, there(right)?) {
                (true, true) => {
                    return Err(Failure::Reason(Reason::differs(
                        &format!("test {operator}"),
                        "when files were changed",
                    )));
                }
                (left, right) => {
                    if operator == "-nt" {
                        left && !right
                    } else {
                        right && !left
                    }
                }
            }
        }
        _ => return Err(Failure::Usage(format!("{operator}: unexpected operator"))),
    })
}

/// `OPERATOR OPERAND`
pub(super) fn unary(operator: &str, operand: &str, files: &Files) -> Truth {
    match operator {
        "-n" => return Ok(!operand.is_empty()),
        "-z" => return Ok(operand.is_empty()),
        // No descriptor is a terminal.
        "-t" => return Ok(false),
        _ => {}
    }
    if operand == "/dev/null" {
        return Ok(matches!(operator, "-e" | "-c" | "-r" | "-w" | "-O" | "-G"));
    }
    let node = match files.stat(operand, !matches!(operator, "-L" | "-h")) {
        Ok((_, node)) => node,
        Err(FileError::Reason(reason)) => return Err(Failure::Reason(reason)),
        Err(_) => return Ok(false),
    };
    Ok(match operator {
        // Root may read and write everything.
        "-e" | "-r" | "-w" => true,
        "-f" => matches!(node.kind, Kind::File(_)),
        "-d" => node.is_dir(),
        "-L" | "-h" => matches!(node.kind, Kind::Symlink(_)),
        "-b" => matches!(node.kind, Kind::BlockDevice { .. }),
        "-c" => matches!(node.kind, Kind::CharDevice { .. }),
        "-p" => matches!(node.kind, Kind::Fifo),
        "-s" => match &node.kind {
            Kind::File(content) => !content.is_empty(),
            kind => matches!(kind, Kind::Dir),
        },
        "-x" => node.is_dir() || node.mode & 0o111 != 0,
        "-u" => node.mode & 0o4000 != 0,
        "-g" => node.mode & 0o2000 != 0,
        "-k" => node.mode & 0o1000 != 0,
        "-O" => node.uid == files.identity.0,
        "-G" => node.gid == files.identity.1,
        // No socket outlives the process that it belongs to.
        _ => false,
    })
}
