//! The lock: exactly what an image is made of, in one text file a workspace that reads well in a diff.

mod model;

pub use model::*;
