//! The kinds of values in a profile. Each checks itself while it is read, so that the TOML reader can point at
//! the very value that is wrong, and describes itself in the JSON Schema.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// What accepts the values below, as [`text!`] looks for it.
mod checks {
    pub(super) use crate::profile::checks::*;
    pub(super) use crate::profile::cmdline::kernel_option;
    pub(super) use crate::profile::config_txt::line::config_line;
    pub(super) use crate::profile::container_image::image;
    pub(super) use crate::profile::kernel_module::checks::*;
    pub(super) use crate::profile::source_checks::*;
}

/// Declares text that a function of the module `checks` in scope has accepted.
macro_rules! text {
    ($($name:ident: $check:ident, $describe:literal;)+) => {$(
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
        #[serde(try_from = "String")]
        pub(crate) struct $name(pub(crate) String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                checks::$check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $describe })
            }
        }
    )+};
}

pub(crate) use text;

text! {
    Identifier: identifier, "A name of lower-case letters, digits and `-`.";
    HostName: machine_name, "A host name of one label (RFC 1123).";
    Package: package, "A Debian package's name.";
    PackagePattern: package_pattern, "A Debian package's name, with `*` and `?`.";
    ImagePath: path, "An absolute path in the image.";
    WorkspacePath: workspace_path, "A path relative to the root of the workspace.";
    Glob: glob, "An absolute path with `*`, `?`, `[…]`, `{…}` (within one directory) or `**` (across directories).";
    ConfigLine: config_line, "A line of config.txt, at most 98 characters: property=value, a filter such as [cm4], or a comment.";
    Module: module, "A kernel module's name, without `.ko`.";
    KernelVersion: kernel_version, "A kernel's version in numbers and dots, such as 6.12.117.";
    VersionStart: version_start, "The numbers that versions begin with, such as 580 or 580.142.";
    KernelConditions: kernel_conditions, "Conditions on a kernel's version that all hold, such as \">=6.12.107 <6.13\".";
    SourceGlob: source_glob, "A glob of paths in a package, such as usr/src/nvidia-*.";
    MakeArgument: make_argument, "An argument of make; {kernel} and {source} stand for the kernel's release and the source's directory.";
    ModulePath: module_path, "A module's path below its source's directory, such as kernel-open/nvidia.ko.";
    PatchName: patch_name, "A file's path below the overlay's patches/.";
    KernelOption: kernel_option, "One option of the kernel command line.";
    SysctlName: sysctl, "A kernel setting's name, quoted, such as \"vm.swappiness\".";
    Account: account, "The name of an account or group of the image.";
    Login: login, "A login name.";
    SshKey: ssh_key, "A public key: one line of a `.pub` file.";
    Address: address, "An IPv4 or IPv6 address.";
    AddressWithPrefix: address_with_prefix, "An address with its prefix length, such as 192.168.1.10/24.";
    Mac: mac, "A MAC address, such as dc:a6:32:01:02:03.";
    Word: word, "Text without spaces.";
    TimeZone: time_zone, "A name of the time zone database, such as Europe/Berlin.";
    Locale: locale, "A locale, such as C.UTF-8.";
    Server: server, "A server's name or address.";
    Unit: unit, "A unit's full name, such as nftables.service.";
    Url: url, "A base URL, https or http.";
    MirrorPlace: mirror, "A base URL, https or http, or a directory of this machine: its absolute path, or file:///path.";
    FileUrl: file_url, "The URL of a file, https or http.";
    ArchiveMember: archive_member, "A file's path in an archive, such as tool-1.2/bin/tool.";
    Sha256: sha256, "A SHA-256 digest, 64 hexadecimal digits.";
    Archive: archive, "`debian`, `debian-security`, or the URL of the directory above `dists/`: https, http, or file for one of this machine.";
    KeyPlace: key_place, "A path relative to the root of the workspace, or the URL of a file: https, http, or file for one of this machine.";
    Fingerprint: fingerprint, "The fingerprint of a certificate's primary key, 40 hexadecimal digits.";
    Suite: suite, "A suite, such as trixie; with `/` at its end, the directory of a flat repository below the archive's URL (`/` is that URL itself).";
    ArchiveComponent: archive_component, "A component of a suite, such as main.";
    Line: line, "One line of text.";
    K3sVersion: k3s_version, "A release of K3s by its tag, such as v1.36.5+k3s1.";
    Image: image, "A container image with its digest, such as docker.io/library/busybox:1.37.0@sha256:….";
    Taint: taint, "A taint, key=value:Effect; the effect is NoSchedule, PreferNoSchedule or NoExecute.";
    Led: led, "An LED's name below /sys/class/leds, such as ACT.";
    LabelName: label_name, "A label's name, quoted, such as \"node.longhorn.io/create-default-disk\".";
    LabelValue: label_value, "A label's value.";
    Component: component, "A component packaged with K3s.";
    ManifestGlob: manifest_glob, "A glob of file names of manifests, such as \"argocd-*.yaml\".";
    Expected: expected, "A Secret or ConfigMap, namespace/secret/name or namespace/configmap/name.";
    KubeletArg: kubelet_arg, "An option of the kubelet, name=value, without the leading `--`.";
}

/// A value with the place it was read from.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct Spanned<T>(pub(super) toml::Spanned<T>);

/// Keys of a table, whose places are no part of them.
impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.get_ref() == other.0.get_ref()
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T: PartialOrd> PartialOrd for Spanned<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.0.get_ref().partial_cmp(other.0.get_ref())
    }
}

impl<T: Ord> Ord for Spanned<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.get_ref().cmp(other.0.get_ref())
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// An entry of a list that a profile inherits: adds to it, or with a leading `-` takes away from it.
#[derive(Debug, Clone)]
pub(super) enum Edit<T> {
    Add(T),
    Remove(T),
}

impl<'de, T: TryFrom<String, Error = String>> Deserialize<'de> for Edit<T> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        let checked = |text: &str| T::try_from(text.to_owned()).map_err(D::Error::custom);
        match text.strip_prefix('-') {
            Some(rest) => checked(rest).map(Self::Remove),
            None => checked(&text).map(Self::Add),
        }
    }
}

impl<T> From<T> for Edit<T> {
    fn from(value: T) -> Self {
        Self::Add(value)
    }
}

impl<T: JsonSchema> JsonSchema for Edit<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// The `schema` key: the version of the file format.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Version;

impl TryFrom<i64> for Version {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        if number == 1 {
            return Ok(Self);
        }
        Err(format!("format version {number} is not known\nthis program reads `schema = 1`"))
    }
}

impl JsonSchema for Version {
    fn schema_name() -> Cow<'static, str> {
        "Version".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": 1, "description": "Version of the file format." })
    }
}

/// Permission bits in octal.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Mode(pub(crate) u16);

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let octal = matches!(text.len(), 3 | 4) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        match u16::from_str_radix(&text, 8) {
            Ok(mode) if octal => Ok(Self(mode)),
            _ => Err(format!("`{}` is not a file mode\nwrite octal digits such as \"0644\"", text.escape_debug())),
        }
    }
}

impl JsonSchema for Mode {
    fn schema_name() -> Cow<'static, str> {
        "Mode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-7]{3,4}$", "description": "A mode in octal, such as \"0644\"." })
    }
}

/// Bytes of the largest partition. Two root slots of that size with their verity trees leave 13 GiB of a stick of 32 GB
/// for the node's state.
const MAX_PARTITION: u64 = 8 << 30;

/// The size of a partition.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct PartitionSize(pub(super) u64);

impl TryFrom<String> for PartitionSize {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes = bytes(&text)?;
        if bytes == 0 || bytes % (1 << 20) != 0 {
            return Err(format!(
                "`{text}` is not a whole number of MiB\npartitions are aligned to 1 MiB: write `512M`"
            ));
        }
        if bytes > MAX_PARTITION {
            return Err(format!(
                "`{text}` is more than a partition may have\nwrite at most `{}G`: an image has two slots, and must fit a USB stick of 32 GB",
                MAX_PARTITION >> 30
            ));
        }
        Ok(Self(bytes))
    }
}

impl JsonSchema for PartitionSize {
    fn schema_name() -> Cow<'static, str> {
        "PartitionSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+[KMG]$", "description": "A multiple of 1 MiB, at most 8G, such as \"512M\" or \"2G\"." })
    }
}

/// The block size of a squashfs: a power of two from 4 KiB to 1 MiB (squashfs 4.0).
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct BlockSize(pub(super) u32);

impl TryFrom<String> for BlockSize {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match u32::try_from(bytes(&text)?) {
            Ok(bytes) if bytes.is_power_of_two() && (4 << 10..=1 << 20).contains(&bytes) => Ok(Self(bytes)),
            _ => Err(format!("`{text}` is not a block size\nwrite a power of two from `4K` to `1M`")),
        }
    }
}

impl JsonSchema for BlockSize {
    fn schema_name() -> Cow<'static, str> {
        "BlockSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["4K", "8K", "16K", "32K", "64K", "128K", "256K", "512K", "1M"] })
    }
}

/// A number of bytes: digits and `K`, `M` or `G`, powers of 1024.
fn bytes(text: &str) -> Result<u64, String> {
    let shift = match text.bytes().last() {
        Some(b'K') => 10,
        Some(b'M') => 20,
        Some(b'G') => 30,
        _ => 0,
    };
    let digits = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
    let whole = digits.bytes().all(|byte| byte.is_ascii_digit()) && shift > 0;
    let number = digits.parse::<u64>().ok().filter(|_| whole).and_then(|number| number.checked_mul(1 << shift));
    number.ok_or_else(|| format!("`{}` is not a size\nwrite digits and `K`, `M` or `G`: `512M`", text.escape_debug()))
}

/// A zstd compression level.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
pub(super) struct Level(pub(super) i32);

impl TryFrom<i64> for Level {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        match i32::try_from(number) {
            Ok(level @ 1..=22) => Ok(Self(level)),
            _ => Err(format!("{number} is not a compression level\nzstd has levels 1 (fast) to 22 (small)")),
        }
    }
}

impl JsonSchema for Level {
    fn schema_name() -> Cow<'static, str> {
        "Level".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 22 })
    }
}

/// The number of a port.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
pub(super) struct PortNumber(pub(super) u16);

impl TryFrom<i64> for PortNumber {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        match u16::try_from(number) {
            Ok(port @ 1..) => Ok(Self(port)),
            _ => Err(format!("{number} is not a port\nwrite a number from 1 to 65535")),
        }
    }
}

impl JsonSchema for PortNumber {
    fn schema_name() -> Cow<'static, str> {
        "PortNumber".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 65535 })
    }
}

/// The priority of a source of packages.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
pub(super) struct Priority(pub(super) u16);

impl TryFrom<i64> for Priority {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        match u16::try_from(number) {
            Ok(priority @ 1..=1000) => Ok(Self(priority)),
            _ => {
                Err(format!("{number} is not a priority\nwrite a number from 1 to 1000; sources without one have 500"))
            }
        }
    }
}

impl JsonSchema for Priority {
    fn schema_name() -> Cow<'static, str> {
        "Priority".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 1000 })
    }
}

/// A kernel setting's value: text or a whole number.
#[derive(Debug, Clone)]
pub(super) struct SysctlValue(pub(super) String);

impl<'de> Deserialize<'de> for SysctlValue {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = String;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("a string or a whole number")
            }

            fn visit_i64<E>(self, number: i64) -> Result<String, E> {
                Ok(number.to_string())
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
                checks::line(text).map(|()| text.to_owned()).map_err(E::custom)
            }
        }

        reader.deserialize_any(Visitor).map(Self)
    }
}

impl JsonSchema for SysctlValue {
    fn schema_name() -> Cow<'static, str> {
        "SysctlValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "description": "Text or a whole number." })
    }
}
