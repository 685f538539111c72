//! Extended attributes: each distinct set once, referred to by number.

use std::collections::{BTreeMap, HashMap};

use super::error::count;
use super::metadata::{MetadataWriter, Table};
use super::{Entry, SquashfsError};

/// The name spaces that squashfs knows, in the order of their type numbers (`SQUASHFS_XATTR_USER` and so on).
const PREFIXES: [&str; 3] = ["user.", "trusted.", "security."];
/// Longest name and value that Linux allows (`XATTR_NAME_MAX`, `XATTR_SIZE_MAX`).
const MAX_NAME: usize = 255;
const MAX_VALUE: usize = 65536;

/// Collects attribute sets.
pub(super) struct Xattrs<'a> {
    pairs: MetadataWriter,
    sets: Vec<Set>,
    known: HashMap<&'a BTreeMap<String, Vec<u8>>, u32>,
}

/// One distinct set of attributes.
struct Set {
    reference: u64,
    count: u32,
    /// Length of all names with a NUL each and of all values, as mksquashfs counts it.
    size: u32,
}

/// Both tables of attributes.
pub(super) struct XattrTables {
    /// Names and values.
    pub pairs: Table,
    /// Where each set starts in `pairs`.
    pub sets: Table,
    pub count: u32,
}

impl<'a> Xattrs<'a> {
    pub(super) fn new() -> Result<Self, SquashfsError> {
        Ok(Self { pairs: MetadataWriter::new()?, sets: Vec::new(), known: HashMap::new() })
    }

    /// The number of the entry's set; `None` if it has no attributes.
    pub(super) fn add(&mut self, entry: &Entry<'a>) -> Result<Option<u32>, SquashfsError> {
        if entry.xattrs.is_empty() {
            return Ok(None);
        }
        if let Some(known) = self.known.get(entry.xattrs) {
            return Ok(Some(*known));
        }
        let number = count(self.sets.len(), "sets of extended attributes")?;
        let mut bytes = Vec::new();
        for (name, value) in entry.xattrs {
            let refuse = |cause| SquashfsError::Xattr { path: entry.path.to_owned(), name: name.clone(), cause };
            bytes.extend(pair(name, value).map_err(refuse)?);
        }
        let size = entry.xattrs.iter().map(|(name, value)| name.len() + 1 + value.len()).sum();
        let size = count(size, "bytes of extended attributes")?;
        let reference = self.pairs.position()?.reference();
        self.sets.push(Set { reference, count: count(entry.xattrs.len(), "extended attributes")?, size });
        self.pairs.write(&bytes)?;
        self.known.insert(entry.xattrs, number);
        Ok(Some(number))
    }

    /// The tables, unless no entry had an attribute.
    pub(super) fn finish(self) -> Result<Option<XattrTables>, SquashfsError> {
        if self.sets.is_empty() {
            return Ok(None);
        }
        let mut table = MetadataWriter::new()?;
        for set in &self.sets {
            table.write(&set.reference.to_le_bytes())?;
            table.write(&set.count.to_le_bytes())?;
            table.write(&set.size.to_le_bytes())?;
        }
        let count = count(self.sets.len(), "sets of extended attributes")?;
        Ok(Some(XattrTables { pairs: self.pairs.finish()?, sets: table.finish()?, count }))
    }
}

/// One name and value as the table holds them.
fn pair(name: &str, value: &[u8]) -> Result<Vec<u8>, &'static str> {
    let known = (0_u16..).zip(PREFIXES).find_map(|(kind, prefix)| Some((kind, name.strip_prefix(prefix)?)));
    let (kind, short) = known.ok_or("its name starts with none of `user.`, `trusted.` and `security.`")?;
    if short.is_empty() || name.len() > MAX_NAME {
        return Err("its name is empty or longer than 255 bytes");
    }
    if value.len() > MAX_VALUE {
        return Err("its value is longer than 65536 bytes");
    }
    let mut out = Vec::with_capacity(8 + short.len() + value.len());
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&u16::try_from(short.len()).unwrap_or_default().to_le_bytes());
    out.extend_from_slice(short.as_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or_default().to_le_bytes());
    out.extend_from_slice(value);
    Ok(out)
}
