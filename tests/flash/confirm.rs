//! What a person is asked on a terminal.

use crate::bench::{Bench, Loop, is_root};
use crate::terminal::converse;

#[test]
fn a_disk_is_written_when_what_it_is_called_was_typed_and_not_otherwise() {
    if !is_root() {
        return;
    }
    let bench = Bench::new(1 << 20);
    let disk = Loop::new(64 << 20);
    let flash = bench.command(&["flash", "--image", "node.img", "--device", disk.path(), "--allow-loop"]);
    let before = disk.digest();
    for wrong in ["", "y", "yes", "loop"] {
        let (code, shown) = converse(&flash, &[("to write to", wrong)]);
        assert_eq!(code, Some(1), "{shown}");
        assert!(shown.contains("nothing was written") && shown.contains("on it"), "{shown}");
    }
    assert_eq!(disk.digest(), before);
    let (code, shown) = converse(&flash, &[("to write to", disk.name())]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("no seed"), "{shown}");
    bench.assert_on(&disk);
}
