//! What a board adds to every profile for it.

use super::Board;

impl Board {
    /// Whether the Pi's own firmware starts it, which reads `config.txt`.
    #[must_use]
    pub fn is_raspberry_pi(self) -> bool {
        self == Self::Rpi4
    }

    /// The packages that bring its kernel and its boot files.
    #[must_use]
    pub fn packages(self) -> &'static [&'static str] {
        match self {
            // The Pi's firmware (start4.elf, fixup4.dat) comes from raspi-firmware, device trees from the kernel package.
            Self::Rpi4 => &["linux-image-arm64", "raspi-firmware"],
            // systemd-boot-efi holds both the boot manager and the stub that makes a kernel a UKI.
            Self::UefiArm64 => &["linux-image-arm64", "systemd-boot-efi"],
            Self::UefiAmd64 => &["linux-image-amd64", "systemd-boot-efi"],
        }
    }
}
