//! Drivers that are compiled for the image's kernel: whether kernel, module and the driver's other halves go together.

mod cuda;

use std::sync::Arc;

use super::{Finding, Inputs, Lint, Mistake, Theme};
use crate::diagnostic::{Diagnostic, Severity, SourceText};
use crate::lock::{Lock, kernel_of, upstream};
use crate::profile::{KernelModule, Profile, kernel_version};

pub(super) const THEME: Theme = Theme { title: "Drivers", lints: &[UNKNOWN_KERNEL, MIXED_VERSIONS, OLD_CUDA] };

const UNKNOWN_KERNEL: Lint = Lint {
    code: "C160-kernel-without-driver",
    severity: Severity::Error,
    title: "A driver is not known to work with the profile's kernel",
    why: "the kernel changes what it offers to drivers from one patch to the next: such a driver often does not even compile",
    find: |inputs| of_nodes(inputs, unknown_kernel),
};

const MIXED_VERSIONS: Lint = Lint {
    code: "C161-driver-versions",
    severity: Severity::Error,
    title: "The halves of a driver differ in version",
    why: "module, firmware and libraries of a driver are made for each other: the module refuses libraries of another \
          version, and finds no firmware of its own",
    find: |inputs| of_nodes(inputs, mixed_versions),
};

const OLD_CUDA: Lint = Lint {
    code: "C162-cuda-driver",
    severity: Severity::Error,
    title: "The driver's branch does not have the CUDA version that the profile asks for",
    why: "a container that was built for a newer CUDA than the driver has does not start; NVIDIA's packages for forward \
          compatibility are for data-centre cards only",
    find: |inputs| of_nodes(inputs, cuda::old),
};

/// What is wrong with a profile.
struct Fault {
    /// Where a file says it; none if that is not known.
    place: Option<Diagnostic>,
    message: String,
    hint: String,
}

/// What to look for in a profile and the lock.
type Look = fn(&Profile, Option<&Lock>) -> Vec<Fault>;

/// The faults of the profiles that nodes have: at their places in the profile, else at the first node that has it.
fn of_nodes(inputs: &Inputs<'_>, look: Look) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (name, profile) in inputs.profiles.iter().filter_map(|(name, loaded)| Some((name, loaded.as_ref().ok()?))) {
        let nodes: Vec<&str> =
            inputs.nodes().filter(|(node, _)| node.profile == *name).map(|(node, _)| node.name.as_str()).collect();
        let [first, ..] = nodes[..] else { continue };
        for Fault { place, message, hint } in look(profile, inputs.lock) {
            let at_node = || inputs.at_value(&format!("node.{first}.profile"), message).diagnostic;
            let diagnostic = place.unwrap_or_else(at_node);
            let node = (nodes.len() == 1).then(|| first.to_owned());
            found.push(Mistake { node, diagnostic }.hint(hint));
        }
    }
    found
}

/// The findings of a profile that no node uses.
pub(super) fn of_profile(profile: &Profile, lock: Option<&Lock>) -> Vec<Finding> {
    let looks: [(&Lint, Look); 3] =
        [(&UNKNOWN_KERNEL, unknown_kernel), (&MIXED_VERSIONS, mixed_versions), (&OLD_CUDA, cuda::old)];
    let mut found = Vec::new();
    for (lint, look) in looks {
        for Fault { place, message, hint } in look(profile, lock) {
            let in_file = || {
                let path = format!("profiles/{}.toml", profile.name);
                Diagnostic::new(&Arc::new(SourceText { path, text: String::new() }), None, message)
            };
            let diagnostic = place.unwrap_or_else(in_file);
            found.push(Finding::new(lint, Mistake { node: None, diagnostic }.hint(hint)));
        }
    }
    found
}

/// The release of the kernel that a profile gets: the locked one, which stays as long as it can; but what the profile asks for
/// counts first, if that is a whole version.
fn kernel(profile: &Profile, lock: Option<&Lock>) -> Option<String> {
    let asked = profile.kernel.version.as_deref().map(kernel_version).unwrap_or_default();
    let mut packages = lock.into_iter().flat_map(|lock| lock.packages_of(&profile.name));
    let locked = packages.find_map(|package| kernel_of(std::slice::from_ref(package)).map(|(release, _)| release));
    let locked = locked.filter(|release| kernel_version(release).starts_with(&asked)).map(str::to_owned);
    locked.or_else(|| profile.kernel.version.clone().filter(|_| asked.len() > 2))
}

fn unknown_kernel(profile: &Profile, lock: Option<&Lock>) -> Vec<Fault> {
    let (kernel, is_whole) = match (kernel(profile, lock), &profile.kernel.version) {
        (Some(kernel), _) => (kernel, true),
        (None, Some(begin)) => (begin.clone(), false),
        (None, None) => return Vec::new(),
    };
    let is_known = |module: &KernelModule| {
        if is_whole { module.kernels.contains(&kernel) } else { module.kernels.may_contain(&kernel) }
    };
    let unknown = profile.kernel_modules.iter().filter(|(_, module)| !is_known(module));
    let fault = |(name, module): (&String, &KernelModule)| {
        let message = format!(
            "kernel module `{name}` of profile `{}` is not known to work with kernel {kernel}, only with {}",
            profile.name, module.kernels
        );
        let hint = format!(
            "keep to a kernel that it works with: `version = \"…\"` in [kernel] of the profile; or try it: write a wider \
             `kernels` into {}, which compiles it and holds its symbols against the kernel",
            module.origin
        );
        let place = profile.marks.mistake("kernel-module.kernels", name, message.clone());
        Fault { place, message, hint }
    };
    unknown.map(fault).collect()
}

/// Looks at the lock even if the profile has changed since: what is locked stays as long as it can.
fn mixed_versions(profile: &Profile, lock: Option<&Lock>) -> Vec<Fault> {
    let Some(lock) = lock else { return Vec::new() };
    let mut found = Vec::new();
    for (name, module) in &profile.kernel_modules {
        let source = lock.kernel_modules_of(&profile.name).find(|locked| locked.name == *name);
        let source = source.map(|locked| (locked.package.as_str(), locked.version.as_str()));
        let others = lock.packages_of(&profile.name).filter(|package| module.same_version.contains(&package.name));
        let halves: Vec<(&str, &str)> =
            source.into_iter().chain(others.map(|package| (package.name.as_str(), package.version.as_str()))).collect();
        let is_other = |version: &str| upstream(version) != upstream(halves[0].1);
        let Some((other, _)) = halves.iter().find(|(_, version)| is_other(version)) else { continue };
        let told: Vec<String> = halves.iter().map(|(package, version)| format!("{package} {version}")).collect();
        let told = told.join(", ");
        let message =
            format!("the driver `{name}` of profile `{}` is locked in several versions: {told}", profile.name);
        let hint = "let them move together with `imgbuild lock --update`; if that does not help, narrow `versions` of the \
                    [[source]] that has the newer ones";
        let place = profile.marks.mistake("kernel-module.same_version", &format!("{name} {other}"), message.clone());
        found.push(Fault { place, message, hint: hint.to_owned() });
    }
    found
}
