//! Programs that tell what files of settings say.

use super::super::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

/// `pg_conftool(1)`: `FILE show OPTIONS NAME` prints what a file of settings says.
pub(super) fn pg_conftool(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let [file, verb, .., name] = call.args else {
        return Err(Reason::unsupported("pg_conftool", call.args.join(" ")));
    };
    if verb != "show" || !file.starts_with('/') {
        return Err(Reason::unsupported("pg_conftool", call.args.join(" ")));
    }
    let text = match call.files.read_text(file) {
        Ok(text) => text,
        Err(error) => return call.failed("pg_conftool", file, error),
    };
    let value =
        text.lines().filter_map(|line| line.split('#').next()?.split_once('=')).find(|(key, _)| key.trim() == name);
    match value {
        Some((_, value)) => {
            call.print(&format!("{}\n", value.trim().trim_matches('\'')));
            Ok(0)
        }
        None => {
            call.complain(&format!("Error: {name} is not set in {file}"));
            Ok(1)
        }
    }
}

/// `pam_getenv(8)` with `-l`: a variable of /etc/default/locale, else of /etc/environment.
pub(super) fn pam_getenv(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let (files, name) = match call.args {
        [option, name] if option == "-l" => (&["/etc/default/locale", "/etc/environment"][..], name),
        [name] if !name.starts_with('-') => (&["/etc/environment"][..], name),
        _ => return Err(Reason::unsupported("pam_getenv", call.args.join(" "))),
    };
    for file in files {
        let text = match call.files.read_text(file) {
            Ok(text) => text,
            Err(FileError::Reason(reason)) => return Err(reason),
            Err(_) => continue,
        };
        let mut pairs = text.lines().filter_map(|line| line.trim().split_once('='));
        if let Some((_, value)) = pairs.find(|(key, _)| key == name) {
            call.print(&format!("{}\n", value.trim_matches('"')));
            return Ok(0);
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Done, run_with, tree};
    use crate::lock::IdMap;
    use crate::tree::Node;

    fn run(line: &str) -> Done {
        let mut tree = tree();
        tree.put("etc/x.conf", Node::file(0o644, "# on = 1\non = 'yes' # a comment\n")).unwrap();
        tree.put("etc/environment", Node::file(0o644, "LANG=\"C.UTF-8\"\n")).unwrap();
        run_with(super::super::find, tree, &IdMap::default(), true, &[line])
    }

    #[test]
    fn a_setting_is_told_and_one_that_is_missing_is_exit_status_1() {
        assert_eq!((run("pg_conftool /etc/x.conf show -bs on").out.as_str()), "yes\n");
        for missing in ["pg_conftool /etc/x.conf show off", "pg_conftool /etc/none show on"] {
            let done = run(missing);
            assert_eq!((done.status(), done.out.as_str()), (1, ""), "{missing}");
        }
        assert!(run("pg_conftool /etc/x.conf set on no").reason().contains("pg_conftool"));
    }

    #[test]
    fn a_variable_of_the_environment_is_told_and_one_that_is_not_there_is_nothing() {
        assert_eq!(run("pam_getenv -l LANG").out, "C.UTF-8\n");
        assert_eq!((run("pam_getenv LC_ALL").status(), run("pam_getenv LC_ALL").out.as_str()), (0, ""));
        assert!(run("pam_getenv -x LANG").reason().contains("pam_getenv"));
    }
}
