//! stat(1) of coreutils with a format.

use super::options::{Spec, Takes, parse, quoted};
use super::owner::{group_name, user_name};
use crate::shell::{Answer, Call, Files, Reason};
use crate::tree::{Kind, Node};

const OPTIONS: &[Spec] =
    &[("format", "c", Takes::Value), ("printf", "", Takes::Value), ("dereference", "L", Takes::Nothing)];

/// stat(1) with `-c` or `--printf`
pub(super) fn stat(call: &mut Call<'_>) -> Answer {
    let parsed = parse("stat", OPTIONS, call.args)?;
    let (format, end) = match (parsed.value("format"), parsed.value("printf")) {
        (Some(format), None) => (format.to_owned(), "\n"),
        (None, Some(format)) if !format.replace("\\n", "").contains('\\') => (format.replace("\\n", "\n"), ""),
        _ => return Err(Reason::unsupported("stat", "another form than -c")),
    };
    if parsed.operands.is_empty() {
        call.complain("stat: missing operand");
        return Ok(1);
    }
    let mut status = 0;
    for path in &parsed.operands {
        let text = match call.files.stat(path, parsed.has("dereference")) {
            Ok((inode, node)) => filled(call.files, &format, path, (&inode, node))?,
            Err(error) => {
                status |= call.failed("stat", path, error)?;
                continue;
            }
        };
        call.print(&format!("{text}{end}"));
    }
    Ok(status)
}

fn filled(files: &Files, format: &str, path: &str, (inode, node): (&str, &Node)) -> Result<String, Reason> {
    let mut text = String::new();
    let mut rest = format.chars().peekable();
    while let Some(char) = rest.next() {
        if char != '%' {
            text.push(char);
            continue;
        }
        // A width, with zeros before the number.
        let zeros = rest.next_if_eq(&'0').is_some();
        let width = rest.next_if(char::is_ascii_digit).and_then(|digit| digit.to_digit(10));
        let value = match (rest.next(), zeros, width) {
            (Some('%'), false, None) => "%".to_owned(),
            (Some(letter), false, None) => field(files, letter, path, (inode, node))?,
            (Some(letter @ ('a' | 'u' | 'g' | 's')), true, Some(width)) => {
                let value = field(files, letter, path, (inode, node))?;
                format!("{value:0>width$}", width = usize::try_from(width).unwrap_or_default())
            }
            _ => return Err(Reason::unsupported("stat", format!("format {format}"))),
        };
        text.push_str(&value);
    }
    Ok(text)
}

fn field(files: &Files, letter: char, path: &str, (inode, node): (&str, &Node)) -> Result<String, Reason> {
    Ok(match letter {
        'a' => format!("{:o}", node.mode),
        'A' => permissions(node),
        'f' => format!("{:x}", format_bits(&node.kind) | u32::from(node.mode)),
        'F' => described(node)?.to_owned(),
        'g' => node.gid.to_string(),
        'G' => group_name(files, node.gid)?.unwrap_or_else(|| "UNKNOWN".to_owned()),
        'u' => node.uid.to_string(),
        'U' => user_name(files, node.uid)?.unwrap_or_else(|| "UNKNOWN".to_owned()),
        'n' => path.to_owned(),
        'N' => match &node.kind {
            Kind::Symlink(target) => format!("{} -> {}", quoted("stat", path)?, quoted("stat", target)?),
            _ => quoted("stat", path)?,
        },
        's' => match &node.kind {
            Kind::File(content) => content.len().to_string(),
            Kind::Symlink(target) => target.len().to_string(),
            Kind::Dir => return Err(Reason::differs("stat", "the size of a directory")),
            _ => "0".to_owned(),
        },
        'h' if node.is_dir() => return Err(Reason::differs("stat", "the links of a directory")),
        'h' => files.names(inode).to_string(),
        't' | 'T' => {
            let (major, minor) = match node.kind {
                Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => (major, minor),
                _ => (0, 0),
            };
            format!("{:x}", if letter == 't' { major } else { minor })
        }
        'd' | 'D' | 'i' | 'm' => return Err(Reason::differs("stat", "the numbers of inodes and devices")),
        'w' | 'W' | 'x' | 'X' | 'y' | 'Y' | 'z' | 'Z' => return Err(Reason::differs("stat", "the clock")),
        other => return Err(Reason::unsupported("stat", format!("format %{other}"))),
    })
}

/// The bits of a mode that say what kind of file it is (inode(7)).
fn format_bits(kind: &Kind) -> u32 {
    match kind {
        Kind::Fifo => 0o010000,
        Kind::CharDevice { .. } => 0o020000,
        Kind::Dir => 0o040000,
        Kind::BlockDevice { .. } => 0o060000,
        Kind::File(_) | Kind::HardLink(_) => 0o100000,
        Kind::Symlink(_) => 0o120000,
    }
}

fn described(node: &Node) -> Result<&'static str, Reason> {
    Ok(match &node.kind {
        Kind::Dir => "directory",
        Kind::File(content) if content.is_empty() => "regular empty file",
        Kind::File(_) => "regular file",
        Kind::Symlink(_) => "symbolic link",
        Kind::CharDevice { .. } => "character special file",
        Kind::BlockDevice { .. } => "block special file",
        Kind::Fifo => "fifo",
        Kind::HardLink(_) => return Err(Reason::unsupported("stat", "this kind of file")),
    })
}

/// A mode in letters, as ls(1) prints it.
pub(super) fn permissions(node: &Node) -> String {
    let kind = match node.kind {
        Kind::Dir => 'd',
        Kind::Symlink(_) => 'l',
        Kind::CharDevice { .. } => 'c',
        Kind::BlockDevice { .. } => 'b',
        Kind::Fifo => 'p',
        Kind::File(_) | Kind::HardLink(_) => '-',
    };
    let mut text = String::from(kind);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = node.mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (node.mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}
