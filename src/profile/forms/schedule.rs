//! Schedules as cron has them: of `CronJobs`, as the API server reads them (robfig/cron v3, `ParseStandard` in `parser.go`,
//! `spec.go`), and of `CloudNativePG`, which has the second in front (robfig/cron v1, `Parse`).

/// A field: its name, the lowest and highest number, and the words that stand for numbers, the lowest first.
type Field = (&'static str, u32, u32, &'static [&'static str]);

const FIELDS: [Field; 5] = [
    ("minute", 0, 59, &[]),
    ("hour", 0, 23, &[]),
    ("day of the month", 1, 31, &[]),
    ("month", 1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    ("day of the week", 0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

const WORDS: [&str; 7] = ["@annually", "@daily", "@hourly", "@midnight", "@monthly", "@weekly", "@yearly"];

const SECOND: Field = ("second", 0, 59, &[]);

/// What is wrong with a schedule of five fields, without a word of it; none if nothing is.
pub(crate) fn fault(text: &str) -> Option<String> {
    fault_of(text, &FIELDS, "five")
}

/// What is wrong with a schedule of six fields. cron v1 takes five of them too, and then sees seconds in the minutes: what was
/// meant for once a day goes on once an hour.
pub(super) fn fault_with_seconds(text: &str) -> Option<String> {
    let fields: Vec<Field> = [SECOND].into_iter().chain(FIELDS).collect();
    fault_of(text, &fields, "six")
}

fn fault_of(text: &str, all: &[Field], how_many: &str) -> Option<String> {
    // The API server refuses a zone here, though cron knows it.
    if text.contains("TZ=") {
        return Some("it names a time zone".to_owned());
    }
    if let Some(duration) = text.strip_prefix("@every ") {
        return (!is_duration(duration)).then(|| "behind `@every` stands a time such as `1h30m`".to_owned());
    }
    if text.starts_with('@') {
        return (!WORDS.contains(&text)).then(|| format!("of words there are {} and `@every`", WORDS.join(", ")));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != all.len() {
        return Some(format!("it has {} fields, and must have {how_many}", fields.len()));
    }
    all.iter().zip(fields).find_map(|(field, text)| {
        // What is empty between two commas counts for nothing.
        let mut ranges = text.split(',').filter(|range| !range.is_empty());
        let why = ranges.find_map(|range| range_fault(range, field))?;
        Some(format!("its {} {why}", field.0))
    })
}

/// What is wrong with one of the ranges of a field.
fn range_fault(text: &str, &(_, lowest, highest, names): &Field) -> Option<String> {
    let mut parts = text.split('/');
    let range = parts.next().unwrap_or_default();
    let step = parts.next();
    if parts.next().is_some() {
        return Some("has two `/` in one range".to_owned());
    }
    let ends: Vec<&str> = range.split('-').collect();
    let number = |text: &str| {
        let lower = text.to_lowercase();
        let named = names.iter().zip(lowest..).find(|(name, _)| **name == lower);
        named.map_or_else(|| whole(text), |(_, number)| Some(number))
    };
    let (start, end) = match ends[..] {
        ["*" | "?", ..] => (Some(lowest), Some(highest)),
        // A step goes from a number on to the highest.
        [start] if step.is_some() => (number(start), Some(highest)),
        [start] => (number(start), number(start)),
        [start, end] => (number(start), number(end)),
        _ => return Some("has two `-` in one range".to_owned()),
    };
    let bounds = match names {
        [first, .., last] => format!("{lowest} to {highest}, or {first} to {last}"),
        _ => format!("{lowest} to {highest}"),
    };
    let Some((start, end)) = start.zip(end) else { return Some(format!("is made of numbers from {bounds}")) };
    if start < lowest || end > highest {
        return Some(format!("goes from {bounds}"));
    }
    if start > end {
        return Some("has a range that ends before it starts".to_owned());
    }
    let step = step.map_or(Some(1), whole);
    (step.is_none_or(|step| step == 0)).then(|| "has a step that is no number above 0".to_owned())
}

/// Go's `strconv.Atoi`, of a number that is not negative.
fn whole(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// Go's `time.ParseDuration`: numbers with a unit each, one after another.
pub(super) fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let length = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
        let (number, unit) = rest.split_at(length);
        let is_number = number.bytes().any(|byte| byte.is_ascii_digit()) && number.matches('.').count() <= 1;
        // The longest first: `ms` is no minute.
        let units = ["ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "m", "h"];
        let Some(after) = units.iter().find_map(|name| unit.strip_prefix(name)) else { return false };
        if !is_number {
            return false;
        }
        rest = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_read_as_the_api_server_reads_them() {
        for text in [
            "0 3 * * *",
            "*/5 1-3,7 * jan-mar MON-FRI",
            "? ? ? ? ?",
            "5/15 0-23/2 1,15 */3 sun",
            "59 23 31 12 6",
            "007 +3 * * *",
            "1,,2 , * * *",
            "  0 0 1 1 *  ",
            "*-7 * * * *",
            "@daily",
            "@every 1h30m",
            "@every 1.5h",
            "@every 500ms",
            "@every -1m",
            "@every 0",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
        for (text, why) in [
            ("60 * * * *", "its minute goes from 0 to 59"),
            ("* 24 * * *", "its hour goes from 0 to 23"),
            ("* * 0 * *", "its day of the month goes from 1 to 31"),
            ("* * 32 * *", "its day of the month goes from 1 to 31"),
            ("* * * 13 *", "its month goes from 1 to 12, or jan to dec"),
            ("* * * * 7", "its day of the week goes from 0 to 6, or sun to sat"),
            ("* * * monday *", "its month is made of numbers from 1 to 12, or jan to dec"),
            ("mon * * * *", "its minute is made of numbers from 0 to 59"),
            ("* * * * mon-", "its day of the week is made of numbers from 0 to 6, or sun to sat"),
            ("30-10 * * * *", "its minute has a range that ends before it starts"),
            ("* * * * fri-mon", "its day of the week has a range that ends before it starts"),
            ("1-2-3 * * * *", "its minute has two `-` in one range"),
            ("*/5/5 * * * *", "its minute has two `/` in one range"),
            ("*/0 * * * *", "its minute has a step that is no number above 0"),
            ("*/x * * * *", "its minute has a step that is no number above 0"),
            ("every day", "it has 2 fields, and must have five"),
            ("0 3 * * * *", "it has 6 fields, and must have five"),
            ("CRON_TZ=Europe/Berlin 0 3 * * *", "it names a time zone"),
            ("@every day", "behind `@every` stands a time such as `1h30m`"),
            ("@every 10", "behind `@every` stands a time such as `1h30m`"),
            ("@every .s", "behind `@every` stands a time such as `1h30m`"),
        ] {
            assert_eq!(fault(text).as_deref(), Some(why), "{text}");
        }
        assert!(fault("@reboot").unwrap().contains("@hourly"));
    }

    #[test]
    fn a_schedule_with_seconds_has_one_field_more() {
        for text in ["0 0 3 * * *", "*/30 * * * * mon", "@daily"] {
            assert_eq!(fault_with_seconds(text), None, "{text}");
        }
        let five = fault_with_seconds("0 3 * * *");
        assert_eq!(five.as_deref(), Some("it has 5 fields, and must have six"));
        assert_eq!(fault_with_seconds("60 0 3 * * *").as_deref(), Some("its second goes from 0 to 59"));
    }
}
