//! Rules for single values of a cluster file, in the form of `profile::checks`.

use std::net::IpAddr;

use ipnet::IpNet;

pub(crate) use crate::profile::checks::*;

/// The domain that no registry gives away, so that a home's router can answer for names below it (RFC 8375).
pub(super) const HOME: &str = "home.arpa";

/// RFC 1123 host name: labels with dots between.
pub(super) fn domain(text: &str) -> Verdict {
    if text.len() <= 253 && text.split('.').all(|label| host_name(label).is_ok()) {
        return Ok(());
    }
    refuse(text, "a domain", "write lower-case labels with dots between, such as `cluster.local`")
}

/// The domain of pages that share a login: browsers keep no cookie for all names below a public suffix, which a lone label
/// and `home.arpa` are (publicsuffix.org).
pub(super) fn page_domain(text: &str) -> Verdict {
    domain(text)?;
    if text.contains('.') && text != HOME {
        return Ok(());
    }
    let hint = format!("put a name in front, such as `home.{text}`");
    Err(format!("a browser keeps no login for all names below `{text}`\n{hint}"))
}

/// A name or address on the API's certificate, or `*.` and a domain for all names in it.
pub(super) fn tls_name(text: &str) -> Verdict {
    if text.strip_prefix("*.").is_some_and(|rest| domain(rest).is_ok()) {
        return Ok(());
    }
    one_host(text)
}

fn one_host(text: &str) -> Verdict {
    if text.parse::<IpAddr>().is_ok() || domain(text).is_ok() {
        return Ok(());
    }
    refuse(text, "a name or address", "write one such as `control.lan` or `192.168.1.10`, without scheme and port")
}

/// The URL where agents join. Returns host and port.
pub(super) fn server_url(text: &str) -> Result<(String, u16), String> {
    let wrong = |what: &str, hint: &str| Err(format!("`{}` {what}\n{hint}", text.escape_debug()));
    let Some(rest) = text.strip_prefix("https://") else {
        return wrong("does not begin with `https://`", "K3s joins over TLS only: `https://192.168.1.10:6443`");
    };
    // An IPv6 address stands in brackets, since it has colons itself.
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) if host.parse::<std::net::Ipv6Addr>().is_ok() => (host, port.strip_prefix(':')),
        Some(_) => return wrong("has no IPv6 address in its brackets", "write it as `https://[fd00::10]:6443`"),
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    let Some(port) = port else {
        return wrong("names no port", "without one, agents try 443; K3s listens on 6443: `https://192.168.1.10:6443`");
    };
    match port.parse::<u16>() {
        Ok(port) if port > 0 && one_host(host).is_ok() => Ok((host.to_owned(), port)),
        Ok(_) => wrong("has no usable host", "write a lower-case name or an address: `https://192.168.1.10:6443`"),
        Err(_) => wrong("has more than host and port", "leave out paths and accounts: `https://192.168.1.10:6443`"),
    }
}

/// A range of addresses, written as its first one and the prefix length.
pub(super) fn net(text: &str) -> Result<IpNet, String> {
    match text.parse::<IpNet>() {
        Ok(net) if net.trunc() == net => Ok(net),
        Ok(net) => {
            Err(format!("`{text}` is an address in a range, not the range\nthe range begins at `{}`", net.trunc()))
        }
        Err(_) => {
            Err(format!("`{}` is not a range of addresses\nwrite one such as `10.42.0.0/16`", text.escape_debug()))
        }
    }
}

/// A key of a Kubernetes label. A lint checks whether the kubelet accepts it.
pub(super) fn label_key(text: &str) -> Verdict {
    if is_qualified_name(text) {
        return Ok(());
    }
    let hint = "use at most 63 letters, digits, `-`, `_`, `.`; before it at most one domain and `/`";
    refuse(text, "a label's key", hint)
}

/// A label of a file system. Its length depends on the file system, and is checked by a lint.
pub(super) fn disk_label(text: &str) -> Verdict {
    // The names of a stick's own partitions and file systems. They are compared without regard to case, since FAT has none.
    const OF_THE_STICK: [&str; 9] =
        ["boot-a", "boot-b", "esp", "root-a", "root-a-verity", "root-b", "root-b-verity", "seed", "state"];
    if OF_THE_STICK.iter().any(|own| text.eq_ignore_ascii_case(own)) {
        let hint = "choose another one, such as `longhorn-pi1`: the partitions of the node's own stick have this name";
        return Err(format!("`{text}` is the name of a partition of the node's own stick\n{hint}"));
    }
    if only(text, |char| char.is_ascii_alphanumeric() || "-_.".contains(char)) && !text.starts_with(['.', '-']) {
        return Ok(());
    }
    refuse(text, "a file system's label", "use letters, digits, `-`, `_` and `.`, such as `longhorn-pi1`")
}

/// Where a disk is mounted. systemd splits the list that it comes to stand in at blanks and expands `%` there
/// (systemd.unit(5), `RequiresMountsFor=`), and the node reads it between single quotes.
pub(super) fn mount_point(text: &str) -> Verdict {
    path(text)?;
    if only(text, |char| char.is_ascii_alphanumeric() || "/-_.@+".contains(char)) {
        return Ok(());
    }
    refuse(text, "a usable mount point", "use letters, digits and `-_.@+` between the slashes: `/var/lib/longhorn`")
}

/// A name that templates can use.
pub(super) fn value_name(text: &str) -> Verdict {
    let starts_well = text.starts_with(|char: char| char.is_ascii_lowercase());
    if starts_well && only(text, |char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_') {
        return Ok(());
    }
    refuse(text, "a value's name", "use lower-case letters, digits and `_`: templates read `cluster.values.NAME`")
}

/// The host that images' names begin with.
pub(super) fn registry_host(text: &str) -> Verdict {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    if text == "*" || (domain(host).is_ok() && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))) {
        return Ok(());
    }
    refuse(
        text,
        "a registry's host",
        "write it as in images' names: `docker.io`, `registry.lan:5000`; `*` is every registry",
    )
}
