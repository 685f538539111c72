//! The smallest manifest that is one, for tests.

use serde_json::{Value, json};

use crate::tree::Digest;

pub(crate) const MIB: u64 = 1 << 20;

/// Of an image of 4 MiB with two partitions, a range in each and in each table.
pub(crate) fn sample() -> Value {
    let digest = Digest::of(b"").to_string();
    let guid = "00000000-0000-0000-0000-000000000001";
    let partition = |number: u64, label: &str| {
        json!({
            "number": number, "label": label, "type": guid, "guid": guid,
            "offset": number * MIB, "size": MIB, "used": 4096,
        })
    };
    let range = |offset: u64| json!({"offset": offset, "length": 4096, "sha256": digest});
    json!({
        "format": 2, "profile": "node", "board": "rpi4", "arch": "arm64", "image_id": "0123456789abcdef",
        "image": "node.img", "image_sha256": digest, "image_size": 4 * MIB, "root_hash": digest, "kernel": "6.12",
        "cmdline": "quiet", "epoch": 0, "tree_sha256": digest, "disk_guid": guid, "hybrid_mbr": [1],
        "partitions": [partition(1, "root-a"), partition(2, "seed")],
        "ranges": [range(0), range(MIB), range(2 * MIB), range(4 * MIB - 4096)],
        "packages": [{"name": "less", "version": "1", "arch": "arm64", "sha256": digest}], "artifacts": [],
        "encoders": {"imgbuild": "0", "zstd": "1", "squashfs_block_size": 4096, "squashfs_level": 1},
    })
}
