//! What Longhorn looks for on a node before it works there.

use crate::console::Console;

/// Longhorn's own check, `longhornctl check preflight`, as far as it looks at the node itself: github.com/longhorn/cli, v1.12.0,
/// pkg/local/preflight/checker.go, with the packages that it wants of Debian. Each prints a line for a fault.
const PREFLIGHT: [&str; 5] = [
    "systemctl status --no-pager iscsid.service >/dev/null || echo iscsid.service does not run",
    "for it in multipathd.service multipathd.socket; do systemctl status $it >/dev/null 2>&1 && echo $it runs; done",
    "grep -q nfs /proc/modules && grep -qE '^CONFIG_NFS_V4(_[12])?=[my]' /boot/config-$(uname -r) || echo no NFS 4",
    "for it in nfs-common open-iscsi cryptsetup dmsetup; do \
     [ \"$(dpkg-query -f='${binary:Package} ${db:Status-Abbrev}' -W $it)\" = \"$it ii \" ] || echo $it is missing; done",
    "for it in nfs dm_crypt iscsi_tcp; do grep -q $it /proc/modules || echo $it is not loaded; done",
];

/// What its documentation wants besides ("Installation Requirements").
const DOCUMENTED: [&str; 2] = [
    "for it in bash curl findmnt grep awk blkid lsblk; do command -v $it >/dev/null || echo no $it; done",
    "findmnt -no PROPAGATION / | grep -qx shared || echo mounts are not shared",
];

/// Holds a node against both.
pub fn preflight(node: &mut Console) {
    for check in PREFLIGHT.iter().chain(&DOCUMENTED) {
        assert_eq!(node.run(check), "");
    }
}
