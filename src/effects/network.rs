//! Network configuration for systemd-networkd and systemd-resolved, from the profile.

use std::fmt::Write as _;

use super::error::EffectError;
use crate::profile::Network;
use crate::tree::{Node, Tree};

const ORIGIN: &str = "effect:network";

/// Writes a `.network` file for each network, and makes `/etc/resolv.conf` follow systemd-resolved.
///
/// # Errors
/// A file where a directory must be.
pub fn network(tree: &mut Tree, networks: &[Network]) -> Result<(), EffectError> {
    for network in networks {
        let path = format!("etc/systemd/network/10-{}.network", network.name);
        tree.put(&path, Node::file(0o644, unit(network)).from(ORIGIN))?;
    }
    if tree.contains("usr/lib/systemd/systemd-resolved") {
        // Not the stub at 127.0.0.53: containers take this file over, and a loopback address means themselves there.
        tree.put("etc/resolv.conf", Node::symlink("/run/systemd/resolve/resolv.conf").from(ORIGIN))?;
    }
    Ok(())
}

/// A systemd.network(5) file.
fn unit(network: &Network) -> String {
    let mut text = String::from("[Match]\n");
    for (key, values) in
        [("Name", &network.match_name), ("MACAddress", &network.match_mac), ("Type", &network.match_type)]
    {
        if !values.is_empty() {
            let _ = writeln!(text, "{key}={}", values.join(" "));
        }
    }
    text.push_str("\n[Network]\n");
    if network.dhcp {
        text.push_str("DHCP=yes\n");
    }
    for address in &network.addresses {
        let _ = writeln!(text, "Address={address}");
    }
    if let Some(gateway) = &network.gateway {
        let _ = writeln!(text, "Gateway={gateway}");
    }
    for server in &network.dns {
        let _ = writeln!(text, "DNS={server}");
    }
    if network.dhcp {
        // The lease must not depend on the machine-id, which an unseeded node draws anew at each boot.
        text.push_str("\n[DHCPv4]\nClientIdentifier=mac\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Network {
        Network {
            name: "lan".to_owned(),
            match_name: vec!["en*".to_owned(), "eth*".to_owned()],
            match_mac: Vec::new(),
            match_type: Vec::new(),
            dhcp: false,
            addresses: vec!["192.0.2.10/24".to_owned()],
            gateway: Some("192.0.2.1".to_owned()),
            dns: vec!["192.0.2.53".to_owned()],
        }
    }

    #[test]
    fn a_static_address_has_its_gateway_and_asks_no_lease() {
        assert_eq!(
            unit(&sample()),
            "[Match]\nName=en* eth*\n\n[Network]\nAddress=192.0.2.10/24\nGateway=192.0.2.1\nDNS=192.0.2.53\n"
        );
    }

    #[test]
    fn a_lease_goes_by_the_hardware_address() {
        let text = unit(&Network { dhcp: true, addresses: Vec::new(), gateway: None, dns: Vec::new(), ..sample() });
        assert!(text.contains("DHCP=yes\n") && text.ends_with("[DHCPv4]\nClientIdentifier=mac\n"), "{text}");
    }

    #[test]
    fn resolved_answers_only_where_it_is_installed() {
        let mut tree = Tree::new();
        network(&mut tree, &[sample()]).unwrap();
        assert!(tree.contains("etc/systemd/network/10-lan.network") && !tree.contains("etc/resolv.conf"));
        tree.put("usr/lib/systemd/systemd-resolved", Node::file(0o755, "")).unwrap();
        network(&mut tree, &[]).unwrap();
        assert!(tree.contains("etc/resolv.conf"));
    }
}
