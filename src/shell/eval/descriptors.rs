//! File descriptors: where bytes come from and go to.
//!
//! A descriptor leads to an open file description (open(2)), which copies of it share: what is read or written through one goes on
//! where another one left off.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use crate::tree::Content;

/// An open regular file.
#[derive(Debug)]
pub(super) struct OpenFile {
    /// Its number in [`Files`](crate::shell::files::Files).
    pub number: usize,
    pub offset: Cell<u64>,
    pub readable: bool,
    pub writable: bool,
    /// It is written at its end.
    pub append: bool,
    /// What of a package was read through it.
    pub seen: RefCell<Option<(Content, Arc<[u8]>)>>,
}

/// Bytes that are read once.
#[derive(Debug)]
pub(super) struct Source {
    pub bytes: Vec<u8>,
    pub at: usize,
}

/// What a descriptor leads to.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// `/dev/null`
    Null,
    /// A directory, which can only be opened.
    Directory,
    /// Bytes that are collected.
    Sink(Rc<RefCell<Vec<u8>>>),
    /// Bytes that are read.
    Source(Rc<RefCell<Source>>),
    File(Rc<OpenFile>),
}

/// Which descriptor leads where.
pub(super) type Table = BTreeMap<u32, Target>;

/// All descriptors of a shell.
#[derive(Debug)]
pub(super) struct Descriptors {
    table: Table,
    out: Rc<RefCell<Vec<u8>>>,
    err: Rc<RefCell<Vec<u8>>>,
    /// All files that were opened and not yet found to be in use no more.
    open: Vec<(usize, Weak<OpenFile>)>,
    /// With how many of them they are all looked at.
    sweep_at: usize,
}

impl Descriptors {
    /// No input, and two sinks.
    pub fn new() -> Self {
        let (out, err) = (Rc::default(), Rc::default());
        let table =
            Table::from([(0, Target::Null), (1, Target::Sink(Rc::clone(&out))), (2, Target::Sink(Rc::clone(&err)))]);
        Self { table, out, err, open: Vec::new(), sweep_at: 64 }
    }

    /// A copy of the table, for [`Descriptors::restore`].
    pub fn table(&self) -> Table {
        self.table.clone()
    }

    pub fn restore(&mut self, table: Table) {
        self.table = table;
    }

    /// The numbers of files that nothing leads to any more, or of the most of them.
    pub fn closed(&mut self) -> Vec<usize> {
        let mut closed = Vec::new();
        let is_closed = |file: &Weak<OpenFile>| file.strong_count() == 0;
        if self.open.len() > self.sweep_at {
            self.open.retain(|(number, file)| {
                if is_closed(file) {
                    closed.push(*number);
                }
                !is_closed(file)
            });
            self.sweep_at = 2 * self.open.len() + 64;
        }
        // Most were opened last.
        while let Some((number, _)) = self.open.pop_if(|(_, file)| is_closed(file)) {
            closed.push(number);
        }
        closed
    }

    pub fn get(&self, descriptor: u32) -> Option<&Target> {
        self.table.get(&descriptor)
    }

    pub fn set(&mut self, descriptor: u32, target: Target) {
        self.table.insert(descriptor, target);
    }

    /// Remembers a file that was opened, to know when nothing leads to it any more.
    pub fn opened(&mut self, file: &Rc<OpenFile>) {
        self.open.push((file.number, Rc::downgrade(file)));
    }

    pub fn close(&mut self, descriptor: u32) {
        self.table.remove(&descriptor);
    }

    /// Makes `descriptor` collect bytes.
    pub fn collect(&mut self, descriptor: u32) -> Rc<RefCell<Vec<u8>>> {
        let sink = Rc::default();
        self.set(descriptor, Target::Sink(Rc::clone(&sink)));
        sink
    }

    /// Makes `descriptor` read `bytes`.
    pub fn feed(&mut self, descriptor: u32, bytes: Vec<u8>) {
        self.set(descriptor, Target::Source(Rc::new(RefCell::new(Source { bytes, at: 0 }))));
    }

    /// What the script itself printed: standard output, standard error.
    pub fn printed(&mut self) -> (Vec<u8>, Vec<u8>) {
        (self.out.take(), self.err.take())
    }
}
