//! Messages for hosts other than Linux, where disks can neither be listed nor written to: how it is done there by hand.

use crate::exit::Failure;

/// For `flash`: writing an exported image with the host's own tools, which cannot add a node's seed.
pub(super) fn flash(profile: Option<&str>) -> Failure {
    let profile = profile.unwrap_or("PROFILE");
    Failure::refused("writing to devices works only on Linux so far").hint(format!(
        "on Linux, `flash --node NAME` writes a node's stick. Here the image without a seed can be written: \
         `imgbuild export --profile {profile}` makes {profile}.img.zst, `diskutil list external physical` names the stick, then\n  \
         diskutil unmountDisk /dev/diskN\n  \
         zstd -dc {profile}.img.zst | sudo dd of=/dev/rdiskN bs=4m"
    ))
}

/// For `devices`.
pub(super) fn devices() -> Failure {
    Failure::refused("listing disks works only on Linux so far").hint(
        "`diskutil list external physical` shows those of a Mac; you have to judge yourself which may be written to",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_those_for_the_profile() {
        let hint = flash(Some("control")).hint.unwrap();
        for command in [
            "imgbuild export --profile control",
            "diskutil unmountDisk /dev/diskN",
            "zstd -dc control.img.zst | sudo dd of=/dev/rdiskN bs=4m",
        ] {
            assert!(hint.contains(command), "no {command} in: {hint}");
        }
        assert!(devices().hint.unwrap().contains("diskutil list external physical"));
    }
}
