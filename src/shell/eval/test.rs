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

/// How deep negations and parentheses may lie within each other.
const DEPTH_MAX: usize = 50;

/// What a word is where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    End,
    Operand,
    Unary,
    Binary,
    Not,
    And,
    Or,
    Open,
    Close,
}

/// The truth of an expression, as dash finds it (src/bltin/test.c): by the number of operands as POSIX has it, else by precedence.
pub(super) fn evaluate(operands: &[String], bash: bool, files: &Files) -> Truth {
    let words: Vec<&str> = operands.iter().map(String::as_str).collect();
    if let (true, [operator @ ("-a" | "-o" | "-N" | "-R" | "-v"), _]) = (bash, words.as_slice()) {
        return Err(Failure::Reason(Reason::unsupported("test", format!("operator {operator}"))));
    }
    let mut words = words.as_slice();
    let mut negated = false;
    loop {
        match words {
            [] => return Ok(negated),
            [_, operator, _] if is_binary(operator, bash) => break,
            ["(", inner @ .., ")"] if matches!(words.len(), 3 | 4) => {
                words = inner;
                break;
            }
            ["!", rest @ ..] if matches!(words.len(), 3 | 4) => {
                words = rest;
                // A second one is no other for dash.
                negated = !bash || !negated;
            }
            _ => break,
        }
    }
    let mut parser = Parser { words, at: 0, files, bash, depth: 0 };
    let first = match words {
        [_, operator, _] if is_binary(operator, bash) => Token::Operand,
        _ => parser.token(0),
    };
    let truth = parser.or(first)?;
    if parser.word(parser.at).is_some() && parser.word(parser.at + 1).is_some() {
        return Err(Failure::Usage("unexpected operator".to_owned()));
    }
    Ok(truth != negated)
}

struct Parser<'a> {
    words: &'a [&'a str],
    /// The word that was looked at last.
    at: usize,
    files: &'a Files,
    bash: bool,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn word(&self, at: usize) -> Option<&'a str> {
        self.words.get(at).copied()
    }

    /// What the word at `at` is: an operator that could only be an operand is one.
    fn token(&self, at: usize) -> Token {
        let Some(word) = self.word(at) else { return Token::End };
        match word {
            "!" => Token::Not,
            "-a" => Token::And,
            "-o" => Token::Or,
            "(" if self.word(at + 1).is_some() => Token::Open,
            ")" => Token::Close,
            word if is_binary(word, self.bash) => Token::Binary,
            word if is_unary(word) => match (self.word(at + 1), self.word(at + 2)) {
                (None, _) => Token::Operand,
                (Some(next), Some(_)) if is_binary(next, self.bash) => Token::Operand,
                _ => Token::Unary,
            },
            _ => Token::Operand,
        }
    }

    fn or(&mut self, first: Token) -> Truth {
        let (mut token, mut truth) = (first, false);
        loop {
            truth |= self.and(token)?;
            if self.token(self.at + 1) != Token::Or {
                return Ok(truth);
            }
            self.at += 2;
            token = self.token(self.at);
        }
    }

    fn and(&mut self, first: Token) -> Truth {
        let (mut token, mut truth) = (first, true);
        loop {
            truth &= self.not(token)?;
            if self.token(self.at + 1) != Token::And {
                return Ok(truth);
            }
            self.at += 2;
            token = self.token(self.at);
        }
    }

    fn not(&mut self, first: Token) -> Truth {
        if first != Token::Not {
            return self.primary(first);
        }
        let token = self.token(self.at + 1);
        if token != Token::End {
            self.at += 1;
        }
        self.deeper(|parser| parser.not(token).map(|truth| !truth))
    }

    fn deeper(&mut self, parse: impl FnOnce(&mut Self) -> Truth) -> Truth {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Failure::Reason(Reason::Limit("50 negations and parentheses of `test` within each other")));
        }
        let truth = parse(self);
        self.depth -= 1;
        truth
    }

    fn primary(&mut self, token: Token) -> Truth {
        let Some(word) = self.word(self.at).filter(|_| token != Token::End) else { return Ok(false) };
        match token {
            Token::Open => {
                self.at += 1;
                let token = self.token(self.at);
                if token == Token::Close {
                    return Ok(false);
                }
                let truth = self.deeper(|parser| parser.or(token))?;
                self.at += 1;
                if self.token(self.at) == Token::Close { Ok(truth) } else { wrong("closing paren expected") }
            }
            Token::Unary => {
                self.at += 1;
                match self.word(self.at) {
                    Some(operand) => unary(word, operand, self.files),
                    None => wrong("argument expected"),
                }
            }
            _ if self.token(self.at + 1) == Token::Binary => {
                let operator = self.word(self.at + 1).unwrap_or_default();
                self.at += 2;
                match self.word(self.at) {
                    Some(right) => binary(word, operator, right, self.files),
                    None => wrong("argument expected"),
                }
            }
            _ => Ok(!word.is_empty()),
        }
    }
}

fn wrong(what: &str) -> Truth {
    Err(Failure::Usage(what.to_owned()))
}

fn is_unary(operator: &str) -> bool {
    operator.strip_prefix('-').is_some_and(|letter| letter.len() == 1 && "bcdefghkLnOGprSstuwxz".contains(letter))
}

fn is_binary(operator: &str, bash: bool) -> bool {
    ["=", "!=", "<", ">", "-eq", "-ne", "-gt", "-ge", "-lt", "-le", "-nt", "-ot", "-ef"].contains(&operator)
        || (bash && operator == "==")
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
        "-t" => return number(operand).map(|_| false),
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
