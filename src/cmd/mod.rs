//! TODO(cmd)
pub mod boot;
