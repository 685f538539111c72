//! The verity writer against cryptsetup's `veritysetup`.

mod support;

use std::fs;

use imgbuild::format::verity::{self, Options};
use imgbuild::tree::Digest;
use support::{ok, run};
use uuid::Uuid;

const OPTIONS: Options = Options { salt: [0x5a; 32], uuid: Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef) };

fn hex(bytes: [u8; 32]) -> String {
    Digest(bytes).to_string()
}

/// Bytes without a pattern that blocks share.
fn data(blocks: u64) -> Vec<u8> {
    (0..blocks * 512).flat_map(|number| (number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_le_bytes()).collect()
}

#[test]
fn bytes_and_root_hash_equal_those_of_veritysetup() {
    let dir = tempfile::tempdir().unwrap();
    // One block, a full lowest level, one more than that, three levels and more than one batch.
    for blocks in [1, 128, 129, 17_000] {
        let data = data(blocks);
        let mut ours = Vec::new();
        let verity = verity::write(data.as_slice(), &OPTIONS, &mut ours).unwrap();
        fs::write(dir.path().join("data"), &data).unwrap();
        fs::write(dir.path().join("theirs"), b"").unwrap();
        let (salt, uuid) = (format!("--salt={}", hex(OPTIONS.salt)), format!("--uuid={}", OPTIONS.uuid));
        let told = ok(dir.path(), "veritysetup", &["format", &salt, &uuid, "data", "theirs"]);
        let root = told.lines().find_map(|line| line.strip_prefix("Root hash:")).unwrap().trim();
        assert_eq!(root, hex(verity.root_hash), "{blocks} blocks");
        assert_eq!(verity.data_blocks, blocks);
        assert!(fs::read(dir.path().join("theirs")).unwrap() == ours, "{blocks} blocks: bytes differ");
    }
}

#[test]
fn veritysetup_accepts_the_tree_and_refuses_a_flipped_bit() {
    let dir = tempfile::tempdir().unwrap();
    let mut data = data(1000);
    let mut hashes = Vec::new();
    let verity = verity::write(data.as_slice(), &OPTIONS, &mut hashes).unwrap();
    fs::write(dir.path().join("data"), &data).unwrap();
    fs::write(dir.path().join("hashes"), &hashes).unwrap();
    let root = hex(verity.root_hash);
    ok(dir.path(), "veritysetup", &["verify", "data", "hashes", &root]);

    data[777 * 4096 + 5] ^= 1;
    fs::write(dir.path().join("data"), &data).unwrap();
    assert!(!run(dir.path(), "veritysetup", &["verify", "data", "hashes", &root]).status.success());
}
