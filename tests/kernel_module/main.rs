//! Kernel modules compiled in the sandbox, with Debian's own compilers and headers from its archive, on both architectures.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../debian/apt.rs"]
#[expect(dead_code, reason = "the tests of `debian` use the rest")]
mod apt;
mod compile;
#[path = "../support/debs.rs"]
#[expect(dead_code, reason = "the tests of `debian` use the rest")]
mod debs;
#[path = "../support/draw.rs"]
#[expect(dead_code, reason = "random draws are other tests' business")]
mod draw;
mod failures;
#[path = "../support/hello.rs"]
mod hello;
mod kernel;
mod nvidia;
mod sample;
mod sandbox;
mod wrapper;
