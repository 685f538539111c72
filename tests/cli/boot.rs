//! `boot`, with a program in QEMU's place: which machine is started, and what happens when it does not run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::place::{Place, Ran};
use crate::shared::control;
use crate::support;
use crate::tiny;

/// A workspace with nothing but a copy of an image.
fn alone(image: &Path) -> Place {
    let place = Place::new();
    support::ok(&place.path(""), "cp", &["--sparse=always", image.to_str().unwrap(), "alone.img"]);
    place
}

/// Boots the copy while `script` is what QEMU for `arch` does.
fn boot(place: &Place, arch: &str, script: &str) -> Ran {
    Ran::of(&mut booting(place, arch, script))
}

fn booting(place: &Place, arch: &str, script: &str) -> Command {
    let qemu = format!("bin/qemu-system-{arch}");
    place.write(&qemu, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(place.path(&qemu), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = place.command(&["boot", "alone.img"]);
    command.env("PATH", format!("{}:/usr/bin:/bin", place.path("bin").display()));
    command
}

fn tiny_image() -> Place {
    let online = tiny::archive(0).online();
    let place = tiny::place(&online, &[]);
    place.run(&["build", "--profile", "node"]).ok();
    alone(&place.path("build/node/node.img"))
}

#[test]
fn an_image_that_is_alone_tells_which_machine_it_is_for() {
    let text = boot(&tiny_image(), "x86_64", "echo \"$@\"").ok();
    assert!(text.contains("-machine q35") && text.contains("if=pflash"), "{text}");
    let text = boot(&alone(&control().join("control.img")), "aarch64", "echo \"$@\"").ok();
    assert!(text.contains("-machine virt") && text.contains("-initrd"), "{text}");

    let place = Place::new().file("alone.img", "x");
    let error = boot(&place, "x86_64", "echo \"$@\"").fails(3);
    assert!(error.starts_with("alone.img is not a disk image"), "{error}");
}

#[test]
fn the_machine_gets_none_of_our_variables_which_may_be_secrets() {
    let place = tiny_image();
    let mut command = booting(&place, "x86_64", "env");
    for name in ["SECRET_SERVER_TOKEN", "SECRET_DEPLOY_KEY_FILE", "MINISIGN_PASSWORD", "MIRROR"] {
        command.env(format!("IMGBUILD_{name}"), "http://hush.example.org/");
    }
    let text = Ran::of(&mut command).ok();
    assert!(text.contains("PATH=") && !text.contains("IMGBUILD_") && !text.contains("hush"), "{text}");
}

/// On a host without KVM the machine is started in software at once.
#[test]
fn a_machine_that_kvm_gives_up_is_started_again_in_software() {
    let place = tiny_image();
    for fault in [
        // It stays, and ends well when it is told to.
        "echo 'KVM internal error. Suberror: 1' >&2; trap 'exit 0' TERM; while :; do :; done",
        "echo 'error: kvm run failed Bad address' >&2; trap 'exit 0' TERM; while :; do :; done",
        "kill -ABRT $$",
    ] {
        let script = format!("case \"$*\" in *'-accel kvm'*) {fault};; *) echo in software;; esac");
        let ran = boot(&place, "x86_64", &script);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "in software\n"), "{}", ran.stderr);
        let has_kvm = fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
        assert_eq!(ran.stderr.contains("KVM does not work on this host"), has_kvm && cfg!(target_arch = "x86_64"));
    }
    // What is wrong otherwise is no reason to try again.
    let error = boot(&place, "x86_64", "echo once >> ran; echo 'no such option' >&2; exit 3");
    assert_eq!((error.code, place.read("ran").as_str()), (Some(2), "once\n"), "{}", error.stderr);
}
