//! mkdir(1), of POSIX and coreutils.

use super::mode::Mode;
use super::options::{Spec, Takes, parse, quoted};
use crate::shell::{Answer, Call, FileError, Files};

const OPTIONS: &[Spec] = &[
    ("parents", "p", Takes::Nothing),
    ("mode", "m", Takes::Value),
    ("verbose", "v", Takes::Nothing),
    // Contexts of SELinux, which no kernel has that runs an installation in a chroot.
    ("Z", "Z", Takes::Nothing),
];

/// mkdir(1)
pub(super) fn mkdir(call: &mut Call<'_>) -> Answer {
    let parsed = parse("mkdir", OPTIONS, call.args)?;
    let mode = match parsed.value("mode").map(Mode::parse) {
        Some(None) => {
            call.complain("mkdir: invalid mode");
            return Ok(1);
        }
        mode => mode.flatten(),
    };
    if parsed.operands.is_empty() {
        call.complain("mkdir: missing operand");
        return Ok(1);
    }
    let mut status = 0;
    for path in &parsed.operands {
        let mut made = Vec::new();
        let done = make(call.files, path, mode.as_ref(), parsed.has("parents"), &mut made);
        if parsed.has("verbose") {
            for path in made {
                call.print(&format!("mkdir: created directory {}\n", quoted("mkdir", &path)?));
            }
        }
        if let Err(error) = done {
            status |= call.failed("mkdir", path, error)?;
        }
    }
    Ok(status)
}

fn make(
    files: &mut Files,
    path: &str,
    mode: Option<&Mode>,
    parents: bool,
    made: &mut Vec<String>,
) -> Result<(), FileError> {
    if parents {
        // Those above may be entered and written to by their owner whatever the mask says (POSIX, "mkdir", -p).
        above(files, path, 0o777, made)?;
        if files.is_dir(path)? {
            return Ok(());
        }
    }
    let Some(mode) = mode else {
        files.mkdir(path, 0o777)?;
        made.push(path.to_owned());
        return Ok(());
    };
    let asked = mode.apply(0o777, true, files.umask);
    let umask = std::mem::take(&mut files.umask);
    let done = make_as(files, path, asked, false);
    files.umask = umask;
    done?;
    made.push(path.to_owned());
    settle(files, path, asked)
}

/// Makes a directory of a mode that was asked for, where there is no mask. As mkdir(1) and install(1) do it is first closed to
/// others, if special bits or an owner are to follow; bits that nobody spoke of stay so.
pub(super) fn make_as(
    files: &mut Files,
    path: &str,
    (mode, asked): (u16, u16),
    owner_follows: bool,
) -> Result<(), FileError> {
    let closed = match asked & 0o7000 != 0 && mode & 0o022 != 0 {
        _ if owner_follows => 0o077,
        true => 0o022,
        false => 0,
    };
    files.mkdir(path, mode & !closed)
}

/// Gives the directory at `path`, new or not, the bits that were asked for; the others stay.
pub(super) fn settle(files: &mut Files, path: &str, (mode, asked): (u16, u16)) -> Result<(), FileError> {
    let now = files.stat(path, true)?.1.mode;
    if (mode ^ now) & asked != 0 { files.chmod(path, mode | now & !asked) } else { Ok(()) }
}

/// Makes the directories above `path` that are missing: `mode` less the mask, but `u+wx`.
pub(super) fn above(files: &mut Files, path: &str, mode: u16, made: &mut Vec<String>) -> Result<(), FileError> {
    let end = path.trim_end_matches('/').len();
    let mut slashes = path.match_indices('/').map(|(at, _)| at).filter(|at| (1..end).contains(at)).peekable();
    while let Some(at) = slashes.next() {
        if slashes.peek() == Some(&(at + 1)) {
            continue;
        }
        let dir = path.get(..at).unwrap_or_default().trim_end_matches('/');
        if dir.is_empty() || files.is_dir(dir)? {
            continue;
        }
        let umask = files.umask;
        files.umask &= !0o300;
        let done = files.mkdir(dir, mode);
        files.umask = umask;
        match done {
            Ok(()) => made.push(dir.to_owned()),
            Err(FileError::Exists) => return Err(FileError::NotDirectory),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
