//! Links of a pod network, as the real udev treats them with the image's files.

use std::collections::BTreeMap;

use imgbuild::image::k3s;
use imgbuild::profile::{self, Workspace};
use imgbuild::tree::Tree;

use crate::sandbox::{Sandbox, said};

const LINK_FILE: &str = "usr/lib/systemd/network/50-pod-network.link";

/// Makes links as flannel 0.14, a bridge of it, and Calico make them, and another one; prints each one's address before and
/// after udev has seen it.
const MAKE: &str = r#"
unshare --net bash -ec '
mount -t sysfs sysfs /sys
ip link add flannel.1 type vxlan id 1 dev lo dstport 8472
ip link add cni0 type bridge
ip link add cali0 type veth peer name pod0
ip tuntap add other mode tap
for link in flannel.1 cni0 cali0 other; do
    read -r before </sys/class/net/$link/address
    udevadm test-builtin net_setup_link /sys/class/net/$link >/run/udev-$link 2>&1
    read -r after </sys/class/net/$link/address
    echo "$link $before $after"
done'
"#;

#[test]
fn udev_leaves_the_links_of_a_pod_network_the_address_that_they_were_made_with() {
    let profile = profile::load(&Workspace::embedded(), "storage").expect("an embedded profile");
    let mut tree = Tree::new();
    k3s::install(&mut tree, &profile, &BTreeMap::new()).expect("an empty tree takes all");
    let node = Sandbox::new();
    node.write(LINK_FILE, &tree.file(LINK_FILE).expect("it is installed").text().expect("text"));

    let output = node.run("", MAKE);
    let text = said(&output);
    let links: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(links.len(), 4, "{text}");
    for link in &links[..3] {
        assert_eq!(link[1], link[2], "{}: {}", link[0], node.read(&format!("run/udev-{}", link[0])));
    }
    assert_ne!(links[3][1], links[3][2], "udev was not asked, or the file is for more than it says");
}
