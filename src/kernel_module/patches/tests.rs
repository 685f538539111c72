use super::*;
use crate::profile::KernelRange;

fn source(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new();
    for (path, text) in files {
        tree.put(path, Node::file(0o755, *text)).unwrap();
    }
    tree
}

fn patch(text: &str) -> ModulePatch {
    ModulePatch { name: "fix.patch".to_owned(), text: text.to_owned(), kernels: KernelRange::default() }
}

fn refused(files: &[(&str, &str)], text: &str) -> String {
    let mut tree = source(files);
    let error = apply(&mut tree, &patch(text)).unwrap_err();
    assert!(!error.hint().is_empty());
    for (path, text) in files {
        assert_eq!(tree.file(path).unwrap().text().unwrap(), *text, "half of a patch was applied");
    }
    std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

const CHANGE: &str = "--- a/x.c\t2026-01-01\n+++ b/x.c\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n";

#[test]
fn several_files_are_changed_made_and_removed_and_lines_may_have_moved() {
    let mut tree = source(&[("x.c", "new first line\na\nb\nc\n"), ("dir/gone.c", "-- x\n")]);
    let more = "diff --git a/n.h b/n.h\nnew file mode 100644\n--- /dev/null\n+++ b/dir/n.h\n@@ -0,0 +1 @@\n+int n;\n\
                --- a/dir/gone.c\n+++ /dev/null\n@@ -1 +0,0 @@\n--- x\n";
    apply(&mut tree, &patch(&format!("Subject: why\n\n{CHANGE}{more}"))).unwrap();
    assert_eq!(tree.file("x.c").unwrap().text().unwrap(), "new first line\na\nB\nc\n");
    assert_eq!(tree.get("x.c").unwrap().mode, 0o755);
    assert_eq!(tree.file("dir/n.h").unwrap().text().unwrap(), "int n;\n");
    assert!(tree.get("dir/gone.c").is_none());
}

#[test]
fn a_hunk_that_finds_other_text_is_named_by_its_number_and_line() {
    let second = "@@ -5,3 +5,3 @@\n e\n-f\n+F\n g\n";
    let text = refused(&[("x.c", "a\nb\nc\nd\ne\nother\ng\n")], &(CHANGE.to_owned() + second));
    let told = "patch `fix.patch` does not apply to `x.c`: hunk 2 (line 8 of the patch) finds other text there";
    assert_eq!(text, told);
}

#[test]
fn a_patch_that_is_in_the_source_already_is_told_as_that() {
    assert_eq!(refused(&[("x.c", "a\nB\nc\n")], CHANGE), "patch `fix.patch` is in `x.c` already");
}

#[test]
fn a_patch_does_not_leave_the_source() {
    let escaping = CHANGE.replace("b/x.c", "b/../../x.c");
    assert!(refused(&[("x.c", "a\nb\nc\n")], &escaping).ends_with("path `b/../../x.c` climbs out with `..`"));
    let absolute = CHANGE.replace("b/x.c", "/etc/passwd");
    assert!(refused(&[("x.c", "a\nb\nc\n")], &absolute).contains("is absolute"));
}

#[test]
fn what_is_no_patch_is_told_with_the_line() {
    assert_eq!(refused(&[], "text\n"), "patch `fix.patch`, line 1: it changes no file");
    let short = "--- a/x.c\n+++ b/x.c\n@@ -1,3 +1,3 @@\n a\n";
    assert_eq!(refused(&[("x.c", "a\n")], short), "patch `fix.patch`, line 3: the hunk ends too early");
    assert!(refused(&[("x.c", "a\n")], "--- a/x.c\n+++ b/x.c\n").contains("no hunk"));
    assert!(refused(&[], CHANGE).contains("`x.c`, which the source does not have"));
    let moved = CHANGE.replace("a/x.c", "a/y.c");
    assert!(refused(&[("x.c", "a\nb\nc\n")], &moved).contains("not supported"));
}
