use std::collections::BTreeMap;

use super::*;

fn package(name: &str, scripts: &[(&str, &str)]) -> Package {
    Package {
        name: name.to_owned(),
        version: "1.0-1".to_owned(),
        arch: "amd64".to_owned(),
        fields: Vec::new(),
        control: scripts
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect::<BTreeMap<_, _>>(),
        members: Vec::new(),
    }
}

/// A proposed entry with a reason.
fn accepted(entry: &str) -> String {
    entry.replace('…', "An image can do without.")
}

const ENABLE: &str = r#"# Automatically added by dh_installsystemd/13.24.2
if [ "$1" = "configure" ] || [ "$1" = "abort-upgrade" ] || [ "$1" = "abort-deconfigure" ] || [ "$1" = "abort-remove" ] ; then
	# The following line should be removed in trixie or trixie+1
	deb-systemd-helper unmask 'x.service' >/dev/null || true

	if deb-systemd-helper --quiet was-enabled 'x.service'; then
		deb-systemd-helper enable 'x.service' >/dev/null || true
	else
		deb-systemd-helper update-state 'x.service' >/dev/null || true
	fi
fi
# End automatically added section
"#;

#[test]
fn the_embedded_ledger_is_well_formed() {
    Ledger::parse(include_str!("reviewed.toml")).unwrap();
}

/// How the package's one script is accounted for.
fn of(package: &Package, extra: &Ledger) -> Treatment {
    let name = SCRIPTS.into_iter().find(|name| package.control.contains_key(*name)).unwrap();
    treatment(package, name, extra)
}

fn verdict(package: &Package, extra: &Ledger) -> Verdict {
    of(package, extra).verdict
}

#[test]
fn a_script_of_only_known_sections_needs_no_review() {
    let package = package("x", &[("postinst", &format!("#!/bin/sh\nset -e\n{ENABLE}exit 0\n"))]);
    assert_eq!(verdict(&package, &Ledger::default()), Verdict::Snippets);
    assert_eq!(snippets(&package), [Snippet::Enable { unit: "x.service".to_owned(), user: false }]);
}

#[test]
fn a_changed_line_inside_a_section_is_noticed() {
    let text = ENABLE.replace("deb-systemd-helper enable 'x.service'", "rm -rf 'x.service'");
    let evaluated = of(&package("x", &[("postinst", &text)]), &Ledger::default()).evaluate.unwrap();
    assert!(evaluated.contains("rm -rf"), "{evaluated}");
    let text = ENABLE.replace("enable 'x.service'", "enable 'y.service'");
    assert_eq!(verdict(&package("x", &[("postinst", &text)]), &Ledger::default()), Verdict::Evaluated);
}

const NAME_SERVICES: &str = r#"# Automatically added by dh_installnss/1.7
if [ "$1" = "configure" ] && [ -f "${DPKG_ROOT}/etc/nsswitch.conf.nss.${DPKG_MAINTSCRIPT_PACKAGE}-will-install" ] && [ -e "${DPKG_ROOT}/etc/nsswitch.conf" ] ; then
	if ! grep -q -E  -e '^group:[^#]*\s(x)(\s|#|$)' -e '^hosts:[^#]*\s(x|old)(\s|#|$)' "${DPKG_ROOT}/etc/nsswitch.conf" ; then
		# Installing hosts/x[!UNAVAIL=return] from libnss-x in position before=dns
		sed -E -i "${DPKG_ROOT}/etc/nsswitch.conf" -e '/^hosts:\s[^#]*$/ s/(\s)(dns(\s+\[[^]]+\])?)(\s|$)/\1x \[!UNAVAIL=return\] \2 /' -e '/^hosts:\s.*#/ s/(\s)(dns(\s+\[[^]]+\])?)(\s|#)/\1x \[!UNAVAIL=return\] \2 /' -e 's/ $//'
		# Installing group/x from libnss-x in position last
		sed -E -i "${DPKG_ROOT}/etc/nsswitch.conf" -e '/^group:\s[^#]*$/ s/$/ x/' -e '/^group:\s.*#/ s/#/ x #/'
	fi
	rm "${DPKG_ROOT}/etc/nsswitch.conf.nss.${DPKG_MAINTSCRIPT_PACKAGE}-will-install"
fi
# End automatically added section
"#;

#[test]
fn a_name_service_is_believed_only_if_the_command_does_what_its_comment_says() {
    let verdict = |text: &str| verdict(&package("x", &[("postinst", text)]), &Ledger::default());
    assert_eq!(verdict(NAME_SERVICES), Verdict::Snippets);
    for (from, to) in [
        ("in position before=dns", "in position after=dns"),
        ("# Installing hosts/x[!UNAVAIL=return]", "# Installing hosts/y[!UNAVAIL=return]"),
        ("# Installing group/x from", "# Installing passwd/x from"),
        ("# Installing group/x from libnss-x in position last\n", ""),
        ("s/$/ x/'", "s/$/ evil/'"),
        ("s/ $//'\n", "s/ $//' -e '1e rm -rf /'\n"),
        ("(x|old)", "(old)"),
        ("'^group:[^#]*", "\"$(evil)\" '^group:[^#]*"),
        ("\trm \"${DPKG_ROOT}", "\trm \"${OTHER_ROOT}"),
    ] {
        let changed = NAME_SERVICES.replacen(from, to, 1);
        assert!(changed != NAME_SERVICES && verdict(&changed) == Verdict::Evaluated, "{from} → {to}");
    }
}

#[test]
fn a_section_without_its_end_is_read_as_written_by_hand() {
    let text = ENABLE.replace("# End automatically added section\n", "");
    assert_eq!(verdict(&package("x", &[("postinst", &text)]), &Ledger::default()), Verdict::Evaluated);
}

#[test]
fn a_line_that_nobody_reviewed_is_evaluated_in_its_place_or_accepted() {
    let package = package(
        "x",
        &[(
            "postinst",
            &format!(
                "#!/bin/sh
set -e
make-me-a-sandwich
{ENABLE}"
            ),
        )],
    );
    let treatment = of(&package, &Ledger::default());
    assert_eq!(treatment.verdict, Verdict::Evaluated);
    let evaluated = treatment.evaluate.unwrap();
    assert_eq!(evaluated.lines().nth(2), Some("make-me-a-sandwich"));
    assert!(!evaluated.contains("deb-systemd-helper"), "an effect does what this section says: {evaluated}");
    let extra = Ledger::parse(&accepted(&treatment.entry)).unwrap();
    let treatment = of(&package, &extra);
    assert_eq!((treatment.verdict, treatment.evaluate), (Verdict::Accepted, None));
}

#[test]
fn an_unknown_section_can_be_accepted_with_the_whole_script() {
    let text = "#!/bin/sh\n# Automatically added by dh_surprise\nsurprise\n# End automatically added section\n";
    let package = package("x", &[("preinst", text)]);
    let treatment = of(&package, &Ledger::default());
    assert_eq!(treatment.evaluate.unwrap().lines().nth(2), Some("surprise"));
    assert_eq!(verdict(&package, &Ledger::parse(&accepted(&treatment.entry)).unwrap()), Verdict::Accepted);
}

#[test]
fn a_trigger_that_is_waited_for_is_known_accepted_or_told_and_activating_one_is_not() {
    let activating = package(
        "x",
        &[(
            "triggers",
            "activate-noawait anything
",
        )],
    );
    assert!(unknown_triggers(&activating, &Ledger::default()).is_empty());
    let waiting = package(
        "x",
        &[(
            "triggers",
            "# a
interest-noawait anything
",
        )],
    );
    let unknown = unknown_triggers(&waiting, &Ledger::default());
    assert_eq!(unknown, ["anything"]);
    let accepting = Ledger::parse(&accepted(&trigger_entries(&waiting, &unknown))).unwrap();
    assert!(unknown_triggers(&waiting, &accepting).is_empty());
}

#[test]
fn the_review_of_a_kernel_holds_for_its_next_version_and_the_other_architecture() {
    let script = |release: &str| format!("#!/bin/sh\nversion={release}\ndepmod $version /usr/lib/x86_64-linux-gnu\n");
    let old = package("linux-image-6.12.1+deb13-amd64", &[("postinst", &script("6.12.1+deb13-amd64"))]);
    let entry = of(&old, &Ledger::default()).entry;
    let mut new = package(
        "linux-image-6.13.9-arm64",
        &[("postinst", &script("6.13.9-arm64").replace("x86_64-linux-gnu", "aarch64-linux-gnu"))],
    );
    new.arch = "arm64".to_owned();
    assert_eq!(verdict(&new, &Ledger::parse(&accepted(&entry)).unwrap()), Verdict::Accepted);
}

#[test]
fn a_ledger_with_an_unknown_effect_key_or_digest_is_refused() {
    let entry = |sha256: &str, effect: &str, more: &str| {
        format!(
            "[[script]]\npackage = \"x\"\nscript = \"postinst\"\nsha256 = [\"{sha256}\"]\neffects = [\"{effect}\"]\nnote = \"n\"\n{more}"
        )
    };
    let good = "0".repeat(64);
    assert!(Ledger::parse(&entry(&good, "pam", "")).is_ok());
    assert!(matches!(Ledger::parse(&entry(&good, "magic", "")), Err(LedgerError::Effect { .. })));
    assert!(matches!(Ledger::parse(&entry("abc", "pam", "")), Err(LedgerError::Digest { .. })));
    assert!(matches!(Ledger::parse(&entry(&good, "pam", "versoin = 1\n")), Err(LedgerError::Syntax(_))));
}

#[test]
fn one_entry_may_stand_for_many_paths_and_a_bad_glob_is_refused_by_name() {
    let entry = |name: &str| format!("[[trigger]]\nname = \"{name}\"\neffects = []\nnote = \"Nothing to do.\"\n");
    let ledger = Ledger::parse(&entry("/usr/lib/{,*/}libGL.so{,.*}")).unwrap();
    for known in ["/usr/lib/libGL.so", "/usr/lib/@TRIPLET@/libGL.so.1"] {
        assert!(ledger.has_trigger(known), "{known}");
    }
    for unknown in ["/usr/lib/a/b/libGL.so", "/usr/lib/libGL", "libGL.so"] {
        assert!(!ledger.has_trigger(unknown), "{unknown}");
    }
    let error = Ledger::parse(&entry("/usr/lib/{")).unwrap_err();
    assert!(error.to_string().contains("`/usr/lib/{`"), "{error}");
    assert!(error.hint().is_some());
}

/// `postinst` of the container toolkit's base package as debhelper 11.1.6 makes it for 1.20: its sections stand where the
/// package's own script has `#DEBHELPER#`.
#[test]
fn what_debhelper_11_generates_for_the_container_toolkit_is_known() {
    let sections = ENABLE.replace("dh_installsystemd/13.24.2", "dh_systemd_enable/11.1.6ubuntu2")
        + "# Automatically added by dh_systemd_start/11.1.6ubuntu2\n\
           if [ \"$1\" = \"configure\" ] || [ \"$1\" = \"abort-upgrade\" ] || [ \"$1\" = \"abort-deconfigure\" ] || [ \"$1\" = \"abort-remove\" ] ; then\n\
           \tif [ -d /run/systemd/system ]; then\n\
           \t\tsystemctl --system daemon-reload >/dev/null || true\n\
           \t\tdeb-systemd-invoke start 'x.service' >/dev/null || true\n\
           \tfi\nfi\n# End automatically added section\n\
           # Automatically added by dh_installdeb/11.1.6ubuntu2\n\
           dpkg-maintscript-helper rm_conffile /etc/systemd/system/x.service 1.20.0-1\\~ x -- \"$@\"\n\
           # End automatically added section\n";
    let package = package("x", &[("postinst", &format!("#!/bin/sh\nset -e\n{sections}\n\nexit 0\n"))]);
    assert_eq!(verdict(&package, &Ledger::default()), Verdict::Snippets);
    assert!(snippets(&package).contains(&Snippet::Enable { unit: "x.service".to_owned(), user: false }));
}
