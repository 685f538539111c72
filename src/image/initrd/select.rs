//! Taking files out of the root: each with the links on its way, and each program with its libraries.

use super::InitrdError;
use super::elf::{self, Needs};
use crate::profile::Arch;
use crate::tree::{Kind, Node, Tree, parent};

/// A growing part of a root file system.
#[derive(Debug)]
pub(super) struct Selection<'a> {
    root: &'a Tree,
    chosen: Tree,
    /// Where the loader looks when a program does not say, in its order.
    library_directories: [String; 2],
}

impl<'a> Selection<'a> {
    pub(super) fn new(root: &'a Tree, arch: Arch) -> Self {
        let multiarch = format!("usr/lib/{}", arch.triplet());
        Self { root, chosen: Tree::new(), library_directories: [multiarch, "usr/lib".to_owned()] }
    }

    /// What was taken.
    pub(super) fn finish(self) -> Tree {
        self.chosen
    }

    /// Takes `path`, which `package` brings.
    pub(super) fn take(&mut self, path: &str, package: &'static str) -> Result<(), InitrdError> {
        if self.take_if_there(path)? {
            return Ok(());
        }
        Err(InitrdError::Missing { path: path.to_owned(), package })
    }

    /// Takes the file or link at `path`, with a link's target, a program's libraries. Says whether it is there.
    pub(super) fn take_if_there(&mut self, path: &str) -> Result<bool, InitrdError> {
        self.take_for(path, &[])
    }

    /// As [`Selection::take_if_there`] for a program that brings its own library directories. The loader does not hand
    /// these down, but a library finds what the program has loaded from them already, so here they are handed down.
    fn take_for(&mut self, path: &str, directories: &[String]) -> Result<bool, InitrdError> {
        let path = self.root.resolve(path, false)?;
        let Some(node) = self.root.get(&path) else { return Ok(false) };
        if self.chosen.contains(&path) {
            return Ok(true);
        }
        match &node.kind {
            Kind::Symlink(target) => {
                self.chosen.put(&path, node.clone())?;
                let directory = if target.starts_with('/') { "" } else { parent(&path).unwrap_or_default() };
                self.take_for(&format!("{directory}/{target}"), directories)?;
            }
            Kind::File(_) | Kind::HardLink(_) => self.take_file(&path, node, directories)?,
            // What is below a directory is taken by name; a device or pipe is made by the kernel.
            _ => {}
        }
        Ok(true)
    }

    fn take_file(&mut self, path: &str, node: &Node, directories: &[String]) -> Result<(), InitrdError> {
        let Some(content) = self.root.file(path) else { return Ok(()) };
        let file = Node { kind: Kind::File(content.clone()), ..node.clone() };
        self.chosen.put(path, file)?;
        let read = |source| InitrdError::Read { path: path.to_owned(), source };
        let magic = content.read_range(0, content.len().min(4)).map_err(read)?;
        // Modules are ELF files too when a kernel does not compress them; the loader has no part in those.
        if !elf::is_elf(&magic) || path.contains("/modules/") {
            return Ok(());
        }
        let data = content.read().map_err(read)?;
        let mut needs = elf::needs(&data).map_err(|source| InitrdError::Elf { path: path.to_owned(), source })?;
        needs.directories.extend_from_slice(directories);
        self.take_libraries(path, &needs)
    }

    fn take_libraries(&mut self, user: &str, needs: &Needs) -> Result<(), InitrdError> {
        let missing = |library: &str| InitrdError::NoLibrary { library: library.to_owned(), user: user.to_owned() };
        if let Some(loader) = &needs.interpreter
            && !self.take_if_there(loader)?
        {
            return Err(missing(loader));
        }
        for library in &needs.libraries {
            if !self.take_library(library, &needs.directories)? {
                return Err(missing(library));
            }
        }
        for library in &needs.on_demand {
            self.take_library(library, &needs.directories)?;
        }
        Ok(())
    }

    fn take_library(&mut self, name: &str, directories: &[String]) -> Result<bool, InitrdError> {
        let places: Vec<String> = directories
            .iter()
            .chain(&self.library_directories)
            .map(|directory| format!("{directory}/{name}"))
            .collect();
        for place in places {
            if self.take_for(&place, directories)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
