//! Sets of bytes on a device, as spans: start and end of each, the end not included.

/// Start, and end that is not included.
pub type Span = (u64, u64);

/// The same bytes in ascending spans that neither overlap nor touch.
#[must_use]
pub fn union(spans: impl IntoIterator<Item = Span>) -> Vec<Span> {
    let mut sorted: Vec<Span> = spans.into_iter().filter(|(start, end)| start < end).collect();
    sorted.sort_unstable();
    let mut joined: Vec<Span> = Vec::new();
    for (start, end) in sorted {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

/// The bytes of `from` that are not in `without`, ascending. Both may be in any order and overlap.
#[must_use]
pub fn minus(from: impl IntoIterator<Item = Span>, without: impl IntoIterator<Item = Span>) -> Vec<Span> {
    let without = union(without);
    let mut left = Vec::new();
    for (mut start, end) in union(from) {
        let first = without.partition_point(|taken| taken.1 <= start);
        for taken in without[first..].iter().take_while(|taken| taken.0 < end) {
            if start < taken.0 {
                left.push((start, taken.0));
            }
            start = taken.1.min(end);
        }
        if start < end {
            left.push((start, end));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn has(spans: &[Span], byte: u64) -> bool {
        spans.iter().any(|(start, end)| (*start..*end).contains(&byte))
    }

    #[test]
    fn spans_that_touch_are_one() {
        assert_eq!(union([(4, 6), (0, 2), (2, 3), (5, 9), (7, 7)]), [(0, 3), (4, 9)]);
        assert_eq!(minus([(0, 10), (20, 30)], [(2, 4), (8, 22), (29, 40)]), [(0, 2), (4, 8), (22, 29)]);
    }

    proptest! {
        #[test]
        fn each_byte_is_where_it_belongs(
            from in prop::collection::vec((0_u64..40, 0_u64..40), 0..6),
            without in prop::collection::vec((0_u64..40, 0_u64..40), 0..6),
        ) {
            let (all, left) = (union(from.clone()), minus(from.clone(), without.clone()));
            for byte in 0..40 {
                prop_assert_eq!(has(&all, byte), has(&from, byte));
                prop_assert_eq!(has(&left, byte), has(&from, byte) && !has(&without, byte));
            }
            for pair in all.windows(2).chain(left.windows(2)) {
                prop_assert!(pair[0].1 <= pair[1].0);
            }
        }
    }
}
