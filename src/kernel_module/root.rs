//! What the sandbox sees: the files of the packages, the few links that their scripts would have made, and the source.

use super::{CompileError, Job, source, toolchain};
use crate::effects::unpack::unpack;
use crate::tree::{Node, Tree};

/// Where sources lie.
pub(super) const BUILD: &str = "build";
/// No compiler reads these. Without debug information of the kernel itself (`vmlinux` among the headers has nothing else)
/// Kbuild leaves out BTF, which would have to be that of the very kernel that runs, and made by a tool that is of no other use.
const UNUSED: [&str; 7] = [
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/info",
    "usr/share/lintian",
    "usr/lib/x86_64-linux-gnu/gconv",
    "usr/lib/x86_64-linux-gnu/perl-base",
];

/// The whole tree of the sandbox: what the job is compiled with, and its source below `build/NAME`.
///
/// # Errors
/// Packages that do not fit together, a source or a patch that is not what the recipe says.
pub(super) fn root(job: &Job<'_>) -> Result<Tree, CompileError> {
    let name = || job.name.to_owned();
    let mut tree =
        unpack(job.toolchain).map_err(|source| CompileError::Toolchain { name: name(), source: Box::new(source) })?;
    let kernel = job.kernel;
    let debug_info = format!("usr/src/linux-headers-{kernel}/vmlinux");
    tree.retain(|path, _| {
        path != debug_info && !UNUSED.iter().any(|dir| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')))
    });
    let failed = |source| CompileError::Tree { name: name(), source };
    // What `update-alternatives` and dash's script would have made.
    for (link, target) in [("usr/bin/awk", "mawk"), ("usr/bin/sh", "dash")] {
        tree.put_new(link, Node::symlink(target)).map_err(failed)?;
    }
    for (program, text) in [("date", date().to_owned()), ("uname", uname(job))] {
        tree.put(&format!("usr/local/bin/{program}"), Node::file(0o755, text)).map_err(failed)?;
    }
    // Where makefiles look for the kernel; its headers bring the links.
    let needed = [
        format!("usr/lib/modules/{kernel}/build"),
        format!("usr/lib/modules/{kernel}/source"),
        format!("usr/src/linux-headers-{kernel}/include/config/auto.conf"),
        format!("usr/bin/{}", toolchain::compiler(job.arch)),
        "usr/bin/make".to_owned(),
    ];
    for path in needed {
        if !tree.contains(&path) {
            return Err(CompileError::NoTool { name: name(), path });
        }
    }
    for (path, node) in source::source(job)?.iter() {
        let at = [BUILD, job.name, path].join("/");
        tree.put(at.trim_end_matches('/'), node.clone()).map_err(failed)?;
    }
    Ok(tree)
}

/// A `date` to which it is always the same time, unless it is asked for the time of a file or for one that it is told.
fn date() -> &'static str {
    "#!/bin/sh\n\
     for word; do case $word in -[dr]*|--d*|--r*) exec /usr/bin/date \"$@\" ;; esac; done\n\
     exec /usr/bin/date --date=\"@$SOURCE_DATE_EPOCH\" \"$@\"\n"
}

/// A `uname` that answers as the machine with the kernel of the image does: makefiles ask it for which kernel they compile.
/// What else it is asked for is the system.
fn uname(job: &Job<'_>) -> String {
    let machine = job.arch.triplet().split('-').next().unwrap_or_default();
    format!(
        "#!/bin/sh\n\
         case ${{1-}} in\n\
         -r|--kernel-release) echo '{kernel}' ;;\n\
         -m|-p|-i|--machine) echo {machine} ;;\n\
         -v|--kernel-version) echo '#1 SMP' ;;\n\
         -n|--nodename) echo imgbuild ;;\n\
         -o|--operating-system) echo GNU/Linux ;;\n\
         -a|--all) echo 'Linux imgbuild {kernel} #1 SMP {machine} GNU/Linux' ;;\n\
         *) echo Linux ;;\n\
         esac\n",
        kernel = job.kernel
    )
}
