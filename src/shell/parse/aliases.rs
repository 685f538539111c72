//! Aliases (XCU 2.3.1), as dash has them: a command line of the script itself defines them, and they hold for the lines after it.
//!
//! ```text
//! alias NAME=VALUE ─▶ table ─▶ the name of a command ─▶ the words of its value
//! ```
//!
//! The value has to be words alone. What else an alias can be (operators, a value that ends with a blank, one that is defined in a function,
//! by `eval` or in a file that is sourced) is no [`CommandKind::Alias`], and stops whoever carries it out.

use std::rc::Rc;

use super::cursor::{Cursor, Parsed};
use crate::shell::ast::{AndOr, Assignment, CommandKind, Part, Word, is_name};

/// Words that the grammar has (XCU 2.4).
const RESERVED: [&str; 12] =
    ["case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "then", "until", "while"];

impl Cursor<'_> {
    /// Makes `item`, which is a whole line of the script, a definition if it is one.
    pub(super) fn define_aliases(&mut self, item: &mut AndOr) {
        if !self.is_outermost() || !item.rest.is_empty() || item.background || item.first.negated {
            return;
        }
        let [command] = item.first.commands.as_mut_slice() else { return };
        let (CommandKind::Simple { assignments, words }, true) = (&command.kind, command.redirects.is_empty()) else {
            return;
        };
        let Some((name, values)) = words.split_first() else { return };
        let defined: Option<Vec<(String, String)>> = values.iter().map(definition).collect();
        let (true, Some(aliases), Some(defined)) =
            (assignments.is_empty() && text_of(name).as_deref() == Some("alias"), self.aliases.as_mut(), defined)
        else {
            return;
        };
        if defined.is_empty() {
            return;
        }
        command.kind = CommandKind::Alias(defined.iter().map(|(name, _)| name.clone()).collect());
        Rc::make_mut(aliases).extend(defined);
    }

    /// Goes past the name of a command that is an alias; gives what it stands for. No alias is looked for in that.
    pub(super) fn alias(&mut self) -> Parsed<Option<(Vec<Assignment>, Vec<Word>)>> {
        let name = self.plain_word();
        let Some(value) = self.aliases.as_ref().and_then(|aliases| aliases.get(name)).cloned() else { return Ok(None) };
        let mut within = self.within(&value, self.line);
        within.aliases = None;
        let command = within.deeper(|cursor| cursor.simple(cursor.line))?;
        self.advance(name.len());
        let CommandKind::Simple { assignments, words } = command.kind else { return Ok(None) };
        if !command.redirects.is_empty() || within.at < value.len() || words.is_empty() || value.ends_with([' ', '\t'])
        {
            return Err(self.error("an alias that is more than words"));
        }
        Ok(Some((assignments, words)))
    }
}

/// Name and value of an operand of `alias`.
fn definition(word: &Word) -> Option<(String, String)> {
    let text = text_of(word)?;
    let (name, value) = text.split_once('=')?;
    (is_name(name) && !RESERVED.contains(&name)).then(|| (name.to_owned(), value.to_owned()))
}

/// The text of a word in which nothing is expanded.
fn text_of(word: &Word) -> Option<String> {
    let mut text = String::new();
    for part in &word.parts {
        match part {
            Part::Text(part) | Part::Quoted(part) => text.push_str(part),
            Part::DoubleQuoted(parts) => text.push_str(&text_of(&Word { parts: parts.clone() })?),
            _ => return None,
        }
    }
    Some(text)
}
