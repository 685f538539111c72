//! An unpacked package, as later rooms use it.

use std::collections::BTreeMap;

use crate::tree::Node;

/// A binary package, read from its `.deb`.
#[derive(Debug, Clone)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// `amd64`, `arm64` or `all`.
    pub arch: String,
    /// All fields of its control file, in file order, values with continuation lines as written.
    pub fields: Vec<(String, String)>,
    /// The other members of `control.tar`: `preinst`, `postinst`, `prerm`, `postrm`, `config`, `triggers`,
    /// `conffiles`, `md5sums`, `shlibs`, `symbols`, `templates`, …
    pub control: BTreeMap<String, Vec<u8>>,
    /// The members of `data.tar`, in archive order, with clean paths. The origin of each node is the package's name.
    pub members: Vec<Member>,
}

/// One member of a package's `data.tar`.
#[derive(Debug, Clone)]
pub struct Member {
    /// Clean relative path.
    pub path: String,
    pub node: Node,
}

impl Package {
    /// A field of the control file by name (case-insensitive, as Debian policy 5.1 says).
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A member of `control.tar` as text, if it is there and UTF-8.
    #[must_use]
    pub fn control_text(&self, member: &str) -> Option<&str> {
        self.control.get(member).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// Its conffiles as clean paths (lines marked `remove-on-upgrade` are left out).
    pub fn conffiles(&self) -> impl Iterator<Item = &str> {
        self.control_text("conffiles").unwrap_or_default().lines().filter_map(|line| line.trim_end().strip_prefix('/'))
    }
}
