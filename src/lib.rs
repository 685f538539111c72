//! `imgbuild`: a profile becomes a locked, reproducible, bootable node image in seconds, without root.
//!
//! Data flows one way, and each room's output is a plain value:
//!
//! ```text
//! profile + overlays → lock → fetch → debian → tree → effects → format → image → release
//! ```
//!
//! A later room never calls back into an earlier one. Only `fetch` and `datastore` know of asynchronous code, only
//! `output` prints; `pipeline` is the order of the stages of a build, and `cmd` ties all of it to the command line.

mod cache;
mod cli;
pub mod cluster;
pub mod cmd;
mod datastore;
pub mod debian;
pub mod device;
mod diagnostic;
pub mod effects;
mod exit;
pub mod fetch;
mod files;
pub mod flash;
pub mod format;
mod gitops;
pub mod image;
pub mod kernel_module;
pub mod lock;
pub mod output;
mod pipeline;
mod process;
pub mod profile;
pub mod release;
pub mod rollout;
pub mod scripts;
pub mod shell;
pub mod tree;
mod urls;
