//! Maps positions in a chart's values, which are a text in a manifest, to positions in the manifest.

use std::ops::Range;

/// The line of the manifest with a position of the text `inner`, which stands at `whole` after `KEY: |`. For text in another form,
/// the whole text.
pub(super) fn within(whole: Range<usize>, text: &str, inner: &str, at: usize) -> Range<usize> {
    let number = inner.get(..at).unwrap_or(inner).matches('\n').count();
    let wanted = inner.split('\n').nth(number).unwrap_or_default().trim();
    let first = text[..whole.start].rfind('\n').map_or(0, |end| end + 1);
    let mut start = first;
    for (index, line) in text[first..].split_inclusive('\n').enumerate() {
        if index == number && line.trim() == wanted && !wanted.is_empty() {
            let from = start + line.len() - line.trim_start().len();
            return from..from + wanted.len();
        }
        start += line.len();
    }
    whole
}
