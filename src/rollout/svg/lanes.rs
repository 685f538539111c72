//! A lane for each node: what it waits for, what it becomes, and what it can run.

use super::HEADING;
use super::arrows;
use super::draw::{Drawing, cut, fill, wrap};
use crate::rollout::{Node, Rollout, Stage, Step};

const LANE: usize = 78;
const GAP: usize = 8;
/// Where the columns of a lane begin, behind its left end, and how wide they are.
const LABEL: (usize, usize) = (12, 170);
const GATE: (usize, usize) = (190, 300);
const SERVER: (usize, usize) = (520, 230);
const AGENT: (usize, usize) = (780, 230);
const RUNS: (usize, usize) = (1040, 480);

/// Draws the lanes at a place; gives the height at which they end.
pub(super) fn draw(plan: &Rollout, left: usize, top: usize, drawing: &mut Drawing) -> usize {
    for ((x, width), words) in [
        (GATE, "starts, and waits at its gate"),
        (SERVER, "the control plane comes up"),
        (AGENT, "workers join"),
        (RUNS, "can run"),
    ] {
        drawing.text(left + x, top + 22, "head", &cut(words, width, 8));
    }
    let lane = |index: usize| top + HEADING + index * (LANE + GAP);
    for (index, node) in plan.nodes.iter().enumerate() {
        one(plan, node, (left, lane(index)), drawing);
    }
    // From the first server to each worker, in the gap between their columns.
    let is = |stage: Stage| move |node: &&Node| step_of(plan, node, stage).is_some();
    let server = plan.nodes.iter().position(|node| is(Stage::Server)(&node));
    if let Some(server) = server {
        let from = (left + SERVER.0 + SERVER.1, lane(server) + LANE / 2);
        let bend = left + (SERVER.0 + SERVER.1 + AGENT.0) / 2;
        for (index, _) in plan.nodes.iter().enumerate().filter(|(_, node)| is(Stage::Join)(node)) {
            // Above the line of the lane's own.
            let to = lane(index) + LANE / 2 - 12;
            drawing.line(&[from, (bend, from.1), (bend, to), (left + AGENT.0 - 2, to)], &arrows::class(0));
        }
    }
    lane(plan.nodes.len()) + 16
}

fn step_of<'p>(plan: &'p Rollout, node: &Node, stage: Stage) -> Option<&'p Step> {
    plan.steps.iter().find(|step| step.stage == stage && step.name == node.name)
}

fn one(plan: &Rollout, node: &Node, (left, y): (usize, usize), drawing: &mut Drawing) {
    drawing.rect((left, y), (RUNS.0 + RUNS.1 + 12, LANE), "lane");
    let (x, room) = (left + LABEL.0, LABEL.1);
    drawing.text(x, y + 22, "name", &cut(&node.name, room, 9));
    let kind = format!("{}, profile {}", node.board, node.profile);
    drawing.text(x, y + 40, "small", &cut(&kind, room, 7));
    let address = node.address.as_deref().unwrap_or("address by DHCP");
    drawing.text(x, y + 57, "small", &cut(address, room, 7));
    let mut last = None;
    for (stage, (x, width)) in [(Stage::Start, GATE), (Stage::Server, SERVER), (Stage::Join, AGENT)] {
        let Some(step) = step_of(plan, node, stage) else { continue };
        let x = left + x;
        if let Some(last) = last {
            drawing.line(&[(last, y + LANE / 2 + 8), (x - 2, y + LANE / 2 + 8)], &arrows::class(1));
        }
        drawing.rect((x, y + 6), (width, LANE - 12), "box start");
        let room = width - 20;
        let lines = if stage == Stage::Start {
            fill(&step.gate.join(", "), room, 3)
        } else {
            let secrets: Vec<String> = step.secrets.iter().cloned().collect();
            let mut lines = fill(&step.does, room, 2);
            lines.extend(if secrets.is_empty() { Vec::new() } else { wrap("secrets", &secrets, room, 1) });
            lines
        };
        for (number, line) in lines.iter().enumerate() {
            drawing.text(x + 10, y + 25 + 17 * number, "small", line);
        }
        last = Some(x + width);
    }
    let can_run = |step: &&Step| step.runs_on.contains(&node.name) || step.also_on.contains(&node.name);
    let mut runs: Vec<String> = plan.steps.iter().filter(can_run).map(|step| step.name.clone()).collect();
    runs.dedup();
    if !runs.is_empty() {
        for (number, line) in wrap("", &runs, RUNS.1, 3).iter().enumerate() {
            drawing.text(left + RUNS.0, y + 25 + 17 * number, "small", line);
        }
    }
}
