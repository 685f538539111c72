//! What is told on hosts where disks can neither be listed nor written to yet: how it is done there by hand.

use crate::exit::Failure;

/// For `flash`: the exported image and the host's own tools. None of it can add a node's seed.
pub(super) fn flash(profile: Option<&str>) -> Failure {
    let profile = profile.unwrap_or("PROFILE");
    Failure::refused("writing to devices is done on Linux alone so far").hint(format!(
        "on Linux, `flash --node NAME` writes a node's stick. Here the image without a seed can be written: \
         `imgbuild export --profile {profile}` makes {profile}.img.zst, `diskutil list external physical` names the stick, then\n  \
         diskutil unmountDisk /dev/diskN\n  \
         zstd -dc {profile}.img.zst | sudo dd of=/dev/rdiskN bs=4m"
    ))
}

/// For `devices`.
pub(super) fn devices() -> Failure {
    Failure::refused("disks are listed on Linux alone so far")
        .hint("`diskutil list external physical` shows those of a Mac; whether one may be written to is for you to judge there")
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
