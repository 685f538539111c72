//! (stub, signatures first)
use super::index::Stanza;

/// All packages of all sources for one architecture.
#[derive(Debug)]
pub struct Universe<'a> {
    marker: std::marker::PhantomData<&'a ()>,
}
impl<'a> Universe<'a> {
    /// `sources`: name (as in the lock) and stanzas, in the profile's order; stanzas of other architectures are left out.
    pub fn new(
        arch: &str,
        sources: impl IntoIterator<Item = (&'a str, Vec<Stanza<'a>>)>,
    ) -> Result<Self, ResolveError> {
        let _ = (arch, sources);
        unimplemented!()
    }
}
/// A chosen package.
#[derive(Debug)]
pub struct Chosen<'a> {
    pub source: &'a str,
    pub stanza: &'a Stanza<'a>,
}
/// The result, sorted by name.
#[derive(Debug)]
pub struct Selection<'a> {
    pub packages: Vec<Chosen<'a>>,
}
impl Selection<'_> {
    /// Shortest chain from a wanted/essential package to `package`, one step a line; None if not selected.
    pub fn why(&self, package: &str) -> Option<Vec<String>> {
        let _ = package;
        unimplemented!()
    }
}
#[derive(Debug, thiserror::Error)]
#[error("stub")]
pub struct ResolveError;
impl ResolveError {
    pub fn hint(&self) -> Option<String> {
        None
    }
}
/// Essential packages + `wanted` + their dependencies.
pub fn resolve<'a>(universe: &'a Universe<'a>, wanted: &[String]) -> Result<Selection<'a>, ResolveError> {
    let _ = (universe, wanted);
    unimplemented!()
}
