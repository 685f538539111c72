//! What an ELF file asks the dynamic loader for.

use object::Endianness;
use object::elf::{DT_NEEDED, DT_RPATH, DT_RUNPATH, FileHeader64, NoteType, PT_INTERP};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _};
use serde::Deserialize;

/// Type of a note that lists libraries loaded with `dlopen` (`ELF_NOTE_DLOPEN_TYPE`, UAPI.13 "ELF dlopen metadata").
const NOTE_DLOPEN: NoteType = NoteType(0x407c_0c0a);

/// Names that an ELF file gives to the dynamic loader.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Absolute path of the loader itself.
    pub interpreter: Option<String>,
    /// Names of the libraries linked to.
    pub libraries: Vec<String>,
    /// Names of libraries loaded on demand that the program calls required or recommended. What is merely
    /// suggested (TPM, FIDO tokens, QR codes) has no use in an initrd.
    pub on_demand: Vec<String>,
    /// Absolute directories to look in first.
    pub directories: Vec<String>,
}

/// Why an ELF file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    #[error(transparent)]
    Format(#[from] object::read::Error),
    /// Any number of entries may point at one long text, and any number of sections at one place.
    #[error("what its tables point at is longer than the file")]
    Overlaps,
}

/// How many bytes of texts and notes a file may still have: together no more than itself.
struct Room(u64);

impl Room {
    fn take(&mut self, len: u64) -> Result<(), ElfError> {
        self.0 = self.0.checked_sub(len).ok_or(ElfError::Overlaps)?;
        Ok(())
    }

    fn text(&mut self, bytes: &[u8]) -> Result<String, ElfError> {
        self.take(bytes.len() as u64)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// One feature in a dlopen note.
#[derive(Deserialize)]
struct Feature {
    #[serde(default)]
    priority: String,
    /// Alternatives, best first.
    soname: Vec<String>,
}

/// Whether `bytes` begin an ELF file.
pub(super) fn is_elf(bytes: &[u8]) -> bool {
    bytes.starts_with(&object::elf::ELFMAG)
}

/// Reads what the 64-bit ELF file `data` needs.
///
/// # Errors
/// Bytes that are no such file, or whose tables do not fit.
pub fn needs(data: &[u8]) -> Result<Needs, ElfError> {
    let mut room = Room(data.len() as u64);
    let header = FileHeader64::<Endianness>::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let mut needs = Needs::default();

    for segment in header.program_headers(endian, data)? {
        if segment.p_type(endian) == PT_INTERP
            && let Some(path) = segment.interpreter(endian, data)?
        {
            needs.interpreter = Some(room.text(path)?);
        }
    }

    let dynamic = sections.dynamic_table(endian, data)?;
    for entry in &dynamic {
        match entry.tag {
            DT_NEEDED => needs.libraries.push(room.text(dynamic.string(entry)?)?),
            DT_RUNPATH | DT_RPATH => {
                needs.directories.extend(room.text(dynamic.string(entry)?)?.split(':').map(str::to_owned));
            }
            _ => {}
        }
    }

    for section in sections.iter() {
        let Some(mut notes) = section.notes(endian, data)? else { continue };
        room.take(section.sh_size(endian))?;
        while let Some(note) = notes.next()? {
            if note.name() == b"FDO" && note.n_type(endian) == NOTE_DLOPEN {
                needs.on_demand.extend(on_demand(note.desc()));
            }
        }
    }
    Ok(needs)
}

/// The libraries in one dlopen note: JSON text with a final NUL. A note that cannot be read names none, as for the
/// program itself such a library is one that may be missing.
fn on_demand(note: &[u8]) -> Vec<String> {
    let json = note.split(|&byte| byte == 0).next().unwrap_or_default();
    let features: Vec<Feature> = serde_json::from_slice(json).unwrap_or_default();
    features
        .into_iter()
        .filter(|feature| matches!(feature.priority.as_str(), "required" | "recommended"))
        .filter_map(|feature| feature.soname.into_iter().next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_loaded_on_demand_count_when_the_program_recommends_them() {
        let note = br#"[{"feature":"kmod","priority":"recommended","soname":["libkmod.so.2"]},
                       {"feature":"tpm","priority":"suggested","soname":["libtss2-esys.so.0"]}]"#;
        let terminated: Vec<u8> = note.iter().copied().chain([0, 0]).collect();
        assert_eq!(on_demand(&terminated), ["libkmod.so.2"]);
        assert!(on_demand(b"not JSON").is_empty());
    }

    #[test]
    fn a_truncated_program_is_refused() {
        assert!(is_elf(b"\x7fELF\x02"));
        assert!(needs(b"\x7fELF\x02\x01\x01\0\0\0").is_err());
    }
}
