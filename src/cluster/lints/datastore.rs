//! The datastore's URL: whether K3s can work with the host, the database and the parameters that it names.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Inputs, Lint, Mistake, Theme};
use crate::cluster::Node;
use crate::cluster::secrets::DATASTORE_URL;
use crate::cluster::seed::DATASTORE_CA;
use crate::datastore::{Endpoint, Host, ParameterProblem, parameter_problem};
use crate::diagnostic::Severity;
use crate::profile::addresses::unusable;
use crate::profile::{Profile, Role};

pub(super) const THEME: Theme = Theme {
    title: "The datastore's URL",
    lints: &[
        TRANSACTION_POOLER,
        IPV6_ONLY,
        WEAK_TLS,
        POOLER_USER,
        THIS_MACHINE,
        IN_CLUSTER,
        ON_SERVER,
        ON_AGENT,
        PARAMETER,
        NODE_FILE,
        DATA_API,
        UNKNOWN_PARAMETER,
        NO_MACHINE,
        ODD_HOST,
    ],
};

const TRANSACTION_POOLER: Lint = Lint {
    code: "C072-transaction-pooler",
    severity: Severity::Error,
    title: "The datastore is a pooler in transaction mode",
    why: "K3s needs prepared statements, which such a pooler loses between two transactions; where PgBouncer keeps them, \
          K3s ends at its start since kine 0.16.1 (v1.35.6, v1.36.2)",
    find: transaction_pooler,
};

const IPV6_ONLY: Lint = Lint {
    code: "C073-ipv6-only",
    severity: Severity::Warning,
    title: "The datastore's host may have only an IPv6 address",
    why: "Supabase's direct hosts are reached by IPv4 only with an add-on; in a network without IPv6 the control node would \
          wait for ever",
    find: ipv6_only,
};

const WEAK_TLS: Lint = Lint {
    code: "C074-weak-tls",
    severity: Severity::Error,
    title: "The datastore's URL does not require a verified connection",
    why: "an attacker between node and datastore could read and change the whole cluster",
    find: weak_tls,
};

const POOLER_USER: Lint = Lint {
    code: "C075-pooler-user",
    severity: Severity::Error,
    title: "The user's name does not tell the pooler which project is meant",
    why: "Supabase's pooler serves all projects, and recognises yours only by the user's name",
    find: pooler_user,
};

const THIS_MACHINE: Lint = Lint {
    code: "C104-datastore-here",
    severity: Severity::Error,
    title: "The datastore's host is the node itself",
    why: "on the control node `localhost` is the control node, where no PostgreSQL runs before K3s does; what runs on this \
          machine under the name is another one",
    find: this_machine,
};

const IN_CLUSTER: Lint = Lint {
    code: "C105-datastore-in-cluster",
    severity: Severity::Error,
    title: "The datastore runs in the cluster that it serves",
    why: "without its datastore K3s starts no pod, and without the pod there is no datastore",
    find: in_cluster,
};

const ON_SERVER: Lint = Lint {
    code: "C106-datastore-on-server",
    severity: Severity::Error,
    title: "The datastore's host is a server of the cluster",
    why: "the database would live on what it serves: it would go with each new stick, or be a pod that waits for K3s, which \
          waits for it",
    find: on_server,
};

const ON_AGENT: Lint = Lint {
    code: "C107-datastore-on-agent",
    severity: Severity::Warning,
    title: "The datastore's host is an agent of the cluster, or has a name in common with its API",
    why: "the database must not be a pod in the cluster, nor live on a server of it, and the cluster has no control plane \
          while that machine is down or gets a new stick",
    find: on_agent,
};

const PARAMETER: Lint = Lint {
    code: "C108-datastore-parameter",
    severity: Severity::Error,
    title: "The datastore's URL has a parameter that K3s cannot use",
    why: "K3s keeps none but those of its PostgreSQL client (pgx) and sends all others to the server, which ends the \
          connection over one that it does not know",
    find: parameter,
};

const NODE_FILE: Lint = Lint {
    code: "C109-datastore-file",
    severity: Severity::Error,
    title: "The datastore's URL names files to log in or to verify with",
    why: "K3s would read them on the control node: whoever has the image would have the key in it, and `check --online` logs \
          in by the password alone; the CA of [datastore] comes with the seed",
    find: node_file,
};

const DATA_API: Lint = Lint {
    code: "C110-data-api",
    severity: Severity::Warning,
    title: "K3s's table would lie in Supabase's database `postgres`",
    why: "the project's Data API serves that database's schema `public`: with the project's public key, the whole cluster's \
          state may be read, Secrets included if they are not encrypted",
    find: data_api,
};

const UNKNOWN_PARAMETER: Lint = Lint {
    code: "C111-unknown-parameter",
    severity: Severity::Warning,
    title: "The datastore's URL has a parameter that is not known here",
    why: "K3s sends it to the server as a setting, and PostgreSQL ends the connection over one that it does not know",
    find: unknown_parameter,
};

const NO_MACHINE: Lint = Lint {
    code: "C112-datastore-no-machine",
    severity: Severity::Error,
    title: "The datastore's host is an address that no machine can have",
    why: "nothing can be connected to at a multicast, broadcast or reserved address, nor at the first or last address of a network",
    find: no_machine,
};

const ODD_HOST: Lint = Lint {
    code: "C113-datastore-odd-host",
    severity: Severity::Warning,
    title: "The datastore's host looks like a Service of the cluster, or like its server",
    why: "the node asks the home's name server, which knows no Services; and a database on the server would live on what it \
          serves",
    find: odd_host,
};

/// The datastore's URL, if the cluster has one and it is well-formed. In a malformed one, what looks like the host may be a part
/// of the password.
fn endpoint(inputs: &Inputs<'_>) -> Option<Endpoint> {
    inputs.cluster.datastore.as_ref()?;
    Endpoint::parse(inputs.secrets?.require(DATASTORE_URL).ok()?.expose()).ok()
}

/// The host's name in lower case, without a trailing dot; none for an address.
fn name(endpoint: &Endpoint) -> Option<String> {
    match endpoint.host_kind() {
        Host::Name(name) => Some(name),
        Host::Address(_) => None,
    }
}

/// Supabase's shared pooler.
fn is_shared_pooler(name: &str) -> bool {
    name.ends_with(".pooler.supabase.com")
}

/// Neon's pooler, which is `PgBouncer` in transaction mode on the same port (Neon's documentation, "Connection pooling").
fn is_neon_pooler(name: &str) -> bool {
    name.ends_with(".neon.tech") && name.split('.').next().is_some_and(|first| first.ends_with("-pooler"))
}

/// A project's own host, used by both the direct connection and the dedicated pooler.
fn is_direct(name: &str) -> bool {
    name.starts_with("db.") && name.ends_with(".supabase.co")
}

/// A mistake in the datastore's URL. Messages may show only its host, port and names.
fn of_url(inputs: &Inputs<'_>, message: String, hint: &str) -> Mistake {
    inputs.at_key("datastore", message).hint(hint)
}

const ADDRESS: &str = "name a PostgreSQL outside of the cluster, by an address or name that the control node reaches it by: \
                         `imgbuild secrets set datastore-url`";

fn transaction_pooler(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(endpoint) = endpoint(inputs) else { return Vec::new() };
    let is_there = |name: &str| endpoint.port == 6543 || is_neon_pooler(name);
    let (what, hint) = match name(&endpoint).filter(|name| is_there(name)) {
        Some(name) if is_neon_pooler(&name) => (
            "Neon's pooler (PgBouncer)",
            "take the direct connection: the same host without `-pooler` at the end of its first part",
        ),
        Some(name) if name.ends_with(".supabase.com") => {
            ("Supabase's shared pooler", "take the session pooler: the same host with port 5432")
        }
        Some(name) if name.ends_with(".supabase.co") => (
            "Supabase's dedicated pooler (PgBouncer)",
            "take the direct connection, the same host with port 5432, or the session pooler \
             (`aws-REGION.pooler.supabase.com`, port 5432, user `postgres.PROJECT`) where there is no IPv6",
        ),
        _ => return Vec::new(),
    };
    vec![of_url(
        inputs,
        format!("the secret `datastore-url` names {what} in transaction mode (port {})", endpoint.port),
        hint,
    )]
}

fn ipv6_only(inputs: &Inputs<'_>) -> Vec<Mistake> {
    // The lint on the pooler's port comes first.
    let host = endpoint(inputs).filter(|endpoint| endpoint.port != 6543).and_then(|endpoint| name(&endpoint));
    let mistake = |host: String| {
        of_url(
            inputs,
            format!("the host `{host}` in the secret `datastore-url` has only an IPv6 address"),
            "take the session pooler (`aws-REGION.pooler.supabase.com`, port 5432, user `postgres.PROJECT`), or see to it \
             that the node has IPv6",
        )
    };
    host.filter(|host| is_direct(host)).map(mistake).into_iter().collect()
}

fn weak_tls(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(endpoint) = endpoint(inputs) else { return Vec::new() };
    let (message, hint) = match endpoint.parameter("sslmode") {
        Some("verify-full") => return Vec::new(),
        // Without the parameter K3s verifies certificate and host, since the seed has the CA.
        None if endpoint.parameter("sslrootcert").is_none() => return Vec::new(),
        None => (
            "the secret `datastore-url` has an `sslrootcert`, but no `sslmode`",
            "add `sslmode=verify-full`, or leave `sslrootcert` out: K3s adds both, with the CA of [datastore]",
        ),
        Some(_) => (
            "the secret `datastore-url` has an `sslmode` below `verify-full`",
            "leave `sslmode` out: with the CA of [datastore] K3s verifies certificate and host",
        ),
    };
    vec![of_url(inputs, message.to_owned(), hint)]
}

fn pooler_user(inputs: &Inputs<'_>) -> Vec<Mistake> {
    match endpoint(inputs) {
        Some(endpoint)
            if name(&endpoint).is_some_and(|name| is_shared_pooler(&name)) && !endpoint.user.contains('.') =>
        {
            vec![of_url(
                inputs,
                "the user in the secret `datastore-url` does not name the project".to_owned(),
                "write `postgres.PROJECT`, as the dashboard shows it for the session pooler",
            )]
        }
        _ => Vec::new(),
    }
}

fn this_machine(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let here = endpoint(inputs).filter(|endpoint| endpoint.host_kind().is_this_machine());
    let mistake = |endpoint: Endpoint| {
        let message =
            format!("the secret `datastore-url` names `{}`, which on a node is the node itself", endpoint.host);
        of_url(inputs, message, ADDRESS)
    };
    here.map(mistake).into_iter().collect()
}

fn in_cluster(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(endpoint) = endpoint(inputs) else { return Vec::new() };
    let (k3s, host) = (&inputs.cluster.k3s, endpoint.host_kind());
    let what = match &host {
        Host::Address(address) if k3s.service_cidr.contains(address) => {
            format!("an address of Services ({})", k3s.service_cidr)
        }
        Host::Address(address) if k3s.cluster_cidr.contains(address) => {
            format!("an address of pods ({})", k3s.cluster_cidr)
        }
        _ if host.is_in_domain(&k3s.cluster_domain) => "a name that only the cluster's own DNS server knows".to_owned(),
        _ => return Vec::new(),
    };
    vec![of_url(inputs, format!("the secret `datastore-url` names `{}`, {what}", endpoint.host), ADDRESS)]
}

/// The node of this part that the host is.
fn node_at<'a>(inputs: &'a Inputs<'_>, host: &Host, role: Role) -> Option<&'a str> {
    let is_host = |address: Option<IpAddr>, node: &str| match host {
        Host::Address(host) => address == Some(*host),
        Host::Name(name) => name == node,
    };
    let of_role = inputs.nodes().filter(|(_, profile)| profile.k3s.as_ref().is_some_and(|k3s| k3s.role == role));
    of_role
        .map(|(node, _)| (node.net().map(|net| net.addr()), node.name.as_str()))
        .find(|(address, node)| is_host(*address, node))
        .map(|(_, node)| node)
}

fn on_server(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(endpoint) = endpoint(inputs) else { return Vec::new() };
    let host = endpoint.host_kind();
    // Told already, and never a server's name for others.
    if host.is_this_machine() {
        return Vec::new();
    }
    let mistake = |node: &str| {
        let message = format!("the secret `datastore-url` names `{}`, which is the server `{node}`", endpoint.host);
        of_url(inputs, message, ADDRESS)
    };
    node_at(inputs, &host, Role::Server).or_else(|| lone_server_at(inputs, &host)).map(mistake).into_iter().collect()
}

/// The only server, where the cluster's API is reached by this address and the file gives it none of its own (DHCP).
fn lone_server_at<'a>(inputs: &'a Inputs<'_>, host: &Host) -> Option<&'a str> {
    let is_server = |profile: &Profile| profile.k3s.as_ref().is_some_and(|k3s| k3s.role == Role::Server);
    let mut servers = inputs.nodes().filter(|(_, profile)| is_server(profile)).map(|(node, _)| node);
    let server = servers.next().filter(|server| server.net().is_none())?;
    let is_api = matches!(host, Host::Address(_)) && Host::of(&inputs.cluster.server.host) == *host;
    (servers.next().is_none() && is_api).then_some(server.name.as_str())
}

fn on_agent(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(endpoint) = endpoint(inputs) else { return Vec::new() };
    let host = endpoint.host_kind();
    // Told already.
    let is_server = node_at(inputs, &host, Role::Server).or_else(|| lone_server_at(inputs, &host)).is_some();
    if host.is_this_machine() || is_server {
        return Vec::new();
    }
    let is_of_api = || inputs.cluster.certificate_names().iter().any(|name| Host::of(name) == host);
    let (whose, hint) = match node_at(inputs, &host, Role::Agent) {
        Some(node) => (
            format!("is the agent `{node}`"),
            "take a machine outside of the cluster, or make sure that the database there needs no K3s",
        ),
        // A load balancer on the machine of the database, or one dynamic name for the whole home.
        None if is_of_api() => (
            "the cluster's API is reached by too (`server`, `tls_names`)".to_owned(),
            "make sure that the name leads to a machine outside of the cluster, and that PostgreSQL answers there",
        ),
        None => return Vec::new(),
    };
    vec![of_url(inputs, format!("the secret `datastore-url` names `{}`, which {whose}", endpoint.host), hint)]
}

fn parameter(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(endpoint) = endpoint(inputs) else { return Vec::new() };
    let mistake = |name: &str| {
        let (what, hint) = match parameter_problem(name, endpoint.parameter(name)?)? {
            ParameterProblem::OtherClient => (
                "which is another client's: PostgreSQL refuses it",
                "leave it out; K3s keeps up to 20 connections open, and no parameter changes that",
            ),
            ParameterProblem::Address => (
                "which belongs before the `?`: K3s would use it, but the node's gate and this check would not",
                "write it before the `?`: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`",
            ),
            ParameterProblem::Options => (
                "which bundles several settings: poolers refuse it, and its content is not checked",
                "write each setting as a parameter of its own, such as `search_path=k3s`",
            ),
            ParameterProblem::Service => (
                "which names a service file, and no node has one",
                "leave it out, and write host, port and database into the URL",
            ),
            ParameterProblem::Case => {
                ("which K3s's client knows only in lower case: PostgreSQL refuses it", "write it in lower case")
            }
            ParameterProblem::Login | ParameterProblem::Authorities | ParameterProblem::Unknown => return None,
        };
        Some(of_url(inputs, format!("the secret `datastore-url` has the parameter `{name}`, {what}"), hint))
    };
    endpoint.parameter_names().filter_map(mistake).collect()
}

fn unknown_parameter(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(endpoint) = endpoint(inputs) else { return Vec::new() };
    let is_unknown = |name: &&str| {
        endpoint.parameter(name).and_then(|value| parameter_problem(name, value)) == Some(ParameterProblem::Unknown)
    };
    let mistake = |name: &str| {
        let message = format!(
            "the secret `datastore-url` has the parameter `{name}`, which is neither the client's nor a setting that is known here"
        );
        let hint = "leave it out; `imgbuild check --online` tells whether your PostgreSQL takes it";
        of_url(inputs, message, hint)
    };
    endpoint.parameter_names().filter(is_unknown).map(mistake).collect()
}

fn no_machine(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(endpoint) = endpoint(inputs) else { return Vec::new() };
    let host = endpoint.host_kind();
    // The first and the last address are known only of networks that nodes are in.
    let networks = inputs.cluster.nodes.values().filter_map(Node::net);
    let is_end = |address: IpAddr| {
        networks
            .filter(|net| net.contains(&address))
            .any(|net| IpNet::new(address, net.prefix_len()).is_ok_and(|net| unusable(net).is_some()))
    };
    let is_end = match host {
        Host::Address(address) => is_end(address),
        Host::Name(_) => false,
    };
    if !is_end && !host.is_unassignable() {
        return Vec::new();
    }
    let message = format!("the secret `datastore-url` names `{}`, an address that no machine can have", endpoint.host);
    vec![of_url(inputs, message, ADDRESS)]
}

fn odd_host(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(endpoint) = endpoint(inputs) else { return Vec::new() };
    let host = endpoint.host_kind();
    let first = match &host {
        Host::Name(name) => name.split_once('.').map(|(first, _)| Host::Name(first.to_owned())),
        Host::Address(_) => None,
    };
    let server = first.and_then(|first| node_at(inputs, &first, Role::Server));
    // Told already: a name that the API has too.
    let is_of_api = inputs.cluster.certificate_names().iter().any(|name| Host::of(name) == host);
    let what = match server {
        Some(server) if !is_of_api => format!("which may be the server `{server}`"),
        _ if host.is_like_service() => "which looks like a Service in the cluster".to_owned(),
        _ => return Vec::new(),
    };
    vec![of_url(inputs, format!("the secret `datastore-url` names `{}`, {what}", endpoint.host), ADDRESS)]
}

fn node_file(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(endpoint) = endpoint(inputs) else { return Vec::new() };
    let mistake = |name: &str| {
        let value = endpoint.parameter(name)?;
        let (what, hint) = match parameter_problem(name, value)? {
            ParameterProblem::Login => (
                "which is not supported: K3s logs in by password here",
                "leave it out, and let the database ask the user for the password of the URL",
            ),
            ParameterProblem::Authorities if value != DATASTORE_CA => (
                "which is not the CA of [datastore] that the node and this check use",
                "leave it out: K3s uses the CA of [datastore]",
            ),
            _ => return None,
        };
        Some(of_url(inputs, format!("the secret `datastore-url` has the parameter `{name}`, {what}"), hint))
    };
    endpoint.parameter_names().filter_map(mistake).collect()
}

fn data_api(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let is_supabase = |name: String| is_shared_pooler(&name) || is_direct(&name);
    match endpoint(inputs) {
        // The API does not serve another schema unless that was configured on purpose.
        Some(endpoint)
            if endpoint.database == "postgres"
                && endpoint.parameter("search_path").is_none_or(|path| path.contains("public"))
                && name(&endpoint).is_some_and(is_supabase) =>
        {
            vec![of_url(
                inputs,
                "the secret `datastore-url` names Supabase's database `postgres`".to_owned(),
                "make one of its own, `CREATE DATABASE k3s`, and write `/k3s` at the end of the URL; K3s makes its table anew \
                 there, so for a cluster that lives already move the table first",
            )]
        }
        _ => Vec::new(),
    }
}
