//! `imgbuild export`: a profile's build becomes a release set.

use super::session::Session;
use super::{Outcome, image};
use crate::cli::Export;
use crate::exit::Failure;
use crate::release::{self, Signer, Tag};

pub(super) fn run(args: &Export, session: &Session<'_>) -> Outcome {
    // Checked before anything is built.
    let tag = args.tag.as_deref().map(Tag::parse).transpose()?;
    let signer = args.sign.as_deref().map(|key| Signer::open(key, tag)).transpose()?;
    let output = args.output.clone().unwrap_or_else(|| session.output_dir("release"));
    image::check_place(&output)?;
    let Some(profile) = &args.profile else {
        return Err(Failure::refused("no profile is named").hint("name one: `imgbuild export NAME`"));
    };
    let built = session.output_dir(profile);
    let (manifest, _) = image::build(session, profile, &built, args.k3s.k3s_dir.as_deref(), &args.unlock)?;
    let files = release::write(&built, &manifest, &output, signer.as_ref(), session.console.progress())?;
    let next = match signer {
        Some(_) => "next: attach all files of the directory to a release",
        None => "it is not signed, so that whoever can change a release can change its sums too: see `--sign`",
    };
    let result = serde_json::json!({
        "profile": profile,
        "image_id": manifest.image_id,
        "directory": output,
        "files": files,
        "signed": signer.is_some(),
        "note": next,
    });
    session.console.result(&result, &format!("{}: {}\n{next}", output.display(), files.join(", ")));
    Ok(())
}
