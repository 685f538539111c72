//! The kernel command line.

use crate::profile::{Board, Profile};
use crate::tree::Digest;

/// The command line of `profile`'s image. It names no device: the root hash identifies the root partition.
#[must_use]
pub fn cmdline(profile: &Profile, root_hash: [u8; 32]) -> String {
    let mut options = vec![
        // systemd's verity generator finds the partitions whose GUIDs are the halves of the hash.
        format!("roothash={}", Digest(root_hash)),
        // `/etc` begins anew at each boot, so without a seed each would be a first one: systemd would ask on the
        // console for a locale and enable every unit (systemd(1), first boot semantics).
        "systemd.condition_first_boot=0".to_owned(),
        "systemd.firstboot=off".to_owned(),
        // Nobody sits in front of a node to answer fsck, or to restart a kernel that died before sysctls are set.
        "fsck.repair=yes".to_owned(),
        "panic=30".to_owned(),
    ];
    if profile.serial {
        // The last console is `/dev/console`, where systemd writes its messages.
        options.push("console=tty0".to_owned());
        options.push(format!("console={},115200", serial(profile.board)));
    }
    options.extend(profile.kernel.cmdline.iter().cloned());
    options.join(" ")
}

/// The kernel's name of the board's serial port.
fn serial(board: Board) -> &'static str {
    match board {
        // The mini UART on the pin header: mainline gives Bluetooth the other one.
        Board::Rpi4 => "ttyS1",
        Board::UefiArm64 => "ttyAMA0",
        Board::UefiAmd64 => "ttyS0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Workspace, load};

    #[test]
    fn the_images_own_options_fit_the_room_that_profiles_leave_them() {
        for name in ["control", "demo", "gpu", "storage"] {
            let mut profile = load(&Workspace::embedded(), name).unwrap();
            profile.serial = true;
            profile.kernel.cmdline.clear();
            for board in [Board::Rpi4, Board::UefiArm64, Board::UefiAmd64] {
                profile.board = board;
                let own = format!("{} imgbuild.image={}", cmdline(&profile, [0xff; 32]), "0".repeat(16));
                assert!(own.len() <= crate::profile::cmdline::OWN, "{} bytes: {own}", own.len());
            }
        }
    }
}
