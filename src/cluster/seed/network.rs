//! A node's name and address, in the files of the C library and of systemd-networkd.

use std::fmt::Write as _;

use crate::cluster::{Cluster, Node};

/// `/etc/hosts`, so that the node resolves its own name without a DNS server.
pub(super) fn hosts(name: &str) -> String {
    format!(
        "127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n"
    )
}

/// Configuration for a node with a static address, or for one network card of several; none leaves it to the image.
/// See systemd.network(5).
///
/// # Panics
/// Never: strings grow.
pub(super) fn configuration(cluster: &Cluster, node: &Node) -> Option<String> {
    if node.address.is_none() && node.mac.is_none() {
        return None;
    }
    let mut text = String::from("[Match]\n");
    let mut line = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").expect("strings grow");
    match &node.mac {
        Some(mac) => line(format_args!("MACAddress={mac}")),
        // As the image's own network: a cable, whatever the driver calls it.
        None => line(format_args!("Name=en* eth* end*")),
    }
    line(format_args!("\n[Network]"));
    match &node.address {
        None => line(format_args!("DHCP=yes")),
        Some(address) => {
            line(format_args!("Address={address}"));
            if let Some(gateway) = &cluster.gateway {
                line(format_args!("Gateway={gateway}"));
            }
            for server in &cluster.dns {
                line(format_args!("DNS={server}"));
            }
            // Routers that speak of IPv6 are still listened to.
            line(format_args!("IPv6AcceptRA=yes"));
        }
    }
    Some(text)
}
