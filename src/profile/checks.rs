//! Rules for single values. Each takes the text and says what is wrong with it; a second line of the answer is a
//! hint for the person who wrote it.

use std::net::IpAddr;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::Tag;
use super::resolved::glob_of;
use crate::tree::{self, Digest};
use crate::urls::{UrlError, WebUrl, shown};

/// What is wrong with a value; after a line break, what to do about it.
pub(crate) type Verdict = Result<(), String>;

pub(crate) fn only(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(allowed)
}

fn lower_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

pub(crate) fn refuse(text: &str, what: &str, hint: &str) -> Verdict {
    Err(format!("`{}` is not {what}\n{hint}", text.escape_debug()))
}

/// Names of profiles, overlays, sources and networks: they become file names.
pub(crate) fn identifier(text: &str) -> Verdict {
    let starts_well = text.bytes().next().is_some_and(lower_alphanumeric);
    if starts_well && text.len() <= 64 && text.bytes().all(|byte| lower_alphanumeric(byte) || byte == b'-') {
        return Ok(());
    }
    refuse(text, "a usable name", "use lower-case letters, digits and `-`, at most 64")
}

/// Whether a secret may have this name: `[a-z0-9-]{1,63}`. Names that end in `-file` are left out, since their
/// variable would be the one that names another secret's file.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let letter = |byte: u8| lower_alphanumeric(byte) || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(letter) && !name.ends_with("-file")
}

/// A secret's name. A malformed one is not quoted, since it may be the secret itself.
pub(crate) fn secret_name(text: &str) -> Verdict {
    if is_secret_name(text) {
        return Ok(());
    }
    let what = "this is not the name of a secret";
    Err(format!(
        "{what}\nset the value with `imgbuild secrets set NAME`, and write the name here: lower-case letters, digits, `-`"
    ))
}

/// RFC 1123, section 2.1, one label; lower case because Kubernetes takes it as the node's name.
pub(crate) fn host_name(text: &str) -> Verdict {
    let fits = text.len() <= 63 && text.bytes().all(|byte| lower_alphanumeric(byte) || byte == b'-');
    if fits && !text.is_empty() && !text.starts_with('-') && !text.ends_with('-') {
        return Ok(());
    }
    refuse(text, "a host name", "use at most 63 lower-case letters, digits and `-`, no `-` at either end")
}

/// The name of a machine in its network.
pub(crate) fn machine_name(text: &str) -> Verdict {
    if text == "localhost" {
        let hint = "give the machine a name of its own: every machine calls itself `localhost`, and finds itself there";
        return Err(format!("`localhost` is no machine's name\n{hint}"));
    }
    host_name(text)
}

/// Debian policy, section 5.6.1.
pub(super) fn package(text: &str) -> Verdict {
    let starts_well = text.bytes().next().is_some_and(lower_alphanumeric);
    if starts_well
        && (2..=NAME_MAX).contains(&text.len())
        && text.bytes().all(|byte| lower_alphanumeric(byte) || b"+-.".contains(&byte))
    {
        return Ok(());
    }
    let hint = "name a Debian package alone, without version or architecture, such as `open-iscsi`";
    refuse(text, "a package name", hint)
}

/// A package's name, with `*` for any letters and `?` for one.
pub(super) fn package_pattern(text: &str) -> Verdict {
    // As a name once its wildcards stand for letters.
    if package(&text.replace(['*', '?'], "x")).is_ok() {
        return Ok(());
    }
    refuse(text, "a package name or pattern", "write one such as `raspi-firmware` or `linux-image-*`")
}

/// An absolute, clean path of the image.
pub(crate) fn path(text: &str) -> Verdict {
    let Some(relative) = text.strip_prefix('/') else {
        return refuse(text, "an absolute path", "begin with `/`, the root of the image");
    };
    if relative.chars().any(char::is_control) || relative.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refuse(text, "a clean path", "leave out `.`, `..`, doubled and trailing slashes");
    }
    fits(text)?;
    match relative.split_once('/') {
        Some((top @ ("bin" | "sbin" | "lib" | "lib64"), rest)) => {
            refuse(text, "where Debian keeps files", &format!("`/{top}` is a link: write `/usr/{top}/{rest}`"))
        }
        _ => match hidden_below(relative) {
            Some(top) => Err(format!("`{text}` would be hidden: `/{top}` is mounted at boot\n{INSTEAD_OF_HIDDEN}")),
            None => Ok(()),
        },
    }
}

/// Most bytes of a file's name, `NAME_MAX` of `linux/limits.h`.
pub(super) const NAME_MAX: usize = 255;
/// Most bytes of a path, `PATH_MAX` of `linux/limits.h` without the final zero.
const PATH_MAX: usize = 4095;

/// Refuses names that no file can have.
fn fits(path: &str) -> Verdict {
    match path.split('/').find(|part| part.len() > NAME_MAX) {
        Some(part) => Err(format!(
            "the name `{}…` has {} bytes\na file's name has at most {NAME_MAX}: shorten it",
            start(part),
            part.len()
        )),
        None if path.len() > PATH_MAX => Err(format!(
            "the path `{}…` has {} bytes\na path has at most {PATH_MAX}: shorten it",
            start(path),
            path.len()
        )),
        None => Ok(()),
    }
}

/// As much of a long name as a message can bear.
fn start(text: &str) -> &str {
    text.char_indices().nth(40).map_or(text, |(end, _)| &text[..end])
}

/// Where to put what a node would not see.
pub(super) const INSTEAD_OF_HIDDEN: &str =
    "put it below `/usr` or `/etc`; a file in `/usr/lib/tmpfiles.d` can make it at boot";

/// The directory that a node mounts over what an image holds at the clean path `path`.
pub(super) fn hidden_below(path: &str) -> Option<&'static str> {
    const MOUNTED: [&str; 5] = ["dev", "proc", "run", "sys", "tmp"];
    // Links into `/run` on every Debian system.
    const LINKS: [(&str, &str); 2] = [("var/run", "run"), ("var/lock", "run/lock")];
    let below = |dir: &str| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
    let linked = LINKS.into_iter().find(|(link, _)| below(link)).map(|(_, top)| top);
    MOUNTED.into_iter().find(|top| below(top)).or(linked)
}

/// A path of the workspace, relative to its root.
pub(crate) fn workspace_path(text: &str) -> Verdict {
    let clean = !text.chars().any(char::is_control) && text.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if clean {
        return fits(text);
    }
    refuse(text, "a path inside the workspace", "write it relative to the workspace's root, without `..`")
}

/// A glob over the image's paths.
pub(super) fn glob(text: &str) -> Verdict {
    let Some(pattern) = text.strip_prefix('/') else {
        return refuse(text, "an absolute glob", "begin with `/`, such as `/usr/share/man`");
    };
    // `/..` and the like match no path of an image, whose paths are clean.
    if pattern.chars().any(char::is_control)
        || (pattern.split('/').any(|part| matches!(part, "" | "." | "..")) && !pattern.is_empty())
    {
        return refuse(text, "a clean glob", "leave out `.`, `..`, doubled and trailing slashes");
    }
    let takes_all = |glob: globset::GlobMatcher| pattern.is_empty() || (glob.is_match("usr") && glob.is_match("etc"));
    match glob_of(pattern) {
        Ok(glob) if takes_all(glob.compile_matcher()) => {
            Err(format!("`{text}` would leave out the whole system\nname what is below it, such as `/usr/share/man`"))
        }
        Ok(glob) => match vital(&glob.compile_matcher()) {
            Some((path, what)) => {
                Err(format!("`{text}` would leave out {what}, `/{path}`\nname what is below it, and leave that in"))
            }
            None => Ok(()),
        },
        Err(error) => Err(format!("`{text}` is not a glob: {}", error.kind())),
    }
}

/// What no image runs without that `glob` takes away, itself or a directory above it: a path, and what it is. Kernels'
/// releases stand for all.
fn vital(glob: &globset::GlobMatcher) -> Option<(&'static str, &'static str)> {
    const VITAL: [(&str, &str); 8] = [
        ("boot/vmlinuz-6.12.117+deb13-arm64", "the kernel"),
        ("boot/vmlinuz-6.12.117+deb13-amd64", "the kernel"),
        ("usr/lib/modules/6.12.117+deb13-arm64", "the kernel's modules"),
        ("usr/lib/modules/6.12.117+deb13-amd64", "the kernel's modules"),
        ("usr/lib/systemd/systemd", "the system's first program"),
        ("usr/bin/dash", "the shell of the system's scripts"),
        ("usr/lib/imgbuild", "what starts the node"),
        ("etc/passwd", "the accounts"),
    ];
    VITAL.into_iter().find(|(path, _)| {
        std::iter::successors(Some(*path), |path| crate::tree::parent(path)).any(|path| glob.is_match(path))
    })
}

/// What the release of a kernel begins with.
pub(super) fn kernel_version(text: &str) -> Verdict {
    let is_number = |part: &str| part.parse::<u32>().is_ok() && only(part, |char| char.is_ascii_digit());
    if text.split('.').all(is_number) {
        return Ok(());
    }
    refuse(text, "a kernel's version", "write its numbers alone, such as `6.12.117`")
}

/// A module's name as `modprobe` takes it.
pub(super) fn module(text: &str) -> Verdict {
    // `MODULE_NAME_LEN` of `linux/module.h`, without the final zero.
    if text.len() <= 55 && only(text, |char| char.is_ascii_alphanumeric() || char == '_' || char == '-') {
        return Ok(());
    }
    refuse(text, "a kernel module's name", "write it as `lsmod` shows it, without directory and `.ko`")
}

/// A kernel setting's name with dots, sysctl.d(5); a `/` stands for a dot inside an interface's name. The spelling
/// with slashes is refused so that one setting has one name.
pub(super) fn sysctl(text: &str) -> Verdict {
    let parts = || text.split('.');
    let good = |part: &str| only(part, |char| char.is_ascii_alphanumeric() || "_-*/".contains(char));
    if text.len() <= NAME_MAX && parts().count() >= 2 && parts().all(good) {
        return Ok(());
    }
    refuse(text, "a kernel setting", "quote the whole name: `\"vm.swappiness\" = 10`")
}

/// A login or group name, as `useradd` accepts it on Debian.
pub(super) fn account(text: &str) -> Verdict {
    let starts_well = text.starts_with(|char: char| char.is_ascii_lowercase() || char == '_');
    if starts_well && text.len() <= 32 && text.bytes().all(|byte| lower_alphanumeric(byte) || b"_-".contains(&byte)) {
        return Ok(());
    }
    refuse(text, "an account name", "use at most 32 lower-case letters, digits, `_` and `-`, a letter first")
}

/// The name of an account that a profile adds.
pub(super) fn login(text: &str) -> Verdict {
    if text == "root" {
        return Err("`root` is locked in every image\nname a person's account and give it `sudo = true`".to_owned());
    }
    account(text)
}

/// A line of `authorized_keys`, sshd(8): options, type, base64, comment.
pub(crate) fn ssh_key(text: &str) -> Verdict {
    const TYPES: [&str; 7] = [
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    ];
    if text.contains("PRIVATE KEY") {
        return Err("this is a private key\nnever put it into a profile; give the line of its `.pub` file".to_owned());
    }
    let mut words = text.split(' ').skip_while(|word| !TYPES.contains(word));
    let kind = words.next().unwrap_or_default();
    // Every key blob begins with the 32-bit length of its type's name, hence with three zero bytes.
    let is_blob = |word: &str| {
        word.len() >= 64
            && word.starts_with("AAAA")
            && word.trim_end_matches('=').chars().all(|char| char.is_ascii_alphanumeric() || "+/".contains(char))
    };
    if let Some(blob) = words.next().filter(|word| is_blob(word))
        && !text.chars().any(char::is_control)
    {
        return if is_of(kind, blob) {
            Ok(())
        } else {
            Err(format!(
                "this is no key of the type `{kind}`\ncopy the whole line of the `.pub` file again: sshd ignores such a key"
            ))
        };
    }
    refuse(text, "a public SSH key", "give one line of a `.pub` file: `ssh-ed25519 AAAA… name`")
}

/// Whether a key's blob, of 64 letters or more, begins with its type's name (RFC 4253, 6.6).
fn is_of(kind: &str, blob: &str) -> bool {
    let head = [&u32::try_from(kind.len()).unwrap_or_default().to_be_bytes()[..], kind.as_bytes()].concat();
    // Four letters are three bytes.
    let letters = blob.get(..head.len().div_ceil(3) * 4).unwrap_or_default();
    BASE64_STANDARD.decode(letters).is_ok_and(|bytes| bytes.starts_with(&head))
}

/// An IPv4 or IPv6 address.
pub(crate) fn address(text: &str) -> Verdict {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    refuse(text, "an IP address", "write one such as `192.168.1.1` or `fd00::1`")
}

/// An address with its prefix length.
pub(crate) fn address_with_prefix(text: &str) -> Verdict {
    let parsed = text.split_once('/').and_then(|(address, prefix)| {
        let longest = if address.parse::<IpAddr>().ok()?.is_ipv4() { 32 } else { 128 };
        prefix.parse::<u8>().ok().filter(|prefix| *prefix <= longest)
    });
    if parsed.is_some() {
        return Ok(());
    }
    refuse(text, "an address with its prefix length", "write one such as `192.168.1.10/24`")
}

/// A MAC address, six bytes with colons.
pub(crate) fn mac(text: &str) -> Verdict {
    let byte = |part: &str| part.len() == 2 && part.chars().all(|char| char.is_ascii_hexdigit());
    if text.split(':').count() == 6 && text.split(':').all(byte) {
        // The lowest bit of the first byte marks groups (IEEE 802), `ff:ff:ff:ff:ff:ff` among them.
        let first = u8::from_str_radix(&text[..2], 16).unwrap_or_default();
        if first & 1 == 1 || text.bytes().all(|byte| matches!(byte, b'0' | b':')) {
            let hint = "copy it from `ip link` on the machine, or from its label";
            return Err(format!("`{text}` is no interface's address but that of a group, or none\n{hint}"));
        }
        return Ok(());
    }
    refuse(text, "a MAC address", "write six bytes such as `dc:a6:32:01:02:03`")
}

/// A word of a systemd-networkd `[Match]` line: systemd splits such lines at white space.
pub(crate) fn word(text: &str) -> Verdict {
    if only(text, |char| char.is_ascii_graphic()) {
        return Ok(());
    }
    refuse(text, "one word", "write it without spaces; several are several entries of the list")
}

/// An LED's name below `/sys/class/leds`.
pub(super) fn led(text: &str) -> Verdict {
    if text.len() <= NAME_MAX && only(text, |char| char.is_ascii_graphic() && char != '/') && !text.starts_with('.') {
        return Ok(());
    }
    refuse(text, "an LED's name", "write the name alone, as `ls /sys/class/leds` on the node shows it, such as `ACT`")
}

/// A name of the time zone database.
pub(super) fn time_zone(text: &str) -> Verdict {
    let part = |part: &str| only(part, |char| char.is_ascii_alphanumeric() || "_+-".contains(char));
    if text.len() <= NAME_MAX && text.split('/').all(part) {
        return Ok(());
    }
    refuse(text, "a time zone", "write one such as `Europe/Berlin` or `Etc/UTC`")
}

/// A locale's name.
pub(super) fn locale(text: &str) -> Verdict {
    if text.len() <= NAME_MAX && only(text, |char| char.is_ascii_alphanumeric() || "_.@-".contains(char)) {
        return Ok(());
    }
    refuse(text, "a locale", "write `C.UTF-8`, or one that a package of the profile brings")
}

/// A server by name or address.
pub(crate) fn server(text: &str) -> Verdict {
    let label = |label: &str| only(label, |char| char.is_ascii_alphanumeric() || char == '-');
    let short = text.len() <= 253 && text.split('.').all(|label| label.len() <= 63);
    if text.parse::<IpAddr>().is_ok() || (short && text.split('.').all(label)) {
        return Ok(());
    }
    refuse(text, "a server", "write a host name or an address, such as `ntp.example.org`")
}

/// A full unit name, systemd.unit(5).
pub(crate) fn unit(text: &str) -> Verdict {
    const TYPES: [&str; 8] = ["service", "socket", "target", "timer", "mount", "automount", "path", "slice"];
    let good = text.rsplit_once('.').is_some_and(|(name, kind)| {
        TYPES.contains(&kind) && only(name, |char| char.is_ascii_alphanumeric() || ":-_.\\@".contains(char))
    });
    // `UNIT_NAME_MAX` of systemd is 256, with the final zero.
    if good && text.len() <= NAME_MAX {
        return Ok(());
    }
    refuse(text, "a unit's full name", "write it with its type, such as `nftables.service`")
}

/// A SHA-256 digest.
pub(super) fn sha256(text: &str) -> Verdict {
    if Digest::parse(text).is_some() {
        return Ok(());
    }
    refuse(text, "a SHA-256 digest", "write the 64 hexadecimal digits that `sha256sum FILE` prints")
}

/// The URL of a directory that the program can fetch from.
pub(crate) fn url(text: &str) -> Verdict {
    of_web(text, WebUrl::base, "would be written into imgbuild.lock and into messages")?;
    match WebUrl::base(text) {
        Ok(_) => Ok(()),
        Err(_) => refuse(text, "a base URL", "write one such as `https://mirrors.kernel.org/debian`"),
    }
}

/// Where Debian's mirror is: a URL, or a directory of this machine.
pub(super) fn mirror(text: &str) -> Verdict {
    if WebUrl::directory(text).is_some() || WebUrl::archive(text).is_ok_and(|_| text.starts_with("file:")) {
        return Ok(());
    }
    url(text)
}

/// The URL of a file, which may have a query.
pub(super) fn file_url(text: &str) -> Verdict {
    of_web(text, WebUrl::parse, "would be written into manifest.json and into messages")?;
    match WebUrl::parse(text) {
        Ok(url) if url.file_name().is_some() || url.as_str().contains('?') => Ok(()),
        _ => refuse(text, "the URL of a file", "write one such as `https://example.org/releases/v1.2/tool-amd64`"),
    }
}

/// The path of a regular file in an archive, as the archive's list of contents shows it.
pub(super) fn archive_member(text: &str) -> Verdict {
    let hint = "write it as `tar -tf FILE` shows it, or `dpkg-deb -c FILE` for a Debian package: `tool-1.2/bin/tool`";
    let relative = text.trim_start_matches('/');
    match tree::clean(relative) {
        Ok(path) if path.is_empty() || text.chars().any(char::is_control) => {
            refuse(text, "a file's path in an archive", hint)
        }
        Ok(_) if text.ends_with('/') => {
            Err(format!("`{text}` is a directory of an archive\neach [[artifact]] is one file: write the path of one"))
        }
        Ok(_) => fits(relative),
        Err(_) => refuse(text, "a file's path in an archive", hint),
    }
}

/// What is wrong with a URL of either kind: a password in it, or nothing in front.
fn of_web(text: &str, parse: fn(&str) -> Result<WebUrl, UrlError>, shown_in: &str) -> Verdict {
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    // Not quoted: it may be a password. What is no URL for another reason may hold one too.
    if shown(&whole) != whole {
        return Err(format!("this URL holds a user or a password\nit {shown_in}: leave out what stands before `@`"));
    }
    match parse(text) {
        Err(UrlError::NoScheme) if parse(&whole).is_ok() => Err(format!(
            "`{text}` has no `https://` in front, so it is no URL\nwrite `https://{text}`; `http://{text}` where there is no TLS"
        )),
        _ => Ok(()),
    }
}

/// Text that may stand on one line.
pub(super) fn line(text: &str) -> Verdict {
    if !text.is_empty() && !text.chars().any(char::is_control) {
        return Ok(());
    }
    if text.is_empty() {
        return Err("this is empty\nwrite a value, or take the line out".to_owned());
    }
    refuse(text, "one line of text", "write it without line breaks")
}

/// The tag of a K3s release; it becomes part of a URL and of file names.
pub(super) fn k3s_version(text: &str) -> Verdict {
    // It becomes a label's value.
    if text.len() <= 63 && Tag::parse(text).is_some() {
        return Ok(());
    }
    refuse(text, "a K3s release", "write its tag, such as `v1.36.5+k3s1`")
}

/// A taint as K3s's `node-taint` takes it.
pub(super) fn taint(text: &str) -> Verdict {
    const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    let good = text.rsplit_once(':').is_some_and(|(taint, effect)| {
        let (key, value) = taint.split_once('=').unwrap_or((taint, ""));
        EFFECTS.contains(&effect) && is_qualified_name(key) && (value.is_empty() || is_name_part(value))
    });
    if good {
        return Ok(());
    }
    refuse(text, "a taint", "write `key=value:Effect`; the effect is NoSchedule, PreferNoSchedule or NoExecute")
}

/// A label's name. The kubelet refuses to start with one of Kubernetes' own namespaces, but for the families that a
/// node may set on itself (Kubernetes, "Well-Known Labels"; `NodeRestriction`).
pub(super) fn label_name(text: &str) -> Verdict {
    const OPEN: [&str; 2] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];
    const FAMILIES: [&str; 2] = ["node.kubernetes.io/", "kubelet.kubernetes.io/"];
    if !is_qualified_name(text) {
        return refuse(text, "a label's name", "write it as `name` or `example.org/name`");
    }
    let reserved = text.split_once('/').is_some_and(|(prefix, _)| {
        ["kubernetes.io", "k8s.io"].iter().any(|own| prefix == *own || prefix.ends_with(&format!(".{own}")))
    });
    // Names that the kubelet would take, of what is not the profile's to say.
    match text {
        "kubernetes.io/arch"
        | "kubernetes.io/hostname"
        | "kubernetes.io/os"
        | "beta.kubernetes.io/arch"
        | "beta.kubernetes.io/os" => {
            return Err(format!("label `{text}` is set by the kubelet itself, for each node\ntake it out"));
        }
        "beta.kubernetes.io/instance-type"
        | "failure-domain.beta.kubernetes.io/region"
        | "failure-domain.beta.kubernetes.io/zone" => {
            let family = if text.ends_with("instance-type") { "node" } else { "topology" };
            let name = text.rsplit('/').next().unwrap_or(text);
            return Err(format!("label `{text}` is an old name\nwrite `{family}.kubernetes.io/{name}`"));
        }
        _ => {}
    }
    if reserved && !OPEN.contains(&text) && !FAMILIES.iter().any(|family| text.starts_with(family)) {
        return Err(format!(
            "label `{text}` is reserved: K3s does not start with it\ntake a name of your own, such as `example.org/role`; \
             roles are set with `kubectl label node`"
        ));
    }
    Ok(())
}

/// A label's value; it may be empty.
pub(crate) fn label_value(text: &str) -> Verdict {
    if text.is_empty() || is_name_part(text) {
        return Ok(());
    }
    refuse(text, "a label's value", "use at most 63 letters, digits, `-`, `_` and `.`; booleans are text: `\"true\"`")
}

/// A component that K3s packages and can leave out (`--disable`).
pub(super) fn component(text: &str) -> Verdict {
    if ["coredns", "local-storage", "metrics-server", "runtimes", "servicelb", "traefik"].contains(&text) {
        return Ok(());
    }
    let hint = "K3s packages coredns, local-storage, metrics-server, runtimes, servicelb and traefik";
    refuse(text, "a component of K3s", hint)
}

/// An option of the kubelet.
pub(super) fn kubelet_arg(text: &str) -> Verdict {
    let good = text.split_once('=').is_some_and(|(name, value)| {
        let named = only(name, |char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-');
        named && !name.starts_with('-') && line(value).is_ok()
    });
    if good {
        return Ok(());
    }
    refuse(text, "an option of the kubelet", "write `name=value` without dashes in front, such as `max-pods=50`")
}

/// A glob of names of files that lie side by side.
pub(super) fn manifest_glob(text: &str) -> Verdict {
    if text.is_empty() || text.contains('/') {
        return refuse(text, "a glob of manifests", "write file names of `manifests/` without it: `argocd-*.yaml`");
    }
    glob_of(text).map(|_| ()).map_err(|error| format!("`{text}` is not a glob: {}", error.kind()))
}

/// Something that a manifest needs and something in the cluster makes.
pub(super) fn expected(text: &str) -> Verdict {
    let parts: Vec<&str> = text.split('/').collect();
    let name = |name: &str| name.len() <= 253 && name.split('.').all(|label| host_name(label).is_ok());
    if matches!(parts[..], [space, "secret" | "configmap", it] if host_name(space).is_ok() && name(it)) {
        return Ok(());
    }
    let hint = "write namespace, kind and name: `metallb-system/secret/memberlist`, `argocd/configmap/settings`";
    refuse(text, "a Secret or ConfigMap", hint)
}

/// Kubernetes' qualified names: `name` or `dns.prefix/name`.
pub(crate) fn is_qualified_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => {
            let label = |label: &str| host_name(label).is_ok();
            prefix.len() <= 253 && prefix.split('.').all(label) && is_name_part(name)
        }
        None => is_name_part(text),
    }
}

/// The part of a name after its prefix; values of labels and taints have the same form.
fn is_name_part(text: &str) -> bool {
    let ends = |char: Option<char>| char.is_some_and(|char| char.is_ascii_alphanumeric());
    let inside = only(text, |char| char.is_ascii_alphanumeric() || "-_.".contains(char));
    inside && text.len() <= 63 && ends(text.chars().next()) && ends(text.chars().last())
}
