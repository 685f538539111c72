//! Reads a pattern: basic and extended regular expressions (POSIX.1-2024 XBD 9.3 and 9.4) with the extensions of glibc, as
//! the GNU regex manual and regcomp.c's syntax bits have them for sed, grep and awk.

use super::bracket::bracket;
use super::bytes::{ByteSet, is_space, is_word};
use super::node::{DEPTH_MAX, Node, Place};
use super::{Dialect, Escapes, PatternError, Syntax};

/// Most turns of an interval (`RE_DUP_MAX` is 32767; the program's size is bounded in any case).
const TURNS_MAX: u32 = 32767;

/// Reads `text`; gives the pattern and how many subexpressions it has.
pub(super) fn parse(text: &[u8], syntax: Syntax, any_case: bool, groups: usize) -> Result<(Node, usize), PatternError> {
    if syntax.dialect == Dialect::Fixed {
        let parts = text.iter().map(|&byte| literal(byte, any_case)).collect();
        return Ok((Node::Sequence(parts), groups));
    }
    let mut parser = Parser { text, at: 0, syntax, any_case, groups, depth: 0 };
    let node = parser.alternatives()?;
    if parser.at < text.len() {
        return Err(PatternError::new("a `)` without its `(`"));
    }
    Ok((node, parser.groups))
}

fn literal(byte: u8, any_case: bool) -> Node {
    let set = ByteSet::of(byte);
    Node::Bytes(if any_case { set.any_case() } else { set })
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    syntax: Syntax,
    any_case: bool,
    groups: usize,
    depth: usize,
}

/// What a piece of a pattern is.
enum Token {
    Byte(u8),
    Set(ByteSet),
    Place(Place),
    Open,
    Close,
    Or,
    Times(u32, Option<u32>),
    End,
}

impl Parser<'_> {
    fn alternatives(&mut self) -> Result<Node, PatternError> {
        let mut all = vec![self.branch()?];
        while matches!(self.peek(true)?.0, Token::Or) {
            self.skip(true)?;
            all.push(self.branch()?);
        }
        match all.pop() {
            Some(only) if all.is_empty() => Ok(only),
            Some(last) => {
                all.push(last);
                Ok(Node::Either(all))
            }
            None => Ok(Node::Sequence(Vec::new())),
        }
    }

    fn branch(&mut self) -> Result<Node, PatternError> {
        let mut parts: Vec<Node> = Vec::new();
        // Whether nothing but the anchor `^` came yet.
        let mut start = true;
        loop {
            let (token, length) = self.peek(parts.is_empty())?;
            let part = match token {
                Token::End | Token::Or => break,
                Token::Close if self.depth > 0 => break,
                Token::Close => return Err(PatternError::new("a `)` without its `(`")),
                Token::Times(..) if self.syntax.dialect != Dialect::Basic => {
                    return Err(PatternError::new("a repetition of nothing"));
                }
                // XBD 9.3.8: `*` is itself at the start of a basic regular expression, also after `^` and `\(`.
                Token::Times(..) => match self.text.get(self.at..self.at + length).unwrap_or_default() {
                    [b'*'] => literal(b'*', false),
                    [b'\\', byte @ (b'+' | b'?')] => literal(*byte, false),
                    _ => return Err(PatternError::new("a repetition of nothing")),
                },
                Token::Byte(byte) => literal(byte, self.any_case),
                Token::Set(set) => Node::Bytes(set),
                Token::Place(place) => {
                    self.at += length;
                    parts.push(Node::Place(place));
                    let next = self.peek(false)?.0;
                    if matches!(next, Token::Times(..)) {
                        let literal_star = start && place == Place::LineStart && self.is_basic();
                        if !literal_star {
                            return Err(PatternError::new("a repetition of an anchor"));
                        }
                        let length = self.peek(false)?.1;
                        let star = self.text.get(self.at + length - 1).copied().unwrap_or(b'*');
                        if star == b'}' {
                            return Err(PatternError::new("a repetition of nothing"));
                        }
                        self.at += length;
                        let part = self.repeated(literal(star, false))?;
                        parts.push(part);
                    }
                    start = false;
                    continue;
                }
                Token::Open => {
                    self.at += length;
                    self.groups += 1;
                    let number = self.groups;
                    self.depth += 1;
                    if self.depth > DEPTH_MAX {
                        return Err(PatternError::new("more than 100 subexpressions in each other"));
                    }
                    let inner = self.alternatives()?;
                    let (token, length) = self.peek(false)?;
                    if !matches!(token, Token::Close) {
                        return Err(PatternError::new("a `(` without its `)`"));
                    }
                    self.at += length;
                    self.depth -= 1;
                    let part = self.repeated(Node::Group(number, Box::new(inner)))?;
                    parts.push(part);
                    start = false;
                    continue;
                }
            };
            self.at += length;
            let part = self.repeated(part)?;
            parts.push(part);
            start = false;
        }
        Ok(match parts.pop() {
            Some(only) if parts.is_empty() => only,
            Some(last) => {
                parts.push(last);
                Node::Sequence(parts)
            }
            None => Node::Sequence(Vec::new()),
        })
    }

    /// `part` with the repetitions that follow it.
    fn repeated(&mut self, mut part: Node) -> Result<Node, PatternError> {
        let mut several = 0;
        while let (Token::Times(least, most), length) = self.peek(false)? {
            self.at += length;
            several += 1;
            if several > DEPTH_MAX {
                return Err(PatternError::new("more than 100 repetitions of each other"));
            }
            part = Node::Repeat(Box::new(part), least, most);
        }
        Ok(part)
    }

    fn is_basic(&self) -> bool {
        self.syntax.dialect == Dialect::Basic
    }

    fn skip(&mut self, start: bool) -> Result<(), PatternError> {
        self.at += self.peek(start)?.1;
        Ok(())
    }

    /// The next token and its length; `start` if it is the first of a branch.
    fn peek(&self, start: bool) -> Result<(Token, usize), PatternError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let extended = !self.is_basic();
        Ok(match rest {
            [] => (Token::End, 0),
            [b'.', ..] => (Token::Set(ByteSet::ALL), 1),
            [b'[', inner @ ..] => {
                let syntax = self.syntax;
                let (set, length) = bracket(inner, self.any_case, |rest| escape_in_brackets(rest, syntax))?;
                (Token::Set(set), length + 1)
            }
            [b'*', ..] => (Token::Times(0, None), 1),
            [b'^', ..] if extended || start => (Token::Place(Place::LineStart), 1),
            [b'$', after @ ..]
                if extended || after.is_empty() || after.starts_with(b"\\)") || after.starts_with(b"\\|") =>
            {
                (Token::Place(Place::LineEnd), 1)
            }
            [b'+', ..] if extended => (Token::Times(1, None), 1),
            [b'?', ..] if extended => (Token::Times(0, Some(1)), 1),
            [b'(', ..] if extended => (Token::Open, 1),
            [b')', ..] if extended => (Token::Close, 1),
            [b'|', ..] if extended => (Token::Or, 1),
            [b'{', inner @ ..] if extended => interval(inner, b"}", 1, self.syntax)?,
            [b'\\', ..] => self.escape(rest)?,
            [byte, ..] => (Token::Byte(*byte), 1),
        })
    }

    fn escape(&self, rest: &[u8]) -> Result<(Token, usize), PatternError> {
        let Some(&byte) = rest.get(1) else {
            return Err(PatternError::new("a backslash at its end"));
        };
        if let Some((byte, length)) = escape_of_byte(rest, self.syntax)? {
            return Ok((Token::Byte(byte), length));
        }
        let token = match byte {
            b'(' if self.is_basic() => Token::Open,
            b')' if self.is_basic() => Token::Close,
            b'|' if self.is_basic() => Token::Or,
            b'+' if self.is_basic() => Token::Times(1, None),
            b'?' if self.is_basic() => Token::Times(0, Some(1)),
            b'{' if self.is_basic() => return interval(rest.get(2..).unwrap_or_default(), b"\\}", 2, self.syntax),
            b'1'..=b'9' => return Err(PatternError::new("a back-reference")),
            _ if self.syntax.escapes == Escapes::Awk && byte.is_ascii_alphanumeric() => {
                return Err(PatternError::new(format!("`\\{}`", char::from(byte))));
            }
            b'<' if self.syntax.escapes != Escapes::Awk => Token::Place(Place::WordStart),
            b'>' if self.syntax.escapes != Escapes::Awk => Token::Place(Place::WordEnd),
            b'`' if self.syntax.escapes != Escapes::Awk => Token::Place(Place::TextStart),
            b'\'' if self.syntax.escapes != Escapes::Awk => Token::Place(Place::TextEnd),
            b'b' => Token::Place(Place::WordEdge),
            b'B' => Token::Place(Place::NoWordEdge),
            b'w' => Token::Set(ByteSet::where_(is_word)),
            b'W' => Token::Set(ByteSet::where_(is_word).inverse()),
            b's' => Token::Set(ByteSet::where_(is_space)),
            b'S' => Token::Set(ByteSet::where_(is_space).inverse()),
            b'd' if self.syntax.escapes == Escapes::Perl => Token::Set(ByteSet::where_(|byte| byte.is_ascii_digit())),
            _ if byte.is_ascii_alphanumeric() || byte == b'}' && self.is_basic() => {
                return Err(PatternError::new(format!("`\\{}`", char::from(byte))));
            }
            _ => Token::Byte(byte),
        };
        Ok((token, 2))
    }
}

/// An interval whose opening brace took `before` bytes; `rest` comes after it.
fn interval(rest: &[u8], close: &[u8], before: usize, syntax: Syntax) -> Result<(Token, usize), PatternError> {
    let wrong = || PatternError::new("a `{` that begins no interval");
    if syntax.escapes == Escapes::Awk {
        return Err(PatternError::new("an interval, which not every awk has"));
    }
    let end = rest.windows(close.len()).position(|part| part == close).ok_or_else(wrong)?;
    let text = rest.get(..end).and_then(|text| std::str::from_utf8(text).ok()).ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number <= TURNS_MAX).ok_or_else(wrong);
    let (least, most) = match text.split_once(',') {
        None => (number(text)?, Some(number(text)?)),
        Some((least, most)) => {
            let least = if least.is_empty() { 0 } else { number(least)? };
            (least, if most.is_empty() { None } else { Some(number(most)?) })
        }
    };
    if most.is_some_and(|most| most < least) || text == "," || text.starts_with('+') {
        return Err(wrong());
    }
    Ok((Token::Times(least, most), before + end + close.len()))
}

/// What the backslash at the start of `rest` makes of what follows it, if that is a byte of its own, and how long it is
/// written. sed: its manual, section 5.8; awk: POSIX.1-2024 XCU awk, "Lexical Conventions".
fn escape_of_byte(rest: &[u8], syntax: Syntax) -> Result<Option<(u8, usize)>, PatternError> {
    let simple = |byte| Ok(Some((byte, 2)));
    match (syntax.escapes, rest.get(1).copied().unwrap_or_default()) {
        (Escapes::Grep, _) => Ok(None),
        (_, b'n') => simple(b'\n'),
        (_, b't') => simple(b'\t'),
        (_, b'r') => simple(b'\r'),
        (_, b'f') => simple(0x0c),
        (_, b'v') if syntax.escapes != Escapes::Perl => simple(0x0b),
        (_, b'a') => simple(0x07),
        (Escapes::Sed, b'x') => {
            let digits = rest.get(2..4).and_then(|digits| std::str::from_utf8(digits).ok());
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            let byte = byte.ok_or_else(|| PatternError::new("a `\\x` without two digits"))?;
            Ok(Some((byte, 4)))
        }
        (Escapes::Sed, b'c' | b'd' | b'o') => Err(PatternError::new("a byte by its number")),
        _ => Ok(None),
    }
}

fn escape_in_brackets(rest: &[u8], syntax: Syntax) -> Result<Option<(u8, usize)>, PatternError> {
    match (syntax.escapes, rest.get(1)) {
        (Escapes::Awk, Some(&byte)) if !byte.is_ascii_alphanumeric() => Ok(Some((byte, 2))),
        (Escapes::Awk, _) => match escape_of_byte(rest, syntax)? {
            Some(found) => Ok(Some(found)),
            None => Err(PatternError::new("a backslash in brackets")),
        },
        (Escapes::Perl, _) => Err(PatternError::new("a backslash in brackets")),
        _ => escape_of_byte(rest, syntax),
    }
}
