//! The command line of find(1) as a value.

use super::super::mode::Mode;
use super::super::owner::{Invalid, parse_group, parse_user};
use super::pattern::Pattern;
use crate::shell::regex::{Dialect, Escapes, Options, Regex, Syntax};
use crate::shell::{Files, Reason};

/// How deep parentheses and `!` may be nested.
const DEPTH_MAX: usize = 100;

/// Which links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Follow {
    #[default]
    Never,
    /// Those that the command line names (`-H`).
    Start,
    Always,
}

/// A number that a file's must be, with `+` (more) or `-` (less).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Is(u64),
    More(u64),
    Less(u64),
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let (number, digits): (fn(u64) -> Self, &str) = match text.as_bytes().first()? {
            b'+' => (Self::More, text.get(1..)?),
            b'-' => (Self::Less, text.get(1..)?),
            _ => (Self::Is, text),
        };
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok().map(number)).flatten()
    }

    pub fn holds(self, value: u64) -> bool {
        match self {
            Self::Is(number) => value == number,
            Self::More(number) => value > number,
            Self::Less(number) => value < number,
        }
    }
}

/// How a mode is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bits {
    Exactly,
    All,
    Any,
}

/// An expression: tests, actions, and what joins them.
#[derive(Debug)]
pub(super) enum Expression {
    Constant(bool),
    Name(Pattern),
    Path(Pattern),
    /// The whole path.
    Regex(Box<Regex>),
    /// Letters of kinds.
    Type(Vec<char>),
    Permissions(Bits, u16),
    Uid(Number),
    Gid(Number),
    Empty,
    Links(Number),
    /// In units of so many bytes.
    Size(Number, u64),
    Executable,
    Print(&'static str),
    Printf(String),
    Delete,
    Prune,
    Quit,
    /// A command for each file.
    Exec(Vec<String>),
    /// The number of a command for all files.
    ExecAll(usize),
    Not(Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
}

/// A whole command line.
#[derive(Debug)]
pub(super) struct Search {
    pub starts: Vec<String>,
    pub follow: Follow,
    pub from: usize,
    pub to: usize,
    /// Directories come after what they hold.
    pub depth_first: bool,
    pub expression: Expression,
    /// The commands of `-exec … {} +`, without the braces.
    pub all: Vec<Vec<String>>,
}

/// Why a command line is none: it is not modelled, or find(1) would complain.
#[derive(Debug)]
pub(super) enum Fault {
    Reason(Reason),
    Complaint(String),
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self::Reason(reason)
    }
}

type Read<T> = Result<T, Fault>;

fn unsupported<T>(what: &str) -> Read<T> {
    Err(Reason::unsupported("find", what).into())
}

/// Reads the arguments.
pub(super) fn parse(files: &Files, args: &[String]) -> Read<Search> {
    let mut search = Search {
        starts: Vec::new(),
        follow: Follow::Never,
        from: 0,
        to: usize::MAX,
        depth_first: false,
        expression: Expression::Constant(true),
        all: Vec::new(),
    };
    let mut rest = args;
    while let [first, more @ ..] = rest {
        search.follow = match first.as_str() {
            "-P" => Follow::Never,
            "-H" => Follow::Start,
            "-L" => Follow::Always,
            _ => break,
        };
        rest = more;
    }
    while let [first, more @ ..] = rest {
        if first.starts_with('-') && first.len() > 1 || ["(", ")", "!", ","].contains(&first.as_str()) {
            break;
        }
        search.starts.push(first.clone());
        rest = more;
    }
    if search.starts.is_empty() {
        search.starts.push(".".to_owned());
    }
    let mut parser = Parser { files, rest, search, acts: false, extended: false, depth: 0 };
    let expression = if parser.rest.is_empty() { Expression::Constant(true) } else { parser.or()? };
    if !parser.rest.is_empty() {
        return Err(Fault::Complaint("paths must precede expression".to_owned()));
    }
    let Parser { mut search, acts, .. } = parser;
    search.expression = if acts { expression } else { Expression::And(vec![expression, Expression::Print("\n")]) };
    Ok(search)
}

struct Parser<'a> {
    files: &'a Files,
    rest: &'a [String],
    search: Search,
    /// Whether there is an action, so that nothing is printed by itself.
    acts: bool,
    /// Whether patterns are extended regular expressions (`-regextype`).
    extended: bool,
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<String> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first.clone())
    }

    fn skip(&mut self, words: &[&str]) -> bool {
        let there = self.rest.first().is_some_and(|first| words.contains(&first.as_str()));
        if there {
            self.next();
        }
        there
    }

    fn or(&mut self) -> Read<Expression> {
        let mut all = vec![self.and()?];
        while self.skip(&["-o", "-or"]) {
            all.push(self.and()?);
        }
        Ok(Expression::Or(all))
    }

    fn and(&mut self) -> Read<Expression> {
        let mut all = vec![self.not()?];
        loop {
            let joined = self.skip(&["-a", "-and"]);
            let ends = self.rest.first().is_none_or(|next| [")", "-o", "-or"].contains(&next.as_str()));
            if ends && !joined {
                return Ok(Expression::And(all));
            }
            all.push(self.not()?);
        }
    }

    fn not(&mut self) -> Read<Expression> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Reason::Limit("a hundred nested expressions").into());
        }
        let Some(word) = self.next() else { return Err(Fault::Complaint("expected an expression".to_owned())) };
        let expression = match word.as_str() {
            "!" | "-not" => Expression::Not(Box::new(self.not()?)),
            "(" => {
                let inner = self.or()?;
                if !self.skip(&[")"]) {
                    return Err(Fault::Complaint("expected ')'".to_owned()));
                }
                inner
            }
            _ => self.primary(&word)?,
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn argument(&mut self, word: &str) -> Read<String> {
        self.next().ok_or_else(|| Fault::Complaint(format!("missing argument to '{word}'")))
    }

    fn number(&mut self, word: &str) -> Read<Number> {
        let text = self.argument(word)?;
        Number::parse(&text).ok_or_else(|| Fault::Complaint(format!("invalid argument '{text}' to '{word}'")))
    }

    fn levels(&mut self, word: &str) -> Read<usize> {
        match self.number(word)? {
            Number::Is(levels) => Ok(usize::try_from(levels).unwrap_or(usize::MAX)),
            _ => Err(Fault::Complaint(format!("invalid argument to '{word}'"))),
        }
    }

    fn pattern(&mut self, word: &str) -> Read<Pattern> {
        let text = self.argument(word)?;
        let pattern = Pattern::parse(&text, word.starts_with("-i"));
        pattern.map_or_else(|| unsupported(&format!("the pattern {text}")), Ok)
    }

    fn primary(&mut self, word: &str) -> Read<Expression> {
        Ok(match word {
            // There is one file system, and root may read and write everything.
            "-true" | "-noleaf" | "-xdev" | "-mount" | "-readable" | "-writable" => Expression::Constant(true),
            "-false" => Expression::Constant(false),
            "-maxdepth" => {
                self.search.to = self.levels(word)?;
                Expression::Constant(true)
            }
            "-mindepth" => {
                self.search.from = self.levels(word)?;
                Expression::Constant(true)
            }
            "-depth" | "-d" => {
                self.search.depth_first = true;
                Expression::Constant(true)
            }
            "-follow" => {
                self.search.follow = Follow::Always;
                Expression::Constant(true)
            }
            "-name" | "-iname" => Expression::Name(self.pattern(word)?),
            "-path" | "-ipath" | "-wholename" => Expression::Path(self.pattern(word)?),
            // Only the types of which one syntax is enough; that of none is Emacs's.
            "-regextype" => match self.argument(word)?.as_str() {
                "posix-egrep" | "posix-extended" => {
                    self.extended = true;
                    Expression::Constant(true)
                }
                other => return unsupported(&format!("-regextype {other}")),
            },
            "-regex" | "-iregex" if self.extended => {
                let text = self.argument(word)?;
                let syntax = Syntax { dialect: Dialect::Extended, escapes: Escapes::Grep };
                let options = Options { any_case: word == "-iregex", whole: true, ..Options::default() };
                match Regex::new([text.as_bytes()], syntax, options) {
                    Ok(regex) => Expression::Regex(Box::new(regex)),
                    Err(error) => return unsupported(&format!("the pattern {text}, which has {error}")),
                }
            }
            "-type" => {
                let text = self.argument(word)?;
                let letters: Vec<&str> = text.split(',').collect();
                if !letters.iter().all(|letter| ["b", "c", "d", "f", "l", "p", "s"].contains(letter)) {
                    return Err(Fault::Complaint(format!("unknown argument to -type: {text}")));
                }
                Expression::Type(letters.iter().filter_map(|letter| letter.chars().next()).collect())
            }
            "-perm" => self.permissions()?,
            "-user" => {
                let text = self.argument(word)?;
                Expression::Uid(Number::Is(named(parse_user(self.files, &text)?)?))
            }
            "-group" => {
                let text = self.argument(word)?;
                Expression::Gid(Number::Is(named(parse_group(self.files, &text)?)?))
            }
            "-uid" => Expression::Uid(self.number(word)?),
            "-gid" => Expression::Gid(self.number(word)?),
            "-links" => Expression::Links(self.number(word)?),
            "-size" => self.size()?,
            "-empty" => Expression::Empty,
            "-executable" => Expression::Executable,
            "-prune" => Expression::Prune,
            "-newer" | "-anewer" | "-cnewer" | "-atime" | "-ctime" | "-mtime" | "-amin" | "-cmin" | "-mmin"
            | "-used" => {
                return Err(Reason::differs("find", "the times of files").into());
            }
            _ => {
                let action = self.action(word)?;
                self.acts = true;
                action
            }
        })
    }

    fn action(&mut self, word: &str) -> Read<Expression> {
        Ok(match word {
            "-print" => Expression::Print("\n"),
            "-print0" => Expression::Print("\0"),
            "-printf" => Expression::Printf(self.argument(word)?),
            "-quit" => Expression::Quit,
            "-delete" => {
                self.search.depth_first = true;
                Expression::Delete
            }
            "-exec" => {
                let mut words: Vec<String> = Vec::new();
                loop {
                    let next = self.argument(word)?;
                    let many = next == "+" && words.last().is_some_and(|last| last == "{}");
                    if next == ";" && !words.is_empty() {
                        return Ok(Expression::Exec(words));
                    }
                    if many {
                        words.pop();
                        if words.is_empty() || words.iter().any(|word| word.contains("{}")) {
                            return Err(Fault::Complaint("invalid command of -exec".to_owned()));
                        }
                        self.search.all.push(words);
                        return Ok(Expression::ExecAll(self.search.all.len() - 1));
                    }
                    words.push(next);
                }
            }
            // Releases differ in what they make of it.
            ")" | "," => return unsupported(word),
            word if !word.starts_with('-') || ["-o", "-or", "-a", "-and"].contains(&word) => {
                return Err(Fault::Complaint(format!("'{word}' is not expected here")));
            }
            other => return unsupported(other),
        })
    }

    fn permissions(&mut self) -> Read<Expression> {
        let text = self.argument("-perm")?;
        let (how, mode) = match (text.strip_prefix('-'), text.strip_prefix('/')) {
            (Some(mode), _) => (Bits::All, mode),
            (_, Some(mode)) => (Bits::Any, mode),
            _ => (Bits::Exactly, text.as_str()),
        };
        let mode = Mode::parse(mode).map(|mode| mode.apply(0, false, 0).0);
        let mode = mode.ok_or_else(|| Fault::Complaint(format!("invalid mode '{text}'")))?;
        Ok(Expression::Permissions(how, mode))
    }

    fn size(&mut self) -> Read<Expression> {
        let text = self.argument("-size")?;
        let digits = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
        let unit = match text.get(digits.len()..) {
            Some("" | "b") => 512,
            Some("c") => 1,
            Some("w") => 2,
            Some("k") => 1 << 10,
            Some("M") => 1 << 20,
            Some("G") => 1 << 30,
            _ => return Err(Fault::Complaint(format!("invalid -size '{text}'"))),
        };
        let number = Number::parse(digits);
        let number = number.ok_or_else(|| Fault::Complaint(format!("invalid argument '{text}' to '-size'")))?;
        Ok(Expression::Size(number, unit))
    }
}

fn named(id: Result<u32, Invalid>) -> Read<u64> {
    match id {
        Ok(id) => Ok(id.into()),
        Err(Invalid(why)) => Err(Fault::Complaint(why)),
    }
}
