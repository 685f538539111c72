//! The contents of the index files, text and binary.

use std::fmt::Write as _;

use super::depend::{DependError, Graph};
use super::index::Index;
use super::module_name;

/// The lines of `modules.dep`, in index order: each module's path and the paths of all it needs.
///
/// # Errors
/// Too many dependencies.
pub(super) fn dependency_lines(graph: &Graph) -> Result<Vec<String>, DependError> {
    let line = |(number, needs): (usize, Vec<usize>)| {
        let mut line = format!("{}:", graph.modules[number].path);
        for dependency in needs {
            line.push(' ');
            line.push_str(&graph.modules[dependency].path);
        }
        line
    };
    Ok(graph.closures()?.into_iter().enumerate().map(line).collect())
}

/// `modules.dep`.
pub(super) fn dependencies(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line, "\n"]).collect::<String>().into_bytes()
}

pub(super) fn dependencies_index(graph: &Graph, lines: &[String]) -> Vec<u8> {
    let mut index = Index::default();
    for (number, (name, line)) in graph.names.iter().zip(lines).enumerate() {
        index.insert(name, line, number);
    }
    index.write()
}

/// `modules.alias`: patterns of device names and what drives them.
pub(super) fn aliases(graph: &Graph) -> Vec<u8> {
    records(graph, "# Aliases extracted from modules themselves.\n", "alias", |name, value| {
        format!("alias {value} {name}\n")
    })
}

pub(super) fn aliases_index(graph: &Graph) -> Vec<u8> {
    let mut index = Index::default();
    for (number, module) in graph.modules.iter().enumerate() {
        for alias in module.values("alias").filter_map(normalize_alias) {
            index.insert(&alias, &graph.names[number], number);
        }
    }
    index.write()
}

/// `modules.softdep`.
pub(super) fn soft_dependencies(graph: &Graph) -> Vec<u8> {
    records(graph, "# Soft dependencies extracted from modules themselves.\n", "softdep", |name, value| {
        format!("softdep {name} {value}\n")
    })
}

/// `modules.weakdep`.
pub(super) fn weak_dependencies(graph: &Graph) -> Vec<u8> {
    records(graph, "# Weak dependencies extracted from modules themselves.\n", "weakdep", |name, value| {
        format!("weakdep {name} {value}\n")
    })
}

fn records(graph: &Graph, head: &str, key: &str, line: impl Fn(&str, &str) -> String) -> Vec<u8> {
    let mut out = head.to_owned();
    for (number, module) in graph.modules.iter().enumerate() {
        for value in module.values(key) {
            out.push_str(&line(&graph.names[number], value));
        }
    }
    out.into_bytes()
}

/// `modules.symbols`, for `symbol_request()`; sorted, where kmod has the order of a hash table.
pub(super) fn symbols(graph: &Graph) -> Vec<u8> {
    let mut out = String::from("# Aliases for symbols, used by symbol_request().\n");
    for (symbol, owner) in &graph.owners {
        let _ = writeln!(out, "alias symbol:{symbol} {}", graph.names[*owner]);
    }
    out.into_bytes()
}

pub(super) fn symbols_index(graph: &Graph) -> Vec<u8> {
    let mut index = Index::default();
    for (symbol, owner) in &graph.owners {
        index.insert(&format!("symbol:{symbol}"), &graph.names[*owner], *owner);
    }
    index.write()
}

/// `modules.builtin.bin`, from the kernel's list of what is compiled in.
pub(super) fn builtin_index(builtin: &str) -> Vec<u8> {
    let mut index = Index::default();
    for line in builtin.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_alphabetic())) {
        index.insert(&module_name(line), "", 0);
    }
    index.write()
}

/// `modules.builtin.alias.bin`, from `name.alias=value` records.
pub(super) fn builtin_aliases_index(modinfo: &[u8]) -> Vec<u8> {
    let mut index = Index::default();
    for record in modinfo.split(|byte| *byte == 0).filter_map(|record| std::str::from_utf8(record).ok()) {
        let Some((name, rest)) = record.split_once('.') else { continue };
        let Some(alias) = rest.strip_prefix("alias=").and_then(normalize_alias) else { continue };
        index.insert(&alias, name, 0);
    }
    index.write()
}

/// `modules.devname`: device nodes whose opening loads a module.
pub(super) fn device_names(graph: &Graph) -> Vec<u8> {
    let mut out = String::new();
    for (number, module) in graph.modules.iter().enumerate() {
        let mut name = None;
        let mut device = None;
        for alias in module.values("alias") {
            if let Some(value) = alias.strip_prefix("devname:") {
                name = Some(value);
            } else if let Some(numbers) = alias.strip_prefix("char-major-").and_then(major_minor) {
                device = Some(('c', numbers));
            } else if let Some(numbers) = alias.strip_prefix("block-major-").and_then(major_minor) {
                device = Some(('b', numbers));
            }
            if name.is_some() && device.is_some() {
                break;
            }
        }
        if let (Some(name), Some((kind, (major, minor)))) = (name, device) {
            if out.is_empty() {
                out.push_str("# Device nodes to trigger on-demand module loading.\n");
            }
            let _ = writeln!(out, "{} {name} {kind}{major}:{minor}", graph.names[number]);
        }
    }
    out.into_bytes()
}

fn major_minor(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('-')?;
    let digits = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
    Some((major.parse().ok()?, minor[..digits].parse().ok()?))
}

/// An alias as it is looked up: `-` as `_` outside brackets. `None` if a bracket has no partner.
fn normalize_alias(alias: &str) -> Option<String> {
    let mut out = String::with_capacity(alias.len());
    let mut bracket = false;
    for c in alias.chars() {
        match c {
            '[' => bracket = true,
            ']' if !bracket => return None,
            ']' => bracket = false,
            _ => {}
        }
        out.push(if c == '-' && !bracket { '_' } else { c });
    }
    (!bracket).then_some(out)
}
