//! The box of a step: its name, and what an owner wants to know of it.

use std::collections::BTreeSet;

use super::draw::{self, Drawing, cut, fill, wrap};
use crate::cluster::manifests::Home;
use crate::rollout::{Rollout, SecretState, Stage, Step};

pub(super) const WIDTH: usize = 244;
const PADDING: usize = 12;
const LINE: usize = 17;
/// Width of a character of a name.
const BOLD: usize = 9;

/// A box with its lines.
#[derive(Debug)]
pub(super) struct Card {
    /// Of its step; none of a box that stands for several.
    pub(super) id: Option<String>,
    class: &'static str,
    name: String,
    /// Class and words.
    lines: Vec<(&'static str, String)>,
}

impl Card {
    pub(super) fn of(plan: &Rollout, step: &Step) -> Self {
        let class = match step.stage {
            Stage::Packaged => "own",
            Stage::Git => "git",
            _ => "seed",
        };
        let room = WIDTH - 2 * PADDING;
        let mut lines: Vec<(&'static str, String)> = Vec::new();
        for chart in step.files.iter().flat_map(|file| &file.charts) {
            lines.push(("", cut(&chart.spoken(), room, 7)));
        }
        if step.stage == Stage::Packaged {
            lines.extend(fill(&step.does, room, 2).into_iter().map(|line| ("small", line)));
        }
        if step.stage == Stage::Seed {
            let from: BTreeSet<Home> = step.files.iter().map(|file| file.from).collect();
            let from: Vec<&str> = from.into_iter().map(Home::name).collect();
            lines.push(("small", format!("from {}", from.join(" and "))));
        }
        lines.extend(secrets(plan, step.secrets.iter(), room));
        let shown = |class, first: &str, items: Vec<String>, most| {
            let lines = if items.is_empty() { Vec::new() } else { wrap(first, &items, room, most) };
            lines.into_iter().map(move |line| (class, line))
        };
        lines.extend(shown("small", "", step.hosts.iter().cloned().collect(), 3));
        lines.extend(shown("small", "", step.addresses.iter().cloned().collect(), 2));
        if step.runs_on.is_empty() && !step.nowhere.is_empty() {
            lines.push(("lack", "no node can run it".to_owned()));
        }
        lines.extend(shown("small", "on", step.runs_on.clone(), 2));
        lines.extend(shown("small", "and", step.also_on.clone(), 1));
        Self { id: Some(step.id.clone()), class, name: step.name.clone(), lines }
    }

    /// A place in a column without a box.
    pub(super) fn gap() -> Self {
        Self { id: None, class: "", name: String::new(), lines: Vec::new() }
    }

    /// One box for what of Git's systems is secret.
    pub(super) fn of_rest(plan: &Rollout, steps: &[&Step]) -> Self {
        let room = WIDTH - 2 * PADDING;
        let mut lines = vec![("small", "for what comes from Git".to_owned())];
        for step in steps {
            lines.push(("", cut(&step.name, room, 7)));
            lines.extend(secrets(plan, step.secrets.iter(), room));
        }
        Self { id: None, class: "seed", name: "secrets".to_owned(), lines }
    }

    pub(super) fn height(&self, arrows: usize) -> usize {
        if self.name.is_empty() {
            return 0;
        }
        let lines = 34 + LINE * self.lines.len();
        lines.max(34 + 9 * arrows)
    }

    pub(super) fn draw(&self, (x, y): (usize, usize), height: usize, drawing: &mut Drawing) {
        if self.name.is_empty() {
            return;
        }
        drawing.rect((x, y), (WIDTH, height), &format!("box {}", self.class));
        drawing.text(x + PADDING, y + 21, "name", &draw::cut(&self.name, WIDTH - 2 * PADDING, BOLD));
        for (number, (class, words)) in (1..).zip(&self.lines) {
            drawing.text(x + PADDING, y + 21 + LINE * number, class, words);
        }
    }
}

/// A line for each secret, with its state.
fn secrets<'s>(plan: &Rollout, names: impl Iterator<Item = &'s String>, room: usize) -> Vec<(&'static str, String)> {
    let line = |name: &String| {
        let state = plan.state_of(name);
        let class = if matches!(state, SecretState::Missing | SecretState::Unfit) { "lack" } else { "small" };
        let state = if state == SecretState::Unknown { String::new() } else { format!(" {}", state.name()) };
        let name = cut(name, room.saturating_sub(draw::width(&state) + draw::width("secret ")), 7);
        (class, format!("secret {name}{state}"))
    };
    names.map(line).collect()
}
