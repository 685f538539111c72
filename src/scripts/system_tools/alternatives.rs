//! update-alternatives(1) of dpkg 1.22, over the records and links in the tree. What it prints follows `utils/update-alternatives.c`.
//!
//! The log in `/var/log` is not written, and what asks a person (`--config`, `--all`) is not modelled.

use std::fmt::Write as _;

use crate::effects::alternatives::group::{Group, RECORDS, remove_link};
use crate::effects::alternatives::{Choice, Slave};
use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, Reason};
use crate::tree::TreeError;

const NAME: &str = "update-alternatives";
/// The exit status of all its errors.
const FAILED: u8 = 2;

/// What it was asked to do.
enum Action {
    Install(Choice),
    Remove(String, String),
    RemoveAll(String),
    Auto(String),
    Set(String, String),
    Display(String),
    Query(String),
    List(String),
    Selections,
}

/// update-alternatives(1)
pub(super) fn update_alternatives(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let mut args = call.args.iter().map(String::as_str);
    let (mut action, mut force, mut quiet) = (None, false, false);
    while let Some(arg) = args.next() {
        let mut next = || args.next().map(str::to_owned);
        let found = match arg {
            "--force" => {
                force = true;
                continue;
            }
            "--quiet" => {
                quiet = true;
                continue;
            }
            "--verbose" | "--debug" | "--skip-auto" => continue,
            "--log" => {
                next();
                continue;
            }
            "--slave" => {
                let slave = (|| Some(Slave { link: next()?, name: next()?, path: next()? }))();
                match (&mut action, slave) {
                    (Some(Action::Install(choice)), Some(slave)) => choice.slaves.push(slave),
                    _ => return Ok(fail(call, "--slave only allowed with --install")),
                }
                continue;
            }
            "--install" => (|| {
                let (link, name, path) = (next()?, next()?, next()?);
                let priority = next()?.parse().ok()?;
                Some(Action::Install(Choice { link, name, path, priority, slaves: Vec::new() }))
            })(),
            "--remove" => (|| Some(Action::Remove(next()?, next()?)))(),
            "--set" => (|| Some(Action::Set(next()?, next()?)))(),
            "--remove-all" => next().map(Action::RemoveAll),
            "--auto" => next().map(Action::Auto),
            "--display" => next().map(Action::Display),
            "--query" => next().map(Action::Query),
            "--list" => next().map(Action::List),
            "--get-selections" => Some(Action::Selections),
            other => return Err(Reason::unsupported(NAME, format!("`{other}`"))),
        };
        match found {
            Some(found) if action.is_none() => action = Some(found),
            Some(_) => return Ok(fail(call, "two commands specified")),
            None => return Ok(fail(call, &format!("{arg} needs other arguments"))),
        }
    }
    let printed = call.out.len();
    let answers = matches!(action, Some(Action::Display(_) | Action::Query(_) | Action::List(_) | Action::Selections));
    let answer = match action {
        None => Ok(fail(call, "need --display, --query, --list, --get-selections, --set, --install, --remove")),
        Some(Action::Install(choice)) => install(debian, call, choice, force),
        Some(Action::Remove(name, path)) => remove(debian, call, &name, Some(&path)),
        Some(Action::RemoveAll(name)) => remove(debian, call, &name, None),
        Some(Action::Auto(name)) => auto(call, &name, force),
        Some(Action::Set(name, path)) => set(call, &name, &path, force),
        Some(Action::Display(name)) => Ok(show(call, &name, display)),
        Some(Action::Query(name)) => Ok(show(call, &name, query)),
        Some(Action::List(name)) => Ok(show(call, &name, list)),
        Some(Action::Selections) => selections(call),
    };
    if quiet && !answers {
        call.out.truncate(printed);
    }
    answer
}

fn fail(call: &mut Call<'_>, text: &str) -> u8 {
    call.complain(&format!("{NAME}: error: {text}"));
    FAILED
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn in_the_way(error: TreeError) -> Reason {
    Reason::Refused(error.to_string())
}

/// What is wrong with the arguments of `--install` (`alternative_check_install_args`).
fn mistake(call: &Call<'_>, choice: &Choice) -> Result<Option<String>, Reason> {
    let files = &call.files;
    if !files.exists(&choice.path)? {
        return Ok(Some(format!("alternative path {} doesn't exist", choice.path)));
    }
    let main = [(&choice.name, &choice.link, &choice.path)];
    let slaves = choice.slaves.iter().map(|slave| (&slave.name, &slave.link, &slave.path));
    for (name, link, path) in main.into_iter().chain(slaves) {
        if name.is_empty() || name.contains(|char: char| char == '/' || char.is_whitespace()) {
            return Ok(Some(format!("alternative name ({name}) must not contain '/' and spaces")));
        }
        if !link.starts_with('/') || !path.starts_with('/') {
            return Ok(Some(format!("alternative link and path are not absolute as they should be: {link} {path}")));
        }
        if [link, path, name].iter().any(|text| text.contains('\n')) {
            return Ok(Some("newlines prohibited".to_owned()));
        }
    }
    for other in Group::names(files.tree()).iter().filter_map(|name| Group::read(files.tree(), name)) {
        let same = other.name == choice.name;
        if other.slaves.contains_key(&choice.name) {
            return Ok(Some(format!("alternative {} can't be master: it is a slave of {}", choice.name, other.name)));
        }
        let links: Vec<&String> = choice.slaves.iter().map(|slave| &slave.link).chain([&choice.link]).collect();
        if !same && let Some(link) = links.iter().find(|link| is_link_of(&other, link)) {
            return Ok(Some(format!("alternative link {link} is already managed by {}", other.name)));
        }
        for slave in &choice.slaves {
            if slave.name == other.name {
                let text = format!("alternative {} can't be slave of {}: it is a master", slave.name, choice.name);
                return Ok(Some(text));
            }
            if !same && other.slaves.contains_key(&slave.name) {
                let text = format!(
                    "alternative {} can't be slave of {}: it is a slave of {}",
                    slave.name, choice.name, other.name
                );
                return Ok(Some(text));
            }
        }
    }
    Ok(None)
}

fn is_link_of(group: &Group, link: &str) -> bool {
    group.link == link || group.slaves.values().any(|slave| slave == link)
}

/// A recorded group; one whose link somebody moved to what is no choice is manual (`alternative_select_mode`).
fn read(call: &Call<'_>, name: &str) -> Option<Group> {
    let tree = call.files.tree();
    let mut group = Group::read(tree, name)?;
    match group.current(tree) {
        None => group.automatic = true,
        Some(current) if group.way(&current).is_none() => group.automatic = false,
        Some(_) => {}
    }
    Some(group)
}

/// Makes the links of the choice at `path` and writes the record.
fn point(call: &mut Call<'_>, group: &Group, path: &str, force: bool) -> Answer {
    let Some(way) = group.way(path) else { return Ok(fail(call, &format!("{path} is not registered"))) };
    if let Some(link) = group.links(call.files.tree(), way).iter().find(|link| !link.has_place(call.files.tree())) {
        return Ok(fail(call, &format!("error creating symbolic link '{}': No such file or directory", link.at)));
    }
    group.point(call.files.tree_mut(), way, force).map_err(in_the_way)?;
    group.store(call.files.tree_mut()).map_err(in_the_way)?;
    let mode = if group.automatic { "auto" } else { "manual" };
    let what = format!("alternative {}: {path} provides {} ({mode} mode)", group.name, group.link);
    call.print(&format!("{NAME}: using {path} to provide {} ({}) in {mode} mode\n", group.link, group.name));
    call.files.note(what);
    Ok(0)
}

/// Brings the links of an automatic group to its best choice; those of a manual one stay, but for slaves that are new.
fn settle(call: &mut Call<'_>, group: &Group, force: bool) -> Answer {
    let current = group.current(call.files.tree());
    let wanted = if group.automatic {
        group.best(current.as_deref()).map(|way| way.path.clone())
    } else {
        current.filter(|path| group.way(path).is_some())
    };
    match wanted {
        Some(path) => point(call, group, &path, force),
        None => {
            group.store(call.files.tree_mut()).map_err(in_the_way)?;
            Ok(0)
        }
    }
}

fn install(debian: &mut Debian<'_>, call: &mut Call<'_>, choice: Choice, force: bool) -> Answer {
    if let Some(text) = mistake(call, &choice)? {
        return Ok(fail(call, &text));
    }
    let mut group = read(call, &choice.name).unwrap_or_else(|| Group::new(&choice.name, &choice.link));
    // Links that have other names now (`alternative_evolve`).
    let mut renamed: Vec<String> = Vec::new();
    if group.link != choice.link {
        renamed.push(group.link.clone());
    }
    for slave in &choice.slaves {
        renamed.extend(group.slaves.get(&slave.name).filter(|link| **link != slave.link).cloned());
    }
    for link in renamed {
        remove_link(call.files.tree_mut(), &link);
        call.files.note(format!("took the link {link} away"));
    }
    group.add(&choice);
    debian.requests.alternatives.push(choice);
    settle(call, &group, force)
}

/// `--remove NAME PATH`, and `--remove-all NAME` without a path.
fn remove(debian: &mut Debian<'_>, call: &mut Call<'_>, name: &str, path: Option<&str>) -> Answer {
    let Some(mut group) = read(call, name) else {
        // There is nothing to remove; only --remove-all minds.
        return Ok(if path.is_some() { 0 } else { fail(call, &format!("no alternatives for {name}")) });
    };
    if path.is_some_and(|path| group.way(path).is_none()) {
        return Ok(0);
    }
    let gone = |known: &str| path.is_none_or(|path| path == known);
    debian.requests.alternatives.retain(|choice| choice.name != name || !gone(&choice.path));
    let current = group.current(call.files.tree());
    group.ways.retain(|way| !gone(&way.path));
    if group.ways.is_empty() {
        group.remove(call.files.tree_mut());
        call.files.note(format!("removed the alternative {name}"));
        return Ok(0);
    }
    if current.is_some_and(|current| gone(&current)) {
        group.automatic = true;
    }
    call.files.note(format!("alternative {name}: removed the choice {}", path.unwrap_or_default()));
    settle(call, &group, false)
}

fn auto(call: &mut Call<'_>, name: &str, force: bool) -> Answer {
    let Some(mut group) = read(call, name) else { return Ok(fail(call, &format!("no alternatives for {name}"))) };
    group.automatic = true;
    settle(call, &group, force)
}

fn set(call: &mut Call<'_>, name: &str, path: &str, force: bool) -> Answer {
    let Some(mut group) = read(call, name) else { return Ok(fail(call, &format!("no alternatives for {name}"))) };
    if group.way(path).is_none() {
        return Ok(fail(call, &format!("alternative {path} for {name} not registered; not setting")));
    }
    group.automatic = false;
    point(call, &group, path, force)
}

/// Prints what is recorded of a group, which has to be there.
fn show(call: &mut Call<'_>, name: &str, format: fn(&Group, Option<&str>) -> String) -> u8 {
    let Some(group) = read(call, name) else { return fail(call, &format!("no alternatives for {name}")) };
    let text = format(&group, group.current(call.files.tree()).as_deref());
    call.print(&text);
    0
}

fn mode(group: &Group) -> &'static str {
    if group.automatic { "auto" } else { "manual" }
}

/// Choices in the order of the record.
fn ways(group: &Group) -> Vec<&crate::effects::alternatives::group::Way> {
    let mut ways: Vec<_> = group.ways.iter().collect();
    ways.sort_by(|a, b| a.path.cmp(&b.path));
    ways
}

fn query(group: &Group, current: Option<&str>) -> String {
    let mut text = format!("Name: {}\nLink: {}\n", group.name, group.link);
    if !group.slaves.is_empty() {
        text.push_str("Slaves:\n");
        for (name, link) in &group.slaves {
            let _ = writeln!(text, " {name} {link}");
        }
    }
    let _ = writeln!(text, "Status: {}", mode(group));
    if let Some(best) = group.best(current) {
        let _ = writeln!(text, "Best: {}", best.path);
    }
    let _ = writeln!(text, "Value: {}", current.unwrap_or("none"));
    for way in ways(group) {
        let _ = writeln!(text, "\nAlternative: {}\nPriority: {}", way.path, way.priority);
        if !group.slaves.is_empty() {
            text.push_str("Slaves:\n");
        }
        for (name, path) in &way.slaves {
            let _ = writeln!(text, " {name} {path}");
        }
    }
    text
}

fn display(group: &Group, current: Option<&str>) -> String {
    let mut text = format!("{} - {} mode\n", group.name, mode(group));
    match group.best(current) {
        Some(best) => {
            let _ = writeln!(text, "  link best version is {}", best.path);
        }
        None => text.push_str("  link best version not available\n"),
    }
    match current {
        Some(current) => {
            let _ = writeln!(text, "  link currently points to {current}");
        }
        None => text.push_str("  link currently absent\n"),
    }
    let _ = writeln!(text, "  link {} is {}", group.name, group.link);
    for (name, link) in &group.slaves {
        let _ = writeln!(text, "  slave {name} is {link}");
    }
    for way in ways(group) {
        let _ = writeln!(text, "{} - priority {}", way.path, way.priority);
        for (name, path) in &way.slaves {
            let _ = writeln!(text, "  slave {name}: {path}");
        }
    }
    text
}

fn list(group: &Group, _: Option<&str>) -> String {
    ways(group).iter().fold(String::new(), |all, way| all + &way.path + "\n")
}

fn selections(call: &mut Call<'_>) -> Answer {
    for name in Group::names(call.files.tree()) {
        let Some(group) = read(call, &name) else {
            return Err(Reason::Unreadable(format!("/{RECORDS}/{name}")));
        };
        let current = group.current(call.files.tree()).unwrap_or_default();
        call.print(&format!("{name:<30} {:<8} {current}\n", mode(&group)));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Done, run_with, tree};
    use crate::lock::IdMap;
    use crate::tree::{Kind, Node};

    fn run(lines: &[&str]) -> Done {
        let mut tree = tree();
        for path in ["usr/bin/a", "usr/bin/b", "usr/bin/c", "usr/bin/taken", "usr/share/man/man1/a.1.gz"] {
            tree.put(path, Node::file(0o755, "")).unwrap();
        }
        run_with(super::super::find, tree, &IdMap::default(), true, lines)
    }

    fn link<'a>(done: &'a Done, path: &str) -> &'a str {
        match done.tree.get(path).map(|node| &node.kind) {
            Some(Kind::Symlink(target)) => target,
            _ => "",
        }
    }

    const A: &str = "update-alternatives --install /usr/bin/x x /usr/bin/a 10 --slave /usr/share/man/man1/x.1.gz x.1.gz \
                     /usr/share/man/man1/a.1.gz --slave /usr/share/man/man1/y.1.gz y.1.gz /usr/share/man/man1/nosuch.gz";
    const B: &str = "update-alternatives --quiet --install /usr/bin/x x /usr/bin/b 20";

    #[test]
    fn the_best_choice_is_linked_and_its_slaves_go_when_another_is_better() {
        let done = run(&[A]);
        assert_eq!(done.status(), 0);
        assert_eq!(link(&done, "usr/bin/x"), "/etc/alternatives/x");
        assert_eq!(link(&done, "etc/alternatives/x"), "/usr/bin/a");
        assert_eq!(link(&done, "usr/share/man/man1/x.1.gz"), "/etc/alternatives/x.1.gz");
        assert!(!done.tree.contains("usr/share/man/man1/y.1.gz"), "what it leads to is not there");
        let done = run(&[A, B]);
        assert_eq!(link(&done, "etc/alternatives/x"), "/usr/bin/b");
        assert!(!done.tree.contains("usr/share/man/man1/x.1.gz") && !done.tree.contains("etc/alternatives/x.1.gz"));
        let record = "auto\n/usr/bin/x\nx.1.gz\n/usr/share/man/man1/x.1.gz\ny.1.gz\n/usr/share/man/man1/y.1.gz\n\n/usr/bin/a\n10\n\
                      /usr/share/man/man1/a.1.gz\n/usr/share/man/man1/nosuch.gz\n/usr/bin/b\n20\n\n\n\n";
        assert_eq!(done.text("var/lib/dpkg/alternatives/x"), record);
        assert_eq!(done.requests.alternatives.len(), 2);
    }

    #[test]
    fn of_equal_priorities_the_one_in_use_stays() {
        let same = "update-alternatives --install /usr/bin/x x /usr/bin/a 20";
        assert_eq!(link(&run(&[B, same]), "etc/alternatives/x"), "/usr/bin/b");
        assert_eq!(link(&run(&[same, B]), "etc/alternatives/x"), "/usr/bin/a");
    }

    #[test]
    fn a_choice_that_somebody_set_stays_until_it_is_automatic_again_or_gone() {
        let set = "update-alternatives --set x /usr/bin/a";
        let done = run(&[A, B, set, "update-alternatives --install /usr/bin/x x /usr/bin/c 99"]);
        assert_eq!(link(&done, "etc/alternatives/x"), "/usr/bin/a");
        assert!(done.text("var/lib/dpkg/alternatives/x").starts_with("manual\n"));
        assert_eq!(link(&run(&[A, B, set, "update-alternatives --auto x"]), "etc/alternatives/x"), "/usr/bin/b");
        let done = run(&[A, B, set, "update-alternatives --remove x /usr/bin/a"]);
        assert_eq!(link(&done, "etc/alternatives/x"), "/usr/bin/b");
        assert!(done.text("var/lib/dpkg/alternatives/x").starts_with("auto\n"));
        assert_eq!(done.requests.alternatives.len(), 1);
    }

    #[test]
    fn the_last_choice_takes_the_group_with_it() {
        for last in ["update-alternatives --remove x /usr/bin/a", "update-alternatives --remove-all x"] {
            let done = run(&[A, last]);
            assert_eq!(done.status(), 0);
            for path in ["usr/bin/x", "etc/alternatives/x", "usr/share/man/man1/x.1.gz", "var/lib/dpkg/alternatives/x"]
            {
                assert!(!done.tree.contains(path), "{path}");
            }
            assert!(done.requests.alternatives.is_empty());
        }
    }

    #[test]
    fn mistakes_are_exit_status_2_and_change_nothing() {
        for (line, text) in [
            ("--install /usr/bin/x x /usr/bin/nosuch 1", "doesn't exist"),
            ("--install /usr/bin/x y /usr/bin/a 1", "already managed by x"),
            ("--install usr/bin/z z /usr/bin/a 1", "not absolute"),
            ("--install /usr/bin/z a/z /usr/bin/a 1", "must not contain"),
            ("--install /usr/bin/z x.1.gz /usr/bin/a 1", "it is a slave of x"),
            ("--install /usr/bin/z z /usr/bin/a 1 --slave /q x /usr/bin/a", "it is a master"),
            ("--install /usr/bin/z z /usr/bin/a 1 --slave /q x.1.gz /usr/bin/a", "it is a slave of x"),
            ("--install /nosuch/z z /usr/bin/a 1", "No such file"),
            ("--install /usr/bin/z z /usr/bin/a one", "needs other arguments"),
            ("--slave /a b /c", "only allowed with"),
            ("--set x /usr/bin/c", "not registered"),
            ("--set z /usr/bin/c", "no alternatives for z"),
            ("--auto z", "no alternatives for z"),
            ("--query z", "no alternatives for z"),
            ("--list z", "no alternatives for z"),
            ("--display z", "no alternatives for z"),
            ("--remove-all z", "no alternatives for z"),
            ("--list x --list x", "two commands"),
            ("", "need --display"),
        ] {
            let before = run(&[A]);
            let done = run(&[A, &format!("update-alternatives {line}")]);
            assert_eq!(done.status(), 2, "{line}");
            assert!(done.err.contains(text), "{line}: {}", done.err);
            assert_eq!(done.text("var/lib/dpkg/alternatives/x"), before.text("var/lib/dpkg/alternatives/x"));
        }
        for line in ["--remove z /a", "--remove x /usr/bin/c"] {
            assert_eq!(run(&[A, &format!("update-alternatives {line}")]).status(), 0, "{line}");
        }
    }

    #[test]
    fn a_file_is_only_replaced_by_force_and_other_directories_are_refused() {
        let line = "--install /usr/bin/taken t /usr/bin/a 1";
        let done = run(&[&format!("update-alternatives {line}")]);
        assert_eq!((done.status(), link(&done, "usr/bin/taken")), (0, ""));
        let done = run(&[&format!("update-alternatives --force {line}")]);
        assert_eq!(link(&done, "usr/bin/taken"), "/etc/alternatives/t");
        for option in ["--altdir /x", "--admindir /x", "--root /x", "--config x", "--set-selections", "--all"] {
            assert!(run(&[&format!("update-alternatives {option} --list x")]).reason().contains("is not modelled"));
        }
    }

    #[test]
    fn a_link_that_gets_another_name_moves() {
        let done =
            run(&[A, "update-alternatives --install /usr/bin/z x /usr/bin/a 10 --slave /usr/bin/s x.1.gz /usr/bin/c"]);
        assert!(!done.tree.contains("usr/bin/x") && !done.tree.contains("usr/share/man/man1/x.1.gz"));
        assert_eq!(
            (link(&done, "usr/bin/z"), link(&done, "usr/bin/s")),
            ("/etc/alternatives/x", "/etc/alternatives/x.1.gz")
        );
        assert_eq!(link(&done, "etc/alternatives/x.1.gz"), "/usr/bin/c");
    }

    #[test]
    fn what_is_recorded_is_printed_as_dpkg_does() {
        let of = |line: &str| {
            let done = run(&[A, B, &format!("update-alternatives {line} x")]);
            done.out
                .lines()
                .filter(|line| !line.starts_with("update-alternatives: using"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(of("--list"), "/usr/bin/a\n/usr/bin/b");
        let query = "Name: x\nLink: /usr/bin/x\nSlaves:\n x.1.gz /usr/share/man/man1/x.1.gz\n y.1.gz /usr/share/man/man1/y.1.gz\n\
                     Status: auto\nBest: /usr/bin/b\nValue: /usr/bin/b\n\nAlternative: /usr/bin/a\nPriority: 10\nSlaves:\n x.1.gz \
                     /usr/share/man/man1/a.1.gz\n y.1.gz /usr/share/man/man1/nosuch.gz\n\nAlternative: /usr/bin/b\nPriority: 20\nSlaves:";
        assert_eq!(of("--query"), query);
        assert!(
            of("--display").starts_with(
                "x - auto mode\n  link best version is /usr/bin/b\n  link currently points to /usr/bin/b\n"
            )
        );
        let done = run(&[B, "update-alternatives --get-selections"]);
        assert!(done.out.ends_with("x                              auto     /usr/bin/b\n"), "{}", done.out);
    }
}
