//! A kernel module of our own, its package, and how it is compiled.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use imgbuild::debian::Package;
use imgbuild::kernel_module::{Built, CompileError, Job, compile_with};
use imgbuild::output::{Progress, Silent};
use imgbuild::profile::{KernelModule, KernelRange, ModulePatch, Origin};
use tempfile::TempDir;

use crate::debs;
use crate::hello;
use crate::kernel::{self, Kernel};

/// A source package and its recipe.
pub struct Sample {
    pub name: &'static str,
    pub package: Package,
    pub recipe: KernelModule,
}

impl Sample {
    /// The module with these files in place of its own, or beside them.
    pub fn new(files: &[(&str, &str)]) -> Self {
        Self::of(&hello::package(files).finish())
    }

    /// The package with these files.
    pub fn of(data_tar: &[u8]) -> Self {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("hello.deb");
        fs::write(&file, debs::deb_of(data_tar)).unwrap();
        let recipe = KernelModule {
            package: "sample".to_owned(),
            source: hello::PLACE.to_owned(),
            patches: Vec::new(),
            make: vec!["all".to_owned()],
            modules: vec!["hello.ko".to_owned()],
            kernels: KernelRange::default(),
            same_version: Vec::new(),
            origin: Origin::Overlay("hello".to_owned()),
        };
        Self { name: "hello", package: kernel::open(&file), recipe }
    }

    pub fn patched(mut self, text: &str) -> Self {
        let kernels = KernelRange::parse(">=6.12").unwrap();
        self.recipe.patches.push(ModulePatch { name: "fix.patch".to_owned(), text: text.to_owned(), kernels });
        self
    }

    pub fn job<'a>(&'a self, kernel: &'a Kernel) -> Job<'a> {
        Job {
            name: self.name,
            kernel: &kernel.release,
            arch: kernel.arch,
            toolchain: &kernel.toolchain,
            source: &self.package,
            recipe: &self.recipe,
        }
    }

    pub fn compile(&self, kernel: &Kernel) -> Result<Vec<Built>, CompileError> {
        self.compile_by(Path::new(env!("CARGO_BIN_EXE_imgbuild")), kernel)
    }

    /// With another file as the program.
    pub fn compile_by(&self, program: &Path, kernel: &Kernel) -> Result<Vec<Built>, CompileError> {
        compile_with(program, &self.job(kernel), &Silent)
    }

    /// The error that comes of it and what helps; the log that it names is removed.
    pub fn refused(&self, kernel: &Kernel) -> (String, String) {
        let error = self.compile(kernel).unwrap_err();
        told(&error)
    }
}

/// An error with its causes, and its hint; the log that it names is removed.
pub fn told(error: &CompileError) -> (String, String) {
    if let CompileError::Failed { log: Some(log), .. }
    | CompileError::Missing { log: Some(log), .. }
    | CompileError::Ended { log: Some(log), .. } = error
    {
        assert!(error.hint().is_some(), "what helps is told beside the log");
        fs::remove_file(log).unwrap();
    }
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let text: Vec<String> = chain.map(ToString::to_string).collect();
    (text.join(": "), error.hint().unwrap_or_default())
}

/// Calls back with each file that is compiled.
pub struct Steps<F>(pub Mutex<F>);

impl<F: FnMut(&str) + Send> Progress for Steps<F> {
    fn begin(&self, _: &'static str, _: u64) {}
    fn advance(&self, _: &'static str, _: u64) {}
    fn remark(&self, _: &'static str, file: &str) {
        (self.0.lock().unwrap())(file);
    }
    fn finish(&self, _: &'static str, _: &str) {}
    fn warn(&self, _: &str) {}
}
