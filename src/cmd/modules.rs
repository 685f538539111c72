//! `imgbuild modules`: kernel modules that overlays have compiled, made here or carried from machine to machine.

use std::path::Path;

use super::session::Session;
use super::{Outcome, image, lock as locking, subject};
use crate::cli::{Modules, ModulesExport, ModulesImport, ModulesOf};
use crate::exit::{Code, Failure};
use crate::files;
use crate::kernel_module::artifact;
use crate::output::bytes;
use crate::pipeline::Plan;
use crate::pipeline::kernel_modules::{self, Modules as Made, PlannedModule};
use crate::profile::{self, Profile};
use crate::release::{self, SUMS, SignedBy, Signer};
use crate::tree::Digest;

pub(super) fn run(verb: Modules, session: &Session<'_>) -> Outcome {
    match verb {
        Modules::Build(of) => build(of, session),
        Modules::Export(args) => export(args, session),
        Modules::Import(args) => import(args, session),
    }
}

fn build(of: ModulesOf, session: &Session<'_>) -> Outcome {
    let profile = profile_of(of, session)?;
    let made = made(session, &profile)?;
    let line = |made: &Made| {
        let (manifest, sizes) = (&made.manifest, made.built.iter().map(|built| built.bytes.len() as u64).sum());
        let files: Vec<&str> = manifest.modules.iter().map(|module| module.file.as_str()).collect();
        let (name, version, kernel) = (&manifest.name, &manifest.version, &manifest.kernel);
        format!("{name} {version} for {kernel}: {} ({})\n  {}", files.join(", "), bytes(sizes), made.file.display())
    };
    let text: Vec<String> = made.iter().map(line).collect();
    let json = |made: &Made| {
        let (manifest, file, sha256) = (&made.manifest, &made.file, made.digest);
        serde_json::json!({"manifest": manifest, "file": file, "sha256": sha256})
    };
    let json: Vec<serde_json::Value> = made.iter().map(json).collect();
    session.console.result(&serde_json::json!({"profile": profile.name, "modules": json}), &text.join("\n"));
    Ok(())
}

fn export(args: ModulesExport, session: &Session<'_>) -> Outcome {
    let signer = args.sign.as_deref().map(|key| Signer::open(key, None)).transpose()?;
    let profile = profile_of(args.of, session)?;
    let output = args.output.unwrap_or_else(|| session.output_dir("release"));
    image::check_place(&output)?;
    let files = made(session, &profile)?
        .iter()
        .map(|made| Ok((made.manifest.file_name(), read(&made.file)?)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let files = release::add(&files, &output, signer.as_ref(), session.console.progress())?;
    let next = "next: on the other machine, with the same imgbuild.lock: `imgbuild modules import FILE`";
    let result = serde_json::json!({
        "profile": profile.name,
        "directory": output,
        "files": files,
        "signed": signer.is_some(),
    });
    session.console.result(&result, &format!("{}: {}\n{next}", output.display(), files.join(", ")));
    Ok(())
}

fn import(args: ModulesImport, session: &Session<'_>) -> Outcome {
    let profile = profile_of(args.of, session)?;
    let (path, lock) = (&args.file, locking::load(session)?);
    if !locking::is_locked(&lock, &profile)? {
        return Err(Failure::refused(format!("profile `{}` is not in imgbuild.lock", profile.name))
            .hint("take imgbuild.lock from where the modules were compiled: it says which they must be"));
    }
    let bytes = read(path)?;
    let (manifest, _) = artifact::unpack(&bytes)
        .map_err(|error| Failure::new(Code::Verification, &error).about(&format!("`{}`", path.display())))
        .map_err(|failure| failure.hint("get the file again, as `imgbuild modules export` wrote it"))?;
    let plan = image::plan(session, &profile, &lock)?;
    let planned = wanted(&plan, &manifest, path)?;
    let digest = Digest::of(&bytes);
    match planned.locked.result {
        Some(expected) if expected != digest => {
            let message =
                format!("`{}` is not what the lock has: its SHA-256 is {digest}, locked {expected}", path.display());
            return Err(Failure { code: Code::Verification, ..Failure::refused(message) }.hint(
                "get the file again; if it is the same, the lock is of another build: `imgbuild lock` makes it anew",
            ));
        }
        Some(_) => {}
        None => check_signature(session, path, digest)?,
    }
    session.open_cache()?;
    kernel_modules::keep(planned.inputs, &bytes, &session.cache)?;
    record(session, &profile, &[(planned.locked.name.clone(), digest)])?;
    let result = serde_json::json!({"profile": profile.name, "manifest": manifest, "sha256": digest});
    let next = format!("next: imgbuild build {}", profile.name);
    session.console.result(&result, &format!("{} is in the cache\n{next}", manifest.file_name()));
    Ok(())
}

/// The profile that is named; it must have kernel modules.
fn profile_of(of: ModulesOf, session: &Session<'_>) -> Result<Profile, Failure> {
    let name = subject::profile(session, of.name, of.profile)?.ok_or_else(image::nothing_named)?;
    let profile = profile::load(&session.workspace, &name)?;
    if profile.kernel_modules.is_empty() {
        return Err(Failure::refused(format!("profile `{name}` has no kernel modules to compile"))
            .hint("overlays name them: [kernel-module.NAME] in overlay.toml"));
    }
    Ok(profile)
}

/// The kernel modules of a profile, from the cache or compiled, their digests in the lock.
fn made(session: &Session<'_>, profile: &Profile) -> Result<Vec<Made>, Failure> {
    session.open_cache()?;
    let lock = locking::for_build(session, profile, None)?;
    let made = kernel_modules::made(&image::plan(session, profile, &lock)?, session.tools())?;
    let results: Vec<(String, Digest)> = made.iter().map(|made| (made.manifest.name.clone(), made.digest)).collect();
    record(session, profile, &results)?;
    Ok(made)
}

/// Writes results into the lock that has none of these modules yet.
fn record(session: &Session<'_>, profile: &Profile, results: &[(String, Digest)]) -> Outcome {
    let _guard = session.guard_lock();
    let mut lock = locking::load(session)?;
    if lock.set_results(&profile.name, results) {
        lock.save(&session.lock_path())?;
    }
    Ok(())
}

/// What of the plan a file is for.
fn wanted<'p, 'a>(
    plan: &'p Plan<'a>,
    manifest: &artifact::Manifest,
    path: &Path,
) -> Result<&'p PlannedModule<'a>, Failure> {
    if let Some(module) = plan.kernel_modules.iter().find(|module| module.inputs == manifest.inputs) {
        return Ok(module);
    }
    let artifact::Manifest { name, version, kernel, .. } = manifest;
    let message = format!("`{}` is {name} {version} for {kernel}, and the lock asks for another", path.display());
    let wanted = plan.kernel_modules.iter().map(|module| {
        let locked = module.locked;
        let same = (&locked.name, &locked.version, &locked.kernel) == (name, version, kernel);
        let differs = if same { ", compiled otherwise: its source, patches, headers or compiler differ" } else { "" };
        format!("locked: {} {} for {}{differs}", locked.name, locked.version, locked.kernel)
    });
    let failure = Failure { code: Code::Verification, causes: wanted.collect(), ..Failure::refused(message) };
    Err(failure.hint("export it again with this imgbuild.lock, by the same version of imgbuild"))
}

/// What helps where a signature does not prove a file.
const UNPROVED: &str = "get the file again with SHA256SUMS and SHA256SUMS.minisig, as `imgbuild modules export --sign` wrote them \
                        with the key that `release_key` of imgbuild.toml names; or take imgbuild.lock from there";

/// Without a digest in the lock a signature over the sums beside the file must prove it.
fn check_signature(session: &Session<'_>, path: &Path, digest: Digest) -> Outcome {
    let Some(key) = session.workspace.release_key() else {
        return Err(Failure::refused(format!("nothing proves `{}`: the lock has no digest of it", path.display()))
            .hint("take imgbuild.lock from where it was compiled, or name the key that signed SHA256SUMS as `release_key` in imgbuild.toml"));
    };
    let beside = |name: &str| path.with_file_name(name);
    let sums = read(&beside(SUMS)).map_err(|failure| failure.hint(UNPROVED))?;
    let (text, signature) = (sums, files::read(&beside(release::SIGNATURE)).ok());
    let signed = Some(SignedBy { key, tag: None });
    let sums = release::verified_sums(&text, signature.as_deref(), signed)
        .map_err(|error| Failure::new(Code::Verification, &error).hint(UNPROVED))?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if sums.get(name) != Some(digest) {
        let message = format!("{SUMS} beside `{}` does not have its SHA-256, {digest}", path.display());
        return Err(Failure { code: Code::Verification, ..Failure::refused(message) }.hint("get both files again"));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: std::io::Error| Failure::io(Code::Refused, format!("cannot read `{}`", path.display()), &error);
    let hint =
        || Some("name the file that `imgbuild modules export` wrote, NAME_VERSION_KERNEL.modules.tar".to_owned());
    files::read(path).map_err(|error| failed(error).maybe_hint(hint()))
}
