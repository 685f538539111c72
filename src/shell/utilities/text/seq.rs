//! seq: the manual of GNU coreutils 9.7, 28.3. Whole numbers only.

use super::input;
use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;

fn unsupported(what: impl Into<String>) -> Reason {
    Reason::unsupported("seq", what)
}

/// seq(1)
pub(super) fn seq(call: &mut Call<'_>) -> Answer {
    let (mut separator, mut equal_width) = ("\n", false);
    let mut args = call.args.iter().map(String::as_str).peekable();
    // A negative number is no option.
    while let Some(arg) =
        args.next_if(|arg| arg.starts_with('-') && !arg[1..].starts_with(|char: char| char.is_ascii_digit()))
    {
        match arg {
            "-w" | "--equal-width" => equal_width = true,
            "-s" | "--separator" => separator = args.next().ok_or_else(|| unsupported("the option -s"))?,
            "--" => break,
            _ => match arg.strip_prefix("-s").or_else(|| arg.strip_prefix("--separator=")) {
                Some(given) if !arg.starts_with("--s") || arg.contains('=') => separator = given,
                _ => return Err(unsupported(format!("the option {arg}"))),
            },
        }
    }
    let operands: Vec<&str> = args.collect();
    let number = |text: &&str| -> Result<i64, Reason> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        // With leading zeros the width counts.
        let plain = !digits.starts_with('0') || digits == "0" && *text != "-0";
        let number = text.parse().ok().filter(|_| plain && digits.bytes().all(|byte| byte.is_ascii_digit()));
        number.ok_or_else(|| unsupported(format!("the number `{text}`")))
    };
    let numbers: Vec<i64> = operands.iter().map(number).collect::<Result<_, _>>()?;
    let (first, step, last) = match numbers.as_slice() {
        [last] => (1, 1, *last),
        [first, last] => (*first, 1, *last),
        [first, step, last] if *step != 0 => (*first, *step, *last),
        _ => return Err(unsupported("such operands")),
    };
    let mut width = 0;
    if equal_width {
        // The width of the longest that is put out, which is one of the ends.
        let end = if (step > 0) == (first <= last) {
            let turns = (last.wrapping_sub(first)).checked_div(step).unwrap_or_default();
            first.saturating_add(turns.saturating_mul(step))
        } else {
            first
        };
        width = first.to_string().len().max(end.to_string().len());
        if first.signum() * end.signum() < 0 || operands.iter().any(|operand| operand.len() > width) {
            return Err(unsupported("-w with such numbers"));
        }
    }
    let mut at = first;
    let mut any = false;
    while if step > 0 { at <= last } else { at >= last } {
        if any {
            call.print(separator);
        }
        any = true;
        call.print(&format!("{at:0width$}"));
        input::bounded(call.out.len())?;
        match at.checked_add(step) {
            Some(next) => at = next,
            None => break,
        }
    }
    if any {
        call.print("\n");
    }
    Ok(0)
}
