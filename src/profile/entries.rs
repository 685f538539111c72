//! The named entries of a profile, `[[file]]`, `[[user]]`, `[[network]]` and `[[source]]`: each read for itself, and checked
//! as far as its own keys go.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use ipnet::IpNet;

use super::addresses::{first_host, is_neighbour, is_own, nobodys, unusable};
use super::inherit::plain;
use super::schema::{FileEntry, NetworkEntry, Settable, SourceEntry, UserEntry};
use super::values::{Fingerprint, KeyPlace, Spanned, VersionStart};
use super::{Network, Origin, ProfileError, ProfileFile, Source, SourceKey, User, Workspace};
use crate::diagnostic::{Diagnostic, SourceText};
use crate::tree::Content;

/// A file of the profile, by clean path.
pub(super) fn file_of(
    entry: FileEntry,
    at: &Arc<SourceText>,
    workspace: &Workspace,
    origin: &Origin,
) -> Result<(String, ProfileFile), ProfileError> {
    let path = entry.path.0.get_ref().0.clone();
    let content = match (entry.content, entry.source, &entry.symlink) {
        (Some(content), None, None) => Content::from(content),
        (None, Some(source), None) => Content::from(read(&source, at, workspace)?),
        (None, None, Some(_)) => Content::from(""),
        _ => {
            let message = format!("`{path}` needs exactly one of `content`, `source` and `symlink`");
            let hint = "`content` is the text itself, `source` a file of the workspace, `symlink` a link's target";
            return Err(Diagnostic::new(at, Some(entry.path.0.span()), message).hint(hint).into());
        }
    };
    let file = ProfileFile {
        content,
        mode: entry.mode.map_or(0o644, |mode| mode.0),
        user: entry.user.map_or_else(|| "root".to_owned(), plain),
        group: entry.group.map_or_else(|| "root".to_owned(), plain),
        symlink: entry.symlink.map(Into::into),
        directory: false,
        origin: origin.clone(),
    };
    Ok((path.trim_start_matches('/').to_owned(), file))
}

pub(super) fn user_of(entry: UserEntry) -> User {
    User {
        name: entry.name.0.into_inner().0,
        ssh_keys: entry.ssh_keys.into_iter().map(Into::into).collect(),
        groups: entry.groups.into_iter().map(plain).collect(),
        shell: entry.shell.map_or_else(|| "/bin/bash".to_owned(), plain),
        sudo: entry.sudo,
    }
}

pub(super) fn network_of(entry: NetworkEntry, at: &Arc<SourceText>) -> Result<Network, ProfileError> {
    let span = entry.name.0.span();
    check_addresses(&entry, at)?;
    let network = Network {
        name: entry.name.0.into_inner().0,
        match_name: entry.matches.name.into_iter().map(Into::into).collect(),
        match_mac: entry.matches.mac.into_iter().map(Into::into).collect(),
        match_type: entry.matches.kind.into_iter().map(Into::into).collect(),
        dhcp: entry.dhcp,
        addresses: entry.addresses.into_iter().map(plain).collect(),
        gateway: entry.gateway.map(plain),
        dns: entry.dns.into_iter().map(plain).collect(),
    };
    let wrong = |message: &str, hint: &str| {
        let message = format!("network `{}` {message}", network.name);
        Err(Diagnostic::new(at, Some(span.clone()), message).hint(hint).into())
    };
    if network.match_name.is_empty() && network.match_mac.is_empty() && network.match_type.is_empty() {
        return wrong("matches no interface", "name some: `match = { name = [\"en*\"] }`");
    }
    if !network.dhcp && network.addresses.is_empty() {
        return wrong("gives no address", "add `dhcp = true` or `addresses = [\"192.168.1.10/24\"]`");
    }
    if network.gateway.is_some() && network.addresses.is_empty() {
        return wrong("has a gateway but no address to reach it from", "leave `gateway` to DHCP, or add `addresses`");
    }
    Ok(network)
}

/// The rules of a cluster's nodes (lints C021, C027 and C028), for the addresses of a profile.
fn check_addresses(entry: &NetworkEntry, at: &Arc<SourceText>) -> Result<(), ProfileError> {
    let wrong = |span: Range<usize>, message: String, hint: &str| {
        Err(Diagnostic::new(at, Some(span), message).hint(hint).into())
    };
    // Each was read as an address before.
    let nets = || {
        entry.addresses.iter().filter_map(|given| Some((given.0.span(), given.0.get_ref().0.parse::<IpNet>().ok()?)))
    };
    for (span, net) in nets() {
        if let Some(why) = unusable(net) {
            let hint = format!("take one of your network that no other machine has, such as {}", first_host(net));
            let hint = if nobodys(net.addr()).is_some() {
                "take one of your network that no other machine has"
            } else {
                &hint
            };
            return wrong(span, format!("the address {} is {why}", net.addr()), hint);
        }
    }
    if let Some(given) = &entry.gateway
        && let Ok(router) = given.0.get_ref().0.parse::<IpAddr>()
    {
        let span = given.0.span();
        if let Some(why) = nobodys(router) {
            return wrong(
                span,
                format!("the gateway {router} is {why}"),
                "write your router's address, such as 192.168.1.1",
            );
        }
        let hint = "correct the gateway, the address or its prefix length: most home networks end in `/24`";
        if nets().any(|(_, net)| net.addr() == router) {
            return wrong(span, format!("the gateway {router} is this machine's own address"), hint);
        }
        let near: Vec<IpNet> = nets().map(|(_, net)| net).filter(|net| is_neighbour(router, *net)).collect();
        if near.is_empty() && !entry.addresses.is_empty() {
            let given: Vec<String> = nets().map(|(_, net)| net.trunc().to_string()).collect();
            let message = format!("the gateway {router} is not in the network of the addresses, {}", given.join(", "));
            return wrong(span, message, hint);
        }
        let why = near.iter().find_map(|net| unusable(IpNet::new(router, net.prefix_len()).ok()?));
        if let Some(why) = why {
            return wrong(span, format!("the gateway {router} is {why}"), hint);
        }
    }
    for given in &entry.dns {
        if let Ok(server) = given.0.get_ref().0.parse::<IpAddr>()
            && let Some(why) = nobodys(server)
        {
            let hint = "write your router's address, or a public name server's such as `9.9.9.9`";
            let why = if is_own(server) { "the machine itself, which has no name server" } else { why };
            return wrong(given.0.span(), format!("the name server {server} is {why}"), hint);
        }
    }
    Ok(())
}

pub(super) fn source_of(
    entry: SourceEntry,
    at: &Arc<SourceText>,
    workspace: &Workspace,
) -> Result<Source, ProfileError> {
    let name = entry.name.0.get_ref().0.clone();
    let span = entry.suite.0.span();
    let (archive, suite) = (String::from(entry.archive), plain(entry.suite));
    // As apt has it, sources.list(5): what ends in a slash is a directory, and has no components.
    let wrong = match (suite.ends_with('/'), entry.components.is_empty()) {
        (false, true) => {
            Some((format!("source `{name}` has no component"), "name at least one: `components = [\"main\"]`"))
        }
        (true, false) => Some((
            format!("source `{name}` is a flat repository, and these have no components"),
            "take `components` out, or write a suite without `/` at its end",
        )),
        (true, true) if !archive.contains("://") => Some((
            format!("Debian's archive of source `{name}` is no flat repository"),
            "write a suite such as `trixie`",
        )),
        _ => None,
    };
    if let Some((message, hint)) = wrong {
        return Err(Diagnostic::new(at, Some(span), message).hint(hint).into());
    }
    Ok(Source {
        name,
        archive,
        suite,
        components: entry.components.into_iter().map(Into::into).collect(),
        key: key_of(entry.key, entry.fingerprint, at, workspace)?,
        only: entry.only.into_iter().map(plain).collect(),
        versions: entry.versions.map(|versions| versions_of(versions, at)).transpose()?,
        priority: entry.priority.map_or(Source::PRIORITY, |priority| priority.0),
    })
}

/// The beginning of a source's versions. A parameter has its value by now, unless the file that names it can have none.
fn versions_of(
    Spanned(versions): Spanned<Settable<VersionStart>>,
    at: &Arc<SourceText>,
) -> Result<String, ProfileError> {
    let span = versions.span();
    match versions.into_inner() {
        Settable::Value(VersionStart(versions)) => Ok(versions),
        Settable::Param(name) => {
            let wrong = Diagnostic::new(at, Some(span), format!("a profile has no parameter `{name}`"));
            Err(wrong.hint("write the numbers themselves, such as `580`; parameters are for overlays").into())
        }
    }
}

/// The keys of a source. What a URL leads to is nobody's in particular, so a fingerprint must say whose certificate it is.
fn key_of(
    key: Option<Spanned<KeyPlace>>,
    fingerprint: Option<Spanned<Fingerprint>>,
    at: &Arc<SourceText>,
    workspace: &Workspace,
) -> Result<SourceKey, ProfileError> {
    let wrong = |span, message: &str, hint: &str| Err(Diagnostic::new(at, Some(span), message).hint(hint).into());
    match (key, fingerprint) {
        (Some(Spanned(key)), fingerprint) if key.get_ref().0.contains("://") => {
            let Some(fingerprint) = fingerprint else {
                let hint = "add `fingerprint = \"…\"`: the 40 digits that the archive's owner publishes and `gpg --show-keys FILE` prints";
                return wrong(key.span(), "the certificate at this URL needs a fingerprint", hint);
            };
            let fingerprint = plain(fingerprint).to_ascii_uppercase();
            Ok(SourceKey::Fetched { url: key.into_inner().0, fingerprint })
        }
        (_, Some(Spanned(fingerprint))) => {
            let hint =
                "take it out, or write the URL of the certificate into `key`: files of the workspace count as they are";
            wrong(fingerprint.span(), "`fingerprint` belongs to a `key` that is a URL", hint)
        }
        (Some(key), None) => Ok(SourceKey::Certificates(read(&key, at, workspace)?)),
        (None, None) => Ok(SourceKey::Debian),
    }
}

/// The file of the workspace that a profile points at.
fn read<T: Clone + Into<String>>(
    path: &Spanned<T>,
    at: &Arc<SourceText>,
    workspace: &Workspace,
) -> Result<Vec<u8>, ProfileError> {
    let name: &String = &path.0.get_ref().clone().into();
    if let Some((bytes, _)) = workspace.read(name)? {
        return Ok(bytes);
    }
    let missing = Diagnostic::new(at, Some(path.0.span()), format!("there is no file `{name}` in the workspace"));
    Err(missing.hint("paths begin at the workspace's root").into())
}
