//! cp(1), of POSIX and coreutils: the command line. What is done to each file is in `copying`.

use super::copying::{Copier, Follow, Rules};
use super::options::{Parsed, Spec, Takes, parse};
use super::targets::{AT, INTO, pairs};
use crate::shell::{Answer, Call, Reason};

const OPTIONS: &[Spec] = &[
    ("archive", "a", Takes::Nothing),
    ("recursive", "rR", Takes::Nothing),
    ("p", "p", Takes::Nothing),
    ("d", "d", Takes::Nothing),
    ("dereference", "L", Takes::Nothing),
    ("no-dereference", "P", Takes::Nothing),
    ("H", "H", Takes::Nothing),
    ("force", "f", Takes::Nothing),
    ("no-clobber", "n", Takes::Nothing),
    ("link", "l", Takes::Nothing),
    ("symbolic-link", "s", Takes::Nothing),
    ("remove-destination", "", Takes::Nothing),
    ("preserve", "", Takes::MaybeValue),
    ("no-preserve", "", Takes::Value),
    ("one-file-system", "x", Takes::Nothing),
    ("verbose", "v", Takes::Nothing),
    ("Z", "Z", Takes::Nothing),
    INTO,
    AT,
];

/// cp(1)
pub(super) fn cp(call: &mut Call<'_>) -> Answer {
    let parsed = parse("cp", OPTIONS, call.args)?;
    let rules = rules(&parsed)?;
    let Some(pairs) = pairs(call, "cp", &parsed, false)? else { return Ok(1) };
    let mut copier = Copier::new("cp", rules);
    let mut status = 0;
    for pair in &pairs {
        if !copier.copy(call, &pair.source, &pair.target)? {
            status = 1;
        }
    }
    Ok(status)
}

fn rules(parsed: &Parsed) -> Result<Rules, Reason> {
    let mut rules = Rules::default();
    let mut follow = None;
    for (option, value) in &parsed.options {
        match *option {
            "archive" => {
                follow = Some(Follow::Never);
                rules.recursive = true;
                preserve(&mut rules, "all", true)?;
            }
            "recursive" => rules.recursive = true,
            "p" => preserve(&mut rules, "mode,ownership,timestamps", true)?,
            "d" => {
                follow = Some(Follow::Never);
                rules.keep_links = true;
            }
            "dereference" => follow = Some(Follow::Always),
            "no-dereference" => follow = Some(Follow::Never),
            "H" => follow = Some(Follow::Start),
            "no-clobber" => rules.keep_old = true,
            "force" => rules.force = true,
            "link" => rules.link = true,
            "symbolic-link" => rules.symbolic = true,
            "remove-destination" => rules.remove_first = true,
            "preserve" => preserve(&mut rules, value.as_deref().unwrap_or("mode,ownership,timestamps"), true)?,
            "no-preserve" => preserve(&mut rules, value.as_deref().unwrap_or_default(), false)?,
            "verbose" => rules.verbose = true,
            _ => {}
        }
    }
    if rules.link && rules.symbolic {
        return Err(Reason::unsupported("cp", "options -l and -s together"));
    }
    let default = if rules.recursive { Follow::Never } else { Follow::Always };
    // A link of a link is one to it (POSIX leaves it open).
    rules.follow = follow.unwrap_or(if rules.link { Follow::Never } else { default });
    Ok(rules)
}

/// What `--preserve` and `--no-preserve` name. Times are not kept, and there are no `SELinux` contexts.
fn preserve(rules: &mut Rules, list: &str, keep: bool) -> Result<(), Reason> {
    for attribute in list.split(',') {
        match attribute {
            "mode" => {
                rules.keep_mode = keep;
                rules.drop_mode = !keep;
            }
            "ownership" => rules.keep_owner = keep,
            "links" => rules.keep_links = keep,
            "xattr" => rules.keep_attributes = keep,
            "timestamps" | "context" => {}
            "all" => {
                (rules.keep_mode, rules.drop_mode, rules.keep_owner) = (keep, !keep, keep);
                (rules.keep_links, rules.keep_attributes) = (keep, keep);
            }
            other => return Err(Reason::unsupported("cp", format!("--preserve={other}"))),
        }
    }
    Ok(())
}
