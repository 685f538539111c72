//! sed: POSIX.1-2024 XCU sed; the manual of GNU sed 4.9.
//!
//! ```text
//! script ─▶ cursor, parse, replacement (script) ─▶ execute, list ─▶ output, files
//! files ──▶ lines ─────────────────────────────────┘
//! ```

mod cursor;
mod execute;
mod lines;
mod list;
mod parse;
mod replacement;
mod script;

use cursor::unsupported;
use execute::{Done, Machine, ranges};
use lines::{Input, Lines, Output};

use super::input;
use super::options::{Parsed, Spec};
use crate::shell::call::{Answer, Call};
use crate::shell::files::{FileError, Files};
use crate::shell::reason::Reason;
use crate::shell::regex::Dialect;
use crate::tree::{Content, Kind, Node};

const SPEC: Spec = Spec {
    utility: "sed",
    short: "bnrsuzEe:f:i::l:",
    long: &[
        ("expression", 'e'),
        ("file", 'f'),
        ("in-place", 'i'),
        ("line-length", 'l'),
        ("null-data", 'z'),
        ("quiet", 'n'),
        ("regexp-extended", 'E'),
        ("separate", 's'),
        ("silent", 'n'),
        ("unbuffered", 'u'),
        ("zero-terminated", 'z'),
    ],
};

/// sed(1)
pub(super) fn sed(call: &mut Call<'_>) -> Answer {
    let mut parsed = SPEC.parse(call.args)?;
    let script = script(call, &mut parsed)?;
    let dialect = if parsed.has('E') || parsed.has('r') { Dialect::Extended } else { Dialect::Basic };
    let commands = parse::parse(&script, dialect)?;
    let in_place = parsed.has('i');
    let end = if parsed.has('z') { 0 } else { b'\n' };
    let width = match parsed.value('l') {
        // 1 stands for no wrapping, other than for the command.
        Some("1") => 0,
        Some(width) => input::number("sed", width)?,
        None => 70,
    };
    if in_place && parsed.operands.is_empty() {
        return Err(unsupported("-i without a file"));
    }

    let mut status = 0;
    let mut files = Vec::new();
    for name in input::or_stdin(std::mem::take(&mut parsed.operands)) {
        if in_place && input::is_stdin(&name) {
            return Err(unsupported("-i of standard input"));
        }
        match input::bytes(call, &name) {
            Ok(text) => files.push(Input { name, text }),
            Err(FileError::Reason(reason)) => return Err(reason),
            Err(FileError::Missing | FileError::NotDirectory | FileError::Loop) => {
                call.complain(&format!("sed: can't read {name}: No such file or directory"));
                status = 2;
            }
            // A directory stops it, some of what came before being written already or not.
            Err(_) => return Err(unsupported(format!("`{name}`, which is no regular file"))),
        }
    }
    if files.is_empty() {
        return Ok(status);
    }
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();

    let tree: &Files = call.files;
    let read = |file: &str| match tree.read(file) {
        _ if file != "-" && input::is_stdin(file) => Err(unsupported("`r` of standard input")),
        Ok(text) => Ok(text.into_owned()),
        Err(FileError::Reason(reason)) => Err(reason),
        Err(_) => Ok(Vec::new()),
    };
    let machine = Machine {
        commands: &commands,
        lines: Lines::new(files, end, in_place || parsed.has('s')),
        quiet: parsed.has('n') || script.starts_with(b"#n\n"),
        end,
        width,
        in_place,
        read: &read,
        ranges: ranges(&commands),
        state: execute::State::default(),
    };
    let done = machine.run()?;
    finish(call, &names, in_place.then(|| parsed.value('i').unwrap_or_default()), done)
        .map(|own| if own == 0 { status } else { own })
}

/// The script of `-e` and `-f`, or the first operand.
fn script(call: &mut Call<'_>, parsed: &mut Parsed) -> Result<Vec<u8>, Reason> {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for (letter, value) in &parsed.options {
        let value = value.as_deref().unwrap_or_default();
        match letter {
            'e' => parts.push(value.as_bytes().to_vec()),
            'f' => {
                let text = input::bytes(call, value);
                let mut text = text.map_err(|_| unsupported(format!("the script `{value}`, which cannot be read")))?;
                if text.ends_with(b"\n") {
                    text.pop();
                }
                parts.push(text);
            }
            _ => {}
        }
    }
    if parts.is_empty() {
        if parsed.operands.is_empty() {
            return Err(unsupported("no script"));
        }
        parts.push(parsed.operands.remove(0).into_bytes());
    }
    Ok(parts.join(&b'\n'))
}

/// Writes what came out to where it belongs. `in_place` has the suffix of `-i`.
fn finish(call: &mut Call<'_>, names: &[String], in_place: Option<&str>, done: Done) -> Answer {
    let Done { status, outputs, begun, quit, written } = done;
    let mut outputs = outputs.into_iter();
    if let Some(suffix) = in_place {
        // A file without a line is written too; one that `q` kept from being read is not.
        let finished = if quit { begun } else { names.len() };
        for name in names.iter().take(finished) {
            let Output { text, .. } = outputs.next().unwrap_or_default();
            if let Err(error) = replace(call.files, name, suffix, text) {
                return call.failed("sed", name, error).map(|_| 4);
            }
        }
    } else {
        for output in outputs {
            call.out.extend_from_slice(&output.text);
        }
    }
    for (name, output) in written {
        match name.as_str() {
            "/dev/stdout" => return Err(unsupported("`w /dev/stdout`")),
            "/dev/stderr" => call.err.extend_from_slice(&output.text),
            name => {
                if let Err(error) = call.files.write(name, &output.text) {
                    return call.failed("sed", name, error).map(|_| 4);
                }
            }
        }
    }
    Ok(status)
}

/// Puts a new file with `text` in place of `name`, whose owner and mode it has; a link gives way to it. `suffix` keeps the old one: `*`
/// in it stands for the name (GNU sed manual, 2.2, `-i`).
fn replace(files: &mut Files, name: &str, suffix: &str, text: Vec<u8>) -> Result<(), FileError> {
    let (_, node) = files.stat(name, true)?;
    let node = Node { kind: Kind::File(Content::from(text)), ..node.clone() };
    match suffix {
        // Another name of the same file keeps the old text.
        "" if has_other_names(files, name)? => files.unlink(name)?,
        "" => {}
        suffix => {
            let (dir, base) = name.rsplit_once('/').map_or(("", name), |(dir, base)| (dir, base));
            let backup = if suffix.contains('*') { suffix.replace('*', base) } else { format!("{base}{suffix}") };
            let beside = name.contains('/') && !backup.contains('/');
            let backup = if beside { format!("{dir}/{backup}") } else { backup };
            files.rename(name, &backup)?;
        }
    }
    files.place(name, node)
}

fn has_other_names(files: &Files, name: &str) -> Result<bool, FileError> {
    let real = files.locate(name, false)?;
    Ok(files.tree().iter().any(|(_, node)| matches!(&node.kind, Kind::HardLink(target) if *target == real)))
}
