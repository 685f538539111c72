//! The alternatives of Debian's NVIDIA driver and of OpenGL, whose commands scripts put together from what is installed.
//!
//! `libcuda.so.1` lies in a directory that no loader searches. The triggers of `nvidia-alternative` make it one of the links of
//! the alternative `nvidia`; those of `glx-alternative-nvidia` and `glx-alternative-mesa` then choose whose OpenGL there is, in the
//! alternative `glx`. Way of the data: their `postinst` scripts name the links ([`script`]), the rules here say which lists
//! count, and [`alternatives::install`](super::alternatives::install) makes them. The triggers activate each other until nothing
//! changes any more; the order below reaches the same: each step sees the links of those before.
//!
//! Rules of nvidia-alternative 550.163.01-2 and of glx-alternatives 1.2.2; the ledger holds that the scripts are those.

pub mod diversions;
mod script;

use script::Script;

use super::alternatives::{Choice, Slave, install};
use super::{Context, EffectError};
use crate::tree::Tree;

/// The directories that stand for the choices of `glx`.
const NVIDIA: &str = "/usr/lib/nvidia";
const MESA: &str = "/usr/lib/mesa-diverted";

/// Moves what is diverted, and makes the alternatives `nvidia`, `glx` and `libGL.so-master`, each if there is a choice.
///
/// # Errors
/// A script whose lists of links are not where they are expected; a link's place below something that is no directory.
pub fn glx(tree: &mut Tree, context: &Context<'_>) -> Result<(), EffectError> {
    diversions::rename(tree, context.packages)?;
    let nvidia = match Script::of(context.packages, "nvidia-alternative") {
        Some(script) => nvidia(tree, &script)?,
        None => Vec::new(),
    };
    let indirect = nvidia.iter().flat_map(|choice| &choice.slaves).any(|slave| slave.name.starts_with(INDIRECT));
    install(tree, "nvidia", nvidia)?;

    let mut glx = Vec::new();
    if let Some(script) = Script::of(context.packages, "glx-alternative-nvidia") {
        glx.extend(glx_nvidia(tree, &script, context.has("bumblebee-nvidia"))?);
    }
    let mut master = None;
    if let Some(script) = Script::of(context.packages, "glx-alternative-mesa") {
        glx.extend(glx_mesa(tree, &script, indirect)?);
        master = choice("/usr/lib/mesa-diverted/libGL.so-master", MESA, 9995, script.slaves(tree, &["slaves#2"])?);
    }
    install(tree, "glx", glx)?;
    install(tree, "libGL.so-master", master.into_iter().collect())?;
    Ok(())
}

/// The link by which NVIDIA's driver says that it takes care of indirect rendering itself.
const INDIRECT: &str = "nvidia--libGLX_indirect.so.0-";

/// A choice of the alternative that `link` has, if it has links to offer.
fn choice(link: &str, path: &str, priority: i64, slaves: Vec<Slave>) -> Option<Choice> {
    let name = link.rsplit('/').next().unwrap_or_default().to_owned();
    let choice = Choice { link: link.to_owned(), name, path: path.to_owned(), priority, slaves };
    (!choice.slaves.is_empty()).then_some(choice)
}

/// What `postinst triggered` of nvidia-alternative offers: the driver, with the settings of the proprietary modules, of the
/// open ones, or without any.
fn nvidia(tree: &Tree, script: &Script<'_>) -> Result<Vec<Choice>, EffectError> {
    if script.slaves(tree, &["slaves"])?.is_empty() {
        return Ok(Vec::new());
    }
    let open = !script.slaves(tree, &["kmod_open_slaves"])?.is_empty();
    let normal = !open || !script.slaves(tree, &["kmod_slaves"])?.is_empty();
    let priority = script.priority("/usr/lib/nvidia/current")?;
    // The development link comes with the header.
    let ml: &[&str] = if tree.file("usr/include/nvml.h").is_some() { &["libnvidia_ml_so_slave"] } else { &[] };
    let offer = |path: &str, priority, modules| {
        let lists = [&["slaves", "conf_slaves", modules], ml].concat();
        Ok::<_, EffectError>(choice("/usr/lib/nvidia/nvidia", path, priority, script.slaves(tree, &lists)?))
    };
    let mut choices = Vec::new();
    if normal {
        choices.extend(offer("/usr/lib/nvidia/current", priority, "kmod_slaves")?);
    }
    if open {
        choices.extend(offer("/usr/lib/nvidia/current-open", priority - 1, "kmod_open_slaves")?);
    }
    Ok(choices)
}

/// What `setup_alternatives` of glx-alternative-nvidia offers: NVIDIA's OpenGL, or only CUDA beside Mesa's, and the former only for
/// programs that are started for it (bumblebee).
fn glx_nvidia(tree: &Tree, script: &Script<'_>, bumblebee: bool) -> Result<Vec<Choice>, EffectError> {
    let has = |list| Ok::<_, EffectError>(!script.slaves(tree, &[list])?.is_empty());
    let opengl = has("libGL_nvidia_enabler")?;
    let lists: Option<&[&str]> = if opengl || has("xorg_enabler")? {
        Some(&[
            "kernel_auto_slaves",
            "xorg_slaves",
            if has("xorg_enabler")? { "xorg_conf_slaves#2" } else { "xorg_conf_slaves" },
            "libGL_nvidia_slaves",
            "libEGL_nvidia_slaves",
            "misc_slaves",
        ])
    } else if has("cuda_enabler")? {
        Some(&["kernel_auto_slaves", "libGL_mesa_slaves", "libEGL_mesa_slaves", "misc_slaves"])
    } else {
        None
    };
    let mut choices = Vec::new();
    let mut offer = |path: String, priority, lists: &[&str]| {
        let (link, name) = ("/usr/lib/glx".to_owned(), "glx".to_owned());
        choices.push(Choice { link, name, path, priority, slaves: script.slaves(tree, lists)? });
        Ok::<_, EffectError>(())
    };
    if let Some(lists) = lists {
        offer(NVIDIA.to_owned(), 100, lists)?;
    }
    if opengl {
        let priority = if bumblebee { 125 } else { 95 };
        let lists = ["kernel_manual_slaves", "libGL_mesa_slaves", "libEGL_mesa_slaves", "misc_slaves"];
        offer(format!("{NVIDIA}/bumblebee"), priority, &lists)?;
    }
    Ok(choices)
}

/// What `setup_alternatives` of glx-alternative-mesa offers: the libraries that are diverted, if there are any.
fn glx_mesa(tree: &Tree, script: &Script<'_>, indirect: bool) -> Result<Option<Choice>, EffectError> {
    let mut slaves = script.slaves(tree, &["slaves"])?;
    if !slaves.is_empty() && !indirect {
        slaves.extend(script.slaves(tree, &["slave_indirect"])?);
    }
    Ok(choice("/usr/lib/glx", MESA, 5, slaves))
}

#[cfg(test)]
mod tests;
