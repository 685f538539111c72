//! What a kernel exports to modules: its build's `Module.symvers`.
//!
//! Each line has a checksum, a symbol, the module that exports it (or `vmlinux`), how, and a namespace, divided by tabs
//! (Documentation/kbuild/modules.rst; scripts/mod/modpost.c writes and reads the file).

use std::collections::{BTreeMap, BTreeSet};

use super::module_name;

/// The owner of what is compiled into the kernel itself.
const KERNEL: &str = "vmlinux";

/// One exported symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Export {
    /// The name of the module that exports it, or `vmlinux`.
    pub(super) owner: String,
    /// The checksum of its type; none if the module was made without.
    pub(super) crc: Option<u32>,
    /// Whether it is only for modules under a licence that goes with the kernel's.
    pub(super) gpl_only: bool,
    /// Who uses it must import this namespace; empty if there is none.
    pub(super) namespace: String,
}

/// All that a kernel and its own modules export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelExports {
    pub(super) symbols: BTreeMap<String, Export>,
    /// Names of the modules that export something.
    pub(super) owners: BTreeSet<String>,
}

/// Text that is no `Module.symvers`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SymversError {
    /// The line, counted from 1.
    #[error("line {0} of `Module.symvers` is not a checksum, a symbol, a module and a kind of export, divided by tabs")]
    Line(usize),
    /// No kernel exports nothing: the file is cut short, or another one.
    #[error("`Module.symvers` names no symbol of the kernel itself")]
    Empty,
}

impl KernelExports {
    /// Reads a `Module.symvers`, as Debian's packages of headers have it. Of a symbol that is there twice, the first counts.
    ///
    /// # Errors
    /// A line of another form, or no symbol that `vmlinux` exports.
    pub fn parse(symvers: &str) -> Result<Self, SymversError> {
        let mut symbols = BTreeMap::new();
        for (number, line) in symvers.lines().enumerate() {
            let (symbol, export) = parse_line(line).ok_or(SymversError::Line(number + 1))?;
            symbols.entry(symbol.to_owned()).or_insert(export);
        }
        let owners: BTreeSet<String> = symbols.values().map(|export| export.owner.clone()).collect();
        if owners.contains(KERNEL) { Ok(Self { symbols, owners }) } else { Err(SymversError::Empty) }
    }
}

fn parse_line(line: &str) -> Option<(&str, Export)> {
    let mut fields = line.split('\t');
    let crc = u32::from_str_radix(fields.next()?.strip_prefix("0x")?, 16).ok()?;
    let symbol = fields.next().filter(|name| !name.is_empty())?;
    let owner = module_name(fields.next().filter(|path| !path.is_empty())?);
    let gpl_only = match fields.next()? {
        "EXPORT_SYMBOL" => false,
        "EXPORT_SYMBOL_GPL" => true,
        _ => return None,
    };
    // Kernels before 5.4 have no such column.
    let namespace = fields.next().unwrap_or_default().to_owned();
    fields.next().is_none().then_some((symbol, Export { owner, crc: Some(crc), gpl_only, namespace }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_owner_by_its_path_and_perhaps_a_namespace() {
        let text = "0x00000001\ta\tvmlinux\tEXPORT_SYMBOL\t\n\
                    0xffffffff\tb\tdrivers/usb/storage/usb-storage\tEXPORT_SYMBOL_GPL\tUSB_STORAGE\n0x2\tc\tvmlinux\tEXPORT_SYMBOL\n";
        let exports = KernelExports::parse(text).unwrap();
        let b = &exports.symbols["b"];
        assert_eq!((b.owner.as_str(), b.crc, b.gpl_only), ("usb_storage", Some(u32::MAX), true));
        assert_eq!((b.namespace.as_str(), exports.symbols["c"].namespace.as_str()), ("USB_STORAGE", ""));
    }

    #[test]
    fn text_of_another_form_is_refused_with_its_line() {
        let good = "0x00000001\ta\tvmlinux\tEXPORT_SYMBOL\t\n";
        for bad in [
            "",
            "a b c d",
            "0x1\ta\tvmlinux\tEXPORT_SYMBOL\t\t",
            "0x1\ta\tvmlinux\tEXPORT\t",
            "1\ta\tvmlinux\tEXPORT_SYMBOL\t",
        ] {
            assert_eq!(KernelExports::parse(&format!("{good}{bad}\n")), Err(SymversError::Line(2)), "{bad:?}");
        }
        assert_eq!(KernelExports::parse(""), Err(SymversError::Empty));
    }
}
