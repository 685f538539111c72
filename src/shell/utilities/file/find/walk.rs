//! The walk of find(1) and what it does at each file.

use super::super::options::{base, join};
use super::super::owner::{group_name, user_name};
use super::Actor;
use super::expression::{Bits, Expression, Follow, Search};
use crate::shell::{FileError, Reason};
use crate::tree::{Kind, Node};

/// Files that one search may look at; links to directories that hold such links multiply them.
const VISITS_MAX: usize = 1 << 20;

/// A file on the way.
#[derive(Debug)]
struct Item {
    path: String,
    /// How much of the path the command line named.
    start: usize,
    depth: usize,
    /// The inode's clean path.
    inode: String,
    kind: char,
    mode: u16,
    uid: u32,
    gid: u32,
    /// Of files and links.
    size: Option<u64>,
    /// What a link holds.
    target: String,
}

impl Item {
    fn new(path: String, start: usize, depth: usize, inode: String, node: &Node) -> Self {
        let (kind, size, target) = match &node.kind {
            Kind::Dir => ('d', None, String::new()),
            Kind::File(content) => ('f', Some(content.len()), String::new()),
            Kind::Symlink(target) => ('l', Some(target.len() as u64), target.clone()),
            Kind::Fifo => ('p', Some(0), String::new()),
            Kind::CharDevice { .. } => ('c', Some(0), String::new()),
            Kind::BlockDevice { .. } => ('b', Some(0), String::new()),
            Kind::HardLink(_) => ('f', None, String::new()),
        };
        Self { path, start, depth, inode, kind, mode: node.mode, uid: node.uid, gid: node.gid, size, target }
    }
}

/// A search that is under way.
pub(super) struct Walk<'a, A: Actor> {
    pub actor: &'a mut A,
    pub search: &'a Search,
    pub status: u8,
    /// Files for each command of `-exec … {} +`.
    pub gathered: Vec<Vec<String>>,
    visits: usize,
    /// Directories that lead here, by inode.
    above: Vec<String>,
    pruned: bool,
    quits: bool,
}

impl<'a, A: Actor> Walk<'a, A> {
    pub fn new(actor: &'a mut A, search: &'a Search) -> Self {
        let gathered = vec![Vec::new(); search.all.len()];
        Self { actor, search, status: 0, gathered, visits: 0, above: Vec::new(), pruned: false, quits: false }
    }

    /// Whether the search goes on with the next starting point.
    pub fn start(&mut self, path: &str) -> Result<bool, A::Error> {
        self.visit(path, path.len(), 0)?;
        Ok(!self.quits)
    }

    fn fail(&mut self, path: &str, error: FileError) -> Result<(), A::Error> {
        match error {
            FileError::Reason(reason) => Err(self.actor.stop(reason)),
            error => {
                self.status = 1;
                self.actor.complain(&format!("find: '{path}': {error}"))
            }
        }
    }

    fn item(&mut self, path: &str, start: usize, depth: usize) -> Result<Item, FileError> {
        let follow = self.search.follow == Follow::Always || self.search.follow == Follow::Start && depth == 0;
        let files = self.actor.files();
        let found = match files.stat(path, follow) {
            // A link that leads nowhere is itself.
            Err(FileError::Missing | FileError::Loop) if follow => files.stat(path, false),
            found => found,
        };
        found.map(|(inode, node)| Item::new(path.to_owned(), start, depth, inode, node))
    }

    fn visit(&mut self, path: &str, start: usize, depth: usize) -> Result<(), A::Error> {
        self.visits += 1;
        if self.visits > VISITS_MAX {
            return Err(self.actor.stop(Reason::Limit("a million files looked at")));
        }
        let item = match self.item(path, start, depth) {
            Ok(item) => item,
            Err(error) => return self.fail(path, error),
        };
        let enters = item.kind == 'd' && depth < self.search.to;
        if enters && self.above.contains(&item.inode) {
            self.status = 1;
            return self.actor.complain(&format!("find: '{path}' leads to a directory above it"));
        }
        self.pruned = false;
        if !self.search.depth_first {
            self.act(&item)?;
        }
        if enters && !self.quits && (self.search.depth_first || !self.pruned) {
            match self.actor.files().list(path) {
                Ok(names) => {
                    self.above.push(item.inode.clone());
                    for name in names {
                        if self.quits {
                            break;
                        }
                        self.visit(&join(path, &name), start, depth + 1)?;
                    }
                    self.above.pop();
                }
                Err(error) => self.fail(path, error)?,
            }
        }
        if self.search.depth_first && !self.quits { self.act(&item) } else { Ok(()) }
    }

    fn act(&mut self, item: &Item) -> Result<(), A::Error> {
        if item.depth >= self.search.from {
            let search = self.search;
            self.holds(&search.expression, item)?;
        }
        Ok(())
    }

    fn holds(&mut self, expression: &Expression, item: &Item) -> Result<bool, A::Error> {
        if self.quits {
            return Ok(false);
        }
        Ok(match expression {
            Expression::Not(inner) => !self.holds(inner, item)?,
            Expression::And(all) => {
                for one in all {
                    if !self.holds(one, item)? {
                        return Ok(false);
                    }
                }
                true
            }
            Expression::Or(all) => {
                for one in all {
                    if self.holds(one, item)? {
                        return Ok(true);
                    }
                }
                false
            }
            Expression::Print(end) => {
                self.actor.print(format!("{}{end}", item.path).as_bytes())?;
                true
            }
            Expression::Printf(format) => {
                let text = self.printed(format, item).map_err(|reason| self.actor.stop(reason))?;
                self.actor.print(text.as_bytes())?;
                true
            }
            Expression::Delete => return self.delete(item),
            Expression::Prune => {
                self.pruned = true;
                true
            }
            Expression::Quit => {
                self.quits = true;
                true
            }
            Expression::Exec(words) => {
                let words: Vec<String> = words.iter().map(|word| word.replace("{}", &item.path)).collect();
                self.actor.exec(&words)? == 0
            }
            Expression::ExecAll(number) => {
                self.gathered.get_mut(*number).into_iter().for_each(|files| files.push(item.path.clone()));
                true
            }
            test => self.passes(test, item).map_err(|reason| self.actor.stop(reason))?,
        })
    }

    fn passes(&mut self, test: &Expression, item: &Item) -> Result<bool, Reason> {
        Ok(match test {
            Expression::Constant(value) => *value,
            Expression::Name(pattern) => pattern.matches(base(&item.path)),
            Expression::Path(pattern) => pattern.matches(&item.path),
            Expression::Regex(regex) => {
                let matched = regex.is_match(item.path.as_bytes());
                matched.map_err(|error| Reason::unsupported("find", error.to_string()))?
            }
            Expression::Type(letters) => letters.contains(&item.kind),
            Expression::Permissions(Bits::Exactly, bits) => item.mode == *bits,
            Expression::Permissions(Bits::All, bits) => item.mode & bits == *bits,
            Expression::Permissions(Bits::Any, bits) => *bits == 0 || item.mode & bits != 0,
            Expression::Uid(number) => number.holds(item.uid.into()),
            Expression::Gid(number) => number.holds(item.gid.into()),
            Expression::Empty => match (item.kind, item.size) {
                ('d', _) => self.actor.files().list(&item.path).is_ok_and(|names| names.is_empty()),
                ('f', size) => size == Some(0),
                _ => false,
            },
            Expression::Links(_) if item.kind == 'd' => {
                return Err(Reason::differs("find", "the links of a directory"));
            }
            Expression::Links(number) => number.holds(self.actor.files().names(&item.inode) as u64),
            Expression::Size(number, unit) => match item.size {
                Some(size) => number.holds(size.div_ceil(*unit)),
                None => return Err(Reason::differs("find", "the size of a directory")),
            },
            Expression::Executable => item.kind == 'd' || item.kind == 'l' || item.mode & 0o111 != 0,
            _ => false,
        })
    }

    fn delete(&mut self, item: &Item) -> Result<bool, A::Error> {
        if item.path == "." {
            return Ok(true);
        }
        let files = self.actor.files();
        let done = if item.kind == 'd' { files.rmdir(&item.path) } else { files.unlink(&item.path) };
        match done {
            Ok(()) => Ok(true),
            Err(error) => self.fail(&item.path, error).map(|()| false),
        }
    }

    fn printed(&mut self, format: &str, item: &Item) -> Result<String, Reason> {
        let unsupported = || Reason::unsupported("find", format!("-printf {format}"));
        let mut text = String::new();
        let mut rest = format.chars();
        while let Some(char) = rest.next() {
            match char {
                '\\' => text.push(match rest.next() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('0') => '\0',
                    Some('\\') => '\\',
                    _ => return Err(unsupported()),
                }),
                '%' => {
                    let value = self.directive(rest.next(), item)?.ok_or_else(unsupported)?;
                    text.push_str(&value);
                }
                char => text.push(char),
            }
        }
        Ok(text)
    }

    /// What a directive of `-printf` stands for, if it is one that we know.
    fn directive(&mut self, letter: Option<char>, item: &Item) -> Result<Option<String>, Reason> {
        Ok(Some(match letter {
            Some('%') => "%".to_owned(),
            Some('p') => item.path.clone(),
            Some('P') => item.path.get(item.start..).unwrap_or_default().trim_start_matches('/').to_owned(),
            Some('f') => base(&item.path).to_owned(),
            Some('h') => match item.path.rsplit_once('/') {
                Some((dir, _)) if !item.path.ends_with('/') => dir.to_owned(),
                None => ".".to_owned(),
                _ => return Ok(None),
            },
            Some('d') => item.depth.to_string(),
            Some('m') => format!("{:o}", item.mode),
            Some('U') => item.uid.to_string(),
            Some('G') => item.gid.to_string(),
            Some('u') => user_name(self.actor.files(), item.uid)?.unwrap_or_else(|| item.uid.to_string()),
            Some('g') => group_name(self.actor.files(), item.gid)?.unwrap_or_else(|| item.gid.to_string()),
            Some('s') => match item.size {
                Some(size) => size.to_string(),
                None => return Err(Reason::differs("find", "the size of a directory")),
            },
            Some('y') => item.kind.to_string(),
            Some('l') => item.target.clone(),
            _ => return Ok(None),
        }))
    }
}
