//! Whether modules fit their kernel: Debian's own do, on both architectures, and each change that the kernel would refuse
//! is found.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use imgbuild::format::kmod::{self, KernelExports, Misfit};
use object::elf::{EM_AARCH64, EM_X86_64, Machine};
use object::{File, Object as _, ObjectSection as _, ObjectSymbol as _};
use tempfile::TempDir;

use super::{Apt, kernel_package, unpack};

/// A kernel's modules, and what its headers say of it.
pub struct Kernel {
    symvers: String,
    machine: Machine,
    vermagic: String,
    modules: Vec<(String, Vec<u8>)>,
}

/// Every so many modules of a kernel are looked at, beside [`PAIR`]: of each architecture's 4000 some 200.
const STEP: usize = 20;

/// A module and one that it needs, whose symbols have a namespace.
pub const PAIR: [&str; 2] = ["kernel/drivers/usb/storage/uas.ko", "kernel/drivers/usb/storage/usb-storage.ko"];

/// A symbol that the first of the pair needs and the second exports.
const SHARED: &str = "usb_stor_adjust_quirks";

pub static AMD64: LazyLock<Kernel> = LazyLock::new(|| Kernel::of(Apt::amd64(), EM_X86_64));

impl Kernel {
    /// The newest kernel of an architecture.
    fn of(apt: &Apt, machine: Machine) -> Self {
        let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = dir.path();
        let image = kernel_package(apt);
        let headers = image.replacen("image", "headers", 1);
        unpack(apt, &[&image, &headers], root);
        let symvers = fs::read_to_string(root.join("usr/src").join(&headers).join("Module.symvers")).unwrap();
        let dir = root.join("usr/lib/modules").join(image.trim_start_matches("linux-image-"));
        let mut paths = files(&dir.join("kernel"));
        paths.sort();
        let path = |path: &Path| path.strip_prefix(&dir).unwrap().with_extension("").to_str().unwrap().to_owned();
        let chosen = paths.iter().enumerate().map(|(number, file)| (number, path(file), file));
        let chosen = chosen.filter(|(number, path, _)| number % STEP == 0 || PAIR.contains(&path.as_str()));
        let modules: Vec<_> = chosen.map(|(_, path, file)| (path, unpacked(file))).collect();
        let vermagic = kmod::vermagic(&modules[0].0, &modules[0].1).unwrap().expect("each module has one");
        Self { symvers, machine, vermagic, modules }
    }

    /// The bytes of one of the [`PAIR`].
    pub fn module(&self, path: &str) -> &[u8] {
        &self.modules.iter().find(|(found, _)| found == path).unwrap().1
    }

    fn misfits(&self, modules: &[(&str, &[u8])]) -> Vec<(String, Misfit)> {
        self.misfits_with(&self.symvers, modules)
    }

    fn misfits_with(&self, symvers: &str, modules: &[(&str, &[u8])]) -> Vec<(String, Misfit)> {
        let exports = KernelExports::parse(symvers).unwrap();
        kmod::fit(modules, &exports, &self.vermagic, self.machine).map_or_else(|error| error.misfits, |()| Vec::new())
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn unpacked(file: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    liblzma::read::XzDecoder::new(fs::File::open(file).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Where a text begins in one section of a module, counted from the file's start.
fn place(module: &[u8], section: &str, text: &str) -> usize {
    let file = File::parse(module).unwrap();
    let (start, size) = file.section_by_name(section).unwrap().file_range().unwrap();
    let (start, size) = (usize::try_from(start).unwrap(), usize::try_from(size).unwrap());
    let found = module[start..start + size].windows(text.len()).position(|window| window == text.as_bytes());
    start + found.unwrap_or_else(|| panic!("{section} has `{text}`"))
}

/// A module with a text of one section replaced by one as long.
pub fn changed(module: &[u8], section: &str, text: &str, new: &str) -> Vec<u8> {
    let at = place(module, section, text);
    let mut module = module.to_vec();
    module[at..at + text.len()].copy_from_slice(new.as_bytes());
    module
}

fn symbol(name: &str) -> String {
    name.to_owned()
}

fn of_uas(misfit: Misfit) -> Vec<(String, Misfit)> {
    vec![(PAIR[0].to_owned(), misfit)]
}

#[test]
fn the_modules_of_a_kernels_own_package_fit_it() {
    let arm64 = Kernel::of(Apt::arm64(), EM_AARCH64);
    for kernel in [&*AMD64, &arm64] {
        let modules: Vec<(&str, &[u8])> =
            kernel.modules.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
        assert!(modules.len() > 150, "{}", modules.len());
        assert_eq!(kernel.misfits(&modules), []);
        for module in modules {
            assert_eq!(kernel.misfits(&[module]), [], "alone as well");
        }
    }
    let foreign = (PAIR[0], arm64.module(PAIR[0]));
    assert_eq!(AMD64.misfits(&[foreign]), of_uas(Misfit::Machine));
}

#[test]
fn a_symbol_that_nobody_exports_is_found_unless_it_is_weak() {
    let mut module = changed(AMD64.module(PAIR[0]), ".strtab", SHARED, "usb_stor_adjust_quirkz");
    let missing = Misfit::Missing(symbol("usb_stor_adjust_quirkz"));
    assert_eq!(AMD64.misfits(&[(PAIR[0], &module)]), of_uas(missing));

    let at = {
        let file = File::parse(module.as_slice()).unwrap();
        let symbol = file.symbols().find(|symbol| symbol.name() == Ok("usb_stor_adjust_quirkz")).unwrap();
        let table = file.section_by_name(".symtab").unwrap().file_range().unwrap().0;
        // The fifth byte of an entry of 24 has type and binding.
        usize::try_from(table).unwrap() + symbol.index().0 * 24 + 4
    };
    module[at] = 0x20;
    assert_eq!(AMD64.misfits(&[(PAIR[0], &module)]), []);
}

#[test]
fn modules_may_use_what_they_export_to_each_other() {
    let of_kernel: String = AMD64.symvers.split_inclusive('\n').filter(|line| !line.contains("USB_STORAGE")).collect();
    let pair = PAIR.map(|path| (path, AMD64.module(path)));
    assert_eq!(AMD64.misfits_with(&of_kernel, &pair), []);
    let alone = AMD64.misfits_with(&of_kernel, &pair[..1]);
    assert_eq!(alone[0].1, Misfit::Depends("usb_storage".to_owned()));
    assert!(alone.contains(&(PAIR[0].to_owned(), Misfit::Missing(symbol(SHARED)))), "{alone:?}");

    // The checksum of an export stands in a table of the module that exports it.
    let mut other = pair[1].1.to_vec();
    let at = {
        let file = File::parse(pair[1].1).unwrap();
        let checksum = file.symbols().find(|symbol| symbol.name() == Ok("__crc_usb_stor_adjust_quirks")).unwrap();
        let section = file.section_by_index(checksum.section_index().unwrap()).unwrap();
        usize::try_from(section.file_range().unwrap().0 + checksum.address()).unwrap()
    };
    other[at] ^= 1;
    let found = AMD64.misfits_with(&of_kernel, &[pair[0], (PAIR[1], &other)]);
    assert_eq!(found, of_uas(Misfit::Checksum { symbol: symbol(SHARED), owner: symbol("usb_storage") }));

    let twice = AMD64.symvers.replace("drivers/usb/storage/usb-storage", "vmlinux");
    let found: BTreeSet<_> = AMD64.misfits_with(&twice, &pair[1..]).into_iter().collect();
    let misfit = Misfit::ExportedTwice { symbol: symbol(SHARED), owner: symbol("vmlinux") };
    assert!(found.contains(&(PAIR[1].to_owned(), misfit)), "{found:?}");
}

#[test]
fn another_checksum_is_found_and_so_is_none() {
    let module = AMD64.module(PAIR[0]);
    let mut other = module.to_vec();
    other[place(module, "__versions", "module_layout") - 8] ^= 1;
    let misfit = Misfit::Checksum { symbol: symbol("module_layout"), owner: symbol("vmlinux") };
    assert_eq!(AMD64.misfits(&[(PAIR[0], &other)]), of_uas(misfit));

    let without = changed(module, ".shstrtab", "__versions", "__verzions");
    assert_eq!(AMD64.misfits(&[(PAIR[0], &without)]), of_uas(Misfit::NoChecksums));
}

#[test]
fn another_kernel_and_another_name_are_found() {
    let module = changed(AMD64.module(PAIR[0]), ".modinfo", "vermagic=6", "vermagic=5");
    let other = AMD64.vermagic.replacen('6', "5", 1);
    let misfits = AMD64.misfits(&[(PAIR[0], &module)]);
    assert_eq!(misfits, of_uas(Misfit::Vermagic(Some(other))));
    let exports = KernelExports::parse(&AMD64.symvers).unwrap();
    let error = kmod::fit(&[(PAIR[0], &module)], &exports, &AMD64.vermagic, EM_X86_64).unwrap_err();
    assert!(error.to_string().contains("uas.ko: it was compiled for `5."), "{error}");
    assert!(error.hint().contains("with the headers of exactly this kernel"));

    let path = "updates/uaz.ko";
    let found = AMD64.misfits(&[(path, AMD64.module(PAIR[0]))]);
    assert_eq!(found, [(path.to_owned(), Misfit::Name(Some("uas".to_owned())))]);
}

#[test]
fn a_proprietary_module_and_one_that_uses_it_may_not_use_what_is_for_the_gpl_only() {
    let other = changed(AMD64.module(PAIR[1]), ".modinfo", "license=GPL\0", "license=BSD\0");
    let found = AMD64.misfits(&[(PAIR[0], AMD64.module(PAIR[0])), (PAIR[1], &other)]);
    let of_licence = |misfit: &Misfit| matches!(misfit, Misfit::GplOnly { licence, .. } if licence == "BSD");
    assert!(found.iter().all(|(_, misfit)| of_licence(misfit)), "{found:?}");
    let paths: BTreeSet<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, PAIR.into());
    let usb = Misfit::GplOnly { symbol: symbol("usb_deregister"), owner: symbol("usbcore"), licence: symbol("BSD") };
    assert!(found.contains(&(PAIR[0].to_owned(), usb)), "{found:?}");
}

#[test]
fn a_namespace_that_is_not_imported_is_found() {
    let module = changed(AMD64.module(PAIR[0]), ".modinfo", "import_ns=USB_STORAGE", "import_ns=USB_STORAGX");
    let found = AMD64.misfits(&[(PAIR[0], &module)]);
    let misfit = Misfit::Namespace { symbol: symbol(SHARED), namespace: symbol("USB_STORAGE") };
    assert!(found.contains(&(PAIR[0].to_owned(), misfit)), "{found:?}");
}
