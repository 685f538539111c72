//! Addresses of `[[network]]` that no machine can use.

use super::*;

/// What is shown for a network with these keys, and the column of the caret in its line.
fn shown(keys: &str) -> String {
    let text = format!(
        "schema = 1\nextends = \"demo\"\n[[network]]\nname = \"lan\"\nmatch = {{ name = [\"en*\"] }}\n{keys}\n"
    );
    node_error(&text)
}

#[test]
fn addresses_that_no_machine_has_are_refused_at_their_place() {
    for (address, why) in [
        ("192.168.1.0/24", "the network's own"),
        ("192.168.1.255/24", "that of all hosts"),
        ("255.255.255.255/32", "that of all hosts"),
        ("127.0.0.5/8", "every machine's own for itself"),
        ("::1/128", "every machine's own for itself"),
        ("224.0.0.7/24", "that of a group of machines"),
        ("ff02::1/64", "that of a group of machines"),
        ("0.0.0.0/0", "no address"),
    ] {
        let shown = shown(&format!("addresses = [\"10.0.0.7/24\", \"{address}\"]"));
        let plain = address.split('/').next().unwrap();
        assert!(shown.contains(&format!("the address {plain} is {why}")), "{shown}");
        assert!(
            shown.contains("profiles/node.toml:6:29") && shown.contains("= help: take one of your network"),
            "{shown}"
        );
    }
}

#[test]
fn a_gateway_that_is_no_neighbour_is_refused_at_its_place() {
    for (addresses, gateway, why) in [
        ("\"192.168.1.7/24\"", "192.168.2.1", "is not in the network of the addresses, 192.168.1.0/24"),
        ("\"192.168.1.7/24\"", "fd00::1", "is not in the network of the addresses, 192.168.1.0/24"),
        ("\"fd00::7/64\"", "192.168.1.1", "is not in the network of the addresses, fd00::/64"),
        ("\"192.168.1.7/32\"", "192.168.1.1", "is not in the network of the addresses, 192.168.1.7/32"),
        ("\"192.168.1.7/24\"", "192.168.1.7", "is this machine's own address"),
        ("\"192.168.1.7/24\"", "192.168.1.255", "is that of all hosts"),
        ("\"192.168.1.7/24\"", "192.168.1.0", "is the network's own"),
        ("\"192.168.1.7/24\"", "127.0.0.1", "is every machine's own for itself"),
        ("\"192.168.1.7/24\"", "224.0.0.1", "is that of a group of machines"),
        ("\"192.168.1.7/24\"", "0.0.0.0", "is no address"),
    ] {
        let shown = shown(&format!("gateway = \"{gateway}\"\naddresses = [{addresses}]"));
        assert!(shown.contains(&format!("the gateway {gateway} {why}")), "{shown}");
        assert!(shown.contains("profiles/node.toml:6:11") && shown.contains("= help: "), "{shown}");
    }
}

#[test]
fn name_servers_that_are_the_machine_itself_or_nobody_are_refused_at_their_place() {
    for (server, why) in [
        ("127.0.0.53", "the machine itself, which has no name server"),
        ("::1", "the machine itself, which has no name server"),
        ("0.0.0.0", "the machine itself, which has no name server"),
        ("224.0.0.251", "that of a group of machines"),
    ] {
        let shown = shown(&format!("dhcp = true\ndns = [\"9.9.9.9\", \"{server}\"]"));
        assert!(shown.contains(&format!("the name server {server} is {why}")), "{shown}");
        assert!(shown.contains("profiles/node.toml:7:19"), "{shown}");
    }
}

#[test]
fn sound_networks_of_both_families_are_taken() {
    for keys in [
        "addresses = [\"192.168.1.7/24\", \"fd00::7/64\"]\ngateway = \"192.168.1.1\"\ndns = [\"192.168.1.1\", \"fd00::1\"]",
        "addresses = [\"fd00::7/64\"]\ngateway = \"fe80::1\"",
        "addresses = [\"10.0.0.0/31\"]\ngateway = \"10.0.0.1\"",
        "addresses = [\"192.168.1.7/24\", \"10.0.0.7/8\"]\ngateway = \"10.0.0.1\"",
    ] {
        let text = format!(
            "schema = 1\nextends = \"demo\"\n[[network]]\nname = \"lan\"\nmatch = {{ name = [\"en*\"] }}\n{keys}\n"
        );
        assert_eq!(node(&[("profiles/node.toml", &text)]).networks.len(), 1);
    }
}

#[test]
fn a_match_on_an_address_that_no_interface_has_is_refused() {
    for mac in ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:00:00:00:00:00"] {
        let text = format!(
            "schema = 1\nextends = \"demo\"\n[[network]]\nname = \"lan\"\nmatch = {{ mac = [\"{mac}\"] }}\ndhcp = true\n"
        );
        let shown = node_error(&text);
        assert!(shown.contains("is no interface's address but that of a group, or none"), "{shown}");
    }
}
