//! One module as the kernel's loader sees it: what it was made for, what it needs and exports, with checksums.

use std::collections::BTreeMap;

use object::elf::{self, Machine};
use object::read::elf::{ElfFile64, FileHeader};
use object::{LittleEndian, Object, ObjectSection, ObjectSymbol, SymbolSection};

use super::exports::Export;
use super::module::{failed, section_strings};
use super::{ModuleError, module_name};

type File<'a> = ElfFile64<'a, LittleEndian>;

/// Where `struct module` has its name on 64-bit machines (include/linux/module.h): behind a state and two pointers.
const NAME_AT: usize = 24;
/// The longest name, with its NUL: `MODULE_NAME_LEN`. An entry of `__versions` ends with one as long, behind 8 bytes of checksum.
const NAME_LENGTH: usize = 56;
/// Longest name of a namespace that is read, as an ELF symbol of the kernel may have it (`KSYM_NAME_LEN`).
const NAMESPACE_LENGTH: usize = 512;

/// What the loader goes by.
#[derive(Debug)]
pub(super) struct Loadable {
    pub(super) machine: Machine,
    /// The name that the kernel will know it by.
    pub(super) name: Option<String>,
    /// `key=value` records of `.modinfo`, in file order.
    info: Vec<(String, String)>,
    /// Undefined symbols, and whether each is weak: it may stay undefined.
    pub(super) needs: BTreeMap<String, bool>,
    pub(super) exports: BTreeMap<String, Export>,
    /// The checksums of what it needs, as they were when it was compiled; none if it was made without.
    pub(super) versions: Option<BTreeMap<String, u32>>,
}

impl Loadable {
    /// Reads an uncompressed module; a signature behind it is passed over.
    ///
    /// # Errors
    /// Bytes that are no ELF object of 64 bits in little-endian order, or one whose tables do not fit.
    pub(super) fn parse(path: &str, bytes: &[u8]) -> Result<Self, ModuleError> {
        let file = File::parse(bytes).map_err(|error| failed(path, &error))?;
        let header = file.elf_header();
        if header.e_type(LittleEndian) != elf::ET_REL {
            return Err(failed(path, &"it is not a relocatable object"));
        }
        let mut module = Self {
            machine: header.e_machine(LittleEndian),
            name: None,
            info: Vec::new(),
            needs: BTreeMap::new(),
            exports: BTreeMap::new(),
            versions: None,
        };
        module.read_tables(&file).map_err(|error| failed(path, &error))?;
        // Any number of symbols may have one long name. Linkers let names share their ends, so there is some room.
        let room = bytes.len().saturating_mul(4);
        module.exports = module.read_symbols(&file, path, room).map_err(|cause| failed(path, &cause))?;
        Ok(module)
    }

    /// The first value of a key of `.modinfo`: the one that the kernel goes by.
    pub(super) fn value<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.values(key).next()
    }

    /// All values of a key of `.modinfo`.
    pub(super) fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.info.iter().filter(move |(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    fn read_tables(&mut self, file: &File<'_>) -> object::Result<()> {
        let records = section_strings(file, ".modinfo")?;
        let pair = |record: &String| record.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        self.info = records.iter().filter_map(pair).collect();
        let this = section(file, ".gnu.linkonce.this_module")?;
        self.name = this.and_then(|bytes| bytes.get(NAME_AT..NAME_AT + NAME_LENGTH)).map(text);
        self.versions = versions(file)?;
        Ok(())
    }

    /// Notes the undefined symbols and gives the exported ones, which show by the names of their parts (include/linux/export.h).
    fn read_symbols(
        &mut self,
        file: &File<'_>,
        path: &str,
        mut room: usize,
    ) -> Result<BTreeMap<String, Export>, String> {
        let mut tables = BTreeMap::new();
        let mut checksums = BTreeMap::new();
        let mut namespaces = BTreeMap::new();
        for symbol in file.symbols() {
            let name = symbol.name().map_err(|error| error.to_string())?;
            room = room.checked_sub(name.len()).ok_or("its symbols' names are longer than the file")?;
            if symbol.is_undefined() {
                self.needs.insert(name.to_owned(), symbol.is_weak());
            } else if let Some(export) = name.strip_prefix("__ksymtab_") {
                tables.insert(export, symbol);
            } else if let Some(export) = name.strip_prefix("__crc_") {
                checksums.insert(export, symbol);
            } else if let Some(export) = name.strip_prefix("__kstrtabns_") {
                namespaces.insert(export, symbol);
            }
        }
        // The first entry of each table of symbols is an undefined one without a name.
        self.needs.remove("");
        let mut exports = BTreeMap::new();
        for (name, symbol) in tables {
            let table = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
            let gpl_only = table.is_some_and(|table| table.name().is_ok_and(|name| name == "__ksymtab_gpl"));
            let crc = checksums.get(name).and_then(|symbol| checksum(file, symbol));
            let namespace = namespaces.get(name).and_then(|symbol| bytes_at(file, symbol, NAMESPACE_LENGTH));
            let namespace = namespace.map(text).unwrap_or_default();
            room = room.checked_sub(namespace.len()).ok_or("its namespaces' names are longer than the file")?;
            exports.insert(name.to_owned(), Export { owner: module_name(path), crc, gpl_only, namespace });
        }
        Ok(exports)
    }
}

/// The checksum that a `__crc_` symbol stands for: it is the symbol's own value, or, since Linux 5.19, lies where the symbol points.
fn checksum<'a>(file: &File<'a>, symbol: &impl ObjectSymbol<'a>) -> Option<u32> {
    match symbol.section() {
        SymbolSection::Absolute => u32::try_from(symbol.address()).ok(),
        _ => bytes_at(file, symbol, 4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)),
    }
}

/// At most `most` bytes from where a symbol points.
fn bytes_at<'a>(file: &File<'a>, symbol: &impl ObjectSymbol<'a>, most: usize) -> Option<&'a [u8]> {
    let data = file.section_by_index(symbol.section_index()?).ok()?.data().ok()?;
    let rest = data.get(usize::try_from(symbol.address()).ok()?..)?;
    Some(&rest[..rest.len().min(most)])
}

/// The checksums of needed symbols. `__version_ext_names` and `__version_ext_crcs`, since Linux 6.14, count before `__versions`,
/// which has no room for long names (kernel/module/version.c, `check_version`).
fn versions(file: &File<'_>) -> object::Result<Option<BTreeMap<String, u32>>> {
    if let (Some(names), Some(crcs)) = (section(file, "__version_ext_names")?, section(file, "__version_ext_crcs")?) {
        let crcs = crcs.as_chunks().0.iter().map(|crc| u32::from_le_bytes(*crc));
        return Ok(Some(names.split(|byte| *byte == 0).map(text).zip(crcs).collect()));
    }
    let entry = |entry: &[u8; 8 + NAME_LENGTH]| {
        let (crc, name) = entry.split_at(8);
        (text(name), crc.first_chunk().map_or(0, |crc| u32::from_le_bytes(*crc)))
    };
    Ok(section(file, "__versions")?.map(|table| table.as_chunks().0.iter().map(entry).collect()))
}

fn section<'a>(file: &File<'a>, name: &str) -> object::Result<Option<&'a [u8]>> {
    file.section_by_name(name).map(|section| section.data()).transpose()
}

/// The text up to a NUL.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}
