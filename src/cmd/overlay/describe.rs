//! An overlay in words: a heading for what it always is and brings, and one for each condition of its parameters.

use std::fmt::Write as _;

use super::{Decides, ManifestRow, Shown};
use crate::profile::{Archive, Compiled, Download, Form, OwnFile, Param, ParamValue, Part, SetBy, Via, When};

impl Shown {
    pub(super) fn describe(&self) -> String {
        let outline = &self.outline;
        let mut text = Text::default();
        text.title(&outline.name);
        text.row("description", &outline.description);
        text.row("from", &format!("{}, {}", outline.from.name(), outline.folder));
        text.part(&outline.always);
        text.list("config.txt", &outline.config_txt);
        text.list("sysctl", outline.sysctl.iter().map(|(key, value)| format!("{key} = {value}")));
        text.list("debconf", outline.debconf.iter().map(|(question, reply)| format!("{question} = {reply}")));
        text.list("expects", &outline.expects);
        text.row("via", outline.via.map(Via::name).unwrap_or_default());
        text.list("secrets", &self.secrets);
        text.list("values", self.values.iter().map(|key| format!("cluster.values.{key}")));
        for (set_by, file) in [(SetBy::Profile, "a profile"), (SetBy::Cluster, "cluster.toml")] {
            let params: Vec<_> = outline.params.iter().filter(|(_, param)| param.set_by == set_by).collect();
            if !params.is_empty() {
                text.title(&format!("parameters, set in [overlay.{}] of {file}", outline.name));
            }
            for (name, param) in params {
                text.param(name, param, &self.decides[name]);
            }
        }
        for when in &outline.whens {
            text.when(when);
        }
        text.table("ports on nodes", outline.ports.iter().map(|port| (port.spoken(), port.description.clone())));
        text.table("charts", self.charts.iter().map(|chart| (chart.spoken(), chart.repository.clone())));
        text.table("files", outline.files.iter().map(|(path, file)| (path.clone(), file_in_words(file))));
        text.table("downloads", outline.artifacts.iter().map(download_in_words));
        text.table("manifests", self.manifests.iter().map(|row| (row.file.clone(), manifest_in_words(row))));
        text.0
    }
}

/// Rows under headings.
#[derive(Default)]
struct Text(String);

impl Text {
    fn title(&mut self, title: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.0, "{gap}{title}");
    }

    /// A row, unless there is nothing to say.
    fn row(&mut self, label: &str, what: &str) {
        if !what.is_empty() {
            let _ = writeln!(self.0, "  {label:<14} {what}");
        }
    }

    fn list<T: AsRef<str>>(&mut self, label: &str, items: impl IntoIterator<Item = T>) {
        let items: Vec<T> = items.into_iter().collect();
        let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
        self.row(label, &items.join(", "));
    }

    /// Rows under a heading of their own, unless there are none.
    fn table(&mut self, title: &str, rows: impl Iterator<Item = (String, String)>) {
        let rows: Vec<_> = rows.collect();
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        if !rows.is_empty() {
            self.title(title);
        }
        for (name, what) in rows {
            let _ = writeln!(self.0, "  {name:<width$}  {what}");
        }
    }

    fn part(&mut self, part: &Part) {
        self.list("provides", &part.provides);
        self.list("needs", &part.needs);
        self.list("conflicts", &part.conflicts);
        self.list("architectures", part.architectures.iter().map(|arch| arch.name()));
        let packages = part.packages.iter().map(|package| match part.recommends.get(package) {
            Some(true) => format!("{package} and what it recommends"),
            Some(false) => format!("{package} without what it recommends"),
            None => package.clone(),
        });
        self.list("packages", packages);
        self.list("sources", part.sources.iter().map(source_in_words));
        self.list("left out", &part.drop);
        self.list("loads", &part.modules);
        self.list("enables", &part.enable);
        self.list("disables", &part.disable);
        self.list("compiles", part.kernel_modules.iter().map(|(name, module)| compiled_in_words(name, module)));
    }

    fn param(&mut self, name: &str, param: &Param, decides: &Decides) {
        let kind = match param.kind {
            "integer" => "whole number",
            "boolean" => "true or false",
            _ if param.secret => "a secret",
            _ => param.form.map_or("text", Form::title),
        };
        let default = match &param.default {
            Some(ParamValue::Secret(secret)) => format!("{secret} unless another is named"),
            Some(value) => format!("{value} unless it is set"),
            None => "no default".to_owned(),
        };
        let one_of: Vec<String> = param.one_of.iter().map(ToString::to_string).collect();
        let one_of = if one_of.is_empty() { String::new() } else { format!("one of {}; ", one_of.join(", ")) };
        let range = match (param.min, param.max) {
            (None, None) => String::new(),
            (Some(min), Some(max)) => format!(" from {min} to {max}"),
            (Some(min), None) => format!(", at least {min}"),
            (None, Some(max)) => format!(", at most {max}"),
        };
        self.row(name, &param.description);
        self.row("", &format!("{kind}{range}; {one_of}{default}"));
        let when = decides.when.then(|| "what comes along, see below".to_owned());
        let versions = decides.versions.iter().map(|source| format!("versions of source `{source}`"));
        let manifests = decides.manifests.iter().map(|file| format!("manifest {file}"));
        let all: Vec<String> = when.into_iter().chain(versions).chain(manifests).collect();
        // What a rule of the program asks of it is not seen here.
        if !all.is_empty() {
            self.row("", &format!("decides {}", all.join(", ")));
        }
    }

    fn when(&mut self, when: &When) {
        let holds = if when.by_default { ", as it is unless a profile says otherwise" } else { "" };
        let conditions = when.params.iter().map(|(name, value)| match value.text() {
            // A range of versions.
            Some(range) if range.starts_with(['<', '>']) => format!("{name} {range}"),
            _ => format!("{name} = {value}"),
        });
        let conditions: Vec<String> = conditions.collect();
        self.title(&format!("with {}{holds}", conditions.join(" and ")));
        self.list("defaults", when.defaults.iter().map(|(name, value)| format!("{name} = {value}")));
        self.part(&when.part);
        self.list("manifests", &when.manifests);
    }
}

fn source_in_words(source: &Archive) -> String {
    let place: Vec<&str> =
        [&source.archive, &source.suite].into_iter().chain(&source.components).map(String::as_str).collect();
    let versions = source.versions.as_ref().map(|versions| format!(", versions {versions}")).unwrap_or_default();
    format!("{} ({}{versions})", source.name, place.join(" "))
}

fn compiled_in_words(name: &str, module: &Compiled) -> String {
    let kernels = module.kernels.as_ref().map(|kernels| format!(", for kernels {kernels}")).unwrap_or_default();
    format!("{name} ({} of {}{kernels})", module.modules.join(" "), module.package)
}

fn file_in_words(file: &OwnFile) -> String {
    match &file.symlink {
        Some(target) => format!("link to {target}"),
        None => {
            let directory = if file.directory { ", a directory" } else { "" };
            format!("{} {}:{}{directory}", file.mode, file.user, file.group)
        }
    }
}

fn download_in_words(download: &Download) -> (String, String) {
    let only = download.architecture.map(|architecture| format!(", {} only", architecture.name())).unwrap_or_default();
    (download.path.clone(), format!("{}{only}", download.url))
}

fn manifest_in_words(row: &ManifestRow) -> String {
    let of_secrets = row.secrets.iter().map(|name| format!("secret {name}"));
    let of_values = row.values.iter().map(|key| format!("cluster.values.{key}"));
    let of_params = row.params.iter().map(|name| format!("parameter {name}"));
    let uses: Vec<String> = of_secrets.chain(of_values).chain(of_params).collect();
    match (row.goes_to, row.verbatim, &uses[..]) {
        ("image", true, _) => "in the image, taken as it is".to_owned(),
        ("image", _, []) => "in the image".to_owned(),
        ("image", _, uses) => format!("in the image; uses {}", uses.join(", ")),
        ("git", true, _) => "in the Git repository, taken as it is".to_owned(),
        ("git", _, []) => "in the Git repository".to_owned(),
        ("git", _, uses) => format!("in the Git repository; uses {}", uses.join(", ")),
        (_, _, []) => "in the seed of a server; uses `cluster`".to_owned(),
        (_, _, uses) => format!("in the seed of a server; uses {}", uses.join(", ")),
    }
}
