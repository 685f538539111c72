//! What comes out: modules for exactly the kernel, with the same bytes wherever and by whomever they are compiled.

use std::path::Path;
use std::sync::Mutex;

use imgbuild::kernel_module::compile_with;
use object::{File, Object as _};

use crate::debs::Tar;
use crate::debs::gzip;
use crate::hello::{MAKEFILE, SOURCE};
use crate::kernel::{AMD64, ARM64, Kernel};
use crate::sample::{Sample, Steps};
use crate::wrapper::Wrapper;

/// The user `nobody`.
const NOBODY: &str = "65534";

fn compiles(kernel: &Kernel) {
    let built = Sample::new(&[]).compile(kernel).unwrap();
    assert_eq!(built.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["hello.ko"]);
    kernel.assert_fit(&built);
    let file = File::parse(&*built[0].bytes).unwrap();
    for section in [".modinfo", "__versions", ".symtab"] {
        assert!(file.section_by_name(section).is_some(), "the module has {section}");
    }
    assert!(file.sections().all(|section| !object::ObjectSection::name(&section).unwrap().starts_with(".debug")));
    let has = |text: &str| built[0].bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for same in ["946684800", "0@imgbuild", "/build/hello"] {
        assert!(has(same), "time, user, host and place are the sandbox's: {same}");
    }
    assert!(Sample::new(&[]).compile(kernel).unwrap() == built, "a second time the same bytes");
}

#[test]
fn a_module_is_compiled_for_exactly_the_kernel_of_its_headers() {
    compiles(&AMD64);
}

#[test]
fn a_module_for_arm64_is_compiled_by_the_cross_compiler() {
    compiles(&ARM64);
}

#[test]
fn another_user_umask_time_zone_language_and_place_give_the_same_bytes() {
    let ours = Sample::new(&[]).compile(&AMD64).unwrap();
    let change = "umask 0077; export TZ=Pacific/Kiritimati LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 SOURCE_DATE_EPOCH=1 \
                  KBUILD_BUILD_USER=me CC=false MAKEFLAGS=-n HOME=/nonexistent CFLAGS=-DX; ulimit -n 256";
    let by = if rustix::process::geteuid().is_root() {
        format!(
            "setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"
        )
    } else {
        String::new()
    };
    let elsewhere = Wrapper::new(change, &by);
    let theirs = Sample::new(&[]).compile_by(&elsewhere.script(), &AMD64).unwrap();
    assert!(theirs == ours, "the bytes are the same");
}

#[test]
fn an_archive_in_the_package_and_patches_give_the_same_as_a_directory_with_the_result() {
    let line = "\tpr_info(\"and goodbye\\n\");\n";
    let patched = SOURCE.replace("hello_exit(void)\n{\n", &format!("hello_exit(void)\n{{\n{line}"));
    let patch = format!(
        "--- a/hello.c\n+++ b/hello.c\n@@ -13,3 +13,4 @@\n static void __exit hello_exit(void)\n {{\n+{line} }}\n"
    );
    let inner = Tar::default().dir("modules/").dir("modules/hello/");
    let inner = inner.file("modules/hello/hello.c", SOURCE).file("modules/hello/Makefile", MAKEFILE).finish();
    let tar = Tar::default().dir("./").dir("./usr/").dir("./usr/src/");
    let tar = tar.entry(tar::EntryType::Regular, "./usr/src/hello.tar.gz", "", &gzip(&inner)).finish();
    let mut archive = Sample::of(&tar).patched(&patch);
    archive.recipe.source = "usr/src/hello.tar.*".to_owned();
    let of_archive = archive.compile(&AMD64).unwrap();
    let of_directory = Sample::new(&[("hello.c", &patched)]).compile(&AMD64).unwrap();
    assert!(of_archive == of_directory, "the bytes are the same");
    assert!(of_directory != Sample::new(&[]).compile(&AMD64).unwrap(), "the patch changes them");
}

#[test]
fn the_file_that_is_being_compiled_is_told() {
    let mut files = Vec::new();
    {
        let steps = Steps(Mutex::new(|file: &str| files.push(file.to_owned())));
        let sample = Sample::new(&[]);
        compile_with(Path::new(env!("CARGO_BIN_EXE_imgbuild")), &sample.job(&AMD64), &steps).unwrap();
    }
    for name in ["hello.o", "hello.ko"] {
        assert!(files.iter().any(|file| file.ends_with(name)), "{name} is among {files:?}");
    }
}
