//! The binary index: a patricia trie over 7-bit keys, big-endian, nodes in pre-order.
//!
//! Layout after libkmod/libkmod-index.c: magic, version, root offset; a node is its prefix (NUL-terminated), then
//! first and last child character with an offset each, then its values with priorities. The high
//! nibble of an offset tells which of the three parts the node there has.

use std::collections::BTreeMap;

const MAGIC: u32 = 0xB007_F457;
const VERSION: u32 = 0x0002_0001;
const HAS_PREFIX: u32 = 0x8000_0000;
const HAS_VALUES: u32 = 0x4000_0000;
const HAS_CHILDREN: u32 = 0x2000_0000;
/// Bytes before the root node: magic, version, root offset.
const HEADER: u32 = 12;

#[derive(Debug, Default)]
struct Node {
    prefix: Vec<u8>,
    children: BTreeMap<u8, Node>,
    /// (priority, value), ascending; of equal priorities the later insertion first, as kmod does.
    values: Vec<(u32, Vec<u8>)>,
}

/// An index being filled.
#[derive(Debug, Default)]
pub(super) struct Index {
    root: Node,
}

impl Index {
    /// Adds `value` under `key`; lower priorities are found first. Keys that are not 7-bit ASCII
    /// cannot be looked up by libkmod and are left out.
    pub(super) fn insert(&mut self, key: &str, value: &str, priority: usize) {
        if !key.is_ascii() || key.contains('\0') {
            return;
        }
        let priority = u32::try_from(priority).unwrap_or(u32::MAX);
        self.root.insert(key.as_bytes(), value.as_bytes(), priority);
    }

    /// The index file.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for word in [MAGIC, VERSION, HEADER | self.root.parts()] {
            out.extend(word.to_be_bytes());
        }
        self.root.write(&mut out);
        out
    }
}

impl Node {
    fn leaf(prefix: &[u8], value: &[u8], priority: u32) -> Self {
        Self { prefix: prefix.to_vec(), values: vec![(priority, value.to_vec())], ..Self::default() }
    }

    fn insert(&mut self, key: &[u8], value: &[u8], priority: u32) {
        let common = self.prefix.iter().zip(key).take_while(|(a, b)| a == b).count();
        if common < self.prefix.len() {
            let tail = self.prefix.split_off(common);
            let lower = Self {
                prefix: tail[1..].to_vec(),
                children: std::mem::take(&mut self.children),
                values: std::mem::take(&mut self.values),
            };
            self.children.insert(tail[0], lower);
        }
        match key[common..].split_first() {
            None => {
                let at = self.values.partition_point(|(found, _)| *found < priority);
                self.values.insert(at, (priority, value.to_vec()));
            }
            Some((next, rest)) => match self.children.get_mut(next) {
                Some(child) => child.insert(rest, value, priority),
                None => {
                    self.children.insert(*next, Self::leaf(rest, value, priority));
                }
            },
        }
    }

    fn parts(&self) -> u32 {
        let mut parts = 0;
        if !self.prefix.is_empty() {
            parts |= HAS_PREFIX;
        }
        if !self.values.is_empty() {
            parts |= HAS_VALUES;
        }
        if !self.children.is_empty() {
            parts |= HAS_CHILDREN;
        }
        parts
    }

    fn write(&self, out: &mut Vec<u8>) {
        if !self.prefix.is_empty() {
            out.extend(&self.prefix);
            out.push(0);
        }
        let mut offsets = 0;
        if let (Some((first, _)), Some((last, _))) = (self.children.first_key_value(), self.children.last_key_value()) {
            out.extend([*first, *last]);
            offsets = out.len();
            out.resize(offsets + 4 * (usize::from(last - first) + 1), 0);
        }
        if !self.values.is_empty() {
            out.extend(big_endian(self.values.len()));
            for (priority, value) in &self.values {
                out.extend(priority.to_be_bytes());
                out.extend(value);
                out.push(0);
            }
        }
        let first = self.children.first_key_value().map_or(0, |(first, _)| *first);
        for (byte, child) in &self.children {
            let slot = offsets + 4 * usize::from(byte - first);
            // An index of 256 MiB would need module paths by the million.
            let offset = u32::from_be_bytes(big_endian(out.len())) | child.parts();
            out[slot..slot + 4].copy_from_slice(&offset.to_be_bytes());
            child.write(out);
        }
    }
}

fn big_endian(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes()
}
