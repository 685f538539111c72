//! Preset files: which units a vendor wants enabled (systemd.preset(5)).

use globset::Glob;

use crate::tree::{Kind, Tree};

/// Directories of preset files below `DIR/system-preset` or `DIR/user-preset`, in order of precedence.
const DIRS: [&str; 3] = ["etc/systemd", "usr/local/lib/systemd", "usr/lib/systemd"];

/// The rules that hold in a tree, in the order in which they are tried.
#[derive(Debug, Default)]
pub struct Presets {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    glob: globset::GlobMatcher,
    verdict: Preset,
}

/// What presets say of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    Enable,
    Disable,
    Ignore,
}

impl Presets {
    /// Reads the files of `kind` (`system-preset`, `user-preset`): sorted by name over all directories; of two with
    /// one name, only the one in the earlier directory counts.
    #[must_use]
    pub fn read(tree: &Tree, kind: &str) -> Self {
        let mut files: Vec<(String, String)> = Vec::new();
        for dir in DIRS {
            let dir = format!("{dir}/{kind}");
            for (path, node) in tree.below(&dir) {
                let name = &path[dir.len() + 1..];
                if !name.contains('/')
                    && name.ends_with(".preset")
                    && matches!(node.kind, Kind::File(_) | Kind::Symlink(_) | Kind::HardLink(_))
                    && files.iter().all(|(known, _)| known != name)
                    && let Some(Ok(text)) = tree.file(path).map(crate::tree::Content::text)
                {
                    files.push((name.to_owned(), text));
                }
            }
        }
        files.sort();
        Self { rules: files.iter().flat_map(|(_, text)| parse(text)).collect() }
    }

    /// The first rule that matches; units that no rule names are enabled.
    #[must_use]
    pub fn query(&self, unit: &str) -> Preset {
        self.rules.iter().find(|rule| rule.glob.is_match(unit)).map_or(Preset::Enable, |rule| rule.verdict)
    }
}

/// Lines that systemd would warn of and ignore are ignored.
fn parse(text: &str) -> impl Iterator<Item = Rule> {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let verdict = match words.next()? {
            "enable" => Preset::Enable,
            "disable" => Preset::Disable,
            "ignore" => Preset::Ignore,
            _ => return None,
        };
        let glob = Glob::new(words.next()?).ok()?.compile_matcher();
        Some(Rule { glob, verdict })
    })
}
