//! The plan as a picture: a lane for each node, and below them what comes into the cluster, in columns from left to right, with an
//! arrow from what is waited for to what waits. One file that fetches nothing; the same plan gives the same bytes.

mod arrows;
mod card;
mod draw;
mod lanes;

use super::{Rollout, Stage};
use arrows::Arrows;
use card::Card;
use draw::Drawing;

/// Free room around everything.
const MARGIN: usize = 24;
/// Height of the title, and of what explains the colours.
const HEAD: usize = 84;
/// Height of a column's heading.
const HEADING: usize = 34;

const STYLE: &str = "\
.rollout text { fill: #0f172a; font-family: system-ui, sans-serif; font-size: 12px }
.rollout .paper { fill: #ffffff } .rollout .lane { fill: #f8fafc }
.rollout .box { stroke: #475569; stroke-width: 1.2 }
.rollout .start { fill: #f1f5f9 } .rollout .own { fill: #e2e8f0 } .rollout .seed { fill: #dbeafe } .rollout .git { fill: #dcfce7 }
.rollout .title { font-size: 18px; font-weight: 600 } .rollout .head { font-size: 13px; font-weight: 600 }
.rollout .name { font-size: 14px; font-weight: 600 } .rollout .small { fill: #475569 } .rollout .lack { fill: #b91c1c }
.rollout .arrow { fill: none; stroke-width: 1.6 }
@media (prefers-color-scheme: dark) {
.rollout text { fill: #f1f5f9 } .rollout .paper { fill: #0f172a } .rollout .lane { fill: #162033 } .rollout .box { stroke: #94a3b8 }
.rollout .start { fill: #1e293b } .rollout .own { fill: #334155 } .rollout .seed { fill: #1e3a5f } .rollout .git { fill: #14432a }
.rollout .small { fill: #cbd5e1 } .rollout .lack { fill: #fca5a5 }
}
";

/// Heading of what K3s applies first.
const APPLIES: &str = "K3s applies: image, seed";

/// What a colour of a box says, and its class.
const LEGEND: [(&str, &str); 4] = [
    ("start", "a node"),
    ("own", "a part of K3s"),
    ("seed", "from a server's image or seed"),
    ("git", "from Git, by Argo CD"),
];

impl Rollout {
    /// The plan as an SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let columns = self.columns();
        let arrows = Arrows::of(self, &columns);
        let mut drawing = Drawing::default();
        let top = lanes::draw(self, MARGIN, HEAD, &mut drawing);
        arrows.draw(&columns, MARGIN, top, &mut drawing);
        let (width, height) = drawing.size(MARGIN);
        let mut head = Drawing::default();
        head.text(MARGIN, 36, "title", &format!("Cluster {}: its first boot", self.cluster));
        let mut left = MARGIN;
        for (class, words) in LEGEND {
            head.rect((left, 52), (16, 14), &format!("box {class}"));
            head.text(left + 24, 64, "small", words);
            left += 56 + draw::width(words);
        }
        head.text(left, 64, "small", "arrows lead from what is waited for to what waits");
        let width = width.max(left + draw::width("arrows lead from what is waited for to what waits") + MARGIN);
        let label = draw::escape(&format!("What the cluster {} does at its first boot, in order", self.cluster));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"rollout\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-label=\"{label}\">\n<style>\n{STYLE}{}</style>\n{}<rect class=\"paper\" \
             width=\"{width}\" height=\"{height}\"/>\n{}{}</svg>\n",
            arrows::style(),
            arrows::tips(),
            head.into_text(),
            drawing.into_text(),
        )
    }

    /// What comes into the cluster, column by column, each with its heading.
    fn columns(&self) -> Vec<(String, Vec<Card>)> {
        let mut columns: Vec<(String, Vec<Card>)> = Vec::new();
        let mut put = |heading: &str, card: Card| cards_of(&mut columns, heading).push(card);
        for step in self.steps.iter().filter(|step| step.stage == Stage::Packaged) {
            put("K3s's own", Card::of(self, step));
        }
        let seed: Vec<_> = self.steps.iter().filter(|step| step.stage == Stage::Seed).collect();
        for step in &seed {
            let heading =
                if step.depth == 0 { APPLIES.to_owned() } else { format!("K3s applies, then ({})", step.depth) };
            if !self.is_rest(step) {
                put(&heading, Card::of(self, step));
            }
        }
        for step in self.steps.iter().filter(|step| step.stage == Stage::Git) {
            put(&format!("Argo CD, wave {}", step.wave.unwrap_or_default()), Card::of(self, step));
        }
        let rest: Vec<_> = seed.into_iter().filter(|step| self.is_rest(step)).collect();
        if !rest.is_empty() {
            // It is tall, so it stands below everything else.
            let rows = columns.iter().map(|(_, cards)| cards.len()).max().unwrap_or_default();
            let cards = cards_of(&mut columns, APPLIES);
            cards.resize_with(rows, Card::gap);
            cards.push(Card::of_rest(self, &rest));
        }
        columns
    }

    /// Whether a step of the seed is only what is secret of a system that comes from Git.
    fn is_rest(&self, step: &super::Step) -> bool {
        let same = |other: &super::Step| other.stage == Stage::Git && other.name == step.name;
        step.stage == Stage::Seed && self.steps.iter().any(same)
    }
}

/// The boxes below a heading, which is made if it is not there.
fn cards_of<'c>(columns: &'c mut Vec<(String, Vec<Card>)>, heading: &str) -> &'c mut Vec<Card> {
    let place = columns.iter().position(|(known, _)| known == heading).unwrap_or_else(|| {
        columns.push((heading.to_owned(), Vec::new()));
        columns.len() - 1
    });
    &mut columns[place].1
}
