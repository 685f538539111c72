//! A kernel module of our own, as source packages have drivers.

use crate::debs::Tar;

/// Where the source is in its package.
pub const PLACE: &str = "usr/src/hello-*";

/// A module that prints a line when it is loaded, and has in it all that would tell one machine from another.
pub const SOURCE: &str = r#"// SPDX-License-Identifier: GPL-2.0-only
#include <linux/init.h>
#include <linux/module.h>

static const char *const place = __FILE__;

static int __init hello_init(void)
{
	pr_info("hello from %s, made %s by %s in %s\n", place, MADE, MAKER, DIRECTORY);
	return 0;
}

static void __exit hello_exit(void)
{
}

module_init(hello_init);
module_exit(hello_exit);
MODULE_DESCRIPTION("Prints a line");
MODULE_LICENSE("GPL");
"#;

/// As makefiles of drivers do: it asks for time, user, host and kernel itself, and calls that of the kernel.
pub const MAKEFILE: &str = r#"obj-m := hello.o
ccflags-y := -DMADE='"$(shell date +%s)"' -DMAKER='"$(shell id -u)@$(shell uname -n)"' -DDIRECTORY='"$(shell pwd)"'
all:
	$(MAKE) -C /lib/modules/$(shell uname -r)/build M=$(CURDIR) modules
"#;

/// The package's files; `files` are in place of those with their names, or beside them.
pub fn package(files: &[(&str, &str)]) -> Tar {
    let tar = Tar::default().dir("./").dir("./usr/").dir("./usr/src/").dir("./usr/src/hello-1.0/");
    let own = [("hello.c", SOURCE), ("Makefile", MAKEFILE)];
    let kept = own.iter().filter(|(name, _)| files.iter().all(|(other, _)| other != name));
    kept.chain(files).fold(tar, |tar, (name, text)| tar.file(&format!("./usr/src/hello-1.0/{name}"), text))
}
