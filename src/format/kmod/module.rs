//! One module's ELF image: what it exports, what it needs, what it says of itself.

use std::fmt;

use object::read::elf::{ElfFile64, FileHeader};
use object::{Endian, Endianness, Object, ObjectSection, ObjectSymbol, elf};

/// What depmod must know of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Path below `/usr/lib/modules/VERSION`, with its compression suffix.
    pub path: String,
    /// Names of exported symbols, in symbol table order.
    pub exports: Vec<String>,
    /// Names of undefined symbols, in symbol table order.
    pub needs: Vec<String>,
    /// `key=value` records of `.modinfo` with the keys `alias`, `softdep` and `weakdep`, in file order.
    pub info: Vec<(String, String)>,
}

/// Why a module could not be read.
#[derive(Debug, thiserror::Error)]
#[error("kernel module `{path}` is not a readable 64-bit ELF object: {cause}")]
pub struct ModuleError {
    pub path: String,
    pub cause: String,
}

/// A module's name from its path: the file name up to the first dot, `-` as `_`.
#[must_use]
pub fn module_name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().unwrap_or(file).replace('-', "_")
}

impl Module {
    /// Reads an uncompressed module. `path` is its path below the version's directory.
    ///
    /// # Errors
    /// Bytes that are no ELF object, or one whose tables do not fit.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Self, ModuleError> {
        let failed = |cause: &dyn fmt::Display| failed(path, cause);
        let file = ElfFile64::<Endianness>::parse(bytes).map_err(|error| failed(&error))?;
        if file.elf_header().e_type(Endianness::Little) != elf::ET_REL {
            return Err(failed(&"it is not a relocatable object"));
        }
        let mut exports = Vec::new();
        let mut needs = Vec::new();
        // Any number of symbols may have one long name. Linkers let names share their ends, so there is some room.
        let mut room = bytes.len().saturating_mul(4);
        for symbol in file.symbols() {
            let name = symbol.name().map_err(|error| failed(&error))?;
            room =
                room.checked_sub(name.len()).ok_or_else(|| failed(&"its symbols' names are longer than the file"))?;
            if let Some(export) = name.strip_prefix("__crc_") {
                exports.push(export.to_owned());
            }
            if symbol.is_undefined() && !name.is_empty() {
                needs.push(name.to_owned());
            }
        }
        if exports.is_empty() {
            // Kernels without MODVERSIONS have no checksums; their exports are listed by name alone.
            exports = section_strings(&file, "__ksymtab_strings").map_err(|error| failed(&error))?;
        }
        let info = section_strings(&file, ".modinfo")
            .map_err(|error| failed(&error))?
            .into_iter()
            .filter_map(|record| record.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())))
            .filter(|(key, _)| matches!(key.as_str(), "alias" | "softdep" | "weakdep"))
            .collect();
        Ok(Self { path: path.to_owned(), exports, needs, info })
    }

    /// The module's name.
    #[must_use]
    pub fn name(&self) -> String {
        module_name(&self.path)
    }

    /// Values of the `.modinfo` records with this key.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.info.iter().filter(move |(found, _)| found == key).map(|(_, value)| value.as_str())
    }
}

pub(super) fn failed(path: &str, cause: &dyn fmt::Display) -> ModuleError {
    ModuleError { path: path.to_owned(), cause: cause.to_string() }
}

/// The NUL-separated strings of a section; none if it is missing.
pub(super) fn section_strings<E: Endian>(file: &ElfFile64<'_, E>, name: &str) -> object::Result<Vec<String>> {
    let Some(section) = file.section_by_name(name) else { return Ok(Vec::new()) };
    let data = section.data()?;
    Ok(data
        .split(|byte| *byte == 0)
        .filter(|text| !text.is_empty())
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .collect())
}
