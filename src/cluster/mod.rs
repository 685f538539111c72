//! The cluster: what is done once for all nodes and beyond one image.

pub mod manifests;
