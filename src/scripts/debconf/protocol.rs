//! debconf's side of the protocol: a request is a line, and so is its reply (debconf-devel(7); the `command_` functions of
//! Debconf/ConfModule.pm, the frontend and the elements named `Noninteractive`).

use std::cmp::Ordering;

use super::Debconf;
use super::database::Question;
use super::template::{Template, parse, split};

/// What a request is answered: a code, which is the exit status of the shell's function, and a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u8,
    pub text: Option<String>,
}

/// What of the environment debconf looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Environment<'a> {
    /// `DEBIAN_PRIORITY`
    pub priority: Option<&'a str>,
    /// Whether `DEBCONF_NONINTERACTIVE_SEEN` is `true`.
    pub marks_seen: bool,
}

const SUCCESS: u8 = 0;
const ESCAPED_DATA: u8 = 1;
const BAD_PARAMETERS: u8 = 10;
const SYNTAX_ERROR: u8 = 20;
const INVISIBLE: u8 = 30;
const BAD_VERSION: u8 = 30;

const PRIORITIES: [&str; 4] = ["low", "medium", "high", "critical"];

impl Reply {
    fn new(code: u8, text: impl Into<String>) -> Self {
        // A reply is one line.
        let text: String = text.into();
        Self { code, text: Some(text.split('\n').next().unwrap_or_default().to_owned()) }
    }

    fn done() -> Self {
        Self { code: SUCCESS, text: None }
    }

    fn wrong_count() -> Self {
        Self::new(SYNTAX_ERROR, "Incorrect number of arguments")
    }

    fn missing(question: &str) -> Self {
        Self::new(BAD_PARAMETERS, format!("{question} doesn't exist"))
    }

    /// Whether the script speaks a version of the protocol that is understood, which is 2.
    fn to_version(version: &str) -> Self {
        match whole(version).cmp(&2) {
            Ordering::Less => Self::new(BAD_VERSION, format!("Version too low ({version})")),
            Ordering::Equal => Self::new(SUCCESS, "2.0"),
            Ordering::Greater => Self::new(BAD_VERSION, format!("Version too high ({version})")),
        }
    }

    /// As it goes over the wire, without the line's end.
    #[must_use]
    pub fn line(&self) -> String {
        match &self.text {
            Some(text) => format!("{} {text}", self.code),
            None => self.code.to_string(),
        }
    }
}

/// What happens instead of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breakdown {
    /// The script has said `STOP`: nobody answers any more, and it waits for ever.
    Stopped,
    /// debconf itself dies of it.
    Dies,
}

impl Debconf {
    /// Carries out a request.
    ///
    /// # Errors
    /// Where there would be no reply.
    pub fn request(&mut self, line: &str, environment: Environment<'_>) -> Result<Reply, Breakdown> {
        if self.session.stopped {
            return Err(Breakdown::Stopped);
        }
        let words = if self.session.escapes {
            unescape_split(line)
        } else {
            line.split_ascii_whitespace().map(str::to_owned).collect()
        };
        let Some((command, args)) = words.split_first() else {
            return Ok(Reply::new(SYNTAX_ERROR, format!("Bad line \"{line}\" received from confmodule.")));
        };
        let words: Vec<&str> = args.iter().map(String::as_str).collect();
        Ok(match (command.to_ascii_lowercase().as_str(), words.as_slice()) {
            ("input", [priority, name]) => self.input(priority, name, environment)?,
            ("clear", []) => {
                self.session.shown.clear();
                Reply::done()
            }
            ("version", []) => Reply::new(SUCCESS, "2.0"),
            ("version", [version]) => Reply::to_version(version),
            ("capb", capabilities) => {
                self.session.escapes = capabilities.contains(&"escape");
                // What the frontend can do comes last, which is nothing.
                Reply::new(SUCCESS, "multiselect escape ")
            }
            ("title" | "beginblock" | "endblock", _) | ("info", []) => Reply::done(),
            ("settitle" | "info", [name]) => self.on(name, |_, _| Reply::done()),
            ("go", []) => self.go()?,
            ("get", [name]) => self.on(name, |debconf, question| debconf.data(debconf.database.value(question))),
            ("set", [name, value @ ..]) => {
                let value = value.join(" ");
                self.change(name, |question| {
                    question.value = Some(value);
                    Reply::new(SUCCESS, "value set")
                })
            }
            ("reset", [name]) => {
                let default = self.database.questions.get(*name).map(|question| self.database.default(question));
                self.change(name, |question| {
                    question.value = default;
                    question.flags.insert("seen".to_owned(), "false".to_owned());
                    Reply::done()
                })
            }
            ("subst", [name, variable, value @ ..]) => {
                let value = value.join(" ");
                self.change(name, |question| {
                    question.variables.insert((*variable).to_owned(), value);
                    Reply::done()
                })
            }
            ("register", [template, name]) => self.register(template, name),
            ("unregister", [name]) => self.unregister(name),
            ("purge", []) => {
                let owner = self.session.owner.clone();
                let names: Vec<String> = self.database.questions.keys().cloned().collect();
                for name in names {
                    self.database.disown(&name, &owner);
                }
                Reply::done()
            }
            ("metaget", [name, field]) => {
                let field_name = field.to_ascii_lowercase();
                self.on(name, |debconf, question| match debconf.database.meta(name, question, &field_name) {
                    Some(text) => debconf.data(text),
                    None => Reply::new(BAD_PARAMETERS, format!("{field} does not exist")),
                })
            }
            ("fget", [name, flag]) => self.on(name, |_, question| Reply::new(SUCCESS, flag_of(question, flag))),
            ("fset", [name, flag, value, more @ ..]) => {
                let value = [&[*value], more].concat().join(" ");
                self.set_flag(name, flag, value)
            }
            ("exist", [name]) => {
                Reply::new(SUCCESS, if self.database.questions.contains_key(*name) { "true" } else { "false" })
            }
            ("visible", [_, name]) => self.on(name, |_, _| Reply::new(SUCCESS, "false")),
            ("progress", [what, args @ ..]) => self.progress(&what.to_ascii_lowercase(), args)?,
            ("data", [template, item, value, more @ ..]) => {
                let value = [&[*value], more].concat().join(" ");
                self.data_field(template, item, &value)
            }
            (
                "input" | "clear" | "version" | "settitle" | "info" | "go" | "get" | "set" | "reset" | "subst"
                | "register" | "unregister" | "purge" | "metaget" | "fget" | "fset" | "exist" | "visible" | "progress"
                | "data",
                _,
            ) => Reply::wrong_count(),
            ("stop", _) => {
                self.finish();
                return Err(Breakdown::Stopped);
            }
            (other, _) => {
                let text =
                    format!("Unsupported command \"{other}\" (full line was \"{line}\") received from confmodule.");
                Reply::new(SYNTAX_ERROR, text)
            }
        })
    }

    /// `X_LOADTEMPLATEFILE`: loads the text of a templates file for `owner`, or whoever talks.
    pub fn load_templates(&mut self, text: &str, owner: Option<&str>) -> Reply {
        let owner = owner.unwrap_or(&self.session.owner).to_owned();
        match parse(text) {
            Ok(templates) => {
                for (name, template) in templates {
                    self.database.load(&name, template, &owner);
                }
                Reply::done()
            }
            Err(error) => Reply::new(100, error.to_string()),
        }
    }

    fn on(&self, name: &str, reply: impl FnOnce(&Self, &Question) -> Reply) -> Reply {
        match self.database.questions.get(name) {
            Some(question) => reply(self, question),
            None => Reply::missing(name),
        }
    }

    fn change(&mut self, name: &str, reply: impl FnOnce(&mut Question) -> Reply) -> Reply {
        match self.database.questions.get_mut(name) {
            Some(question) => reply(question),
            None => Reply::missing(name),
        }
    }

    fn data(&self, text: String) -> Reply {
        if self.session.escapes {
            Reply::new(ESCAPED_DATA, text.replace('\\', "\\\\").replace('\n', "\\n"))
        } else {
            Reply::new(SUCCESS, text)
        }
    }

    /// Nobody is asked, and every question is skipped; what would have been shown is noted.
    fn input(&mut self, priority: &str, name: &str, environment: Environment<'_>) -> Result<Reply, Breakdown> {
        let Some(question) = self.database.questions.get(name) else {
            return Ok(Reply::new(BAD_PARAMETERS, format!("\"{name}\" doesn't exist")));
        };
        if !PRIORITIES.contains(&priority) {
            return Ok(Reply::new(SYNTAX_ERROR, format!("\"{priority}\" is not a valid priority")));
        }
        let kind = self.database.kind(question);
        if !["boolean", "error", "multiselect", "note", "password", "select", "string", "text"].contains(&kind) {
            return Err(Breakdown::Dies);
        }
        let visible =
            kind == "error" || (self.high_enough(priority, environment) && flag_of(question, "seen") != "true");
        if let Some(question) = self.database.questions.get_mut(name) {
            question.priority = Some(priority.to_owned());
        }
        if !self.session.shown.iter().any(|(shown, _)| shown == name) {
            self.session.shown.push((name.to_owned(), visible && environment.marks_seen));
        }
        Ok(Reply::new(INVISIBLE, "question skipped"))
    }

    fn high_enough(&self, priority: &str, environment: Environment<'_>) -> bool {
        let question = self.database.questions.get("debconf/priority");
        let value = question.map(|question| self.database.value(question)).filter(|value| !value.is_empty());
        let least = environment.priority.map_or_else(|| value.unwrap_or_else(|| "high".to_owned()), str::to_owned);
        let rank = |priority: &str| PRIORITIES.iter().position(|known| *known == priority).unwrap_or_default();
        rank(priority) >= rank(&least)
    }

    /// Answers the questions that are shown by themselves: what is there stays, but what is none of a `select`'s choices becomes
    /// the first of them, and texts are answered by nothing.
    fn go(&mut self) -> Result<Reply, Breakdown> {
        for (name, marks_seen) in std::mem::take(&mut self.session.shown) {
            // One that was unregistered in between.
            let question = self.database.questions.get(&name).ok_or(Breakdown::Dies)?;
            let value = self.database.value(question);
            let value = match self.database.kind(question) {
                "select" => {
                    let choices = split(&self.database.choices(question));
                    if choices.contains(&value) { value } else { choices.into_iter().next().unwrap_or_default() }
                }
                "text" | "error" => String::new(),
                _ => value,
            };
            if let Some(question) = self.database.questions.get_mut(&name) {
                question.value = Some(value);
            }
            if marks_seen {
                self.session.seen.push(name);
            }
        }
        Ok(Reply::new(SUCCESS, "ok"))
    }

    fn register(&mut self, template: &str, name: &str) -> Reply {
        if !self.database.questions.contains_key(template) {
            return Reply::new(BAD_PARAMETERS, format!("No such template, \"{template}\""));
        }
        let owner = self.session.owner.clone();
        template.clone_into(&mut self.database.own(name, template, &owner).template);
        Reply::done()
    }

    fn unregister(&mut self, name: &str) -> Reply {
        if !self.database.questions.contains_key(name) {
            return Reply::missing(name);
        }
        if self.session.shown.iter().any(|(shown, _)| shown == name) {
            return Reply::new(BAD_PARAMETERS, format!("{name} is busy, cannot unregister right now"));
        }
        let owner = self.session.owner.clone();
        self.database.disown(name, &owner);
        Reply::done()
    }

    fn set_flag(&mut self, name: &str, flag: &str, value: String) -> Reply {
        if flag == "seen" {
            self.session.seen.retain(|seen| seen != name);
        }
        self.change(name, |question| {
            // The old name of the opposite of `seen`.
            let (flag, value) = match (flag, value.as_str()) {
                ("isdefault", "true") => ("seen", "false".to_owned()),
                ("isdefault", _) => ("seen", "true".to_owned()),
                _ => (flag, value),
            };
            question.flags.insert(flag.to_owned(), value.clone());
            Reply::new(SUCCESS, value)
        })
    }

    fn progress(&mut self, what: &str, args: &[&str]) -> Result<Reply, Breakdown> {
        let ok = Ok(Reply::new(SUCCESS, "OK"));
        match (what, args) {
            ("start", [least, most, _]) if whole(least) > whole(most) => {
                Ok(Reply::new(SYNTAX_ERROR, format!("min ({least}) > max ({most})")))
            }
            ("start", [.., name]) if args.len() == 3 => {
                if !self.database.questions.contains_key(*name) {
                    return Ok(Reply::missing(name));
                }
                self.session.in_progress = true;
                ok
            }
            ("info", [name]) if !self.database.questions.contains_key(*name) => Ok(Reply::missing(name)),
            ("set" | "step" | "info", [_]) | ("stop", []) if !self.session.in_progress => Err(Breakdown::Dies),
            ("set" | "step" | "info", [_]) => ok,
            ("stop", []) => {
                self.session.in_progress = false;
                ok
            }
            ("start" | "set" | "step" | "info" | "stop", _) => Ok(Reply::wrong_count()),
            _ => Ok(Reply::new(SYNTAX_ERROR, "Unknown subcommand")),
        }
    }

    fn data_field(&mut self, template: &str, item: &str, value: &str) -> Reply {
        let value = unescaped(value, |char| "n\"\\".contains(char));
        let owner = self.session.owner.clone();
        match (self.database.templates.get_mut(template), item) {
            (Some(_), "type") => Reply::new(BAD_PARAMETERS, "Template type already set"),
            (Some(found), _) => {
                found.set(&item.to_ascii_lowercase(), &value);
                Reply::done()
            }
            (None, "type") => {
                self.database.load(template, Template::of_type(&value), &owner);
                Reply::done()
            }
            (None, _) => Reply::new(BAD_PARAMETERS, format!("Template data field '{item}' received before type field")),
        }
    }
}

/// A flag; `isdefault` is the old name of the opposite of `seen`.
fn flag_of<'a>(question: &'a Question, flag: &str) -> &'a str {
    let value = |flag: &str| question.flags.get(flag).map_or("false", String::as_str);
    match flag {
        "isdefault" if value("seen") == "true" => "false",
        "isdefault" => "true",
        _ => value(flag),
    }
}

/// The whole number that a text begins with, 0 if none (Perl's `int`).
fn whole(text: &str) -> i64 {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.get(..digits).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// A request's words where the script escapes: `\n` is a line's end, any other character after `\` itself.
fn unescape_split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, chars.peek().copied()) {
            ('\\', Some(next)) => {
                word.push(if next == 'n' { '\n' } else { next });
                chars.next();
            }
            (char, _) if char.is_whitespace() => {
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
                words.push(std::mem::take(&mut word));
            }
            _ => word.push(char),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Undoes debconf-escape(1): `\n` is a line's end, any other character after `\` itself.
#[must_use]
pub fn unescape(text: &str) -> String {
    unescaped(text, |_| true)
}

fn unescaped(text: &str, escapes: impl Fn(char) -> bool) -> String {
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match chars.peek().copied() {
            Some(next) if char == '\\' && escapes(next) => {
                plain.push(if next == 'n' { '\n' } else { next });
                chars.next();
            }
            _ => plain.push(char),
        }
    }
    plain
}
