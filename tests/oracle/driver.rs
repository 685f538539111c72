//! Debian's NVIDIA driver for a node that computes: alternatives and diversions that scripts put together from what is there.

/// Without the card's firmware, which has no script and is large.
pub const PACKAGES: &str = "libcuda1 libnvidia-cfg1 libnvidia-ml1 nvidia-kernel-common nvidia-modprobe nvidia-persistenced \
                            nvidia-smi";

pub const SOURCES: &str = r#"
[[source]]
name = "nvidia"
archive = "debian"
suite = "trixie"
components = ["contrib", "non-free"]
"#;
