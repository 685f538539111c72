//! Which image is written, built here or taken from elsewhere, and with which node's seed.

use std::fs::File;

use super::image::Image;
use super::{choose, foreign};
use crate::cli::Flash;
use crate::cmd::cluster::{self, ResolvedNode};
use crate::cmd::image;
use crate::cmd::lock as locking;
use crate::cmd::session::Session;
use crate::exit::{Code, Failure};
use crate::flash::Raw;
use crate::pipeline;

/// How the command line names an image.
const IMAGE_OPTIONS: &str = "name it: `--profile NAME` to build it, `--image FILE|URL` for one from elsewhere, `--release TAG` with \
                             `--profile NAME` for one of the workspace's releases; `--node NAME` adds the seed of a node and \
                             implies its profile";

/// The image that the command line names. It will go to a disk that is not one of `already_written`.
pub(super) fn find(
    args: &Flash,
    node: Option<&str>,
    already_written: &[u64],
    session: &Session<'_>,
) -> Result<Image, Failure> {
    let member = node.map(|node| cluster::resolve_node(session, node, &args.unlock)).transpose()?;
    let of_node = member.as_ref().map(|member| member.profile.name.as_str());
    if let (Some(named), Some(of_node)) = (args.profile.as_deref(), of_node)
        && named != of_node
    {
        return Err(other_profile(node, of_node, named));
    }
    let profile = args.profile.as_deref().or(of_node);
    // Nothing of a local image file is kept in the cache.
    if args.image.is_none() && profile.is_some() {
        session.open_cache()?;
    }
    // Building or downloading may take long, so check first what can be checked without an image.
    if args.image.is_some() || profile.is_some() {
        choose::preflight(args, already_written, session)?;
    }
    let found = match (&args.image, &args.release, profile) {
        (Some(image), _, _) => foreign::open(session, image)?,
        (None, Some(tag), Some(profile)) => foreign::release(session, tag, profile)?,
        (None, None, Some(profile)) => built(args, profile, member.as_ref(), session)?,
        (None, Some(tag), None) => {
            return Err(Failure::refused(format!("release `{tag}` has images of several profiles"))
                .hint("add `--profile NAME`, or `--node NAME` for the image of the node's profile with its seed"));
        }
        (None, None, None) => return Err(Failure::refused("no image is named").hint(IMAGE_OPTIONS)),
    };
    let Some(member) = member else { return Ok(found) };
    if found.manifest.profile != member.profile.name {
        return Err(other_profile(node, &member.profile.name, &found.manifest.profile));
    }
    let seed = pipeline::seed(&member.seed.tree, found.manifest.epoch)?;
    let role = member.profile.k3s.as_ref().map(|k3s| k3s.role);
    Ok(Image { seed: Some(seed), node: Some(member.name), role, ..found })
}

fn built(args: &Flash, profile: &str, member: Option<&ResolvedNode>, session: &Session<'_>) -> Result<Image, Failure> {
    let k3s_dir = args.k3s.k3s_dir.as_deref();
    if let Some(member) = member {
        locking::for_node(session, member, k3s_dir)?;
    }
    let output = session.output_dir(profile);
    let (manifest, _) = image::build(session, profile, &output, k3s_dir, &args.unlock)?;
    let path = output.join(&manifest.image);
    let file = File::open(&path)
        .map_err(|error| Failure::io(Code::Unexpected, format!("cannot read {}", path.display()), &error))?;
    Ok(Image { manifest, source: Box::new(Raw(file)), node: None, seed: None, role: None, protected_paths: vec![path] })
}

fn other_profile(node: Option<&str>, profile: &str, image: &str) -> Failure {
    let node = node.unwrap_or_default();
    Failure::refused(format!("node `{node}` is of profile `{profile}`, but the image is of `{image}`"))
        .hint(format!("write the image of `{profile}`, or change the node's profile in cluster.toml"))
}
