//! From a script's text to what it says (POSIX.1-2024, XCU 2.2 to 2.4, 2.7, 2.10).
//!
//! One pass from left to right, without tokens in between: what a character means depends on where the grammar stands.
//! [`cursor`] holds the place in the text, [`commands`] the grammar, [`words`] quoting and expansions, [`here`] the texts of
//! here-documents, which begin on the line after the one that asks for them, [`aliases`] what commands of another name stand for.
//!
//! A NUL byte stands for what is no text (bytes that are not UTF-8): it may stand in a word, and stops whoever expands that.
//!
//! Two crates parse shell: `yash-syntax` is under the GPL; `brush-parser` keeps expansions as text to be parsed again,
//! without lines, and lets nesting overflow the stack, which ends the program. Here nesting is bounded, every command
//! has its line, and time goes with length.

mod aliases;
mod commands;
mod cursor;
mod here;
mod simple;
#[cfg(test)]
mod tests;
mod words;

use cursor::{Aliases, Cursor};

use super::ast::List;
use super::interpreter::Interpreter;

/// Bytes of a script. The largest of Debian 13's is 2.2 MB (`config` of keyboard-configuration).
const LENGTH_MAX: usize = 8 << 20;

/// Why a text is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct SyntaxError {
    /// From 1.
    pub line: usize,
    pub what: String,
}

/// Parses a script, whose first line says whether it is bash's language or that of sh.
///
/// # Errors
/// What is no valid syntax, is nested too deep, or is too long.
pub fn parse(text: &str) -> Result<List, SyntaxError> {
    let bash = Interpreter::of(text.as_bytes()).is_some_and(|interpreter| interpreter.bash);
    // bash knows aliases only where somebody types.
    let aliases = (!bash).then(Aliases::default);
    whole(text, 1, bash, aliases)
}

/// Parses a script that stands within another one (`eval`), whose lines count from `line`, in bash's language or that of sh.
///
/// # Errors
/// As [`parse`].
pub fn parse_at(text: &str, line: usize, bash: bool) -> Result<List, SyntaxError> {
    whole(text, line, bash, None)
}

fn whole(text: &str, line: usize, bash: bool, aliases: Option<Aliases>) -> Result<List, SyntaxError> {
    if text.len() > LENGTH_MAX {
        return Err(SyntaxError { line, what: "the script is longer than 8 MiB".to_owned() });
    }
    let mut cursor = Cursor::new(text, line, bash);
    cursor.aliases = aliases;
    let list = cursor.list()?;
    cursor.at_end()?;
    Ok(list)
}
