//! dpkg-query(1): which packages there are, what they own, what is known of them.

use std::fmt::Write as _;

use super::diversions::{self, Diversion};
use super::options::{self, Known, plain, valued};
use super::packages::{State, control_path, find, owns, paths, shown};
use super::patterns::pattern;
use crate::debian::Package;
use crate::effects::dpkg_db;
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};

const NAME: &str = "dpkg-query";

const OPTIONS: [Known; 13] = [
    valued("showformat", Some('f')),
    plain("show", Some('W')),
    plain("status", Some('s')),
    plain("listfiles", Some('L')),
    plain("search", Some('S')),
    plain("control-path", Some('c')),
    plain("control-list", None),
    plain("control-show", None),
    plain("no-pager", None),
    plain("list", Some('l')),
    plain("print-avail", Some('p')),
    plain("load-avail", None),
    plain("loose", None),
];

pub(super) fn dpkg_query(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    run(debian, call, "", call.args)
}

/// Carries out `args`, with the option `action` before them.
pub(super) fn run(debian: &Debian<'_>, call: &mut Call<'_>, action: &str, args: &[String]) -> Answer {
    let given = options::read(NAME, args, &OPTIONS)?;
    let mut actions: Vec<&str> = given.options.iter().map(|(name, _)| *name).collect();
    actions.retain(|name| !["showformat", "no-pager"].contains(name));
    if let Some(action) = action.strip_prefix("--") {
        actions.push(action);
    }
    let operands = given.operands;
    match actions.as_slice() {
        ["show"] => show(debian, call, given.value("showformat"), operands),
        ["status"] => status(debian, call, operands),
        ["listfiles"] => list_files(debian, call, operands),
        ["search"] => search(debian, call, operands),
        ["control-path"] => Ok(control(debian, call, operands, Control::Path)),
        ["control-list"] => Ok(control(debian, call, operands, Control::List)),
        ["control-show"] => Ok(control(debian, call, operands, Control::Show)),
        [] => Ok(bad_usage(call, "need an action option")),
        // `--list` is as wide as the terminal, `--print-avail` knows what apt never tells.
        [other] => Err(Reason::unsupported(NAME, format!("option --{other}"))),
        _ => Ok(bad_usage(call, "conflicting actions")),
    }
}

fn bad_usage(call: &mut Call<'_>, text: &str) -> u8 {
    call.complain(&format!("dpkg-query: error: {text}"));
    2
}

/// `--show` of packages by name or pattern; of all without one. Exit status 1 if one is not found.
fn show(debian: &Debian<'_>, call: &mut Call<'_>, format: Option<&str>, operands: &[String]) -> Answer {
    let format = format.unwrap_or("${binary:Package}\\t${Version}\\n");
    let mut wanted = vec![operands.is_empty(); debian.packages.len()];
    let mut status = 0;
    for word in operands {
        let is_meant = |package: &Package| {
            if word.contains(['*', '[', '?', '\\']) {
                pattern(word).matches(&package.name) || pattern(word).matches(&shown(package))
            } else {
                find(debian, word).is_some_and(|found| found.name == package.name)
            }
        };
        let mut found = false;
        for (wanted, package) in wanted.iter_mut().zip(debian.packages) {
            if is_meant(package) {
                *wanted = true;
                found = true;
            }
        }
        if !found {
            call.complain(&format!("dpkg-query: no packages found matching {word}"));
            status = 1;
        }
    }
    let mut text = String::new();
    for (_, package) in wanted.iter().zip(debian.packages).filter(|(wanted, _)| **wanted) {
        text.push_str(&formatted(debian, package, format)?);
    }
    call.print(&text);
    Ok(status)
}

/// A format string with its fields in (`pkg_format` of lib/dpkg/pkg-format.c).
fn formatted(debian: &Debian<'_>, package: &Package, format: &str) -> Result<String, Reason> {
    let wrong = || Reason::unsupported(NAME, format!("the format `{format}`"));
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['\\', '$']) {
        let (before, tail) = rest.split_at(at);
        text.push_str(before);
        if let Some(tail) = tail.strip_prefix("${") {
            let (field, after) = tail.split_once('}').ok_or_else(wrong)?;
            let (name, width) = field.split_once(';').map_or((field, None), |(name, width)| (name, Some(width)));
            let value = field_of(debian, package, name)?;
            match width.map(|width| width.parse::<i16>().map_err(|_| wrong())).transpose()? {
                None => text.push_str(&value),
                Some(width) => text.push_str(&padded(&value, width)),
            }
            rest = after;
            continue;
        }
        let mut chars = tail.chars();
        match (chars.next(), chars.clone().next()) {
            (Some('\\'), Some(escaped)) => {
                text.push(match escaped {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
                chars.next();
            }
            (Some(char), _) => text.push(char),
            (None, _) => {}
        }
        rest = chars.as_str();
    }
    text.push_str(rest);
    Ok(text)
}

/// Filled up with blanks to a width, on the left unless it is negative; never cut.
fn padded(text: &str, width: i16) -> String {
    let size = usize::from(width.unsigned_abs());
    if width < 0 { format!("{text:<size$}") } else { format!("{text:>size$}") }
}

/// A field of the control file or of dpkg's own; what there is not is empty.
fn field_of(debian: &Debian<'_>, package: &Package, name: &str) -> Result<String, Reason> {
    let state = State::of(debian, package);
    let source = || package.field("Source").unwrap_or(&package.name);
    Ok(match name {
        "binary:Package" => shown(package),
        "binary:Synopsis" | "binary:Summary" => {
            package.field("Description").and_then(|text| text.lines().next()).unwrap_or_default().to_owned()
        }
        "Status" => state.field(),
        "db:Status-Abbrev" => state.abbreviation().to_owned(),
        "db:Status-Want" => "install".to_owned(),
        "db:Status-Status" => state.name().to_owned(),
        "db:Status-Eflag" => state.flag().to_owned(),
        "db-fsys:Files" => paths(package).flat_map(|path| [" ".to_owned(), path, "\n".to_owned()]).collect(),
        "source:Package" => source().split(' ').next().unwrap_or_default().to_owned(),
        "source:Version" => source_version(package).to_owned(),
        "source:Upstream-Version" => {
            let version = source_version(package);
            let version = version.split_once(':').map_or(version, |(_, version)| version);
            version.rsplit_once('-').map_or(version, |(upstream, _)| upstream).to_owned()
        }
        "Conffiles" => dpkg_db::conffiles(package).map_err(|error| Reason::Refused(error.to_string()))?.join("\n"),
        _ if name.starts_with("db-fsys:") => return Err(Reason::differs(NAME, "the time of an installation")),
        _ => package.field(name).unwrap_or_default().trim_end().to_owned(),
    })
}

/// The version of the source, which is the package's own unless `Source` says another one.
fn source_version(package: &Package) -> &str {
    let told = package.field("Source").and_then(|source| source.split_once(" (")?.1.strip_suffix(')'));
    told.unwrap_or(&package.version)
}

/// `--status`: what the database has of packages, of all if none is named (dpkg-query(1), since 1.19.1).
fn status(debian: &Debian<'_>, call: &mut Call<'_>, operands: &[String]) -> Answer {
    let mut status = 0;
    let all: Vec<String> = debian.packages.iter().map(|package| package.name.clone()).collect();
    let operands = if operands.is_empty() { &all } else { operands };
    for (number, word) in operands.iter().enumerate() {
        if number > 0 {
            call.print("\n");
        }
        if let Some(package) = find(debian, word) {
            let field = State::of(debian, package).field();
            let text = dpkg_db::paragraph(package, &field).map_err(|error| Reason::Refused(error.to_string()))?;
            call.print(&text);
        } else {
            call.complain(&format!("dpkg-query: package '{word}' is not installed and no information is available"));
            status = 1;
        }
    }
    Ok(status)
}

/// `--listfiles`: the paths of packages, and where diverted ones are.
fn list_files(debian: &Debian<'_>, call: &mut Call<'_>, operands: &[String]) -> Answer {
    if operands.is_empty() {
        return Ok(bad_usage(call, "--listfiles needs at least one package name argument"));
    }
    let diversions = diversions::read(call)?;
    let mut status = 0;
    for (number, word) in operands.iter().enumerate() {
        if number > 0 {
            call.print("\n");
        }
        let Some(package) = find(debian, word) else {
            call.complain(&format!("dpkg-query: package '{word}' is not installed"));
            status = 1;
            continue;
        };
        let mut text = String::new();
        for path in paths(package) {
            text.push_str(&path);
            text.push('\n');
            if let Some(Diversion { to, package: by, .. }) = diversions.iter().find(|diversion| diversion.from == path)
            {
                let _ = match by {
                    None => writeln!(text, "locally diverted to: {to}"),
                    Some(by) if *by == package.name => writeln!(text, "package diverts others to: {to}"),
                    Some(by) => writeln!(text, "diverted by {by} to: {to}"),
                };
            }
        }
        call.print(&text);
    }
    Ok(status)
}

/// `--search`: who owns the paths that match. A word that is no path stands for all paths that have it.
fn search(debian: &Debian<'_>, call: &mut Call<'_>, operands: &[String]) -> Answer {
    if operands.is_empty() {
        return Ok(bad_usage(call, "--search needs at least one file name pattern argument"));
    }
    let diversions = diversions::read(call)?;
    let mut status = 0;
    for word in operands {
        let word = if word.starts_with(['*', '[', '?', '/']) { word.clone() } else { format!("*{word}*") };
        let paths: Vec<String> = if word.contains(['*', '[', '?', '\\']) {
            let wanted = pattern(&word);
            let owned = debian.packages.iter().flat_map(paths);
            let diverted = diversions.iter().flat_map(|diversion| [diversion.from.clone(), diversion.to.clone()]);
            let mut found: Vec<String> = owned.chain(diverted).filter(|path| wanted.matches(path)).collect();
            found.sort();
            found.dedup();
            found
        } else {
            let word = word.trim_end_matches('/');
            vec![word.to_owned()]
        };
        let mut text = String::new();
        for path in &paths {
            if let Some(diversion) = diversions.iter().find(|found| found.from == *path || found.to == *path) {
                let by =
                    diversion.package.as_ref().map_or("local diversion".to_owned(), |by| format!("diversion by {by}"));
                let _ = writeln!(text, "{by} from: {}\n{by} to: {}", diversion.from, diversion.to);
            }
            let owners = debian.packages.iter().filter(|package| owns(package, path)).map(shown);
            let owners: Vec<String> = owners.collect();
            if !owners.is_empty() {
                let _ = writeln!(text, "{}: {path}", owners.join(", "));
            }
        }
        if text.is_empty() {
            call.complain(&format!("dpkg-query: no path found matching pattern {word}"));
            status = 1;
        }
        call.print(&text);
    }
    Ok(status)
}

#[derive(Clone, Copy)]
enum Control {
    Path,
    List,
    Show,
}

/// `--control-path`, `--control-list` and `--control-show`: the files of dpkg's database that come from `control.tar`.
fn control(debian: &Debian<'_>, call: &mut Call<'_>, operands: &[String], what: Control) -> u8 {
    let (word, member) = match (operands, what) {
        ([word], Control::Path | Control::List) => (word, None),
        ([word, member], Control::Path | Control::Show) => (word, Some(member)),
        _ => return bad_usage(call, "wrong number of arguments"),
    };
    let Some(package) = find(debian, word) else {
        return bad_usage(call, &format!("package '{word}' is not installed"));
    };
    if let (Control::Show, Some(member)) = (what, member) {
        let Some(bytes) = package.control.get(member) else {
            return bad_usage(call, &format!("control file '{member}' does not exist"));
        };
        call.out.extend_from_slice(bytes);
        return 0;
    }
    // dpkg keeps what is in `control` elsewhere.
    let members = package.control.keys().filter(|name| name.as_str() != "control");
    let mut text = String::new();
    for name in members.filter(|name| member.is_none_or(|member| *name == member)) {
        match what {
            Control::List => text.push_str(name),
            Control::Path | Control::Show => text.push_str(&control_path(package, name).unwrap_or_default()),
        }
        text.push('\n');
    }
    call.print(&text);
    0
}

#[cfg(test)]
mod tests;
