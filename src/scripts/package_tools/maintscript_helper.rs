//! dpkg-maintscript-helper(1): what it does on a first installation, which is next to nothing. Conditions are those of its source
//! (src/dpkg-maintscript-helper.sh), with the script's own parameters behind `--`.

use crate::debian::version::Version;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

const NAME: &str = "dpkg-maintscript-helper";
const COMMANDS: [&str; 4] = ["rm_conffile", "mv_conffile", "symlink_to_dir", "dir_to_symlink"];

pub(super) fn dpkg_maintscript_helper(_debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let Some((command, args)) = call.args.split_first() else { return Ok(fail(call, "missing command")) };
    let of = |name: &str| call.variables.get(name).filter(|_| call.variables.is_exported(name)).unwrap_or_default();
    let script = of("DPKG_MAINTSCRIPT_NAME").to_owned();
    let has_package = !of("DPKG_MAINTSCRIPT_PACKAGE").is_empty();
    match command.as_str() {
        "supports" => {
            let known = args.first().is_some_and(|command| COMMANDS.contains(&command.as_str()));
            return Ok(u8::from(!known || script.is_empty() || !has_package));
        }
        command if COMMANDS.contains(&command) => {}
        "help" | "--help" | "-?" | "--version" => return Err(Reason::unsupported(NAME, command.clone())),
        command => return Ok(fail(call, &format!("command {command} is unknown"))),
    }
    let Some(dashes) = args.iter().position(|arg| arg == "--") else {
        return Ok(fail(call, "missing arguments after --"));
    };
    let (own, params) = args.split_at(dashes);
    let at = |list: &[String], index: usize| list.get(index).cloned().unwrap_or_default();
    let (action, old) = (at(params, 1), at(params, 2));
    if action.is_empty() {
        return Ok(fail(call, "maintainer script parameters are missing"));
    }
    if script.is_empty() || !has_package {
        return Ok(fail(call, "environment variables DPKG_MAINTSCRIPT_NAME and DPKG_MAINTSCRIPT_PACKAGE are required"));
    }
    // How many paths come before the version, and which of them must be absolute.
    let (paths, absolute): (usize, usize) = match command.as_str() {
        "rm_conffile" => (1, 1),
        "mv_conffile" => (2, 2),
        _ => (2, 1),
    };
    if own.iter().take(absolute).filter(|path| path.starts_with('/')).count() < absolute {
        return Ok(fail(call, "a path is not absolute"));
    }
    let path = at(own, 0);
    if command == "symlink_to_dir" && path.ends_with('/') {
        return Ok(fail(call, "symlink pathname ends with a slash"));
    }
    if at(own, paths - 1).is_empty() {
        return Ok(fail(call, "a target is missing"));
    }
    let version = at(own, paths);
    if !version.is_empty() && Version::parse(&version).is_err() {
        return Ok(fail(call, &format!("version '{version}' has bad syntax")));
    }
    // All else that it does is done to what an older version has left, known by the version that was configured last.
    if !old.is_empty() {
        return Err(Reason::unsupported(NAME, "an upgrade"));
    }
    // Only of these the postinst looks for what its preinst has left whatever the version was.
    let is_configured = script == "postinst" && action == "configure";
    let backup = format!("{}.dpkg-backup", path.trim_end_matches('/'));
    if is_configured
        && ["symlink_to_dir", "dir_to_symlink"].contains(&command.as_str())
        && call.files.stat(&backup, false).is_ok()
    {
        return Err(Reason::unsupported(NAME, format!("`{backup}`, which an upgrade has left")));
    }
    Ok(0)
}

fn fail(call: &mut Call<'_>, text: &str) -> u8 {
    call.complain(&format!("{NAME}: error: {text}"));
    1
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, package};

    fn sample() -> Sample {
        Sample::new(vec![package("lamp", &[])])
    }

    #[test]
    fn nothing_is_done_on_a_first_installation() {
        let mut sample = sample();
        sample.files.write("/etc/old", b"x").unwrap();
        for command in [
            "rm_conffile /etc/old 1.0~ -- configure ",
            "rm_conffile /etc/old -- configure ",
            "mv_conffile /etc/old /etc/new 1.0~ lamp -- configure ",
            "symlink_to_dir /usr/share/doc/lamp fuse 1.0~ -- configure ",
            "dir_to_symlink /usr/share/doc/lamp/ fuse 1.0~ lamp -- configure ",
        ] {
            assert_eq!(sample.run(&format!("dpkg-maintscript-helper {command}")), 0, "{command}");
        }
        assert!(sample.files.exists("/etc/old").unwrap());
        sample.variables.set("DPKG_MAINTSCRIPT_NAME", "preinst");
        assert_eq!(sample.run("dpkg-maintscript-helper rm_conffile /etc/old 1.0~ -- install"), 0);
    }

    #[test]
    fn an_upgrade_and_what_one_has_left_stop_it() {
        let mut sample = sample();
        assert!(sample.try_run("dpkg-maintscript-helper rm_conffile /etc/old 1.0~ -- configure 0.9").is_err());
        sample.files.symlink("fuse", "/etc/lamp.dpkg-backup").unwrap();
        assert!(sample.try_run("dpkg-maintscript-helper symlink_to_dir /etc/lamp fuse -- configure ").is_err());
        sample.variables.set("DPKG_MAINTSCRIPT_NAME", "preinst");
        assert_eq!(sample.run("dpkg-maintscript-helper symlink_to_dir /etc/lamp fuse -- install"), 0);
    }

    #[test]
    fn it_says_what_it_supports() {
        let mut sample = sample();
        assert_eq!(sample.run("dpkg-maintscript-helper supports mv_conffile"), 0);
        assert_eq!(sample.run("dpkg-maintscript-helper supports magic"), 1);
        sample.variables.unset("DPKG_MAINTSCRIPT_NAME");
        assert_eq!(sample.run("dpkg-maintscript-helper supports mv_conffile"), 1);
        assert_eq!(sample.run("dpkg-maintscript-helper rm_conffile /etc/old 1.0~ -- configure "), 1);
    }

    #[test]
    fn wrong_calls_fail() {
        let mut sample = sample();
        assert_eq!(sample.words(&["dpkg-maintscript-helper"]), Ok(1));
        for command in [
            "magic",
            "rm_conffile /etc/old 1.0~",
            "rm_conffile /etc/old 1.0~ --",
            "rm_conffile etc/old 1.0~ -- configure ",
            "rm_conffile /etc/old 1_0 -- configure ",
            "mv_conffile /etc/old etc/new -- configure ",
            "symlink_to_dir /etc/lamp/ fuse -- configure ",
            "dir_to_symlink /etc/lamp -- configure ",
        ] {
            assert_eq!(sample.run(&format!("dpkg-maintscript-helper {command}")), 1, "{command}");
        }
    }
}
