//! The grammar of commands (XCU 2.9, 2.10).

use std::rc::Rc;

use super::cursor::{Cursor, Parsed};
use crate::shell::ast::{
    AndOr, Arm, Command, CommandKind, Connector, List, Part, Pipeline, Redirect, RedirectKind, Word, is_name,
};

/// Words that end a list where a command could begin (XCU 2.4).
const CLOSING: [&str; 8] = ["then", "else", "elif", "fi", "do", "done", "esac", "}"];

/// The special builtins (XCU 2.15), which can be no names of functions.
const SPECIAL: [&str; 16] = [
    ".", ":", "break", "continue", "eval", "exec", "exit", "export", "local", "readonly", "return", "set", "shift",
    "times", "trap", "unset",
];

impl Cursor<'_> {
    /// Commands up to the end of the text, or to what closes the list, which stays.
    pub(super) fn list(&mut self) -> Parsed<List> {
        self.deeper(|cursor| {
            let mut list = List::new();
            loop {
                cursor.newlines()?;
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
                if !cursor.newline()? {
                    list.push(item);
                    return Ok(list);
                }
                cursor.define_aliases(&mut item);
                list.push(item);
            }
        })
    }

    /// As [`Cursor::list`], where at least one command is needed.
    fn commands(&mut self) -> Parsed<List> {
        let list = self.list()?;
        if list.is_empty() { Err(self.unexpected("a command")) } else { Ok(list) }
    }

    fn is_closed(&self) -> bool {
        self.peek().is_none_or(|byte| byte == b')')
            || self.starts_with(";;")
            || self.starts_with(";&")
            || CLOSING.iter().any(|word| self.is_reserved(word))
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
            self.newlines()?;
            rest.push((connector, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let mut negated = false;
        self.blanks();
        while self.reserved("!") {
            if negated && !self.bash {
                return Err(self.error("`!` comes twice"));
            }
            negated = !negated;
            self.blanks();
        }
        let mut commands = vec![self.command()?];
        loop {
            self.blanks();
            if self.starts_with("||") || !self.eat("|") {
                return Ok(Pipeline { negated, commands });
            }
            if self.bash && self.eat("&") {
                // `|&` of bash: standard error goes the same way.
                if let Some(command) = commands.last_mut() {
                    let kind = RedirectKind::DuplicateOutput(text("1"));
                    command.redirects.push(Redirect { descriptor: Some(2), kind });
                }
            }
            self.newlines()?;
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        self.blanks();
        let line = self.line;
        let Some(kind) = self.compound()? else { return self.simple(line) };
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => break,
            }
        }
        // For dash `{ (…) >a; } >b` is `(…) >b`: the redirections of braces take the place of those of a subshell that is all
        // they hold (`command` in src/parser.c).
        if !self.bash && !redirects.is_empty() {
            match only_subshell(kind) {
                Ok(list) => return Ok(Command { line, kind: CommandKind::Subshell(list), redirects }),
                Err(other) => return Ok(Command { line, kind: other, redirects }),
            }
        }
        Ok(Command { line, kind, redirects })
    }

    /// A compound command or a function definition, if one is next.
    fn compound(&mut self) -> Parsed<Option<CommandKind>> {
        let word = self.plain_word();
        Ok(Some(match word {
            "if" => self.deeper(Self::conditional)?,
            "while" | "until" => self.deeper(Self::while_loop)?,
            "for" => self.deeper(Self::for_loop)?,
            "case" => self.deeper(Self::case)?,
            "{" => {
                self.advance(1);
                let list = self.commands()?;
                self.close("}")?;
                CommandKind::Group(list)
            }
            "!" => return Err(self.unexpected("a command")),
            "[[" if self.bash => self.test()?,
            "function" if self.bash => {
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
            _ if self.bash && self.starts_with("((") => return Err(self.error("`((` of bash is not modelled")),
            _ if self.eat("(") => {
                let list = self.commands()?;
                self.newlines()?;
                if !self.eat(")") {
                    return Err(self.unexpected("the `)` of a subshell"));
                }
                CommandKind::Subshell(list)
            }
            name if is_function(name, self.rest()) => {
                let name = name.to_owned();
                if !self.bash && (!is_name(&name) || SPECIAL.contains(&name.as_str())) {
                    return Err(self.error(format!("`{name}` is no name for a function")));
                }
                self.advance(name.len());
                self.blanks();
                self.expect("(")?;
                self.blanks();
                self.expect(")")?;
                self.function(name)?
            }
            _ => return Ok(None),
        }))
    }

    fn function(&mut self, name: String) -> Parsed<CommandKind> {
        self.newlines()?;
        let body = self.deeper(Self::command)?;
        if matches!(body.kind, CommandKind::Simple { .. }) && self.bash {
            return Err(self.error("a function's body is no compound command"));
        }
        Ok(CommandKind::Function { name, body: Rc::new(body) })
    }

    /// Goes past the reserved word that closes a command.
    fn close(&mut self, word: &str) -> Parsed<()> {
        self.newlines()?;
        if self.reserved(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    fn conditional(&mut self) -> Parsed<CommandKind> {
        self.close("if")?;
        let mut branches = Vec::new();
        loop {
            let condition = self.commands()?;
            self.close("then")?;
            branches.push((condition, self.commands()?));
            self.newlines()?;
            if self.reserved("elif") {
                continue;
            }
            let otherwise = if self.reserved("else") { self.commands()? } else { List::new() };
            self.close("fi")?;
            return Ok(CommandKind::If { branches, otherwise });
        }
    }

    fn while_loop(&mut self) -> Parsed<CommandKind> {
        let until = self.is_reserved("until");
        self.advance("while".len());
        let condition = self.commands()?;
        let body = self.body()?;
        Ok(CommandKind::While { until, condition, body })
    }

    fn body(&mut self) -> Parsed<List> {
        self.close("do")?;
        let body = self.commands()?;
        self.close("done")?;
        Ok(body)
    }

    fn for_loop(&mut self) -> Parsed<CommandKind> {
        self.close("for")?;
        self.blanks();
        let name = self.plain_word().to_owned();
        if !is_name(&name) {
            return Err(self.unexpected("the variable of `for`"));
        }
        self.advance(name.len());
        self.newlines()?;
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
            self.newlines()?;
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
            self.newlines()?;
            let falls_through = if self.bash && self.eat(";;&") {
                return Err(self.error("`;;&` of bash is not modelled"));
            } else if self.eat(";;") {
                false
            } else if self.bash && self.eat(";&") {
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
            self.newlines()?;
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
}

/// What the subshell holds that is all that there is within braces.
fn only_subshell(kind: CommandKind) -> Result<List, CommandKind> {
    let CommandKind::Group(mut list) = kind else { return Err(kind) };
    if let [AndOr { first: Pipeline { negated: false, commands }, rest, background: false }] = list.as_mut_slice()
        && rest.is_empty()
        && let [command] = commands.as_mut_slice()
    {
        match &mut command.kind {
            CommandKind::Subshell(inner) => return Ok(std::mem::take(inner)),
            CommandKind::Group(inner) if command.redirects.is_empty() => {
                let inner = std::mem::take(inner);
                match only_subshell(CommandKind::Group(inner)) {
                    Ok(inner) => return Ok(inner),
                    Err(other) => command.kind = other,
                }
            }
            _ => {}
        }
    }
    Err(CommandKind::Group(list))
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
