//! wc: POSIX.1-2024 XCU wc; the manual of GNU coreutils 9.7, 6.1.

use super::input;
use super::options::Spec;
use crate::shell::call::{Answer, Call};
use crate::shell::reason::Reason;
use crate::shell::regex::bytes::is_space;

const SPEC: Spec =
    Spec { utility: "wc", short: "clmw", long: &[("bytes", 'c'), ("chars", 'm'), ("lines", 'l'), ("words", 'w')] };

/// wc(1)
pub(super) fn wc(call: &mut Call<'_>) -> Answer {
    let parsed = SPEC.parse(call.args)?;
    let all = parsed.options.is_empty();
    let columns: Vec<char> =
        ['l', 'w', 'm', 'c'].into_iter().filter(|letter| parsed.has(*letter) || all && *letter != 'm').collect();
    let names = input::or_stdin(parsed.operands.clone());
    let alone = names.len() == 1 && columns.len() == 1;
    if !alone && names.iter().any(|name| input::is_stdin(name)) {
        // How wide the columns are depends on whether that is a pipe.
        return Err(Reason::unsupported("wc", "several numbers about standard input"));
    }
    let mut status = 0;
    let mut rows: Vec<(Vec<usize>, String)> = Vec::new();
    let mut size = 0;
    for name in names {
        let Some(text) = input::operand(call, "wc", &name)? else {
            status = 1;
            continue;
        };
        size += text.len();
        let words = |text: &[u8]| text.split(|byte| is_space(*byte)).filter(|word| !word.is_empty()).count();
        if columns.contains(&'w') && text.iter().any(|byte| !is_space(*byte) && !byte.is_ascii_graphic()) {
            return Err(Reason::unsupported("wc", "-w of text beyond ASCII"));
        }
        let count = |column: &char| match column {
            'l' => text.split(|byte| *byte == b'\n').count() - 1,
            'w' => words(&text),
            _ => text.len(),
        };
        rows.push((columns.iter().map(count).collect(), name));
    }
    if parsed.operands.len() > 1 {
        let sum = |column: usize| rows.iter().filter_map(|(row, _)| row.get(column)).sum();
        rows.push(((0..columns.len()).map(sum).collect(), "total".to_owned()));
    }
    // compute_number_width in wc.c of coreutils.
    let width = if alone { 1 } else { size.to_string().len() };
    for (row, name) in rows {
        let numbers: Vec<String> = row.iter().map(|number| format!("{number:width$}")).collect();
        call.print(&numbers.join(" "));
        if !(parsed.operands.is_empty() && name == "-") {
            call.print(&format!(" {name}"));
        }
        call.print("\n");
    }
    Ok(status)
}
