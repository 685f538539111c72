//! What kind of host a name or address is, as far as its spelling tells.

use std::net::IpAddr;

/// A host in normal form, so that two spellings can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// IPv4-mapped IPv6 addresses (`::ffff:127.0.0.1`) are IPv4; the interface after a `%` is left out.
    Address(IpAddr),
    /// In lower case, without a trailing dot.
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

    /// Whether it means the machine that resolves it: loopback addresses, `0.0.0.0`, `localhost` and all names below it
    /// (RFC 6761), and the names that distributions put into `/etc/hosts` for them.
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

    /// Whether only the cluster's own DNS server knows the name: names of Services and pods, below `svc` and `pod` in the
    /// cluster's domain (Kubernetes's DNS specification). Other names in that domain may belong to the home network.
    #[must_use]
    pub fn is_in_domain(&self, cluster_domain: &str) -> bool {
        let Self::Name(name) = self else { return false };
        let domain = cluster_domain.trim_matches('.').to_ascii_lowercase();
        let is_below = |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        let below_own = ["svc", "pod"].map(|kind| format!("{kind}.{domain}"));
        let below_default = ["svc.cluster.local", "pod.cluster.local", "svc"];
        below_own.iter().any(|domain| is_below(domain)) || below_default.iter().any(|domain| is_below(domain))
    }

    /// Whether it looks like the short form of a Service's name, `SERVICE.NAMESPACE`: it has a suffix that operators use, or
    /// a common name of a namespace.
    #[must_use]
    pub fn is_like_service(&self) -> bool {
        const ENDINGS: [&str; 3] = ["-rw", "-ro", "-headless"];
        const NAMESPACES: [&str; 22] = [
            "cloudnative-pg",
            "cnpg",
            "cnpg-system",
            "data",
            "database",
            "databases",
            "db",
            "dbs",
            "default",
            "infra",
            "infrastructure",
            "kube-public",
            "kube-system",
            "monitoring",
            "percona",
            "pg",
            "pgo",
            "postgres",
            "postgres-operator",
            "postgresql",
            "sql",
            "stackgres",
        ];
        let Self::Name(name) = self else { return false };
        let Some((service, namespace)) = name.split_once('.') else { return false };
        !namespace.contains('.')
            && (NAMESPACES.contains(&namespace) || ENDINGS.iter().any(|ending| service.ends_with(ending)))
    }

    /// Whether no single machine can have the address: it is multicast, broadcast or reserved (IANA's registries of special
    /// addresses).
    #[must_use]
    pub fn is_unassignable(&self) -> bool {
        match self {
            Self::Address(IpAddr::V4(address)) => {
                let [first, ..] = address.octets();
                address.is_multicast() || first >= 240 || (first == 0 && !address.is_unspecified())
            }
            Self::Address(IpAddr::V6(address)) => address.is_multicast(),
            Self::Name(_) => false,
        }
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
    fn a_services_short_name_and_addresses_of_nobody_are_known() {
        for name in ["pg-rw.database", "home-rw.apps", "PG.default."] {
            assert!(Host::of(name).is_like_service(), "{name}");
        }
        for name in ["db.lan", "nas.home", "pg-rw.example.org", "pg-rw", "192.168.1.5"] {
            assert!(!Host::of(name).is_like_service(), "{name}");
        }
        for address in ["224.0.0.1", "255.255.255.255", "240.0.0.1", "0.1.2.3", "ff02::1"] {
            assert!(Host::of(address).is_unassignable(), "{address}");
        }
        for address in ["192.168.1.255", "10.0.0.1", "fd00::1", "db.lan"] {
            assert!(!Host::of(address).is_unassignable(), "{address}");
        }
    }

    #[test]
    fn names_of_the_cluster_end_in_its_domain() {
        for name in ["pg.home.svc", "PG.home.SVC.cluster.local.", "pg.home.svc.kube.lan", "10-42-0-5.home.pod.kube.lan"]
        {
            assert!(Host::of(name).is_in_domain("kube.lan"), "{name}");
        }
        for name in [
            "svc",
            "cluster.local",
            "mysvc",
            "svc.lan",
            "10.43.0.7",
            "nas.kube.lan",
            "a.mysvc.kube.lan",
            "db.cluster.local",
        ] {
            assert!(!Host::of(name).is_in_domain("kube.lan"), "{name}");
        }
    }
}
