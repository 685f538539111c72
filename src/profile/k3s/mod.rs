//! The table `[k3s]` in the making; releases of K3s, and how long their lines live.

mod lines;
mod tag;

pub use lines::End;
pub use tag::{Line, Tag};

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::inherit::{edit, replace};
use super::schema::K3sTable;
use super::values::Spanned;
use super::{Charts, K3s, Marks, PinnedImage, ProfileError, Role};
use crate::diagnostic::{Diagnostic, SourceText};

/// What the files so far say of K3s.
#[derive(Debug, Default)]
pub(super) struct K3sDraft {
    version: Option<String>,
    role: Option<Role>,
    standalone: Option<(bool, Place)>,
    air_gap: Option<bool>,
    taints: Vec<String>,
    labels: BTreeMap<String, String>,
    disable: Vec<String>,
    kubelet_args: Vec<String>,
    embedded_registry: Option<(bool, Place)>,
    preload: Vec<String>,
    charts: Option<(Charts, Place)>,
}

/// Where a value was given.
type Place = (Arc<SourceText>, Range<usize>);

impl K3sDraft {
    /// Lays a file's table over what is there.
    ///
    /// # Errors
    /// An entry that removes nothing.
    pub(super) fn lay(&mut self, table: K3sTable, at: &Arc<SourceText>) -> Result<(), ProfileError> {
        replace(&mut self.version, table.version.map(Into::into));
        replace(&mut self.role, table.role);
        replace(&mut self.standalone, table.standalone.map(|value| placed(&value, at)));
        replace(&mut self.air_gap, table.air_gap);
        edit(&mut self.taints, table.taints, at)?;
        self.labels.extend(table.labels.into_iter().map(|(name, value)| (name.0, value.0)));
        edit(&mut self.disable, table.disable, at)?;
        edit(&mut self.kubelet_args, table.kubelet_args, at)?;
        edit(&mut self.preload, table.preload, at)?;
        replace(&mut self.charts, table.charts.map(|value| placed(&value, at)));
        replace(&mut self.embedded_registry, table.embedded_registry.map(|value| placed(&value, at)));
        Ok(())
    }

    /// None without a role. `leaf` is the file that was asked for.
    ///
    /// # Errors
    /// A role without a version; what only a server does on an agent; a taint twice; two images of one name.
    pub(super) fn finish(self, leaf: &Arc<SourceText>, marks: &Marks) -> Result<Option<K3s>, ProfileError> {
        let Some(role) = self.role else { return Ok(None) };
        let Some(version) = self.version else {
            let missing = Diagnostic::new(leaf, None, "`k3s.role` is given, but no `k3s.version`");
            return Err(missing.hint("write `extends = \"base\"`, or add `version = \"v1.36.5+k3s1\"`").into());
        };
        if role == Role::Agent {
            let baked = self.charts.clone().map(|(charts, place)| (charts == Charts::Baked, place));
            let of_server =
                [("standalone", &self.standalone), ("embedded_registry", &self.embedded_registry), ("charts", &baked)];
            for (key, value) in of_server {
                if let Some((true, (source, span))) = value {
                    let wrong = Diagnostic::new(
                        source,
                        Some(span.clone()),
                        format!("`k3s.{key}` is a server's, not an agent's"),
                    );
                    return Err(wrong.hint("take it out, or make the node a server: `role = \"server\"`").into());
                }
            }
        }
        if let Some((first, again)) = doubled(&self.taints) {
            let message = format!("`{again}` has the key and the effect of `{first}`");
            let twice = marks.mistake("k3s.taints", again, &message);
            let twice = twice.unwrap_or_else(|| Diagnostic::new(leaf, None, message));
            let hint = format!(
                "K3s does not start with both: keep one; where `{first}` is inherited, the entry `-{first}` takes it out"
            );
            return Err(twice.hint(hint).into());
        }
        let preload = images(&self.preload, leaf, marks)?;
        let given = |value: Option<(bool, Place)>| value.is_some_and(|(value, _)| value);
        Ok(Some(K3s {
            version,
            role,
            standalone: given(self.standalone),
            air_gap: self.air_gap.unwrap_or(false),
            taints: self.taints,
            labels: self.labels,
            disable: self.disable,
            kubelet_args: self.kubelet_args,
            embedded_registry: given(self.embedded_registry),
            preload,
            charts: self.charts.map(|(charts, _)| charts).unwrap_or_default(),
        }))
    }
}

/// The images of `preload`, of which each name is one image's.
fn images(texts: &[String], leaf: &Arc<SourceText>, marks: &Marks) -> Result<Vec<PinnedImage>, ProfileError> {
    let mut images: Vec<(&str, PinnedImage)> = Vec::new();
    for text in texts {
        let image = PinnedImage::parse(text).expect("images were checked when the profile was read");
        if let Some((first, _)) = images.iter().find(|(_, first)| first.tagged() == image.tagged()) {
            let message = format!("`{}` is in `k3s.preload` twice", image.tagged());
            let twice = marks.mistake("k3s.preload", text, &message);
            let twice = twice.unwrap_or_else(|| Diagnostic::new(leaf, None, message));
            let hint = format!(
                "a node knows one image by a name: keep one; where it is inherited, the entry `-{first}` takes it out"
            );
            return Err(twice.hint(hint).into());
        }
        images.push((text, image));
    }
    Ok(images.into_iter().map(|(_, image)| image).collect())
}

/// Two taints of one key and effect: the kubelet refuses them on its command line, as the API server does (Kubernetes,
/// `pkg/util/taints`, `ParseTaints`).
fn doubled(taints: &[String]) -> Option<(&str, &str)> {
    let key = |taint: &'_ str| {
        let (pair, effect) = taint.rsplit_once(':')?;
        Some((pair.split('=').next()?.to_owned(), effect.to_owned()))
    };
    let earlier = |number: usize| taints[..number].iter().find(|first| key(first) == key(&taints[number]));
    (0..taints.len()).find_map(|number| Some((earlier(number)?.as_str(), taints[number].as_str())))
}

fn placed<T: Copy>(value: &Spanned<T>, at: &Arc<SourceText>) -> (T, Place) {
    (*value.0.get_ref(), (Arc::clone(at), value.0.span()))
}
