//! A plan in words: the nodes, then each stage with its steps, then the secrets.

use std::fmt::Write as _;

use super::{File, Node, Rollout, Stage, Step, Wait};
use crate::cluster::manifests::Home;
use crate::profile::Port;

impl Rollout {
    /// The plan for people.
    #[must_use]
    pub fn text(&self) -> String {
        let width = self.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or_default();
        let mut text = format!("cluster {}: what happens at its first boot, in this order\n", self.cluster);
        self.nodes_in_words(width, &mut text);
        let stages = Stage::ALL.into_iter().filter(|stage| self.steps.iter().any(|step| step.stage == *stage));
        for (number, stage) in (1..).zip(stages) {
            let _ = writeln!(text, "\n{number}. {}", stage.title());
            let mut wave = None;
            for step in self.steps.iter().filter(|step| step.stage == stage) {
                if step.wave != wave {
                    wave = step.wave;
                    let _ = writeln!(text, "  wave {}", wave.unwrap_or_default());
                }
                self.step_in_words(step, width, &mut text);
            }
        }
        self.secrets_in_words(&mut text);
        text
    }

    fn nodes_in_words(&self, width: usize, text: &mut String) {
        if !self.nodes.is_empty() {
            text.push_str("\nnodes\n");
        }
        for Node { name, role, board, address, profile, taints, .. } in &self.nodes {
            let (role, address) = (role.unwrap_or("no K3s"), address.as_deref().unwrap_or("by DHCP"));
            let taints = if taints.is_empty() { String::new() } else { format!("taint {}", taints.join(", ")) };
            let row = format!("  {name:<width$}  {role:<7} {board:<11} {address:<20} {profile:<12} {taints}");
            let _ = writeln!(text, "{}", row.trim_end());
        }
    }

    fn step_in_words(&self, step: &Step, width: usize, text: &mut String) {
        let _ = writeln!(text, "{}", format!("  {:<width$}  {}", step.name, step.does).trim_end());
        let mut row = |label: &str, what: String| {
            if !what.is_empty() {
                let _ = writeln!(text, "    {label:<12} {what}");
            }
        };
        for file in &step.files {
            row(file.from.name(), file.in_words());
        }
        row("runs on", places(step));
        for part in &step.nowhere {
            row("nowhere", format!("no node of this cluster can run {part}"));
        }
        // What its node or a server does first goes without saying.
        let is_told = |id: &String| self.step(id).is_none_or(|other| other.stage > Stage::Server);
        for wait in step.waits_for.iter().filter(|wait| wait.any_of.is_empty() || wait.any_of.iter().any(is_told)) {
            row("waits for", self.wait_in_words(wait));
        }
        let secrets = step.secrets.iter().map(|name| format!("{name} ({})", self.state_of(name).name()));
        row("secrets", secrets.collect::<Vec<_>>().join(", "));
        row("pages", step.hosts.iter().map(|host| format!("https://{host}")).collect::<Vec<_>>().join(", "));
        row("addresses", step.addresses.iter().cloned().collect::<Vec<_>>().join(", "));
        row("ports", step.ports.iter().map(Port::spoken).collect::<Vec<_>>().join(", "));
    }

    fn wait_in_words(&self, Wait { any_of, why }: &Wait) -> String {
        let names: Vec<&str> =
            any_of.iter().map(|id| self.step(id).map_or(id.as_str(), |step| step.name.as_str())).collect();
        let first = if names.len() > 1 { "the first of " } else { "" };
        let names = if names.is_empty() { "a node that is not in this cluster".to_owned() } else { names.join(", ") };
        format!("{first}{names}: {why}")
    }

    fn secrets_in_words(&self, text: &mut String) {
        if !self.secrets.is_empty() {
            text.push_str("\nsecrets\n");
        }
        for secret in &self.secrets {
            let (name, state) = (&secret.name, secret.state.name());
            let _ = writeln!(text, "  {name:<24} {state:<10} {}", secret.used_by.join(", "));
        }
    }
}

impl File {
    /// What is in it, in a line.
    #[must_use]
    pub fn in_words(&self) -> String {
        let charts = self.charts.iter().map(|chart| {
            let from = chart.repository.as_ref().map(|repository| format!(" of {repository}")).unwrap_or_default();
            format!("chart {}{from}", chart.spoken())
        });
        // Of a file with a chart, the chart is what counts.
        let kinds = self.kinds.iter().filter(|_| self.charts.is_empty()).cloned();
        let content = charts.chain(kinds).collect::<Vec<_>>().join(", ");
        let content = match &self.unknown {
            Some(reason) => format!("not known: {reason}"),
            None => content,
        };
        let until =
            self.until.as_ref().map(|chart| format!("; again until {chart} has defined them")).unwrap_or_default();
        let until = if self.from == Home::Git { String::new() } else { until };
        format!("{}: {content}{until}", self.name)
    }
}

/// The nodes that a step's pods can run on.
fn places(step: &Step) -> String {
    let also = if step.also_on.is_empty() {
        String::new()
    } else {
        format!("; parts of it also on {}", step.also_on.join(", "))
    };
    if step.runs_on.is_empty() { String::new() } else { format!("{}{also}", step.runs_on.join(", ")) }
}
