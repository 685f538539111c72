//! Where derived data is kept from one image to the next.

/// Keeps what is dear to compute: compressed blocks, module indexes.
///
/// A key stands for everything that the value depends on, so a store never has to forget one for being out of
/// date, and may forget any.
pub trait Store: Sync {
    /// The value put under `key`, if there is one.
    fn get(&self, key: &[u8; 32]) -> Option<Vec<u8>>;

    /// Keeps `value` under `key`. A store that cannot does nothing.
    fn put(&self, key: &[u8; 32], value: &[u8]);
}

/// A store that keeps nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoStore;

impl Store for NoStore {
    fn get(&self, _: &[u8; 32]) -> Option<Vec<u8>> {
        None
    }

    fn put(&self, _: &[u8; 32], _: &[u8]) {}
}
