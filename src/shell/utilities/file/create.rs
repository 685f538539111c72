//! touch(1), truncate(1), mktemp(1), mkfifo(1) and mknod(1), of POSIX and coreutils.

use super::mode::Mode;
use super::options::{Parsed, Spec, Takes, join, parse};
use crate::shell::{Answer, Call, FileError, Reason};
use crate::tree::{Content, Kind};

const TOUCH: &[Spec] = &[
    ("a", "a", Takes::Nothing),
    ("m", "m", Takes::Nothing),
    ("no-create", "c", Takes::Nothing),
    ("no-dereference", "h", Takes::Nothing),
    ("reference", "r", Takes::Value),
    ("t", "t", Takes::Value),
    ("f", "f", Takes::Nothing),
];

/// touch(1). Times are not kept, so that it only makes what is missing. `-d` is refused: whether it is a date that it is given is
/// more than we read.
pub(super) fn touch(call: &mut Call<'_>) -> Answer {
    let parsed = parse("touch", TOUCH, call.args)?;
    if let Some(path) = parsed.value("reference")
        && let Err(error) = call.files.stat(path, true)
    {
        return call.failed("touch", path, error);
    }
    if parsed.value("t").is_some_and(|time| !is_time(time)) {
        return Err(Reason::unsupported("touch", "this time"));
    }
    if parsed.operands.is_empty() {
        call.complain("touch: missing file operand");
        return Ok(1);
    }
    let mut status = 0;
    for path in &parsed.operands {
        let keep_link = parsed.has("no-dereference");
        match call.files.stat(path, !keep_link) {
            Ok(_) => {}
            Err(FileError::Missing) if parsed.has("no-create") => {}
            Err(FileError::Missing) if !keep_link => {
                if let Err(error) = call.files.write(path, b"") {
                    status |= call.failed("touch", path, error)?;
                }
            }
            Err(error) => status |= call.failed("touch", path, error)?,
        }
    }
    Ok(status)
}

/// `[[CC]YY]MMDDhhmm[.ss]` of a day that every month has.
fn is_time(text: &str) -> bool {
    let (minutes, seconds) = text.split_once('.').unwrap_or((text, "00"));
    let all_digits = [minutes, seconds].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    if !all_digits || ![8, 10, 12].contains(&minutes.len()) || seconds.len() != 2 {
        return false;
    }
    let field = |from_end: usize| {
        let at = minutes.len() - from_end;
        minutes.get(at..at + 2).and_then(|digits| digits.parse::<u8>().ok()).unwrap_or(u8::MAX)
    };
    let day = (1..=12).contains(&field(8)) && (1..=28).contains(&field(6));
    day && field(4) < 24 && field(2) < 60 && seconds < "60"
}

const TRUNCATE: &[Spec] = &[("size", "s", Takes::Value), ("no-create", "c", Takes::Nothing)];

/// truncate(1) with a plain size
pub(super) fn truncate(call: &mut Call<'_>) -> Answer {
    let parsed = parse("truncate", TRUNCATE, call.args)?;
    let size = match parsed.value("size") {
        Some(size) if size.starts_with('+') => None,
        Some(size) => size.parse::<usize>().ok().filter(|size| *size <= 1 << 20),
        None => return Err(Reason::unsupported("truncate", "no size")),
    };
    let Some(size) = size else { return Err(Reason::unsupported("truncate", "this size")) };
    let mut status = 0;
    for path in &parsed.operands {
        let mut bytes = match call.files.read(path) {
            Ok(bytes) => bytes.into_owned(),
            Err(FileError::Missing) if parsed.has("no-create") => continue,
            Err(FileError::Missing) => Vec::new(),
            Err(error) => {
                status |= call.failed("truncate", path, error)?;
                continue;
            }
        };
        bytes.resize(size, 0);
        if let Err(error) = call.files.write(path, &bytes) {
            status |= call.failed("truncate", path, error)?;
        }
    }
    Ok(status)
}

const MKTEMP: &[Spec] = &[
    ("directory", "d", Takes::Nothing),
    ("quiet", "q", Takes::Nothing),
    ("dry-run", "u", Takes::Nothing),
    ("t", "t", Takes::Nothing),
    ("p", "p", Takes::Value),
    ("tmpdir", "", Takes::MaybeValue),
    ("suffix", "", Takes::Value),
];

/// mktemp(1). Names are not drawn by chance but counted: nothing that stays may depend on them.
pub(super) fn mktemp(call: &mut Call<'_>) -> Answer {
    let parsed = parse("mktemp", MKTEMP, call.args)?;
    let template = match parsed.operands.as_slice() {
        [] => "tmp.XXXXXXXXXX".to_owned(),
        [template] => template.clone(),
        _ => {
            call.complain("mktemp: too many templates");
            return Ok(1);
        }
    };
    let (template, suffix) = match (parsed.value("suffix"), template.rfind('X')) {
        (Some(_), Some(last)) if last + 1 < template.len() => {
            call.complain("mktemp: with --suffix, template must end in X");
            return Ok(1);
        }
        (Some(suffix), _) => (template, suffix.to_owned()),
        (None, Some(last)) => {
            let (template, suffix) = template.split_at(last + 1);
            (template.to_owned(), suffix.to_owned())
        }
        (None, None) => (template, String::new()),
    };
    let count = template.len() - template.trim_end_matches('X').len();
    if count < 3 || suffix.contains('/') {
        call.complain("mktemp: too few X's in template, or a slash after them");
        return Ok(1);
    }
    let path = match directory(call, &parsed) {
        Some(_) if template.starts_with('/') || parsed.has("t") && template.contains('/') => {
            call.complain("mktemp: invalid template");
            return Ok(1);
        }
        Some(dir) => join(&dir, &template),
        None => template,
    };
    let path = loop {
        let path = call.files.temporary_name(&path) + &suffix;
        if call.files.stat(&path, false).is_err() {
            break path;
        }
    };
    if !parsed.has("dry-run") {
        // Neither may be more open than this, whatever the mask.
        let done = if parsed.has("directory") {
            call.files.mkdir(&path, 0o700)
        } else {
            call.files.create(&path, 0o600, Content::from(Vec::new()))
        };
        if let Err(error) = done {
            return call.failed("mktemp", &path, error);
        }
    }
    call.print(&format!("{path}\n"));
    Ok(0)
}

/// The directory that a template is in, if it is not what the template says itself.
fn directory(call: &Call<'_>, parsed: &Parsed) -> Option<String> {
    let wanted = parsed.options.iter().rev().find(|(name, _)| ["p", "tmpdir"].contains(name));
    if wanted.is_none() && !parsed.has("t") && !parsed.operands.is_empty() {
        return None;
    }
    let named = wanted.and_then(|(_, dir)| dir.clone()).filter(|dir| !dir.is_empty());
    let variable = call.variables.get("TMPDIR").filter(|dir| !dir.is_empty() && call.variables.is_exported("TMPDIR"));
    let variable = variable.map(str::to_owned);
    let chosen = if parsed.has("t") { variable.or(named) } else { named.or(variable) };
    Some(chosen.unwrap_or_else(|| "/tmp".to_owned()))
}

const MODE: &[Spec] = &[("mode", "m", Takes::Value), ("Z", "Z", Takes::Nothing)];

/// The mode of `-m`, which is 0666 less the mask without it; none if it is no mode of such a file.
fn mode(call: &Call<'_>, parsed: &Parsed) -> Option<u16> {
    let umask = call.files.umask;
    let Some(text) = parsed.value("mode") else { return Some(0o666 & !umask) };
    Mode::parse(text).map(|mode| mode.apply(0o666, false, umask).0).filter(|mode| *mode < 0o1000)
}

fn node(call: &mut Call<'_>, name: &str, path: &str, kind: Kind, mode: u16) -> Answer {
    let files = &mut *call.files;
    let done = files.mknod(path, kind, 0o666).and_then(|()| files.chmod(path, mode));
    done.map_or_else(|error| call.failed(name, path, error), |()| Ok(0))
}

/// mkfifo(1)
pub(super) fn mkfifo(call: &mut Call<'_>) -> Answer {
    let parsed = parse("mkfifo", MODE, call.args)?;
    let Some(mode) = mode(call, &parsed).filter(|_| !parsed.operands.is_empty()) else {
        call.complain("mkfifo: missing operand or invalid mode");
        return Ok(1);
    };
    let mut status = 0;
    for path in &parsed.operands {
        status |= node(call, "mkfifo", path, Kind::Fifo, mode)?;
    }
    Ok(status)
}

/// mknod(1) with decimal numbers
pub(super) fn mknod(call: &mut Call<'_>) -> Answer {
    let parsed = parse("mknod", MODE, call.args)?;
    let operands: Vec<&str> = parsed.operands.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text == "0" || !text.starts_with(['0', '+']));
    let (path, kind) = match operands.as_slice() {
        [path, "p"] => (*path, Some(Kind::Fifo)),
        [path, letter @ ("b" | "c" | "u"), major, minor] => {
            let numbers = number(major).zip(number(minor));
            let kind = numbers.map(|(major, minor)| match *letter {
                "b" => Kind::BlockDevice { major, minor },
                _ => Kind::CharDevice { major, minor },
            });
            (*path, kind)
        }
        _ => return Err(Reason::unsupported("mknod", "these operands")),
    };
    let Some(kind) = kind else { return Err(Reason::unsupported("mknod", "these numbers")) };
    let Some(mode) = mode(call, &parsed) else {
        call.complain("mknod: invalid mode");
        return Ok(1);
    };
    let path = path.to_owned();
    node(call, "mknod", &path, kind, mode)
}
