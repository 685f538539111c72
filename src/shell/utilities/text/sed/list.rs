//! The command `l`: a text without doubt about its bytes (POSIX.1-2024 XCU sed, "Editing Commands in sed").

/// `text` with escapes, wrapped to `width` columns unless that is 0.
pub(super) fn listed(text: &[u8], width: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut column = 0;
    for &byte in text {
        let piece: Vec<u8> = match byte {
            b'\\' => b"\\\\".to_vec(),
            0x07 => b"\\a".to_vec(),
            0x08 => b"\\b".to_vec(),
            0x0c => b"\\f".to_vec(),
            b'\n' => b"\\n".to_vec(),
            b'\r' => b"\\r".to_vec(),
            b'\t' => b"\\t".to_vec(),
            0x0b => b"\\v".to_vec(),
            b' '..=b'~' => vec![byte],
            _ => format!("\\{byte:03o}").into_bytes(),
        };
        if width > 0 && column + piece.len() > width - 1 {
            all.extend_from_slice(b"\\\n");
            column = 0;
        }
        column += piece.len();
        all.extend_from_slice(&piece);
    }
    all.extend_from_slice(b"$\n");
    all
}
