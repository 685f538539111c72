//! Maps positions in a rendered manifest to positions in its template.
//!
//! The template is rendered a second time with its line number at the start of each line that is not inside a tag. If nothing
//! else changes, each rendered line tells the line of the template that it comes from, through loops and conditions. If
//! something changes (a tag that removes white space, a filter that changes text), lines are matched by their content.

use std::ops::Range;

use super::template::{Context, Uses, render_text};

/// Marks a line number; these private-use characters do not appear in manifests.
const MARK: (char, char) = ('\u{f0000}', '\u{f0001}');

/// The mapping from a rendered text to its template.
#[derive(Debug)]
pub struct TemplateSpans<'t> {
    source: &'t str,
    rendered: &'t str,
    /// The template's line of each rendered line, both from 0; none if it is not known.
    lines: Vec<Option<usize>>,
}

impl<'t> TemplateSpans<'t> {
    /// The mapping for a text without tags, which is equal to its template.
    #[must_use]
    pub fn same(text: &'t str) -> Self {
        let lines = (0..=text.matches('\n').count()).map(Some).collect();
        Self { source: text, rendered: text, lines }
    }

    /// The mapping for `rendered`, the result of the template `source` with `context`.
    #[must_use]
    pub fn of(source: &'t str, rendered: &'t str, used: &Uses, context: &Context<'_>) -> Self {
        if source == rendered {
            return Self::same(source);
        }
        let lines = marked(source, rendered, used, context).unwrap_or_else(|| alike(source, rendered));
        Self { source, rendered, lines }
    }

    /// The bytes of the template for bytes of the rendered text: the same bytes of an equal line, else the part of the line that
    /// was rendered to them.
    #[must_use]
    pub fn find(&self, span: &Range<usize>) -> Range<usize> {
        let before = self.rendered.get(..span.start).unwrap_or(self.rendered);
        let number = before.matches('\n').count();
        let shown = |text: &'t str, number: usize| text.split('\n').nth(number).unwrap_or_default();
        let Some(line) = self.lines[..=number.min(self.lines.len() - 1)].iter().rev().find_map(|line| *line) else {
            return 0..self.source.len().min(1);
        };
        let start: usize = self.source.split('\n').take(line).map(|line| line.len() + 1).sum();
        let (ours, theirs) = (shown(self.rendered, number), shown(self.source, line));
        let whole = start + (theirs.len() - theirs.trim_start().len())..start + theirs.trim_end().len().max(1);
        if self.lines.get(number) != Some(&Some(line)) {
            return whole;
        }
        let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1);
        let length = span.len().min(ours.len().saturating_sub(column)).max(1);
        if ours == theirs {
            return start + column..start + column + length;
        }
        // Positions in the common beginning of both lines are the same.
        let agree = ours.bytes().zip(theirs.bytes()).take_while(|(ours, theirs)| ours == theirs).count();
        if column + length <= agree {
            return start + column..start + column + length;
        }
        if column <= agree { start + column..whole.end.max(start + column + 1) } else { whole }
    }
}

/// The template's lines by a rendering with marks; none if the marks change anything else.
fn marked(source: &str, rendered: &str, used: &Uses, context: &Context<'_>) -> Option<Vec<Option<usize>>> {
    if source.contains([MARK.0, MARK.1]) {
        return None;
    }
    let text = mark(source);
    let with_marks = render_text("", &text, used, context).ok()?;
    let mut plain = String::with_capacity(rendered.len());
    let mut lines = Vec::new();
    for line in with_marks.split('\n') {
        if !lines.is_empty() {
            plain.push('\n');
        }
        let start = plain.len();
        let mut number = None;
        let mut rest = line;
        while let Some((before, after)) = rest.split_once(MARK.0) {
            plain.push_str(before);
            let (digits, after) = after.split_once(MARK.1)?;
            // The last mark before the line's first word counts, since a loop jumps from its end back to its beginning.
            if number.is_none() || plain[start..].trim().is_empty() {
                number = digits.parse().ok();
            }
            rest = after;
        }
        plain.push_str(rest);
        lines.push(number);
    }
    (plain == rendered).then_some(lines)
}

/// The template with a mark before each line and after each block's tag, except where the mark would be inside a tag or would
/// keep a tag with `-` from removing white space.
fn mark(source: &str) -> String {
    let mut text = String::with_capacity(source.len() + source.len() / 4);
    let mut close: Option<&str> = None;
    let mut eats = false;
    for (number, line) in source.split_inclusive('\n').enumerate() {
        let mark = format!("{}{number}{}", MARK.0, MARK.1);
        let is_eaten = ["{%-", "{{-", "{#-"].iter().any(|tag| line.trim_start().starts_with(tag));
        if close.is_none() && !is_eaten && !eats {
            text.push_str(&mark);
        }
        let mut rest = line;
        loop {
            if let Some(end) = close {
                let Some((inside, after)) = rest.split_once(end) else { break };
                text.extend([inside, end]);
                eats = inside.ends_with('-');
                let eaten_later = ["{%-", "{{-", "{#-"].iter().any(|tag| after.trim_start().starts_with(tag));
                if end == "%}" && !eats && !eaten_later {
                    text.push_str(&mark);
                }
                (rest, close) = (after, None);
            } else {
                let tags = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];
                let next = tags.iter().filter_map(|(open, end)| Some((rest.find(open)?, *end))).min();
                let Some((at, end)) = next else { break };
                eats &= rest[..at].trim().is_empty();
                text.push_str(&rest[..at + 2]);
                (rest, close) = (&rest[at + 2..], Some(end));
            }
        }
        eats &= rest.trim().is_empty();
        text.push_str(rest);
    }
    text
}

/// The template's lines by their content, for lines that it has only once.
fn alike(source: &str, rendered: &str) -> Vec<Option<usize>> {
    let mut numbers: std::collections::HashMap<&str, Option<usize>> = std::collections::HashMap::new();
    for (number, line) in source.split('\n').enumerate() {
        numbers.entry(line.trim()).and_modify(|known| *known = None).or_insert(Some(number));
    }
    rendered.split('\n').map(|line| numbers.get(line.trim()).copied().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, needle: &str) -> String {
        let context = Context::default().profile(serde_json::json!({"name": "control"}));
        let rendered = render_text("", source, &Uses::default(), &context).unwrap();
        let at = rendered.find(needle).unwrap();
        let places = TemplateSpans::of(source, &rendered, &Uses::default(), &context);
        let span = places.find(&(at..at + needle.len()));
        let line = source[..span.start].matches('\n').count() + 1;
        format!("{line}:{}", &source[span])
    }

    #[test]
    fn places_are_found_through_loops_conditions_comments_and_values() {
        let text =
            "a: 1\n{% for n in [1, 2] %}b{{ n }}: x\n{% endfor %}{# one\ntwo #}\nc: {{ profile.name }}\nd: last\n";
        assert_eq!(found(text, "a: 1"), "1:a: 1");
        assert_eq!(found(text, "b2"), "2:{% for n in [1, 2] %}b{{ n }}: x");
        assert_eq!(found(text, "control"), "5:{{ profile.name }}");
        assert_eq!(found(text, "last"), "6:last");
        assert_eq!(found("{%- if true %}\n\na: 1\n{%- endif %}\nb: 2\n", "b: 2"), "5:b: 2");
        let trimmed = "a:\n{%- for n in [1, 2] %}\n  - {{ n }}x\n{%- endfor %}\nb: 2\n";
        assert_eq!((found(trimmed, "2x"), found(trimmed, "b: 2")), ("3:{{ n }}x".to_owned(), "5:b: 2".to_owned()));
        assert_eq!(found("{% raw %}\na: {{ x }}\n{% endraw %}\nb: 2\n", "{{ x }}"), "2:{{ x }}");
    }
}
