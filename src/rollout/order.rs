//! The order of steps: none before what it waits for, and else as files sort.

use std::collections::BTreeSet;

use super::{Stage, Step};

/// Sorts steps by stage, within one by what they wait for, then as they stand; and numbers the waves of Argo CD: each step
/// of Git has a wave behind all that it waits for there. Steps that wait for each other in a circle stay as they stand.
pub(super) fn sort(steps: &[Step]) -> Vec<Step> {
    let mut sorted = Vec::new();
    for stage in Stage::ALL {
        let mut left: Vec<Step> = steps.iter().filter(|step| step.stage == stage).cloned().collect();
        let mut round = 0;
        while !left.is_empty() {
            let names: BTreeSet<String> = left.iter().map(|step| step.id.clone()).collect();
            let waits = |step: &Step| {
                step.waits_for.iter().any(|wait| wait.any_of.iter().all(|id| names.contains(id) && *id != step.id))
            };
            let (mut later, mut now): (Vec<Step>, Vec<Step>) = left.into_iter().partition(waits);
            if now.is_empty() {
                std::mem::swap(&mut later, &mut now);
            }
            for step in &mut now {
                step.depth = round;
                step.wave = (stage == Stage::Git).then_some(round);
            }
            sorted.append(&mut now);
            left = later;
            round += 1;
        }
    }
    sorted
}
