//! What IP addresses cannot be used for: rules that profiles and clusters share, each a pure function.

use std::net::IpAddr;

use ipnet::IpNet;

/// Why no machine can have the address of `net`, as the end of "the address … is …"; none if one can.
///
/// In an IPv4 network of two addresses, or one, each is a host's (RFC 3021); IPv6 has no addresses of the network's own and
/// of all hosts. Loopback, multicast and unspecified addresses are those of RFC 6890 and RFC 4291.
pub(crate) fn unusable(net: IpNet) -> Option<&'static str> {
    let address = net.addr();
    let has_ends = address.is_ipv4() && net.prefix_len() < 31;
    if let Some(why) = nobodys(address) {
        Some(why)
    } else if has_ends && address == net.network() {
        Some("the network's own")
    } else if has_ends && address == net.broadcast() {
        Some("that of all hosts")
    } else {
        None
    }
}

/// Why an address is no neighbour's whatever the network; none if it may be one's.
pub(crate) fn nobodys(address: IpAddr) -> Option<&'static str> {
    let of_all = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    if address.is_unspecified() {
        Some("no address")
    } else if address.is_loopback() {
        Some("every machine's own for itself")
    } else if address.is_multicast() {
        Some("that of a group of machines")
    } else if of_all {
        Some("that of all hosts")
    } else {
        None
    }
}

/// Whether a name server's address is the machine that asks.
pub(crate) fn is_own(server: IpAddr) -> bool {
    server.is_loopback() || server.is_unspecified()
}

/// Whether a machine with the address of `net` reaches `router` without a route: it is in the network, or a link-local
/// IPv6 address, which is on every link.
pub(crate) fn is_neighbour(router: IpAddr, net: IpNet) -> bool {
    let is_link_local = matches!(router, IpAddr::V6(address) if address.is_unicast_link_local());
    net.contains(&router) || (is_link_local && net.addr().is_ipv6())
}

/// The first address of a network that a machine can have.
pub(crate) fn first_host(net: IpNet) -> IpAddr {
    net.hosts().next().unwrap_or(net.addr())
}
