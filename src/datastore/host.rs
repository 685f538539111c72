//! What kind of place a host is, as far as its spelling tells.

use std::net::IpAddr;

/// A host, in the one spelling that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// IPv4 addresses within IPv6 (`::ffff:127.0.0.1`) are IPv4; an interface behind `%` is left out.
    Address(IpAddr),
    /// In lower case, without a dot at its end.
    Name(String),
}

impl Host {
    #[must_use]
    pub fn of(text: &str) -> Self {
        let address = text.split('%').next().unwrap_or(text);
        match address.parse::<IpAddr>() {
            Ok(address) => Self::Address(address.to_canonical()),
            Err(_) => Self::Name(text.trim_end_matches('.').to_ascii_lowercase()),
        }
    }

    /// Whether it is the machine itself that looks it up: loopback addresses, `0.0.0.0`, `localhost` and all below it
    /// (RFC 6761), and the names that `/etc/hosts` of distributions have for them.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback() || address.is_unspecified(),
            Self::Name(name) => {
                let names = ["localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"];
                names.contains(&name.as_str()) || name.ends_with(".localhost")
            }
        }
    }

    /// Whether only the cluster's own name server knows it: names of Services and pods, which are below `svc` and `pod` in
    /// the cluster's domain (Kubernetes's DNS specification). Other names in that domain may be the home's.
    #[must_use]
    pub fn is_in_domain(&self, cluster_domain: &str) -> bool {
        let Self::Name(name) = self else { return false };
        let domain = cluster_domain.trim_matches('.').to_ascii_lowercase();
        let is_below = |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        let below_own = ["svc", "pod"].map(|kind| format!("{kind}.{domain}"));
        below_own.iter().any(|domain| is_below(domain)) || is_below("cluster.local") || is_below("svc")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_many_names() {
        for text in [
            "localhost",
            "LOCALHOST.",
            "db.localhost",
            "127.0.0.1",
            "127.8.9.1",
            "::1",
            "0.0.0.0",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:0.0.0.0",
            "ip6-localhost",
        ] {
            assert!(Host::of(text).is_this_machine(), "{text}");
        }
        for text in ["localhost.example.org", "192.168.1.5", "db.lan", "fe80::1%eth0"] {
            assert!(!Host::of(text).is_this_machine(), "{text}");
        }
    }

    #[test]
    fn names_of_the_cluster_end_in_its_domain() {
        for name in ["pg.home.svc", "PG.home.SVC.cluster.local.", "pg.home.svc.kube.lan", "10-42-0-5.home.pod.kube.lan"]
        {
            assert!(Host::of(name).is_in_domain("kube.lan"), "{name}");
        }
        for name in ["svc", "cluster.local", "mysvc", "svc.lan", "10.43.0.7", "nas.kube.lan", "a.mysvc.kube.lan"] {
            assert!(!Host::of(name).is_in_domain("kube.lan"), "{name}");
        }
    }
}
