//! All tables that follow the data, and where they lie.

use super::SquashfsError;
use super::image::Image;
use super::inode_table::{self, InodeTable};
use super::metadata::{MetadataWriter, Position, Table};
use super::names::Names;
use super::plan::{Data, Plan};

/// Stands for a table that is not there (`SQUASHFS_INVALID_BLK`).
pub(super) const ABSENT: u64 = u64::MAX;

/// Where the tables lie.
#[derive(Debug)]
pub(super) struct Tables {
    pub root: Position,
    /// How many ids there are.
    pub ids: u16,
    pub inode_table: u64,
    pub directory_table: u64,
    pub fragment_table: u64,
    pub export_table: u64,
    pub id_table: u64,
    pub xattr_table: u64,
}

/// Appends all tables to `image`.
///
/// The order is that in which the kernel expects them, for it checks that each ends before the next one starts.
pub(super) fn write(
    names: &Names<'_>,
    plan: &Plan<'_>,
    data: &Data,
    mtime: u32,
    image: &mut Image<'_>,
) -> Result<Tables, SquashfsError> {
    let InodeTable { inodes, listings, xattrs, ids, positions } =
        inode_table::Writer::new(names, plan, data, mtime)?.write()?;

    let inode_table = image.len();
    image.append(&inodes.bytes)?;
    let directory_table = image.len();
    image.append(&listings.bytes)?;
    let fragment_table = if data.fragments.is_empty() {
        ABSENT
    } else {
        let mut table = MetadataWriter::new()?;
        for (position, word) in &data.fragments {
            table.write(&position.to_le_bytes())?;
            table.write(&u64::from(*word).to_le_bytes())?;
        }
        image.append_indexed(&table.finish()?, &[])?
    };
    let export_table = image.append_indexed(&export(names, &positions)?, &[])?;
    let id_table = append_ids(&ids, image)?;
    let xattr_table = match xattrs {
        None => ABSENT,
        Some(tables) => {
            let mut head = image.len().to_le_bytes().to_vec();
            head.extend_from_slice(&u64::from(tables.count).to_le_bytes());
            image.append(&tables.pairs.bytes)?;
            image.append_indexed(&tables.sets, &head)?
        }
    };
    Ok(Tables {
        root: positions[0],
        ids: u16::try_from(ids.len()).unwrap_or(u16::MAX),
        inode_table,
        directory_table,
        fragment_table,
        export_table,
        id_table,
        xattr_table,
    })
}

/// The table that finds an inode by its number. The kernel needs it for file handles, by which overlayfs keeps
/// inode numbers stable when it copies a file up.
fn export(names: &Names<'_>, positions: &[Position]) -> Result<Table, SquashfsError> {
    let mut by_number = vec![0; names.inodes() as usize];
    for (entry, position) in positions.iter().enumerate().filter(|(entry, _)| names.owner[*entry] == *entry) {
        by_number[names.number[entry] as usize - 1] = position.reference();
    }
    let mut table = MetadataWriter::new()?;
    for reference in by_number {
        table.write(&reference.to_le_bytes())?;
    }
    table.finish()
}

/// The table of user and group ids.
fn append_ids(ids: &[u32], image: &mut Image<'_>) -> Result<u64, SquashfsError> {
    let mut table = MetadataWriter::new()?;
    for id in ids {
        table.write(&id.to_le_bytes())?;
    }
    image.append_indexed(&table.finish()?, &[])
}
