//! ucf(1): puts a package's file in place, unless an administrator has changed what is there.

use super::super::super::system_tools::options;
use super::super::diversions;
use super::state;
use crate::effects::dpkg_db::md5;
use crate::scripts::debian::Debian;
use crate::shell::{Absent, Answer, Call, FileError, Reason};
use crate::tree::Node;

const NAME: &str = "ucf";

const OPTIONS: [&str; 11] = [
    "s|src-dir=",
    "sum-file=",
    "state-dir=",
    "P|package=",
    "p|purge",
    "v|verbose",
    "three-way",
    "debconf-ok",
    "debconf-template=",
    "h|help",
    "Z",
];

/// Files below this size are kept for a merge also without `--three-way`.
const CACHED_MAX: usize = 25600;

pub(super) fn ucf(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let given = options::read(NAME, call.args, &OPTIONS)?;
    let [new, dest] = match (given.has("purge"), given.operands.as_slice()) {
        (_, _) if given.has("help") => return Ok(0),
        (true, [dest]) => [None, Some(dest.clone())],
        (false, [new, dest]) => [Some(new.clone()), Some(dest.clone())],
        _ => [None, None],
    };
    let Some(dest) = dest else {
        call.complain("*** ERROR: wrong number of file arguments");
        return Ok(2);
    };
    state::refuse_settings(NAME, call.files)?;
    let new = match new {
        Some(new) if !call.files.exists(&new)? => {
            call.complain(&format!("Error: The new file {new} does not exist!"));
            return Ok(1);
        }
        Some(new) => Some(state::real(call.files, &new)?),
        None => None,
    };
    let dest = if call.files.exists(&dest)? { state::real(call.files, &dest)? } else { dest };
    let dest = match diversions::read(call)?.into_iter().find(|diversion| diversion.from == dest) {
        Some(diversion)
            if diversion.package.as_deref().unwrap_or("LOCAL") != given.value("package").unwrap_or_default() =>
        {
            diversion.to
        }
        _ => dest,
    };
    let dir = state::dir(call, given.value("state-dir"));
    let done = state::make_dir(call.files, &format!("{dir}/cache"));
    if let Err(error) = done {
        return call.failed(NAME, &dir, error);
    }
    let Some(new) = new else { return purge(call, &dir, &dest) };
    let force = match Force::of(call) {
        Ok(force) => force,
        Err(status) => return Ok(status),
    };
    let may_ask = asks(debian, call, given.has("debconf-ok"))?;
    let source = given.value("src-dir").map(str::to_owned).or_else(|| state::exported(call, "UCF_SOURCE_DIR"));
    let (above, name) = new.rsplit_once('/').unwrap_or(("", &new));
    let source = source.unwrap_or_else(|| above.to_owned());
    let sums = given.value("sum-file").map(str::to_owned).or_else(|| state::exported(call, "UCF_OLD_MDSUM_FILE"));
    let job = Job {
        old_sums: sums.unwrap_or_else(|| format!("{source}/{name}.md5sum")),
        old_sums_dir: format!("{source}/{name}.md5sum.d"),
        hashes: format!("{dir}/hashfile"),
        cached: format!("{dir}/cache/{}", dest.replace('/', ":")),
        three_way: given.has("three-way"),
        new,
        dest,
        force,
        may_ask,
    };
    match job.run(call) {
        Ok(status) => Ok(status),
        Err(FileError::Reason(reason)) => Err(reason),
        Err(error) => call.failed(NAME, &job.dest, error),
    }
}

/// `--purge`: forgets a file.
fn purge(call: &mut Call<'_>, dir: &str, dest: &str) -> Answer {
    let hashes = format!("{dir}/hashfile");
    if let Some(text) = state::text(call.files, &hashes)?
        && let Err(error) = call.files.write(&hashes, state::without(&text, dest).as_bytes())
    {
        return call.failed(NAME, &hashes, error);
    }
    let cached = format!("{dir}/cache/{}", dest.replace('/', ":"));
    if call.files.is_file(&cached)?
        && let Err(error) = call.files.unlink(&cached)
    {
        return call.failed(NAME, &cached, error);
    }
    Ok(0)
}

/// Whether it may ask through debconf. One that talks to the script already must be handed over by `--debconf-ok`.
fn asks(debian: &mut Debian<'_>, call: &mut Call<'_>, is_ok: bool) -> Result<bool, Reason> {
    if state::exported(call, "DEBIAN_HAS_FRONTEND").is_none() {
        return Ok(true);
    }
    if !is_ok {
        call.print("*** WARNING: ucf was run from a maintainer script that uses debconf, without --debconf-ok\n");
        return Ok(false);
    }
    if !debian.debconf.listens() {
        return Err(Reason::unsupported(NAME, "option --debconf-ok after db_stop"));
    }
    let own = debian.packages.iter().find(|package| package.name == NAME);
    if let Some(templates) = own.and_then(|package| package.control_text("templates")) {
        debian.debconf.load_templates(templates, Some(NAME));
    }
    Ok(true)
}

/// What the environment decides without asking (`UCF_FORCE_*`, `DPKG_FORCE`).
#[derive(Debug, Clone, Copy, Default)]
struct Force {
    choice: Option<Choice>,
    missing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Old,
    New,
    Ask,
}

impl Force {
    /// # Errors
    /// The exit status of settings that contradict each other.
    fn of(call: &mut Call<'_>) -> Result<Self, u8> {
        let has = |call: &Call<'_>, name: &str| state::exported(call, name).is_some();
        let choice = match (has(call, "UCF_FORCE_CONFFOLD"), has(call, "UCF_FORCE_CONFFNEW")) {
            (true, true) => {
                call.complain("Error: Only one of UCF_FORCE_CONFFOLD and UCF_FORCE_CONFFNEW should be set");
                return Err(1);
            }
            (true, false) => Some(Choice::Old),
            (false, true) => Some(Choice::New),
            (false, false) => None,
        };
        let mut force = Self { choice, missing: has(call, "UCF_FORCE_CONFFMISS") };
        for word in state::exported(call, "DPKG_FORCE").unwrap_or_default().split(',') {
            match word {
                "confmiss" => force.missing = true,
                "confold" => force.choice = Some(Choice::Old),
                "confnew" => force.choice = Some(Choice::New),
                "confdef" => {
                    force.choice = None;
                    break;
                }
                "confask" => {
                    force.choice = Some(Choice::Ask);
                    break;
                }
                _ => {}
            }
        }
        Ok(force)
    }
}

/// One file to put in place.
struct Job {
    new: String,
    dest: String,
    hashes: String,
    cached: String,
    /// A file of earlier sums, and a directory of such files.
    old_sums: String,
    old_sums_dir: String,
    three_way: bool,
    force: Force,
    may_ask: bool,
}

impl Job {
    fn run(&self, call: &mut Call<'_>) -> Result<u8, FileError> {
        let new_sum = md5(&call.files.read(&self.new)?);
        let known = state::text(call.files, &self.hashes)?.unwrap_or_default();
        let mut last = state::keys(&known, &self.dest).first().map(|sum| (*sum).to_owned());
        // The sum of what an administrator removed is none.
        let mut there = None;
        let mut records = false;
        if call.files.exists(&self.dest)? {
            let sum = md5(&call.files.read(&self.dest)?);
            if last.is_none() {
                let (sums, default) = self.earlier(call)?;
                if sums.contains(&sum) {
                    return self.replace_unless_kept(call);
                }
                records = default.is_some();
                last = default;
            }
            there = Some(sum);
        } else if last.is_none() {
            call.complain(&format!("Creating config file {} with new version", self.dest));
            return self.replace(call);
        } else if self.force.missing {
            call.complain(&format!("Recreating deleted config file {} with new version, as asked", self.dest));
            return self.replace(call);
        } else if last.as_ref() == Some(&new_sum) {
            call.complain(&format!("Not replacing deleted config file {}", self.dest));
        } else if self.force.choice == Some(Choice::Old) {
            return Ok(0);
        }
        if last.as_ref() == Some(&new_sum) {
            if self.force.choice != Some(Choice::Ask) {
                if records {
                    self.record(call)?;
                }
                return Ok(0);
            }
            there = None;
        }
        if there.is_some() && there == last {
            return self.replace_unless_kept(call);
        }
        match self.force.choice {
            Some(Choice::New) => self.replace(call),
            Some(Choice::Old) => self.keep(call),
            _ if there.as_ref() == Some(&new_sum) => self.record(call),
            // Nobody is asked, and the answer is the question's default, `keep_current`, since the question is reset before.
            _ if self.may_ask => self.keep(call),
            _ => {
                call.complain("Need debconf to interact");
                Ok(2)
            }
        }
    }

    /// Sums of earlier versions, and the one to go by if none fits.
    fn earlier(&self, call: &Call<'_>) -> Result<(Vec<String>, Option<String>), FileError> {
        let first = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
        let mut sums = Vec::new();
        let mut default = None;
        if call.files.is_dir(&self.old_sums_dir)? {
            for name in call.files.list(&self.old_sums_dir)? {
                let text = call.files.read_text(&format!("{}/{name}", self.old_sums_dir))?;
                // Of several lines awk prints several words, which are no sum.
                let [line] = text.lines().collect::<Vec<_>>()[..] else { continue };
                if name == "default" {
                    default = Some(first(line));
                }
                sums.push(first(line));
            }
        } else if let Some(text) = state::text(call.files, &self.old_sums)? {
            sums.extend(text.lines().map(first));
            default = state::keys(&text, "default").first().map(|sum| (*sum).to_owned());
        }
        Ok((sums, default))
    }

    fn replace_unless_kept(&self, call: &mut Call<'_>) -> Result<u8, FileError> {
        match self.force.choice {
            Some(Choice::Old) => self.keep(call),
            _ => self.replace(call),
        }
    }

    /// Leaves what is there, and the new file beside it.
    fn keep(&self, call: &mut Call<'_>) -> Result<u8, FileError> {
        self.record(call)?;
        copy(call, &self.new, &format!("{}.ucf-dist", self.dest))?;
        Ok(0)
    }

    /// Puts the new file in place: what is there keeps owner and mode, what is not gets those of the new file.
    fn replace(&self, call: &mut Call<'_>) -> Result<u8, FileError> {
        let mut at = self.dest.clone();
        if call.files.read_link(&self.dest).is_ok() {
            // A file may be made where a link leads, but no directory.
            match call.files.canonical(&self.dest, Absent::Last) {
                Ok(real) => at = real,
                Err(FileError::Reason(reason)) => return Err(reason.into()),
                Err(_) => {
                    call.complain(&format!("{} is a broken symlink!", self.dest));
                    call.files.unlink(&self.dest)?;
                }
            }
        }
        if call.files.exists(&at)? {
            let bytes = call.files.read(&self.new)?.into_owned();
            call.files.write(&at, &bytes)?;
        } else {
            copy(call, &self.new, &at)?;
        }
        self.record(call)
    }

    /// Remembers the sum of the new file, and the file itself for a merge.
    fn record(&self, call: &mut Call<'_>) -> Result<u8, FileError> {
        let bytes = call.files.read(&self.new)?.into_owned();
        let old = state::text(call.files, &self.hashes)?.unwrap_or_default();
        let text = format!("{}{}  {}\n", state::without(&old, &self.dest), md5(&bytes), self.dest);
        call.files.write(&self.hashes, text.as_bytes())?;
        if self.three_way || bytes.len() < CACHED_MAX {
            copy(call, &self.new, &self.cached)?;
        }
        Ok(0)
    }
}

/// `cp -pf`: content, mode and owner.
fn copy(call: &mut Call<'_>, from: &str, to: &str) -> Result<(), FileError> {
    let content = call.files.content(from)?;
    let (_, node) = call.files.stat(from, true)?;
    let (mode, uid, gid) = (node.mode, node.uid, node.gid);
    call.files.place(to, Node { uid, gid, ..Node::file(mode, content) })
}
