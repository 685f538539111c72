//! date(1) of a moment that is given: the present one differs from one installation to the next.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::debian::Debian;
use crate::shell::{Answer, Call, Reason};

/// date(1) with `-d @SECONDS`, in UTC: `-R`, or a format of strftime(3).
pub(super) fn date(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let (mut seconds, mut format) = (None, "%a %b %e %H:%M:%S %Z %Y".to_owned());
    let mut args = call.args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        match arg {
            "-u" | "--utc" | "--universal" => {}
            "-R" | "--rfc-email" => "%a, %d %b %Y %H:%M:%S %z".clone_into(&mut format),
            "-d" => seconds = args.next().and_then(moment),
            arg if arg.starts_with("--date=") => seconds = moment(&arg["--date=".len()..]),
            arg if arg.starts_with("-d") => seconds = moment(&arg["-d".len()..]),
            arg if arg.starts_with('+') => arg[1..].clone_into(&mut format),
            arg => return Err(Reason::unsupported("date", format!("`{arg}`"))),
        }
    }
    let Some(seconds) = seconds else { return Err(Reason::differs("date", "the clock")) };
    let when = Timestamp::from_second(seconds).map_err(|_| Reason::unsupported("date", "such a moment"))?;
    let text = jiff::fmt::strtime::format(&format, &when.to_zoned(TimeZone::UTC))
        .map_err(|_| Reason::unsupported("date", format!("the format `{format}`")))?;
    call.print(&format!("{text}\n"));
    Ok(0)
}

fn moment(text: &str) -> Option<i64> {
    text.strip_prefix('@')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::sample::run;

    #[test]
    fn a_moment_that_is_given_is_told_and_the_present_one_is_not() {
        for (line, expected) in [
            ("date -R --utc -d@86400", "Fri, 02 Jan 1970 00:00:00 +0000\n"),
            ("date -u -d @0 +%Y-%m-%d", "1970-01-01\n"),
        ] {
            assert_eq!(run(&[line]).out, expected, "{line}");
        }
        assert!(run(&["date +%s"]).reason().contains("the clock"));
        assert!(run(&["date --set=now"]).reason().contains("--set=now"));
    }
}
