//! Reading what macOS's `diskutil` tells of disks: captured property lists become the same [`Disk`](super::Disk).
