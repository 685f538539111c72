//! A maintainer script taken apart: sections that debhelper generated, and what a person wrote around them.

use crate::debian::Package;
use crate::profile::Arch;
use crate::tree::Digest;

/// Debhelper puts these lines around what it generates (`autoscript` in its `Dh_Lib.pm`).
const BEGIN: &str = "# Automatically added by ";
const END: &str = "# End automatically added section";

/// Lines that do nothing by themselves: a script of only these has no effect. Loading debconf's module only
/// connects the script with debconf.
const IDLE: [&str; 6] = ["set -e", "set -u", "set -eu", "exit 0", ":", ". /usr/share/debconf/confmodule"];

/// One script.
#[derive(Debug)]
pub(super) struct Script<'a> {
    pub sections: Vec<Section<'a>>,
    /// Everything outside the sections, with line numbers from 1.
    pub rest: Vec<(usize, &'a str)>,
}

/// A section that debhelper generated.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// `dh_installsystemd`, without the version that newer debhelper appends.
    pub helper: &'a str,
    /// What it holds, with line numbers from 1.
    pub lines: Vec<(usize, &'a str)>,
}

impl<'a> Script<'a> {
    /// Takes `text` apart. A section without its end line counts as written by hand.
    pub fn parse(text: &'a str) -> Self {
        let mut script = Self { sections: Vec::new(), rest: Vec::new() };
        let mut lines = (1..).zip(text.lines()).peekable();
        while let Some((number, line)) = lines.next() {
            let Some(helper) = line.strip_prefix(BEGIN) else {
                script.rest.push((number, line));
                continue;
            };
            let helper = helper.trim_end().split('/').next().unwrap_or_default();
            let mut body = Vec::new();
            let mut closed = false;
            for (number, line) in lines.by_ref() {
                if line.trim_end() == END {
                    closed = true;
                    break;
                }
                body.push((number, line));
            }
            if closed {
                script.sections.push(Section { helper, lines: body });
            } else {
                script.rest.push((number, line));
                script.rest.extend(body);
            }
        }
        script
    }

    /// The script's `text` with the sections that `leave_out` says of taken out, all other lines in their places. One command that does
    /// nothing stays, where a section is all that a list has.
    pub fn without(&self, text: &str, leave_out: impl Fn(&Section<'_>) -> bool) -> String {
        let mut lines: Vec<&str> = text.lines().collect();
        for section in self.sections.iter().filter(|section| leave_out(section)) {
            for (place, (number, _)) in section.lines.iter().enumerate() {
                if let Some(line) = lines.get_mut(number - 1) {
                    *line = if place == 0 { ":" } else { "" };
                }
            }
        }
        lines.join("\n") + "\n"
    }

    /// The hand-written lines that may do something.
    pub fn busy(&self) -> impl Iterator<Item = (usize, &'a str)> {
        self.rest.iter().copied().filter(|(_, line)| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#') && !IDLE.contains(&line)
        })
    }

    /// What identifies the hand-written part: the digest of its lines, comments and all, without trailing white
    /// space and with the names that differ by architecture and kernel version replaced by place-holders.
    pub fn fingerprint(&self, package: &Package) -> Digest {
        let mut text = String::new();
        for (_, line) in &self.rest {
            text.push_str(line.trim_end());
            text.push('\n');
        }
        Digest::of(generic(package, text.trim_end()).as_bytes())
    }
}

/// The digests by which the ledger may know a script of a package: that of its hand-written part, and that of all of it.
pub(super) fn digests(package: &Package, script: &str) -> Vec<Digest> {
    match (package.control_text(script), package.control.get(script)) {
        (Some(text), _) => {
            vec![Script::parse(text).fingerprint(package), Digest::of(generic(package, text).as_bytes())]
        }
        // A program.
        (None, Some(bytes)) => vec![Digest::of(bytes)],
        (None, None) => Vec::new(),
    }
}

/// The package's name in the ledger: a kernel image's without its version, so that the review of
/// `linux-image-6.12.1+deb13-arm64` holds for the next update of the kernel too.
pub(super) fn ledger_name(package: &str) -> String {
    kernel_release(package).map_or_else(|| package.to_owned(), |release| package.replace(release, "@KERNEL@"))
}

/// `text` with multiarch triplet, architecture qualifiers and kernel release replaced by place-holders.
pub(super) fn generic(package: &Package, text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(release) = kernel_release(&package.name) {
        text = text.replace(release, "@KERNEL@");
    }
    for arch in [Arch::Amd64, Arch::Arm64] {
        if package.arch == arch.name() {
            text = text.replace(arch.triplet(), "@TRIPLET@").replace(&format!(":{}", arch.name()), ":@ARCH@");
        }
    }
    text
}

fn kernel_release(package: &str) -> Option<&str> {
    package.strip_prefix("linux-image-").filter(|release| release.starts_with(|first: char| first.is_ascii_digit()))
}
