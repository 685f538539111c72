//! What goes wrong with a source: the first errors are told, and where the rest is.

use std::fs;

use imgbuild::kernel_module::CompileError;

use crate::debs::Tar;
use crate::hello::{MAKEFILE, SOURCE};
use crate::kernel::AMD64;
use crate::sample::Sample;

#[test]
fn the_compilers_first_errors_are_told_and_all_that_was_said_is_kept() {
    let wrong = SOURCE.replace("pr_info(", "no_such_function(").replace("return 0;", "return nothing;");
    let error = Sample::new(&[("hello.c", &wrong)]).compile(&AMD64).unwrap_err();
    let CompileError::Failed { errors, log: Some(log), .. } = &error else { panic!("{error}") };
    assert!(errors[0].starts_with("hello.c:9:") && errors[0].contains("error: "), "{errors:?}");
    assert!(errors.iter().any(|line| line.contains("nothing")) && errors.len() <= 5, "{errors:?}");
    assert!(error.hint().unwrap().contains(&log.display().to_string()));
    let text = fs::read_to_string(log).unwrap();
    fs::remove_file(log).unwrap();
    assert!(text.contains("CC [M]") && text.contains("no_such_function"), "{text}");
}

#[test]
fn a_missing_header_a_missing_symbol_and_an_unknown_target_are_told_as_what_they_are() {
    let header = SOURCE.replace("linux/init.h", "linux/no_such_header.h");
    let (text, hint) = Sample::new(&[("hello.c", &header)]).refused(&AMD64);
    assert!(
        text.contains("hello.c:2:") && text.contains("linux/no_such_header.h: No such file or directory"),
        "{text}"
    );
    assert!(hint.contains("neither the kernel's nor the source's"), "{hint}");

    let symbol = SOURCE.replace("pr_info(", "extern int no_such_symbol(const char *, ...);\n\tno_such_symbol(");
    let (text, _) = Sample::new(&[("hello.c", &symbol)]).refused(&AMD64);
    assert!(text.contains("modpost") && text.contains("\"no_such_symbol\""), "{text}");

    let mut unknown = Sample::new(&[]);
    unknown.recipe.make = vec!["moduls".to_owned()];
    let (text, hint) = unknown.refused(&AMD64);
    assert!(text.contains("No rule to make target 'moduls'"), "{text}");
    assert!(hint.contains("`make` line"), "{hint}");
}

#[test]
fn a_module_that_make_does_not_leave_is_told_with_those_that_it_does() {
    let mut other = Sample::new(&[]);
    other.recipe.modules = vec!["kernel/hallo.ko".to_owned()];
    let (text, _) = other.refused(&AMD64);
    assert!(text.contains("leaves no `kernel/hallo.ko`, but hello.ko"), "{text}");
}

#[test]
fn a_patch_that_does_not_apply_stops_before_anything_is_compiled() {
    let patch =
        "--- a/hello.c\n+++ b/hello.c\n@@ -7,3 +7,3 @@\n static int other(void)\n {\n-\treturn 1;\n+\treturn 2;\n";
    let (text, hint) = Sample::new(&[]).patched(patch).refused(&AMD64);
    let told = "patch `fix.patch` does not apply to `hello.c`: hunk 1 (line 3 of the patch) finds other text there";
    assert!(text.ends_with(told), "{text}");
    assert!(hint.contains("another version of the source"), "{hint}");
}

#[test]
fn a_patch_for_other_kernels_is_left_alone() {
    let mut sample = Sample::new(&[]).patched("no patch at all");
    sample.recipe.patches[0].kernels = imgbuild::profile::KernelRange::parse("<6.1").unwrap();
    assert_eq!(sample.compile(&AMD64).unwrap().len(), 1);
}

#[test]
fn an_archive_that_would_write_outside_of_the_source_is_refused() {
    for (name, link) in [("../../etc/passwd", ""), ("/etc/passwd", ""), ("escape/x", "/etc")] {
        let mut inner = Tar::default().file("Makefile", MAKEFILE);
        if !link.is_empty() {
            inner = inner.symlink("escape", link);
        }
        let inner = inner.file(name, "x").finish();
        let tar = Tar::default().dir("./").dir("./usr/").dir("./usr/src/");
        let tar = tar.entry(tar::EntryType::Regular, "./usr/src/hello-1.tar", "", &inner).finish();
        let (text, _) = Sample::of(&tar).refused(&AMD64);
        assert!(text.contains("usr/src/hello-1.tar") || text.contains("cannot be unpacked"), "{name}: {text}");
    }
}

#[test]
fn a_source_that_is_not_there_or_not_one_is_told() {
    let mut sample = Sample::new(&[]);
    sample.recipe.source = "usr/src/other-*".to_owned();
    let (text, hint) = sample.refused(&AMD64);
    assert!(text.contains("package `sample` has no source at `usr/src/other-*`"), "{text}");
    assert!(hint.contains("exactly one path"), "{hint}");
    sample.recipe.source = "usr/src/hello-1.0/*".to_owned();
    assert!(sample.refused(&AMD64).0.contains("several sources"));
}
