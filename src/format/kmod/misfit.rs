//! Why a kernel would refuse a module, in words.

use std::fmt::{self, Write as _};

/// So many reasons stand in a message; a module of another kernel has hundreds, and the first ones tell it.
const SHOWN: usize = 12;

/// One reason why a kernel would refuse a module. The more telling ones sort first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misfit {
    /// It is no module that can be read.
    Unreadable(String),
    /// It was compiled for another processor.
    Machine,
    /// `vermagic`, which names release and build of the kernel that it was compiled for, differs, or is missing.
    Vermagic(Option<String>),
    /// The file's name is not the one that the kernel will know the module by: what depends on it would not find it.
    Name(Option<String>),
    /// It says that it needs a module that neither the kernel nor the others bring.
    Depends(String),
    /// The kernel wants checksums of the symbols that are used, and it has none.
    NoChecksums,
    /// It exports a symbol that `owner` exports too.
    ExportedTwice { symbol: String, owner: String },
    /// Nobody exports a symbol that it needs.
    Missing(String),
    /// A symbol is for modules under the GPL only, and its licence, or that of a module that it uses, is another.
    GplOnly { symbol: String, owner: String, licence: String },
    /// A symbol's type has changed since it was compiled.
    Checksum { symbol: String, owner: String },
    /// It uses a symbol without importing the symbol's namespace.
    Namespace { symbol: String, namespace: String },
}

impl fmt::Display for Misfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(cause) => write!(out, "it cannot be read: {cause}"),
            Self::Machine => out.write_str("it was compiled for another processor"),
            Self::Vermagic(Some(found)) => write!(out, "it was compiled for `{}`", found.trim_end()),
            Self::Vermagic(None) => out.write_str("it does not say which kernel it was compiled for"),
            Self::Name(Some(name)) => write!(out, "its file's name is not the module's, `{name}`"),
            Self::Name(None) => out.write_str("it has no name of a module"),
            Self::Depends(module) => write!(out, "it depends on module `{module}`, which is not there"),
            Self::NoChecksums => out.write_str("it has no checksums of the symbols that it uses (`__versions`)"),
            Self::ExportedTwice { symbol, owner } => write!(out, "it exports `{symbol}`, as `{owner}` does"),
            Self::Missing(symbol) => write!(out, "nothing exports `{symbol}`"),
            Self::GplOnly { symbol, owner, licence } => {
                write!(
                    out,
                    "`{symbol}` of `{owner}` is for modules under the GPL only; its licence, or one's that it uses, is `{licence}`"
                )
            }
            Self::Checksum { symbol, owner } => write!(out, "`{symbol}` of `{owner}` has another checksum"),
            Self::Namespace { symbol, namespace } => {
                write!(out, "`{symbol}` is of the namespace `{namespace}`, which it does not import")
            }
        }
    }
}

/// Modules that a kernel would refuse.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("kernel modules do not fit the kernel `{}`:{}", .kernel.trim_end(), listed(.misfits))]
pub struct FitError {
    /// The `vermagic` of the kernel.
    pub kernel: String,
    /// Path and reason, sorted.
    pub misfits: Vec<(String, Misfit)>,
}

impl FitError {
    /// What helps.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        let has = |of: fn(&Misfit) -> bool| self.misfits.iter().any(|(_, misfit)| of(misfit));
        if has(|misfit| matches!(misfit, Misfit::Machine | Misfit::Vermagic(_) | Misfit::Checksum { .. })) {
            "compile them anew, with the headers of exactly this kernel"
        } else if has(|misfit| matches!(misfit, Misfit::GplOnly { .. })) {
            "take a flavour of the driver whose licence goes with the kernel's, or a kernel that still lets this one in"
        } else {
            "take a kernel that the driver is known to work with, or a newer driver, or mend its source by a patch"
        }
    }
}

fn listed(misfits: &[(String, Misfit)]) -> String {
    let mut text = String::new();
    for (path, misfit) in misfits.iter().take(SHOWN) {
        let _ = write!(text, "\n       {path}: {misfit}");
    }
    if misfits.len() > SHOWN {
        let _ = write!(text, "\n       … and {} more", misfits.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_a_dozen_reasons_and_the_number_of_the_others() {
        let misfits = (0..30).map(|number| ("a.ko".to_owned(), Misfit::Missing(format!("s{number:02}")))).collect();
        let error = FitError { kernel: "6.12 SMP ".to_owned(), misfits };
        let text = error.to_string();
        assert!(
            text.starts_with("kernel modules do not fit the kernel `6.12 SMP`:\n       a.ko: nothing exports `s00`\n")
        );
        assert!(text.ends_with("a.ko: nothing exports `s11`\n       … and 18 more"), "{text}");
    }
}
