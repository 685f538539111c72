//! The program as its users meet it: the real binary, its files, its words and its exit codes.
//!
//! One image of `demo` and one of `control` are built for all tests; downloads stay in the target directory for the
//! next run. What a bad archive does is tried with a small one on the loopback interface, signed by a key of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod archive;
mod artifact;
mod artifact_unpack;
mod bad_archive;
mod bad_package;
mod bad_profile;
mod board;
mod boot;
mod build;
mod cdi;
mod charts;
mod clumsy;
mod cluster;
mod compare;
mod damaged;
mod declared;
mod export;
mod face;
mod fetched_key;
mod flash_node;
mod flat;
mod full_disk;
mod images;
mod k3s_release;
mod local_mirror;
mod lock;
mod lock_life;
mod minisign;
mod mistyped;
mod modules;
mod modules_carried;
mod newcomer;
mod node;
mod node_image;
mod nvidia_archive;
mod only;
mod origins;
mod overlay;
mod params;
mod pi;
mod place;
mod plan;
mod preload;
mod recommends;
mod reproducible;
mod screen;
mod scripts;
mod secrets;
mod secure_boot;
mod shared;
mod speech;
mod sticks;
mod stopped;
mod systems;
mod tiny;
mod values;
mod vendor;
mod why;
mod workflow;

#[path = "../support/debs.rs"]
#[expect(dead_code, reason = "extended archives are the reader's own tests' business")]
mod debs;
#[path = "../support/gpg.rs"]
#[expect(dead_code, reason = "other signatures are the verifier's own tests' business")]
mod gpg;
#[path = "../support/http.rs"]
#[expect(dead_code, reason = "servers that stall are the fetcher's own tests' business")]
mod http;
#[path = "../support/registry.rs"]
#[expect(dead_code, reason = "single manifests and other indexes are the fetcher's own tests' business")]
mod images_of_registries;
#[path = "../support/k3s.rs"]
mod k3s;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/terminal.rs"]
mod terminal;
