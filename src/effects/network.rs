//! Network configuration for systemd-networkd, from the profile.

use std::fmt::Write as _;

use super::{Context, EffectError};
use crate::profile::Network;
use crate::tree::{Node, Tree};

/// Writes `/etc/systemd/network/10-NAME.network` for each network of the profile.
///
/// # Errors
/// A directory that is taken by something else.
pub fn network(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    for network in &context.profile.networks {
        let path = format!("etc/systemd/network/10-{}.network", network.name);
        tree.put(&path, Node::file(0o644, unit(network)).from("effect:network"))?;
    }
    Ok(())
}

/// The text of systemd.network(5).
fn unit(network: &Network) -> String {
    let mut out = String::from("[Match]\n");
    let matches = [("Name", &network.match_name), ("MACAddress", &network.match_mac), ("Type", &network.match_type)];
    for (key, values) in matches.into_iter().filter(|(_, values)| !values.is_empty()) {
        let _ = writeln!(out, "{key}={}", values.join(" "));
    }
    let _ = writeln!(out, "\n[Network]\nDHCP={}", if network.dhcp { "yes" } else { "no" });
    for (key, values) in [("Address", &network.addresses), ("DNS", &network.dns)] {
        for value in values {
            let _ = writeln!(out, "{key}={value}");
        }
    }
    if let Some(gateway) = &network.gateway {
        let _ = writeln!(out, "Gateway={gateway}");
    }
    if network.dhcp {
        // Without this the lease depends on the machine-id, and an unseeded node has another one each boot.
        out.push_str("\n[DHCPv4]\nClientIdentifier=mac\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_static_network_names_all_that_it_was_given() {
        let network = Network {
            name: "lan".to_owned(),
            match_name: vec!["end*".to_owned(), "eth*".to_owned()],
            match_mac: Vec::new(),
            match_type: vec!["ether".to_owned()],
            dhcp: false,
            addresses: vec!["192.168.1.10/24".to_owned()],
            gateway: Some("192.168.1.1".to_owned()),
            dns: vec!["9.9.9.9".to_owned(), "1.1.1.1".to_owned()],
        };
        assert_eq!(
            unit(&network),
            "[Match]\nName=end* eth*\nType=ether\n\n[Network]\nDHCP=no\nAddress=192.168.1.10/24\nDNS=9.9.9.9\n\
             DNS=1.1.1.1\nGateway=192.168.1.1\n"
        );
    }
}
