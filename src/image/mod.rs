//! TODO(image)

pub mod initrd;
pub mod node;
