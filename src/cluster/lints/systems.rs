//! What the cluster file says of systems that overlays bring: addresses for Services, and tables that nobody reads.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Inputs, Lint, Mistake, Theme, longhorn, without_logins};
use crate::cluster::Node;
use crate::diagnostic::Severity;
use crate::profile::addresses::{nobodys, unusable};
use crate::profile::{ParamValue, Params};
use crate::urls::login;

pub(super) const THEME: Theme = Theme {
    title: "Systems of the cluster",
    lints: &[
        POOL_MALFORMED,
        POOL_OUTSIDE,
        POOL_ELSEWHERE,
        POOL_TAKEN,
        POOL_IN_CLUSTER,
        UNUSED_TABLE,
        REPOSITORY,
        longhorn::NO_DISKS,
        longhorn::TOO_MANY_COPIES,
        longhorn::UNPREPARED,
        RESTORE,
        SAME_HOST,
    ],
};

const POOL_MALFORMED: Lint = Lint {
    code: "C170-pool-malformed",
    severity: Severity::Error,
    title: "A pool of addresses for Services is no range of addresses",
    why: "the load balancer refuses the whole pool, and K3s applies all manifests again every 15 seconds",
    find: pool_malformed,
};

const POOL_OUTSIDE: Lint = Lint {
    code: "C171-pool-outside-lan",
    severity: Severity::Error,
    title: "Addresses for Services are in no network of the nodes",
    why: "a load balancer on layer 2 answers neighbours who ask for an address, and nobody asks on the cable for one of another \
          network",
    find: |inputs| outside(inputs, true),
};

const POOL_ELSEWHERE: Lint = Lint {
    code: "C172-pool-elsewhere",
    severity: Severity::Warning,
    title: "Addresses for Services are in no network of the nodes whose address is known",
    why: "unless a node that asks by DHCP is in that network, nobody ever asks on the cable for such an address",
    find: |inputs| outside(inputs, false),
};

const POOL_TAKEN: Lint = Lint {
    code: "C173-pool-taken",
    severity: Severity::Error,
    title: "A pool of addresses for Services has one that is a machine's, or nobody's",
    why: "the first Service that gets it takes a node, the router or the name server off the network, or is never reached itself",
    find: pool_taken,
};

const POOL_IN_CLUSTER: Lint = Lint {
    code: "C174-pool-in-cluster-range",
    severity: Severity::Error,
    title: "A pool of addresses for Services and a range of the cluster overlap",
    why: "the nodes keep such an address within the cluster, and other machines have no way to it",
    find: pool_in_cluster,
};

const UNUSED_TABLE: Lint = Lint {
    code: "C175-unused-overlay-table",
    severity: Severity::Warning,
    title: "The cluster file sets parameters of an overlay that no node's profile has",
    why: "nothing reads them: the overlay is missing in the profile, or the table is left over",
    find: unused_table,
};

const REPOSITORY: Lint = Lint {
    code: "C176-git-repository",
    severity: Severity::Error,
    title: "The URL of the Git repository has a login in it, or is not for the way to log in that is set",
    why: "Argo CD cannot read the repository then, and a login in the URL would be in Git itself",
    find: repository,
};

const RESTORE: Lint = Lint {
    code: "C180-restore-without-backups",
    severity: Severity::Error,
    title: "A database shall be restored from a bucket that its profile turns off",
    why: "without backups nothing in the cluster knows the bucket or its keys, so the database waits for ever to be made",
    find: restore_without_backups,
};

const SAME_HOST: Lint = Lint {
    code: "C181-same-host",
    severity: Severity::Error,
    title: "Two pages of the cluster have the same host name",
    why: "Traefik answers with one of them, and nobody reaches the other",
    find: same_host,
};

/// Parameters of shipped overlays that are host names of pages.
const HOSTS: [&str; 2] = ["host", "page"];

/// The role of overlays that give Services their addresses, and their parameter with the addresses.
const ROLE: &str = "load-balancer";
const POOL: &str = "pool";

/// A part of a pool, between commas.
struct Range<'p> {
    /// The key of the pool, and what is written there.
    key: String,
    text: &'p str,
    /// First and last address, or what is wrong and what helps.
    ends: Result<(IpAddr, IpAddr), (String, &'static str)>,
}

impl Range<'_> {
    /// A mistake at this part of the value.
    fn wrong(&self, inputs: &Inputs<'_>, message: String) -> Mistake {
        let mut mistake = inputs.at_value(&self.key, message);
        if let Some(span) = &mut mistake.diagnostic.span
            && let Some(at) = mistake.diagnostic.source.text.get(span.clone()).and_then(|value| value.find(self.text))
            && !self.text.is_empty()
        {
            *span = span.start + at..span.start + at + self.text.len();
        }
        mistake
    }
}

/// The parts of all pools that the cluster file sets, of overlays that a node's profile has.
fn ranges<'p>(inputs: &'p Inputs<'_>) -> Vec<Range<'p>> {
    let mut found = Vec::new();
    for (overlay, params) in &inputs.cluster.overlays {
        let is_it = |known: &&crate::profile::Overlay| known.name == *overlay && known.provides.contains(ROLE);
        let is_used = inputs.nodes().any(|(_, profile)| profile.overlays.iter().any(|known| is_it(&known)));
        let Some(pool) = params.get(POOL).and_then(|pool| pool.text()).filter(|_| is_used) else { continue };
        for text in pool.split(',').map(str::trim) {
            found.push(Range { key: format!("overlay.{overlay}.{POOL}"), text, ends: ends(text) });
        }
    }
    found
}

const FORM: &str = "write `FIRST-LAST` or `ADDRESS/LENGTH`, several with commas between: `192.168.1.200-192.168.1.220`";

/// As `MetalLB` reads it (`ParseCIDR` of internal/ipam/cidr in metallb/metallb): a range or a network, never an address alone.
fn ends(text: &str) -> Result<(IpAddr, IpAddr), (String, &'static str)> {
    if text.is_empty() {
        return Err(("a part of the pool is empty".to_owned(), FORM));
    }
    if let Some((first, last)) = text.split_once('-') {
        let address =
            |text: &str| text.trim().parse::<IpAddr>().map_err(|_| (format!("`{}` is no address", text.trim()), FORM));
        let (first, last) = (address(first)?, address(last)?);
        if first.is_ipv4() != last.is_ipv4() {
            return Err((format!("`{text}` begins with one IP version and ends with the other"), FORM));
        }
        if first > last {
            return Err((format!("`{text}` ends before it begins"), "write the lower address first"));
        }
        return Ok((first, last));
    }
    if text.contains('/') {
        let net: IpNet = text.parse().map_err(|_| (format!("`{text}` is no network"), FORM))?;
        return Ok((net.network(), net.broadcast()));
    }
    let (message, hint) = match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => (format!("`{text}` is an address, and no range"), "for one address write `/32` behind it"),
        Ok(IpAddr::V6(_)) => {
            (format!("`{text}` is an address, and no range"), "for one address write `/128` behind it")
        }
        Err(_) => (format!("`{text}` is no range of addresses"), FORM),
    };
    Err((message, hint))
}

fn pool_malformed(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut found = Vec::new();
    let mut known: Vec<(&str, (IpAddr, IpAddr))> = Vec::new();
    let all = ranges(inputs);
    for range in &all {
        match &range.ends {
            Err((message, hint)) => found.push(range.wrong(inputs, message.clone()).hint(*hint)),
            Ok((first, last)) => {
                let overlaps = |(_, (from, to)): &&(&str, (IpAddr, IpAddr))| first <= to && from <= last;
                if let Some((other, _)) = known.iter().find(overlaps) {
                    let message = format!("`{}` and `{other}` have addresses in common", range.text);
                    found.push(range.wrong(inputs, message).hint("write each address once"));
                }
                known.push((range.text, (*first, *last)));
            }
        }
    }
    found
}

/// The parts that are whole, with their ends.
fn sound<'p>(all: &'p [Range<'p>]) -> impl Iterator<Item = (&'p Range<'p>, IpAddr, IpAddr)> {
    all.iter().filter_map(|range| range.ends.as_ref().ok().map(|(first, last)| (range, *first, *last)))
}

/// Parts that are in no node's network; told by one lint if all networks are known, else by the other.
fn outside(inputs: &Inputs<'_>, all_known: bool) -> Vec<Mistake> {
    let with_k3s = || inputs.nodes().filter(|(_, profile)| profile.k3s.is_some()).map(|(node, _)| node);
    if with_k3s().all(|node| node.address.is_some()) != all_known {
        return Vec::new();
    }
    let mut nets: Vec<IpNet> = with_k3s().filter_map(Node::net).map(|net| net.trunc()).collect();
    nets.sort();
    nets.dedup();
    let Some(net) = nets.first() else { return Vec::new() };
    let is_in = |first: IpAddr, last: IpAddr| nets.iter().any(|net| net.contains(&first) && net.contains(&last));
    let listed = nets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mistake = |(range, ..): (&Range<'_>, IpAddr, IpAddr)| {
        let message = format!("`{}` is not in the nodes' network {listed}", range.text);
        range
            .wrong(inputs, message)
            .hint(format!("take addresses of {net} that the router's DHCP server gives to nobody"))
    };
    sound(&ranges(inputs)).filter(|(_, first, last)| !is_in(*first, *last)).map(mistake).collect()
}

fn pool_taken(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let cluster = inputs.cluster;
    let mut taken: Vec<(IpAddr, String)> = Vec::new();
    let nets: Vec<(&str, IpNet)> =
        cluster.nodes.values().filter_map(|node| Some((node.name.as_str(), node.net()?))).collect();
    taken.extend(nets.iter().map(|(name, net)| (net.addr(), format!("the node `{name}`'s"))));
    let named = |address: &String| address.parse::<IpAddr>().ok();
    taken.extend(cluster.gateway.iter().filter_map(named).map(|address| (address, "the router's".to_owned())));
    taken.extend(cluster.dns.iter().filter_map(named).map(|address| (address, "a DNS server's".to_owned())));
    taken.extend(named(&cluster.server.host).map(|address| (address, "where nodes join".to_owned())));
    for net in
        nets.iter().flat_map(|(_, net)| [net.network(), net.broadcast()].map(|end| IpNet::new(end, net.prefix_len())))
    {
        taken.extend(net.ok().and_then(|net| Some((net.addr(), unusable(net)?.to_owned()))));
    }
    let mut found = Vec::new();
    for (range, first, last) in sound(&ranges(inputs)) {
        let of_nobody = nobodys(first).or(nobodys(last)).map(|what| (first, what.to_owned()));
        let is_in = |(address, _): &&(IpAddr, String)| {
            first <= *address && *address <= last && first.is_ipv4() == address.is_ipv4()
        };
        if let Some((address, whose)) = of_nobody.as_ref().or_else(|| taken.iter().find(is_in)) {
            let message = if first == last {
                format!("the address {address} is {whose}")
            } else {
                format!("`{}` has {address} in it, which is {whose}", range.text)
            };
            found.push(
                range
                    .wrong(inputs, message)
                    .hint("leave it out of the pool: two ranges with a comma between go around it"),
            );
        }
    }
    found
}

fn pool_in_cluster(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let k3s = &inputs.cluster.k3s;
    let mut found = Vec::new();
    for (range, first, last) in sound(&ranges(inputs)) {
        for (key, net) in [("cluster_cidr", k3s.cluster_cidr), ("service_cidr", k3s.service_cidr)] {
            if first.is_ipv4() == net.addr().is_ipv4() && first <= net.broadcast() && net.network() <= last {
                let message = format!("`{}` overlaps {key} {net}", range.text);
                found.push(
                    range.wrong(inputs, message).hint("take addresses of your own network, which other machines reach"),
                );
            }
        }
    }
    found
}

/// The role of overlays that apply what a Git repository says, their parameter with its URL, and that with the way to log in.
const GITOPS: (&str, &str, &str) = ("gitops", "repository", "auth");

fn repository(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let (role, repository, auth) = GITOPS;
    let overlays = inputs.nodes().flat_map(|(_, profile)| &profile.overlays);
    let overlays = overlays.filter(|overlay| overlay.provides.contains(role));
    // Two profiles may log in in two ways.
    let ways: BTreeSet<(&str, Option<&str>)> =
        overlays.map(|overlay| (overlay.name.as_str(), overlay.params.get(auth).and_then(ParamValue::text))).collect();
    let mut found = Vec::new();
    for (overlay, way) in ways {
        let params = inputs.cluster.overlays.get(overlay);
        let Some(url) = params.and_then(|params| params.get(repository)?.text()) else { continue };
        let key = format!("overlay.{overlay}.{repository}");
        let wrong = |message: String, hint: String| {
            let mistake = inputs.at_value(&key, message).hint(hint);
            Mistake { diagnostic: without_logins(mistake.diagnostic), ..mistake }
        };
        if login(url).is_some() {
            let message = "the URL of the Git repository has a user name or a password in it".to_owned();
            let hint = format!(
                "take it out, up to and with the `@`: with `{auth} = \"token\"` in [overlay.{overlay}] of the server's profile \
                 Argo CD logs in with the secret `git-token`"
            );
            found.push(wrong(message, hint));
            continue;
        }
        let form = match way {
            Some("ssh") if !is_of_ssh(url) => "`git@HOST:OWNER/NAME.git` or `ssh://git@HOST/OWNER/NAME.git`",
            Some("token" | "github-app") if !url.starts_with("https://") => "`https://HOST/OWNER/NAME.git`",
            _ => continue,
        };
        let way = way.unwrap_or_default();
        let message = format!("with `{auth} = \"{way}\"` Argo CD cannot log in at a URL of this kind");
        let hint = format!("write {form}, or set another `{auth}` in [overlay.{overlay}] of the server's profile");
        found.push(wrong(message, hint));
    }
    found
}

/// As Argo CD tells it (`IsSSHURL` of util/git in argoproj/argo-cd): a user before the first `/` and `:`.
fn is_of_ssh(url: &str) -> bool {
    let rest = url.strip_prefix("ssh://").unwrap_or(url);
    rest.split_once('@')
        .is_some_and(|(user, host)| !user.contains(['/', ':']) && !host.is_empty() && !host.contains('@'))
}

fn unused_table(inputs: &Inputs<'_>) -> Vec<Mistake> {
    // A profile that cannot be read may have any overlay.
    if inputs.profiles.values().any(Result::is_err) {
        return Vec::new();
    }
    let is_used = |overlay: &String| {
        inputs.nodes().any(|(_, profile)| profile.overlays.iter().any(|known| known.name == *overlay))
    };
    let unused = inputs.cluster.overlays.iter().filter(|(overlay, params)| !params.is_empty() && !is_used(overlay));
    let mistake = |(overlay, _): (&String, _)| {
        let message = format!("no node's profile has the overlay `{overlay}`");
        let hint = format!("add \"{overlay}\" to `overlays` of the server's profile, or take the table out");
        inputs.at_key(&format!("overlay.{overlay}"), message).hint(hint)
    };
    unused.map(mistake).collect()
}

fn restore_without_backups(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let restores = inputs.cluster.overlays.get("postgres").is_some_and(|params| params.contains_key("restore"));
    let without = inputs.nodes().find(|(_, profile)| {
        let is_off = |params: &Params| matches!(params.get("backups"), Some(ParamValue::Flag(false)));
        profile.overlays.iter().any(|overlay| overlay.name == "postgres" && is_off(&overlay.params))
    });
    let Some((node, _)) = without.filter(|_| restores) else { return Vec::new() };
    let message = format!("`restore` needs the bucket, and profile `{}` has `backups = false`", node.profile);
    let hint = "take `backups = false` out of [overlay.postgres] of the profile, or take `restore` out here";
    vec![inputs.at_key("overlay.postgres.restore", message).hint(hint)]
}

fn same_host(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut owners: BTreeMap<&str, String> = BTreeMap::new();
    let mut found = Vec::new();
    for (overlay, params) in &inputs.cluster.overlays {
        for (name, value) in params.iter().filter(|(name, _)| HOSTS.contains(&name.as_str())) {
            let Some(host) = value.text() else { continue };
            let key = format!("overlay.{overlay}.{name}");
            if let Some(owner) = owners.get(host) {
                let message = format!("`{host}` is the host name of `{owner}` too");
                found.push(inputs.at_value(&key, message).hint("give each page a name of its own"));
            } else {
                owners.insert(host, key);
            }
        }
    }
    found
}
