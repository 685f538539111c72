//! A stand-in for a release of K3s: the right names, an honest checksum file, and programs that are none of K3s's.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use imgbuild::tree::Digest;

/// The release that the shipped profiles name.
pub const VERSION: &str = "v1.36.5+k3s1";

/// What the program says.
const LINE: &[u8] = b"stand-in for K3s, made for tests\n";

/// All files of the release by name, for both architectures.
pub fn files() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for (arch, name, program) in [("amd64", "k3s", program_amd64()), ("arm64", "k3s-arm64", program_arm64())] {
        let images = format!("stand-in for the container images of {arch}").into_bytes();
        let bundle = format!("k3s-airgap-images-{arch}.tar.zst");
        let sums = format!("{}  {bundle}\n{}  {name}\n", Digest::of(&images), Digest::of(&program));
        files.insert(format!("sha256sum-{arch}.txt"), sums.into_bytes());
        files.insert(name.to_owned(), program);
        files.insert(bundle, images);
    }
    files
}

/// Writes the release into `dir`, for `--k3s-dir`.
pub fn release(dir: &Path) {
    fs::create_dir_all(dir).expect("a directory");
    for (name, bytes) in files() {
        // Whole or not at all, since other tests may be reading it.
        let file = tempfile::NamedTempFile::new_in(dir).expect("a temporary file");
        fs::write(file.path(), bytes).expect("room for a small file");
        file.persist(dir.join(name)).expect("a file in the directory");
    }
}

/// Where an ELF program's code begins here, in the file and in memory.
const CODE: u64 = 64 + 56;
const BASE: u64 = 0x40_0000;

/// Writes [`LINE`] to standard output and exits.
pub fn program_amd64() -> Vec<u8> {
    let mut code = Vec::new();
    let write = [0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0]; // mov eax, 1 (write); mov edi, 1
    let exit = [0x0f, 0x05, 0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05]; // syscall; mov eax, 60 (exit); xor edi, edi; syscall
    code.extend(write);
    let line = BASE + CODE + 10 + 5 + 5 + 11;
    code.push(0xbe); // mov esi, LINE
    code.extend(u32::try_from(line).expect("a small number").to_le_bytes());
    code.push(0xba); // mov edx, length
    code.extend(u32::try_from(LINE.len()).expect("a small number").to_le_bytes());
    code.extend(exit);
    elf(62, &code)
}

/// The same for arm64.
pub fn program_arm64() -> Vec<u8> {
    let len = u32::try_from(LINE.len()).expect("a small number");
    let code: Vec<u8> = [
        0xd280_0020,            // mov x0, 1
        0x1000_00e1,            // adr x1, LINE (seven instructions on)
        0xd280_0002 | len << 5, // mov x2, length
        0xd280_0808,            // mov x8, 64 (write)
        0xd400_0001,            // svc 0
        0xd280_0000,            // mov x0, 0
        0xd280_0ba8,            // mov x8, 93 (exit)
        0xd400_0001,            // svc 0
    ]
    .iter()
    .flat_map(|word: &u32| word.to_le_bytes())
    .collect();
    elf(183, &code)
}

/// A static program of one segment: header, code, [`LINE`].
fn elf(machine: u16, code: &[u8]) -> Vec<u8> {
    let len = CODE + (code.len() + LINE.len()) as u64;
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend(2u16.to_le_bytes()); // an executable
    file.extend(machine.to_le_bytes());
    file.extend(1u32.to_le_bytes());
    for word in [BASE + CODE, 64, 0] {
        file.extend(u64::to_le_bytes(word)); // entry, program headers, no section headers
    }
    file.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 1, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    file.extend(1u32.to_le_bytes()); // a segment to load
    file.extend(5u32.to_le_bytes()); // to read and execute
    for word in [0, BASE, BASE, len, len, 0x1000] {
        file.extend(u64::to_le_bytes(word));
    }
    file.extend_from_slice(code);
    file.extend_from_slice(LINE);
    file
}
