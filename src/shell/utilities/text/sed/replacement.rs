//! The right side of `s` (GNU sed manual, 3.3 and 5.8).

use super::cursor::{Cursor, unsupported};
use super::script::{Case, Piece};
use crate::shell::reason::Reason;

/// Reads a replacement; gives its pieces and the subexpressions that it names.
pub(super) fn replacement(text: &[u8]) -> Result<(Vec<Piece>, Vec<usize>), Reason> {
    let mut cursor = Cursor::new(text);
    let mut pieces = Vec::new();
    let mut wanted = Vec::new();
    let mut plain = Vec::new();
    while let Some(byte) = cursor.next() {
        let piece = match byte {
            b'&' => Piece::Group(0),
            b'\\' => match cursor.next() {
                None => return Err(unsupported("a backslash at the end")),
                Some(digit @ b'0'..=b'9') => Piece::Group(usize::from(digit - b'0')),
                Some(b'U') => Piece::Case(Case::Upper),
                Some(b'L') => Piece::Case(Case::Lower),
                Some(b'u') => Piece::Case(Case::UpperOne),
                Some(b'l') => Piece::Case(Case::LowerOne),
                Some(b'E') => Piece::Case(Case::End),
                Some(next) => {
                    escape(next, &mut cursor, &mut plain)?;
                    continue;
                }
            },
            byte => {
                plain.push(byte);
                continue;
            }
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        if let Piece::Group(group) = piece
            && group > 0
        {
            wanted.push(group);
        }
        pieces.push(piece);
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok((pieces, wanted))
}

/// What a backslash makes of `byte` in text, put at the end of `text`.
pub(super) fn escape(byte: u8, cursor: &mut Cursor<'_>, text: &mut Vec<u8>) -> Result<(), Reason> {
    text.push(match byte {
        b'a' => 0x07,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'x' => {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
            match (digit(cursor.next()), digit(cursor.next())) {
                (Some(high), Some(low)) => u8::try_from(high * 16 + low).unwrap_or_default(),
                _ => return Err(unsupported("a `\\x` without two digits")),
            }
        }
        b'c' | b'd' | b'o' => return Err(unsupported("a byte by its number")),
        byte => byte,
    });
    Ok(())
}

/// A text that is put together with changes of case.
#[derive(Debug, Default)]
pub(super) struct Built {
    pub(super) text: Vec<u8>,
    /// Until `\E`.
    lasting: Option<Case>,
    /// For the next byte.
    once: Option<Case>,
}

impl Built {
    pub(super) fn case(&mut self, case: Case) {
        match case {
            Case::End => (self.lasting, self.once) = (None, None),
            Case::Upper | Case::Lower => self.lasting = Some(case),
            Case::UpperOne | Case::LowerOne => self.once = Some(case),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.text.push(match self.once.take().or(self.lasting) {
                Some(Case::Upper | Case::UpperOne) => byte.to_ascii_uppercase(),
                Some(Case::Lower | Case::LowerOne) => byte.to_ascii_lowercase(),
                _ => byte,
            });
        }
    }
}
