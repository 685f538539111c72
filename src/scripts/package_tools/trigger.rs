//! dpkg-trigger(1): activates a trigger, which is carried out when all scripts are done.

use super::options::{self, Known, plain, valued};
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

const NAME: &str = "dpkg-trigger";

const OPTIONS: [Known; 6] = [
    plain("check-supported", None),
    valued("by-package", None),
    plain("await", None),
    plain("no-await", None),
    plain("no-act", None),
    valued("admindir", None),
];

pub(super) fn dpkg_trigger(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read(NAME, call.args, &OPTIONS)?;
    if given.value("admindir").is_some_and(|dir| dir != "/var/lib/dpkg") {
        return Err(Reason::unsupported(NAME, "option --admindir"));
    }
    if given.has("check-supported") {
        return Ok(0);
    }
    let [name] = given.operands else {
        call.complain("dpkg-trigger: error: takes one argument, the trigger name");
        return Ok(2);
    };
    if !is_name(name) {
        call.complain(&format!("dpkg-trigger: error: invalid trigger name '{name}'"));
        return Ok(2);
    }
    if !given.has("no-act") && debian.requests.triggers.insert(name.clone()) {
        call.files.note(format!("activated the trigger {name}"));
    }
    Ok(0)
}

/// `trig_name_is_illegal` of lib/dpkg/trigname.c: printable ASCII without blanks.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, package};

    #[test]
    fn triggers_are_kept_by_name_whoever_waits_for_them() {
        let mut sample = Sample::new(vec![package("lamp", &[])]);
        assert_eq!(sample.run("dpkg-trigger --no-await update-lamps"), 0);
        assert_eq!(sample.run("dpkg-trigger --by-package=fuse /usr/share/lamps"), 0);
        assert_eq!(sample.run("dpkg-trigger --by-package fuse --await update-lamps"), 0);
        assert_eq!(sample.run("dpkg-trigger --no-act other"), 0);
        assert_eq!(sample.run("dpkg-trigger --check-supported"), 0);
        let triggers: Vec<&str> = sample.requests.triggers.iter().map(String::as_str).collect();
        assert_eq!(triggers, ["/usr/share/lamps", "update-lamps"]);
    }

    #[test]
    fn wrong_calls_are_exit_status_2() {
        let mut sample = Sample::new(vec![package("lamp", &[])]);
        assert_eq!(sample.words(&["dpkg-trigger"]), Ok(2));
        assert_eq!(sample.words(&["dpkg-trigger", "two words"]), Ok(2));
        assert!(sample.try_run("dpkg-trigger --root=/x t").is_err());
    }
}
