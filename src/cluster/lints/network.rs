//! Addresses and ranges of nodes, pods and Services, which must not overlap.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Inputs, Lint, Mistake, Theme};
use crate::diagnostic::Severity;
use crate::profile::addresses::{first_host, is_neighbour, is_own, nobodys, unusable};

pub(super) const THEME: Theme = Theme {
    title: "Network",
    lints: &[
        NO_GATEWAY,
        OUTSIDE_NET,
        INSIDE_CLUSTER,
        OVERLAPPING,
        RANGE_SIZE,
        DNS_OUTSIDE,
        MIXED_FAMILIES,
        NO_HOST,
        LOOPBACK_DNS,
    ],
};

const NO_GATEWAY: Lint = Lint {
    code: "C020-no-gateway",
    severity: Severity::Error,
    title: "A node has a static address, but the cluster names no router or no DNS server",
    why: "with a static address nothing comes by DHCP: without a default route K3s finds no interface and pulls no \
          image, without a name server it finds no registry and no time server",
    find: no_gateway,
};

const OUTSIDE_NET: Lint = Lint {
    code: "C021-gateway-outside-net",
    severity: Severity::Error,
    title: "The router is not in a node's network, or no machine can have its address",
    why: "a default route through an address that is not on the cable is refused, and the node reaches nothing beyond \
          its neighbours",
    find: gateway_outside_net,
};

const INSIDE_CLUSTER: Lint = Lint {
    code: "C022-address-in-cluster-range",
    severity: Severity::Error,
    title: "A node's network and a range of the cluster overlap",
    why: "traffic to other machines there goes into the cluster's own network instead, and never arrives",
    find: address_in_cluster_range,
};

const OVERLAPPING: Lint = Lint {
    code: "C023-overlapping-ranges",
    severity: Severity::Error,
    title: "The ranges of pods and Services overlap",
    why: "one address could be both a pod's and a Service's, and connections to it reach either of them",
    find: overlapping_ranges,
};

const RANGE_SIZE: Lint = Lint {
    code: "C024-range-size",
    severity: Severity::Error,
    title: "A range of the cluster has the wrong size",
    why: "every node takes a range of pod addresses of its own (/24, with IPv6 /64), Services take one address each, \
          and the API server refuses a Service range of more than 20 bits; a range cannot be changed later",
    find: range_size,
};

const DNS_OUTSIDE: Lint = Lint {
    code: "C025-dns-outside-services",
    severity: Severity::Error,
    title: "The cluster's DNS server has no usable Service address",
    why: "CoreDNS is a Service: its address must be in `service_cidr`, whose first address is the API's",
    find: dns_outside_services,
};

const MIXED_FAMILIES: Lint = Lint {
    code: "C026-mixed-families",
    severity: Severity::Error,
    title: "IPv4 and IPv6 are mixed",
    why: "with one range each for pods and Services, K3s wants both and the nodes' addresses of one family",
    find: mixed_families,
};

const NO_HOST: Lint = Lint {
    code: "C027-no-hosts-address",
    severity: Severity::Error,
    title: "A node's address is one that no machine can have",
    why: "the first and the last address of an IPv4 network are nobody's, loopback and multicast addresses are nobody's \
          anywhere: neighbours do not send to them",
    find: no_hosts_address,
};

const LOOPBACK_DNS: Lint = Lint {
    code: "C028-loopback-dns",
    severity: Severity::Error,
    title: "A DNS server's address is the node itself",
    why: "no DNS server runs on a node, and pods cannot reach a node's loopback addresses",
    find: loopback_dns,
};

/// Nodes with a static address, and their networks.
fn static_nodes<'a>(inputs: &'a Inputs<'_>) -> impl Iterator<Item = (&'a str, String, IpNet)> {
    let nodes = inputs.cluster.nodes.values();
    nodes.filter_map(|node| Some((node.name.as_str(), format!("node.{}.address", node.name), node.net()?)))
}

fn gateway(inputs: &Inputs<'_>) -> Option<IpAddr> {
    inputs.cluster.gateway.as_ref()?.parse().ok()
}

/// Reported once, not for each node, since the missing key is the cluster's.
fn no_gateway(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some((name, key, net)) = static_nodes(inputs).next() else { return Vec::new() };
    let first = first_host(net);
    let mut found = Vec::new();
    let missing = |what: &str, hint: String| {
        let message = format!("`{name}` has a static address, and the cluster names no {what}");
        inputs.at_value(&key, message).hint(hint)
    };
    if inputs.cluster.gateway.is_none() {
        let hint = format!("write your router's address at the top: `gateway = \"{first}\"`; or leave `address` out");
        found.push(missing("router", hint));
    }
    if inputs.cluster.dns.is_empty() {
        let hint = format!("most routers are one, write at the top: `dns = [\"{first}\"]`; or leave `address` out");
        found.push(missing("name server", hint));
    }
    found
}

fn gateway_outside_net(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(gateway) = gateway(inputs) else { return Vec::new() };
    if let Some(why) = nobodys(gateway) {
        let hint = "write your router's address, such as 192.168.1.1";
        return vec![inputs.at_value("gateway", format!("the router's address {gateway} is {why}")).hint(hint)];
    }
    let mistake = |(name, key, net): (&str, String, IpNet)| {
        let message = if net.addr() == gateway {
            format!("`{name}` has the router's address {gateway}")
        } else if !is_neighbour(gateway, net) {
            format!("the router {gateway} is not in the network {} of `{name}`", net.trunc())
        } else {
            let router = IpNet::new(gateway, net.prefix_len()).ok()?;
            format!("the router's address {gateway} is {} in {}", unusable(router)?, net.trunc())
        };
        let hint = "correct the address, its prefix length, or `gateway`: most home networks end in `/24`";
        Some(inputs.at_value(&key, message).hint(hint))
    };
    static_nodes(inputs).filter_map(mistake).collect()
}

fn address_in_cluster_range(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let k3s = &inputs.cluster.k3s;
    let mut found = Vec::new();
    for (name, key, net) in static_nodes(inputs) {
        for (range_name, range) in [("cluster_cidr", k3s.cluster_cidr), ("service_cidr", k3s.service_cidr)] {
            if range.contains(&net) || net.contains(&range) {
                let message = format!("the network {} of `{name}` overlaps {range_name} {range}", net.trunc());
                let hint =
                    format!("before the first start, choose another `{range_name}` in [k3s], such as 172.28.0.0/16");
                found.push(inputs.at_value(&key, message).hint(hint));
            }
        }
    }
    found
}

fn overlapping_ranges(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let k3s = &inputs.cluster.k3s;
    let (pods, services) = (k3s.cluster_cidr, k3s.service_cidr);
    if !pods.contains(&services) && !services.contains(&pods) {
        return Vec::new();
    }
    let message = format!("service_cidr {services} and cluster_cidr {pods} overlap");
    let mistake = at_range(inputs, "service_cidr", "cluster_cidr", message);
    vec![mistake.hint("use ranges that do not overlap: K3s's defaults are 10.42.0.0/16 and 10.43.0.0/16")]
}

/// A mistake at the first of the two keys that is in the file.
fn at_range(inputs: &Inputs<'_>, key: &str, other: &str, message: String) -> Mistake {
    let mistake = inputs.at_value(&format!("k3s.{key}"), message.clone());
    if mistake.diagnostic.span.is_some() { mistake } else { inputs.at_value(&format!("k3s.{other}"), message) }
}

fn range_size(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let k3s = &inputs.cluster.k3s;
    let mut found = Vec::new();
    let pods = k3s.cluster_cidr;
    let each = if pods.addr().is_ipv4() { 24 } else { 64 };
    // Capped at 2^20 nodes, far more than any cluster has.
    let room =
        1_usize.checked_shl(u32::from(each.clamp(pods.prefix_len(), pods.prefix_len() + 20) - pods.prefix_len()));
    let room = if pods.prefix_len() > each { 0 } else { room.unwrap_or(usize::MAX) };
    let nodes = inputs.cluster.nodes.len();
    if room < nodes {
        let message = format!("cluster_cidr {pods} has room for {room} of {nodes} nodes");
        let hint = "take a larger one, with room for nodes to come, such as 10.42.0.0/16";
        found.push(inputs.at_value("k3s.cluster_cidr", message).hint(hint));
    }
    let services = k3s.service_cidr;
    let bits = services.max_prefix_len() - services.prefix_len();
    if !(8..=20).contains(&bits) {
        let message = format!("service_cidr {services} is too {}", if bits < 8 { "small" } else { "large" });
        let hint = format!("take one from /{} to /{}", services.max_prefix_len() - 20, services.max_prefix_len() - 8);
        found.push(inputs.at_value("k3s.service_cidr", message).hint(hint));
    }
    found
}

fn dns_outside_services(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let k3s = &inputs.cluster.k3s;
    let (dns, services) = (k3s.cluster_dns, k3s.service_cidr);
    let api = services.hosts().next();
    let what = if !services.contains(&dns) {
        "is not in"
    } else if Some(dns) == api || dns == services.network() || dns == services.broadcast() {
        "is a taken address of"
    } else {
        return Vec::new();
    };
    let message = format!("cluster_dns {dns} {what} service_cidr {services}");
    let usual = services.hosts().nth(9).map(|tenth| format!(": the usual one is `{tenth}`")).unwrap_or_default();
    vec![at_range(inputs, "cluster_dns", "service_cidr", message).hint(format!("take one inside it{usual}"))]
}

fn no_hosts_address(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mistake = |(name, key, net): (&str, String, IpNet)| {
        let what = unusable(net)?;
        let (message, hint) = match nobodys(net.addr()) {
            None => (
                format!("the address {} of `{name}` is {what} in {}", net.addr(), net.trunc()),
                format!("take one between, from {} on, that no other machine has", first_host(net)),
            ),
            Some(_) => (
                format!("the address {} of `{name}` is {what}", net.addr()),
                "take one of your network that no other machine has".to_owned(),
            ),
        };
        Some(inputs.at_value(&key, message).hint(hint))
    };
    static_nodes(inputs).filter_map(mistake).collect()
}

fn loopback_dns(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let servers = inputs.cluster.dns.iter().filter(|server| server.parse().is_ok_and(is_own));
    let mistake = |server: &String| {
        let hint = "write your router's address, or a public name server's such as `9.9.9.9`";
        inputs.at_value("dns", format!("on a node, {server} is the node itself")).hint(hint)
    };
    servers.map(mistake).collect()
}

fn mixed_families(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let k3s = &inputs.cluster.k3s;
    let pods = k3s.cluster_cidr.addr().is_ipv4();
    let family = |is_ipv4: bool| if is_ipv4 { "IPv4" } else { "IPv6" };
    let mut found = Vec::new();
    let mut differs = |is_ipv4: bool, what: String, mistake: &dyn Fn(String) -> Mistake| {
        if is_ipv4 != pods {
            let message = format!("{what} is {}, cluster_cidr is {}", family(is_ipv4), family(pods));
            found.push(mistake(message).hint("write all of them in one family"));
        }
    };
    let services = k3s.service_cidr.addr().is_ipv4();
    differs(services, "service_cidr".to_owned(), &|message| at_range(inputs, "service_cidr", "cluster_cidr", message));
    for (name, key, net) in static_nodes(inputs) {
        differs(net.addr().is_ipv4(), format!("the address of `{name}`"), &|message| inputs.at_value(&key, message));
    }
    found
}
