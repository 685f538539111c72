//! UEFI machines: the firmware starts systemd-boot from the removable-media path, which starts the unified kernel image.

use std::borrow::Cow;

use super::{BootError, BootFile, BootParts, blobs, content, efi_name};
use crate::format::authenticode;
use crate::format::signing::SigningKey;
use crate::format::uki::{self, Section};
use crate::tree::Content;

const BLOBS: &str = include_str!("../../../firmware/uefi/blobs.toml");
const LOADER: &str = include_str!("../../../firmware/uefi/loader.conf");

/// The files of `esp`.
pub(super) fn files(parts: &BootParts<'_>) -> Result<Vec<BootFile>, BootError> {
    let mut files = blobs(BLOBS, parts)?;
    files.push(BootFile { path: "loader/loader.conf".to_owned(), content: LOADER.into() });
    let path = format!("EFI/Linux/{}-{}.efi", parts.profile.name, parts.image_id);
    files.push(BootFile { path, content: kernel_image(parts)? });
    if let Some(key) = parts.secure_boot {
        sign(&mut files, key)?;
    }
    Ok(files)
}

/// Signs the programs among the files: firmware looks at a signature before it starts the boot loader, and again when that hands it
/// the kernel image.
fn sign(files: &mut [BootFile], key: &SigningKey) -> Result<(), BootError> {
    for file in files.iter_mut().filter(|file| file.path.to_ascii_lowercase().ends_with(".efi")) {
        let path = || file.path.clone();
        let program = file.content.read().map_err(|source| BootError::Read { path: path(), source })?;
        let signed = authenticode::sign(&program, key).map_err(|source| BootError::Sign { path: path(), source })?;
        file.content = signed.into();
    }
    Ok(())
}

/// The unified kernel image (UAPI.5).
fn kernel_image(parts: &BootParts<'_>) -> Result<Content, BootError> {
    let stub = format!("usr/lib/systemd/boot/efi/linux{}.efi.stub", efi_name(parts.profile.board.arch()));
    let read = |path: &str, content: &Content| {
        content.read().map(Cow::into_owned).map_err(|source| BootError::Read { path: path.to_owned(), source })
    };
    let release = "usr/lib/os-release";
    let os_release = read(release, content(parts.tree, release, "base-files")?)?;
    let kernel = read(&format!("boot/vmlinuz-{}", parts.kernel.release), &parts.kernel.image)?;
    let stub = read(&stub, content(parts.tree, &stub, "systemd-boot-efi")?)?;
    let sections = [
        Section { name: ".osrel", data: &os_release },
        Section { name: ".cmdline", data: parts.cmdline.as_bytes() },
        Section { name: ".uname", data: parts.kernel.release.as_bytes() },
        Section { name: ".initrd", data: parts.initrd },
        // Last, because a kernel may use memory after its own end.
        Section { name: ".linux", data: &kernel },
    ];
    Ok(uki::append(&stub, &sections)?.into())
}

#[cfg(test)]
pub(super) const TEXTS: [&str; 2] = [BLOBS, LOADER];
