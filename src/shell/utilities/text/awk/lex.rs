//! The tokens of a program of awk (POSIX.1-2024 XCU awk, "Lexical Conventions").

use super::ast::Function;
use super::unsupported;
use crate::shell::reason::Reason;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(Vec<u8>),
    Pattern(Vec<u8>),
    /// A name, a key word or a function.
    Name(String),
    /// An operator, a parenthesis and the like.
    Mark(&'static str),
    Line,
}

/// Marks, longer ones first.
const MARKS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", ">>", "{", "}", "(", ")", "[",
    "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "|", "?", ":", "~", "$", "=",
];

/// Names that are no variables: key words, and functions that are not modelled.
pub(super) const KEYWORDS: &[&str] = &[
    "function", "func", "getline", "nextfile", "return", "system", "close", "fflush", "rand", "srand", "systime",
    "strftime", "mktime", "atan2", "cos", "sin", "exp", "log", "sqrt", "gensub", "BEGIN", "END", "if", "else", "while",
    "for", "do", "break", "continue", "next", "exit", "delete", "in", "print", "printf", "ARGC", "ARGV",
];

/// The function of this name.
pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "gsub" => Function::Gsub,
        "index" => Function::Index,
        "int" => Function::Int,
        "length" => Function::Length,
        "match" => Function::Match,
        "split" => Function::Split,
        "sprintf" => Function::Sprintf,
        "sub" => Function::Sub,
        "substr" => Function::Substr,
        "tolower" => Function::ToLower,
        "toupper" => Function::ToUpper,
        _ => return None,
    })
}

/// Takes a program apart.
pub(super) fn tokens(text: &[u8]) -> Result<Vec<Token>, Reason> {
    let mut found: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        match byte {
            b' ' | b'\t' | b'\r' => at += 1,
            b'\\' if rest.starts_with(b"\\\n") => at += 2,
            b'#' => at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
            b'\n' => {
                found.push(Token::Line);
                at += 1;
            }
            b'"' => {
                let (string, length) = string(rest)?;
                found.push(Token::Text(string));
                at += length;
            }
            b'/' if !found.last().is_some_and(ends_operand) => {
                let (pattern, length) = pattern(rest)?;
                found.push(Token::Pattern(pattern));
                at += length;
            }
            b'0'..=b'9' | b'.' => {
                let (number, length) = number(rest)?;
                found.push(Token::Number(number));
                at += length;
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let length = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
                let name = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
                at += name.len();
                let name = String::from_utf8_lossy(name).into_owned();
                if text.get(at) == Some(&b'(') && function(&name).is_none() && !KEYWORDS.contains(&name.as_str()) {
                    return Err(unsupported(format!("the function `{name}`")));
                }
                found.push(Token::Name(name));
            }
            _ => {
                let mark = MARKS.iter().find(|mark| rest.starts_with(mark.as_bytes()));
                let mark = mark.ok_or_else(|| unsupported(format!("`{}`", byte.escape_ascii())))?;
                found.push(Token::Mark(mark));
                at += mark.len();
            }
        }
    }
    Ok(found)
}

/// Whether a `/` after it divides.
fn ends_operand(token: &Token) -> bool {
    match token {
        Token::Number(_) | Token::Text(_) | Token::Pattern(_) => true,
        Token::Name(name) => !["print", "printf", "return", "in", "else", "do", "exit"].contains(&name.as_str()),
        Token::Mark(mark) => [")", "]", "++", "--", "$"].contains(mark),
        Token::Line => false,
    }
}

fn number(rest: &[u8]) -> Result<(f64, usize), Reason> {
    let digits = |from: usize| rest.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let byte = |at: usize| rest.get(at).copied().unwrap_or_default();
    let mut length = digits(0);
    if byte(length) == b'.' {
        length += 1 + digits(length + 1);
    }
    if byte(length).eq_ignore_ascii_case(&b'e') {
        let sign = usize::from(matches!(byte(length + 1), b'+' | b'-'));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    let text = rest.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
    if byte(0) == b'0' && matches!(byte(1), b'x' | b'X') {
        return Err(unsupported("a number in another base"));
    }
    let number = text.parse().map_err(|_| unsupported("`.`"))?;
    Ok((number, length))
}

/// A string that begins with `"`, and how long it is written. Of what is no escape of awk's, mawk keeps the backslash.
fn string(rest: &[u8]) -> Result<(Vec<u8>, usize), Reason> {
    let mut found = Vec::new();
    let mut at = 1;
    loop {
        let byte = *rest.get(at).ok_or_else(|| unsupported("a string without its end"))?;
        at += 1;
        match byte {
            b'"' => return Ok((found, at)),
            b'\n' => return Err(unsupported("a string without its end")),
            b'\\' => {
                let (length, text) = escape(rest.get(at..).unwrap_or_default())?;
                at += length;
                found.extend(text);
            }
            byte => found.push(byte),
        }
    }
}

/// What the text after a backslash stands for, and how much of it.
pub(super) fn escape(rest: &[u8]) -> Result<(usize, Vec<u8>), Reason> {
    let Some(&byte) = rest.first() else { return Ok((0, vec![b'\\'])) };
    let one = |byte| Ok((1, vec![byte]));
    match byte {
        b'"' | b'\\' => one(byte),
        b'\n' => Ok((1, Vec::new())),
        b'a' => one(0x07),
        b'b' => one(0x08),
        b'f' => one(0x0c),
        b'n' => one(b'\n'),
        b'r' => one(b'\r'),
        b't' => one(b'\t'),
        b'v' => one(0x0b),
        b'0'..=b'7' => {
            let digits = rest.iter().take(3).take_while(|byte| (b'0'..=b'7').contains(byte));
            let digits: Vec<u32> = digits.map(|digit| u32::from(digit - b'0')).collect();
            let value = digits.iter().fold(0, |value, digit| value * 8 + digit);
            let value = u8::try_from(value).map_err(|_| unsupported("such an escape"))?;
            Ok((digits.len(), vec![value]))
        }
        b'x' => {
            let digits = rest.get(1..3).and_then(|digits| std::str::from_utf8(digits).ok());
            let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            // How many digits count after the second is not the same everywhere.
            let more = rest.get(3).is_some_and(u8::is_ascii_hexdigit);
            let value = value.filter(|_| !more).ok_or_else(|| unsupported("such an escape"))?;
            Ok((3, vec![value]))
        }
        byte => Ok((1, vec![b'\\', byte])),
    }
}

/// A pattern that begins with `/`, and how long it is written.
fn pattern(rest: &[u8]) -> Result<(Vec<u8>, usize), Reason> {
    let mut found = Vec::new();
    let mut at = 1;
    loop {
        let byte = *rest.get(at).ok_or_else(|| unsupported("a pattern without its end"))?;
        at += 1;
        match byte {
            b'/' => return Ok((found, at)),
            b'\n' => return Err(unsupported("a pattern without its end")),
            b'\\' if rest.get(at) == Some(&b'/') => {
                found.push(b'/');
                at += 1;
            }
            b'\\' => {
                found.push(b'\\');
                found.extend(rest.get(at));
                at += 1;
            }
            byte => found.push(byte),
        }
    }
}
