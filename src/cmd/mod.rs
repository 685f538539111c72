//! TODO(cmd)
