//! Arrows between boxes that stand in columns. An arrow leaves its box to the right, goes up or down in the gap between two
//! columns, along the gap between two rows, and arrives from the left: so none crosses a box, and no two lie on each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::HEADING;
use super::card::{Card, WIDTH};
use super::draw::Drawing;
use crate::rollout::Rollout;

/// Room between two arrows in one gap.
const TRACK: usize = 8;

/// Colours on light and on dark paper, one for what is waited for after the other.
const COLOURS: [(&str, &str); 8] = [
    ("#1d4ed8", "#93c5fd"),
    ("#64748b", "#94a3b8"),
    ("#c2410c", "#fdba74"),
    ("#15803d", "#86efac"),
    ("#7e22ce", "#d8b4fe"),
    ("#0e7490", "#67e8f9"),
    ("#a16207", "#fde047"),
    ("#be185d", "#f9a8d4"),
];

/// The class of an arrow of this colour.
pub(super) fn class(colour: usize) -> String {
    format!("arrow c{}", colour % COLOURS.len())
}

/// The colours of lines and tips.
pub(super) fn style() -> String {
    let mut text = String::new();
    let mut dark = String::new();
    for (index, (light, night)) in COLOURS.iter().enumerate() {
        let _ = writeln!(
            text,
            ".rollout .c{index} {{ stroke: {light}; marker-end: url(#rollout-tip{index}) }} .rollout .t{index} {{ fill: {light} }}"
        );
        let _ = writeln!(dark, ".rollout .c{index} {{ stroke: {night} }} .rollout .t{index} {{ fill: {night} }}");
    }
    format!("{text}@media (prefers-color-scheme: dark) {{\n{dark}}}\n")
}

/// The tips of arrows.
pub(super) fn tips() -> String {
    let mut text = String::from("<defs>\n");
    for index in 0..COLOURS.len() {
        let _ = writeln!(
            text,
            "<marker id=\"rollout-tip{index}\" markerUnits=\"userSpaceOnUse\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" refY=\"4\" orient=\"auto\"><path class=\"t{index}\" d=\"M0 0 9 4 0 8z\"/></marker>"
        );
    }
    text + "</defs>\n"
}

/// A box's place: its column and row.
type Cell = (usize, usize);

/// Which boxes wait for which.
#[derive(Debug)]
pub(super) struct Arrows {
    /// From, to.
    all: BTreeSet<(Cell, Cell)>,
}

impl Arrows {
    /// The arrows between the boxes of `columns`: none that a longer way says too.
    pub(super) fn of(plan: &Rollout, columns: &[(String, Vec<Card>)]) -> Self {
        let mut cells: BTreeMap<&str, Cell> = BTreeMap::new();
        for (column, (_, cards)) in columns.iter().enumerate() {
            for (row, card) in cards.iter().enumerate() {
                cells.extend(card.id.as_deref().map(|id| (id, (column, row))));
            }
        }
        let mut before: BTreeMap<Cell, BTreeSet<Cell>> = BTreeMap::new();
        for step in &plan.steps {
            let Some(&to) = cells.get(step.id.as_str()) else { continue };
            let waits = step.waits_for.iter().flat_map(|wait| &wait.any_of).filter_map(|id| cells.get(id.as_str()));
            // A column's boxes wait for none of it or of later ones, but for those that wait for each other.
            before.entry(to).or_default().extend(waits.copied().filter(|from| from.0 < to.0));
        }
        let mut all = BTreeSet::new();
        for (to, direct) in &before {
            for from in direct {
                let others = direct.iter().filter(|other| *other != from);
                if !others.into_iter().any(|other| reaches(&before, *other, *from)) {
                    all.insert((*from, *to));
                }
            }
        }
        Self { all }
    }

    /// Draws boxes, headings and arrows.
    pub(super) fn draw(&self, columns: &[(String, Vec<Card>)], left: usize, top: usize, drawing: &mut Drawing) {
        let incoming =
            |cell: Cell| self.all.iter().filter(move |(_, to)| *to == cell).map(|(from, _)| *from).collect::<Vec<_>>();
        // Which boxes have an arrow in which gap behind a column, and in which gap above a row.
        let mut beside: BTreeMap<usize, BTreeSet<Cell>> = BTreeMap::new();
        let mut above: BTreeMap<usize, BTreeSet<Cell>> = BTreeMap::new();
        for (from, to) in &self.all {
            beside.entry(from.0).or_default().insert(*from);
            if to.0 > from.0 + 1 {
                beside.entry(to.0 - 1).or_default().insert(*from);
                above.entry(to.1).or_default().insert(*from);
            }
        }
        let tracks = |gaps: &BTreeMap<usize, BTreeSet<Cell>>, gap: usize| gaps.get(&gap).map_or(0, BTreeSet::len);
        let track = |gaps: &BTreeMap<usize, BTreeSet<Cell>>, gap: usize, cell: Cell| {
            gaps.get(&gap).and_then(|cells| cells.iter().position(|known| *known == cell)).unwrap_or_default()
        };
        let rows = columns.iter().map(|(_, cards)| cards.len()).max().unwrap_or_default();
        let mut tops = Vec::new();
        let mut heights = Vec::new();
        let mut y = top + HEADING;
        for row in 0..rows {
            y += 14 + TRACK * tracks(&above, row);
            tops.push(y);
            let cards = columns.iter().enumerate().filter_map(|(column, (_, cards))| Some((column, cards.get(row)?)));
            let height =
                cards.map(|(column, card)| card.height(incoming((column, row)).len())).max().unwrap_or_default();
            heights.push(height);
            y += height;
        }
        let mut lefts = Vec::new();
        let mut x = left;
        for column in 0..columns.len() {
            lefts.push(x);
            x += WIDTH + 28 + TRACK * tracks(&beside, column);
        }
        for (column, (heading, cards)) in columns.iter().enumerate() {
            drawing.text(lefts[column], top + 22, "head", heading);
            for (row, card) in cards.iter().enumerate() {
                card.draw((lefts[column], tops[row]), card.height(incoming((column, row)).len()), drawing);
            }
        }
        let x_of = |gap: usize, cell: Cell| lefts[gap] + WIDTH + 10 + TRACK * track(&beside, gap, cell);
        let y_of = |gap: usize, cell: Cell| tops[gap] - 8 - TRACK * track(&above, gap, cell);
        let sources: BTreeSet<Cell> = self.all.iter().map(|(from, _)| *from).collect();
        for (from, to) in &self.all {
            let colour = sources.iter().position(|cell| cell == from).unwrap_or_default();
            let start = (lefts[from.0] + WIDTH, tops[from.1] + 14);
            let place = incoming(*to).iter().position(|cell| cell == from).unwrap_or_default();
            let end = (lefts[to.0] - 2, tops[to.1] + 24 + 9 * place);
            let mut points = vec![start, (x_of(from.0, *from), start.1)];
            if to.0 > from.0 + 1 {
                let along = y_of(to.1, *from);
                points.extend([(x_of(from.0, *from), along), (x_of(to.0 - 1, *from), along)]);
            }
            let last = points.last().map_or(end.0, |point| point.0);
            points.extend([(last, end.1), end]);
            drawing.line(&points, &class(colour));
        }
    }
}

/// Whether `to` waits for `from`, directly or not.
fn reaches(before: &BTreeMap<Cell, BTreeSet<Cell>>, to: Cell, from: Cell) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![to]);
    while let Some(cell) = next.pop() {
        let direct = before.get(&cell).into_iter().flatten().copied();
        next.extend(direct.filter(|cell| seen.insert(*cell)));
    }
    seen.contains(&from)
}
