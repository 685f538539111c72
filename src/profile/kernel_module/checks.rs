//! Rules for the values of `[kernel-module.NAME]`. Each takes the text and says what is wrong with it; a second line of the
//! answer is a hint for the person who wrote it.

use super::KernelRange;
use crate::profile::checks::{Verdict, refuse};
use crate::profile::resolved::glob_of;
use crate::tree;

/// What the arguments of `make` may have in braces.
const PLACEHOLDERS: [&str; 2] = ["kernel", "source"];

/// A glob over the clean paths of a package.
pub(in crate::profile) fn source_glob(text: &str) -> Verdict {
    if text.chars().any(char::is_control) || tree::clean(text).as_deref() != Ok(text) || text.is_empty() {
        let hint =
            "write it as `dpkg-deb -c FILE` shows it, without `./`, `..` and slashes at its ends: `usr/src/nvidia-*`";
        return refuse(text, "a glob of a package's paths", hint);
    }
    match glob_of(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("`{text}` is not a glob: {}", error.kind())),
    }
}

/// An argument of `make`, its placeholders among those that are known.
pub(in crate::profile) fn make_argument(text: &str) -> Verdict {
    if text.is_empty() || text.chars().any(char::is_control) {
        return refuse(text, "an argument of `make`", "write a target, an option or `NAME=value`, on one line");
    }
    let unknown = |what: &str| {
        let hint = "`{kernel}` stands for the kernel's release, `{source}` for the directory of the source";
        Err(format!("`{}` is no placeholder\n{hint}", what.escape_debug()))
    };
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let braced = &rest[at..];
        let Some((word, behind)) = braced.strip_prefix('{').and_then(|inner| inner.split_once('}')) else {
            return unknown(braced);
        };
        if !PLACEHOLDERS.contains(&word) {
            return unknown(&format!("{{{word}}}"));
        }
        rest = behind;
    }
    Ok(())
}

/// Where `make` leaves a module.
pub(in crate::profile) fn module_path(text: &str) -> Verdict {
    let is_path = tree::clean(text).as_deref() == Ok(text) && !text.chars().any(char::is_control);
    let name = text.rsplit('/').next().and_then(|file| file.strip_suffix(".ko"));
    if is_path && name.is_some_and(|name| crate::profile::checks::module(name).is_ok()) {
        return Ok(());
    }
    let hint = "write it from the source's directory on, such as `kernel-open/nvidia.ko`";
    refuse(text, "the path of a kernel module", hint)
}

/// The name of a file that lies in `patches/`.
pub(in crate::profile) fn patch_name(text: &str) -> Verdict {
    if tree::clean(text).as_deref() == Ok(text) && !text.is_empty() && !text.chars().any(char::is_control) {
        return Ok(());
    }
    refuse(text, "a patch's name", "write its path below the overlay's `patches/`, such as `linux-6.12.107.patch`")
}

/// Conditions on a kernel's version.
pub(in crate::profile) fn kernel_conditions(text: &str) -> Verdict {
    let hint = "write comparisons with a space between them, such as `>=6.12.107 <6.13`";
    if text.trim().is_empty() {
        return Err(format!("there is no condition\n{hint}; for any kernel leave the key out"));
    }
    KernelRange::parse(text).map(drop).map_err(|wrong| format!("{wrong}\n{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_of_make_has_no_other_placeholders_than_kernel_and_source() {
        for good in ["modules", "M={source}/x", "SYSSRC=/lib/modules/{kernel}/source", "-C"] {
            make_argument(good).unwrap();
        }
        for (bad, named) in [("KVER={release}", "{release}"), ("X=${kernel", "{kernel"), ("}", "}"), ("{}", "{}")] {
            let said = make_argument(bad).unwrap_err();
            assert!(said.starts_with(&format!("`{named}` is no placeholder\n")), "{said}");
        }
        assert!(make_argument("").is_err() && make_argument("a\nb").is_err());
    }

    #[test]
    fn paths_of_modules_patches_and_sources_stay_where_they_belong() {
        for good in ["nvidia.ko", "kernel-open/nvidia-uvm.ko"] {
            module_path(good).unwrap();
        }
        for bad in ["", "nvidia", "/nvidia.ko", "../nvidia.ko", "a//b.ko", ".ko", "a/.ko", "a b.ko", "nvidia.ko.xz"] {
            assert!(module_path(bad).is_err(), "{bad}");
        }
        for bad in ["", "/usr/src/x", "usr/src/../x", "usr/src/x/", "usr/src/[x"] {
            assert!(source_glob(bad).is_err(), "{bad}");
        }
        source_glob("usr/src/nvidia-*").unwrap();
        assert!(patch_name("../x").is_err() && patch_name("").is_err());
        patch_name("6.12/x.patch").unwrap();
        assert!(kernel_conditions("").is_err() && kernel_conditions("6.12").is_err());
    }
}
