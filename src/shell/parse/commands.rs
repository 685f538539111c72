//! The grammar of commands (XCU 2.9, 2.10).

use std::rc::Rc;

use super::cursor::{Cursor, Parsed};
use crate::shell::ast::{
    AndOr, Arm, Assignment, Command, CommandKind, Connector, List, Part, Pipeline, Redirect, RedirectKind, Word,
};

/// Words that end a list where a command could begin (XCU 2.4).
const CLOSING: [&str; 7] = ["then", "else", "elif", "fi", "do", "done", "esac"];

impl Cursor<'_> {
    /// Commands up to the end of the text, or to what closes the list, which stays.
    pub(super) fn list(&mut self) -> Parsed<List> {
        self.deeper(|cursor| {
            let mut list = List::new();
            loop {
                cursor.newlines();
                if cursor.is_closed() {
                    return Ok(list);
                }
                let mut item = cursor.and_or()?;
                cursor.blanks();
                if !cursor.starts_with(";;") && !cursor.starts_with(";&") && cursor.eat(";") {
                    list.push(item);
                    continue;
                }
                if cursor.peek() == Some(b'&') {
                    cursor.advance(1);
                    item.background = true;
                    list.push(item);
                    continue;
                }
                list.push(item);
                if !cursor.newline() {
                    return Ok(list);
                }
            }
        })
    }

    fn is_closed(&self) -> bool {
        self.peek().is_none_or(|byte| byte == b')')
            || self.starts_with(";;")
            || self.starts_with(";&")
            || self.is_reserved("}")
            || CLOSING.contains(&self.plain_word())
    }

    fn and_or(&mut self) -> Parsed<AndOr> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.blanks();
            let connector = match (self.eat("&&"), self.eat("||")) {
                (true, _) => Connector::And,
                (_, true) => Connector::Or,
                _ => return Ok(AndOr { first, rest, background: false }),
            };
            self.newlines();
            rest.push((connector, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let mut negated = false;
        self.blanks();
        while self.reserved("!") {
            negated = !negated;
            self.blanks();
        }
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            if self.starts_with("||") || !self.eat("|") {
                return Ok(Pipeline { negated, commands });
            }
            if self.eat("&") {
                // `|&` of bash: standard error goes the same way.
                if let Some(command) = commands.last_mut() {
                    let kind = RedirectKind::DuplicateOutput(text("1"));
                    command.redirects.push(Redirect { descriptor: Some(2), kind });
                }
            }
            self.newlines();
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        self.blanks();
        let line = self.line;
        let word = self.plain_word();
        let kind = match word {
            "if" => self.deeper(Self::conditional)?,
            "while" | "until" => self.deeper(Self::while_loop)?,
            "for" => self.deeper(Self::for_loop)?,
            "case" => self.deeper(Self::case)?,
            "{" => {
                self.advance(1);
                let list = self.list()?;
                self.close("}")?;
                CommandKind::Group(list)
            }
            "[[" => self.test()?,
            "function" => {
                self.advance(word.len());
                self.blanks();
                let name = self.plain_word().to_owned();
                self.advance(name.len());
                self.blanks();
                if self.eat("(") {
                    self.blanks();
                    self.expect(")")?;
                }
                self.function(name)?
            }
            _ if self.peek() == Some(b'(') && self.peek_at(1) == Some(b'(') => {
                return Err(self.error("`((` of bash is not modelled"));
            }
            _ if self.eat("(") => {
                let list = self.list()?;
                self.newlines();
                if !self.eat(")") {
                    return Err(self.unexpected("the `)` of a subshell"));
                }
                CommandKind::Subshell(list)
            }
            name if is_function(name, self.rest()) => {
                let name = name.to_owned();
                self.advance(name.len());
                self.blanks();
                self.expect("(")?;
                self.blanks();
                self.expect(")")?;
                self.function(name)?
            }
            _ => return self.simple(line),
        };
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(Command { line, kind, redirects }),
            }
        }
    }

    fn function(&mut self, name: String) -> Parsed<CommandKind> {
        self.newlines();
        let body = self.deeper(Self::command)?;
        Ok(CommandKind::Function { name, body: Rc::new(body) })
    }

    /// Goes past the reserved word that closes a command.
    fn close(&mut self, word: &str) -> Parsed<()> {
        self.newlines();
        if self.reserved(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    fn conditional(&mut self) -> Parsed<CommandKind> {
        self.close("if")?;
        let mut branches = Vec::new();
        loop {
            let condition = self.list()?;
            self.close("then")?;
            branches.push((condition, self.list()?));
            self.newlines();
            if self.reserved("elif") {
                continue;
            }
            let otherwise = if self.reserved("else") { self.list()? } else { List::new() };
            self.close("fi")?;
            return Ok(CommandKind::If { branches, otherwise });
        }
    }

    fn while_loop(&mut self) -> Parsed<CommandKind> {
        let until = self.is_reserved("until");
        self.advance("while".len());
        let condition = self.list()?;
        let body = self.body()?;
        Ok(CommandKind::While { until, condition, body })
    }

    fn body(&mut self) -> Parsed<List> {
        self.close("do")?;
        let body = self.list()?;
        self.close("done")?;
        Ok(body)
    }

    fn for_loop(&mut self) -> Parsed<CommandKind> {
        self.close("for")?;
        self.blanks();
        let name = self.name();
        if name.is_empty() {
            return Err(self.unexpected("the variable of `for`"));
        }
        self.newlines();
        let words = if self.reserved("in") {
            let mut words = Vec::new();
            loop {
                self.blanks();
                match self.word()? {
                    Some(word) => words.push(word),
                    None => break Some(words),
                }
            }
        } else {
            None
        };
        self.blanks();
        self.eat(";");
        let body = self.body()?;
        Ok(CommandKind::For { name, words, body })
    }

    fn case(&mut self) -> Parsed<CommandKind> {
        self.close("case")?;
        self.blanks();
        let word = self.word()?.ok_or_else(|| self.unexpected("the word of `case`"))?;
        self.close("in")?;
        let mut arms = Vec::new();
        loop {
            self.newlines();
            if self.reserved("esac") {
                return Ok(CommandKind::Case { word, arms });
            }
            if self.eat("(") {
                self.blanks();
            }
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                patterns.push(self.word()?.ok_or_else(|| self.unexpected("a pattern of `case`"))?);
                self.blanks();
                if !self.eat("|") {
                    break;
                }
            }
            self.expect(")")?;
            let body = self.list()?;
            self.newlines();
            let falls_through = if self.eat(";;&") {
                return Err(self.error("`;;&` of bash is not modelled"));
            } else if self.eat(";;") {
                false
            } else if self.eat(";&") {
                true
            } else if self.is_reserved("esac") {
                false
            } else {
                return Err(self.unexpected("`;;` or `esac`"));
            };
            arms.push(Arm { patterns, body, falls_through });
        }
    }

    /// `[[ … ]]`: operators are words of their own.
    fn test(&mut self) -> Parsed<CommandKind> {
        self.advance(2);
        let mut words = Vec::new();
        loop {
            self.newlines();
            if self.reserved("]]") {
                return Ok(CommandKind::Test(words));
            }
            if let Some(word) = self.word()? {
                words.push(word);
                continue;
            }
            let Some(operator) =
                ["&&", "||", "(", ")", "<", ">"].into_iter().find(|operator| self.starts_with(operator))
            else {
                return Err(self.unexpected("`]]`"));
            };
            self.advance(operator.len());
            words.push(text(operator));
        }
    }

    fn simple(&mut self, line: usize) -> Parsed<Command> {
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            let Some(word) = self.word()? else { break };
            match assignment(word) {
                Ok(assignment) if words.is_empty() => {
                    if assignment.value.parts.is_empty() && self.peek() == Some(b'(') {
                        return Err(self.error("arrays of bash are not modelled"));
                    }
                    assignments.push(assignment);
                }
                Ok(Assignment { name, append, mut value }) => {
                    let sign = if append { "+=" } else { "=" };
                    let head = format!("{name}{sign}");
                    match value.parts.first_mut() {
                        Some(Part::Text(first)) => first.insert_str(0, &head),
                        _ => value.parts.insert(0, Part::Text(head)),
                    }
                    words.push(value);
                }
                Err(word) => words.push(word),
            }
        }
        if assignments.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(self.unexpected("a command"));
        }
        Ok(Command { line, kind: CommandKind::Simple { assignments, words }, redirects })
    }

    fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        if self.eat("&>") {
            let kind = if self.eat(">") { None } else { Some(RedirectKind::WriteBoth(self.target()?)) };
            let kind = kind.ok_or_else(|| self.error("`&>>` of bash is not modelled"))?;
            return Ok(Some(Redirect { descriptor: None, kind }));
        }
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if !matches!(self.peek_at(digits), Some(b'<' | b'>')) {
            return Ok(None);
        }
        let descriptor = match self.rest().get(..digits).unwrap_or_default() {
            "" => None,
            digits => Some(digits.parse().map_err(|_| self.error("a descriptor's number is too large"))?),
        };
        self.advance(digits);
        let kind = if self.starts_with("<<<") {
            return Err(self.error("`<<<` of bash is not modelled"));
        } else if self.starts_with("<(") || self.starts_with(">(") {
            return Err(self.error("process substitution of bash is not modelled"));
        } else if self.starts_with("<<") {
            RedirectKind::Here(self.here_document()?)
        } else if self.eat("<&") {
            RedirectKind::DuplicateInput(self.target()?)
        } else if self.eat("<>") {
            RedirectKind::ReadWrite(self.target()?)
        } else if self.eat("<") {
            RedirectKind::Read(self.target()?)
        } else if self.eat(">>") {
            RedirectKind::Append(self.target()?)
        } else if self.eat(">&") {
            RedirectKind::DuplicateOutput(self.target()?)
        } else if self.eat(">|") || self.eat(">") {
            RedirectKind::Write(self.target()?)
        } else {
            return Err(self.unexpected("a redirection"));
        };
        Ok(Some(Redirect { descriptor, kind }))
    }

    fn target(&mut self) -> Parsed<Word> {
        self.blanks();
        self.word()?.ok_or_else(|| self.unexpected("the target of a redirection"))
    }
}

fn text(text: &str) -> Word {
    Word { parts: vec![Part::Text(text.to_owned())] }
}

/// Whether `NAME()` is next, blanks allowed.
fn is_function(name: &str, rest: &str) -> bool {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let after = rest.get(name.len()..).unwrap_or_default().trim_start_matches([' ', '\t']);
    is_name && after.strip_prefix('(').is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with(')'))
}

/// The word as an assignment, if it is one (XCU 2.10.2, rule 7): an unquoted name and `=` come first.
fn assignment(mut word: Word) -> Result<Assignment, Word> {
    let Some(Part::Text(first)) = word.parts.first_mut() else { return Err(word) };
    let Some((name, value)) = first.split_once('=') else { return Err(word) };
    let (name, append) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
    let is_name = name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    if !is_name {
        return Err(word);
    }
    let (name, value) = (name.to_owned(), value.to_owned());
    if value.is_empty() {
        word.parts.remove(0);
    } else {
        *first = value;
    }
    Ok(Assignment { name, append, value: word })
}
