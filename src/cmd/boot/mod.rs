//! TODO(cmd): the verb. Running an image in QEMU.

pub mod host;
pub mod pi;
pub mod qemu;
