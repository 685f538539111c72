//! The walls of the sandbox: what a source's makefile cannot reach, and that nothing of it stays.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use imgbuild::kernel_module::{CompileError, Step, compile_with};

use crate::hello::MAKEFILE;
use crate::kernel::AMD64;
use crate::sample::{Sample, Steps, told};
use crate::wrapper::Wrapper;

#[test]
fn there_is_no_network_no_file_of_the_machine_and_nothing_to_write_to_but_the_source() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let outside = tempfile::NamedTempFile::new().unwrap();
    let checks = [
        "command -v bash chroot mkdir touch >/dev/null".to_owned(),
        format!("! bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'"),
        format!("test ! -e {}", outside.path().display()),
        "test -z \"$$(env | grep IMGBUILD_)\"".to_owned(),
        "test ! -e /proc/1".to_owned(),
        "test ! -e /dev/random && test ! -e /dev/urandom && test ! -e /dev/tty".to_owned(),
        "! touch /usr/written 2>&1".to_owned(),
        "! mkdir /written 2>&1".to_owned(),
        "! chroot / true 2>&1".to_owned(),
        "touch /tmp/written /build/hello/written".to_owned(),
    ];
    let line =
        |check: &String| format!("\t@{check} || {{ echo 'wall.c:1: error: {}'; exit 1; }}", check.replace('\'', " "));
    let lines: Vec<String> = checks.iter().map(line).collect();
    let makefile = MAKEFILE.replace("all:\n", &format!("all:\n{}\n", lines.join("\n")));
    if let Err(error) = Sample::new(&[("Makefile", &makefile)]).compile(&AMD64) {
        panic!("{}", told(&error).0);
    }
    assert!(listener.accept().is_err(), "nobody came");
}

#[test]
fn where_user_namespaces_are_forbidden_it_is_told_what_allows_them_and_how_to_do_without() {
    // A system of its own in this: the limit holds in the user namespace alone in which it is written.
    let forbidden = Wrapper::new(
        "",
        "unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec \"$@\"' sh",
    );
    let error = Sample::new(&[]).compile_by(&forbidden.script(), &AMD64).unwrap_err();
    assert!(matches!(error, CompileError::NoSandbox { step: Step::Namespaces, .. }), "{error}");
    assert!(error.is_unsupported());
    let (text, hint) = told(&error);
    assert!(text.contains("kernel module `hello`") && text.contains("namespaces"), "{text}");
    for word in ["user.max_user_namespaces", "imgbuild modules import"] {
        assert!(hint.contains(word), "{hint}");
    }
}

/// A script that starts a program of which the kernel refuses one system call, by its number on x86-64 (seccomp(2)): load the
/// number, compare, then an error or leave.
fn without(call: u32) -> Wrapper {
    let filter = format!(
        r#"my $filter = pack("SCCL" x 4, 0x20, 0, 0, 0, 0x15, 0, 1, {call}, 6, 0, 0, 0x50001, 6, 0, 0, 0x7fff0000);
        syscall(157, 38, 1, 0, 0, 0) == 0 && syscall(157, 22, 2, pack("Sx6P", 4, $filter)) == 0 or die $!;
        exec @ARGV or die $!"#
    );
    Wrapper::new("", &format!("perl -e '{filter}'"))
}

/// Ubuntu's `AppArmor` lets users have namespaces and then refuses what needs a capability in them; so does a container's policy
/// that refuses mounts alone.
#[test]
fn where_user_namespaces_may_do_nothing_it_is_told_what_allows_more_and_how_to_do_without() {
    for (call, step) in [(165, Step::Mounts), (170, Step::User)] {
        let error = Sample::new(&[]).compile_by(&without(call).script(), &AMD64).unwrap_err();
        assert!(matches!(error, CompileError::NoSandbox { step: found, .. } if found == step), "{error}");
        assert!(error.is_unsupported());
        let (text, hint) = told(&error);
        assert!(text.contains("this system refuses a sandbox") && text.contains("not permitted"), "{text}");
        for word in ["kernel.apparmor_restrict_unprivileged_userns=0", "imgbuild modules import"] {
            assert!(hint.contains(word), "{hint}");
        }
    }
}

#[test]
fn a_sandbox_that_is_killed_takes_all_its_processes_along() {
    let noted = Wrapper::new("echo $$ >pid", "");
    let makefile = "all:\n\t@echo '  CC [M]  waiting'\n\t@sleep 3600\n";
    let pid = noted.path("pid");
    let kill = |file: &str| {
        assert_eq!(file, "waiting");
        let pid = fs::read_to_string(&pid).unwrap();
        assert!(Command::new("kill").args(["-KILL", pid.trim()]).status().unwrap().success());
    };
    let sample = Sample::new(&[("Makefile", makefile)]);
    // It returns when the last process that could still say something is gone.
    let error = compile_with(&noted.script(), &sample.job(&AMD64), &Steps(Mutex::new(kill))).unwrap_err();
    assert!(matches!(error, CompileError::Ended { .. }), "{error}");
    told(&error);
}

#[test]
fn nothing_stays_in_the_directory_for_temporary_files() {
    let mut sample = Sample::new(&[]);
    sample.name = "leaves-nothing";
    let place = Wrapper::new("mkdir -m 1777 tmp; export TMPDIR=$PWD/tmp", "");
    sample.compile_by(&place.script(), &AMD64).unwrap();
    let left = |dir: &Path| -> Vec<String> {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("leaves-nothing")).collect()
    };
    assert_eq!(fs::read_dir(place.path("tmp")).unwrap().count(), 0);
    assert_eq!(left(&std::env::temp_dir()), [] as [&str; 0]);
}
