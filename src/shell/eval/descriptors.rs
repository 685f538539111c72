//! File descriptors: where bytes come from and go to.

use std::collections::BTreeMap;

/// What a descriptor leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// `/dev/null`
    Null,
    /// Bytes that are collected, by number.
    Sink(usize),
    /// A file (its absolute path) that is written at its end.
    File(String),
    /// Bytes that are read, by number.
    Source(usize),
}

/// Bytes that are read once.
#[derive(Debug, Default)]
struct Source {
    bytes: Vec<u8>,
    at: usize,
}

/// All descriptors of a shell.
#[derive(Debug)]
pub(super) struct Descriptors {
    table: BTreeMap<u32, Target>,
    sinks: Vec<Vec<u8>>,
    sources: Vec<Source>,
}

/// The number of standard output's sink, and of standard error's.
const OUT: usize = 0;
const ERR: usize = 1;

impl Descriptors {
    /// No input, and two sinks.
    pub fn new() -> Self {
        let table = BTreeMap::from([(0, Target::Null), (1, Target::Sink(OUT)), (2, Target::Sink(ERR))]);
        Self { table, sinks: vec![Vec::new(), Vec::new()], sources: Vec::new() }
    }

    /// A copy of the table, for [`Descriptors::restore`].
    pub fn table(&self) -> BTreeMap<u32, Target> {
        self.table.clone()
    }

    pub fn restore(&mut self, table: BTreeMap<u32, Target>) {
        self.table = table;
    }

    pub fn get(&self, descriptor: u32) -> Option<&Target> {
        self.table.get(&descriptor)
    }

    pub fn set(&mut self, descriptor: u32, target: Target) {
        self.table.insert(descriptor, target);
    }

    pub fn close(&mut self, descriptor: u32) {
        self.table.remove(&descriptor);
    }

    /// Makes `descriptor` collect bytes; give the number to [`Descriptors::take`].
    pub fn collect(&mut self, descriptor: u32) -> usize {
        self.sinks.push(Vec::new());
        let number = self.sinks.len() - 1;
        self.set(descriptor, Target::Sink(number));
        number
    }

    /// What a sink has collected.
    pub fn take(&mut self, number: usize) -> Vec<u8> {
        let bytes = self.sinks.get_mut(number).map(std::mem::take).unwrap_or_default();
        // Sinks end in the order in which they began, but for the first two.
        if number > ERR && number + 1 == self.sinks.len() {
            self.sinks.pop();
        }
        bytes
    }

    /// What the script itself printed: standard output, standard error.
    pub fn printed(&mut self) -> (Vec<u8>, Vec<u8>) {
        (self.take(OUT), self.take(ERR))
    }

    pub fn push(&mut self, number: usize, bytes: &[u8]) {
        if let Some(sink) = self.sinks.get_mut(number) {
            sink.extend_from_slice(bytes);
        }
    }

    /// Makes `descriptor` read `bytes`.
    pub fn feed(&mut self, descriptor: u32, bytes: Vec<u8>) {
        self.sources.push(Source { bytes, at: 0 });
        let number = self.sources.len() - 1;
        self.set(descriptor, Target::Source(number));
    }

    /// What is left to read from `descriptor`.
    pub fn rest(&self, descriptor: u32) -> &[u8] {
        match self.table.get(&descriptor) {
            Some(Target::Source(number)) => {
                self.sources.get(*number).and_then(|source| source.bytes.get(source.at..)).unwrap_or_default()
            }
            _ => &[],
        }
    }

    /// Goes past `bytes` of what is left to read from `descriptor`.
    pub fn consume(&mut self, descriptor: u32, bytes: usize) {
        if let Some(Target::Source(number)) = self.table.get(&descriptor)
            && let Some(source) = self.sources.get_mut(*number)
        {
            source.at = source.at.saturating_add(bytes).min(source.bytes.len());
            if source.at == source.bytes.len() {
                source.bytes = Vec::new();
                source.at = 0;
            }
        }
    }
}
