//! Which CUDA version a branch of NVIDIA's driver has.

use super::Fault;
use crate::lock::{Lock, upstream};
use crate::profile::{Overlay, ParamValue, Profile};

/// Branches of NVIDIA's driver for Linux, and the CUDA version that each came with (NVIDIA's CUDA release notes, table "CUDA
/// Toolkit and Corresponding Driver Versions", and what `nvidia-smi` prints). A branch between two has what the older one has.
const BRANCHES: [(u32, Version); 12] = [
    (525, (12, 0)),
    (530, (12, 1)),
    (535, (12, 2)),
    (545, (12, 3)),
    (550, (12, 4)),
    (555, (12, 5)),
    (560, (12, 6)),
    (570, (12, 8)),
    (575, (12, 9)),
    (580, (13, 0)),
    (590, (13, 1)),
    (595, (13, 2)),
];

/// Major and minor.
type Version = (u32, u32);

/// The newest CUDA that a driver of this version has; none for one that is older than the list. What is newer than the list
/// has at least that of its last line.
fn of(branch: u32) -> Option<Version> {
    BRANCHES.iter().rev().find(|(known, _)| *known <= branch).map(|(_, cuda)| *cuda)
}

fn parse(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The overlays of a profile with a driver, as their parameters `driver` and `cuda` say, that has an older CUDA.
pub(super) fn old(profile: &Profile, lock: Option<&Lock>) -> Vec<Fault> {
    profile.overlays.iter().filter_map(|overlay| fault(profile, overlay, lock)).collect()
}

fn fault(profile: &Profile, overlay: &Overlay, lock: Option<&Lock>) -> Option<Fault> {
    let asked = overlay.params.get("cuda").and_then(ParamValue::text)?;
    let at = |message: &str| profile.marks.mistake("overlay.param", &format!("{} cuda", overlay.name), message);
    let Some(wanted) = parse(asked) else {
        let message = format!("`{asked}` is no version of CUDA");
        let hint = "write it as NVIDIA does: `cuda = \"13\"` or `cuda = \"12.8\"`".to_owned();
        return Some(Fault { place: at(&message), message, hint });
    };
    let version = version(profile, overlay, lock)?;
    let branch = version.split('.').next()?.parse().ok()?;
    let has = of(branch);
    // What is newer than the list may have any.
    if has.is_some_and(|has| has >= wanted) || branch > BRANCHES[BRANCHES.len() - 1].0 {
        return None;
    }
    let known = match has {
        Some((major, minor)) => format!("CUDA {major}.{minor}"),
        None => "an older CUDA than 12.0".to_owned(),
    };
    let message =
        format!("profile `{}` asks for CUDA {asked}, and NVIDIA's driver {version} has {known}", profile.name);
    let newer = BRANCHES.iter().find(|(_, has)| *has >= wanted);
    let take = match newer {
        Some((branch, _)) => format!("take a driver of branch {branch} or newer"),
        None => "take a newer driver".to_owned(),
    };
    let hint = format!("{take}: `driver` and `source` in [overlay.{}]; or ask for less", overlay.name);
    Some(Fault { place: at(&message), message, hint })
}

/// The driver's version: that of the locked module's source, else what the profile asks for.
fn version(profile: &Profile, overlay: &Overlay, lock: Option<&Lock>) -> Option<String> {
    let mut of_profile = lock.into_iter().flat_map(|lock| lock.kernel_modules_of(&profile.name));
    let locked = of_profile.find(|module| overlay.kernel_modules.contains_key(&module.name));
    let locked = locked.map(|module| upstream(&module.version).to_owned());
    // What is locked is of no matter where the profile asks for another one by now.
    let asked = overlay.params.get("driver").and_then(ParamValue::text);
    let fits = |locked: &String| {
        asked
            .is_none_or(|asked| locked.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    locked.filter(fits).or_else(|| asked.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Workspace, load};

    fn told(table: &str) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        let overlay = "schema = 1\n[params.driver]\ndescription = \"a\"\n[params.cuda]\ndescription = \"b\"\n";
        let profile = format!("schema = 1\nextends = \"demo\"\noverlays = [\"card\"]\n[overlay.card]\n{table}");
        for (path, text) in [("overlays/card/overlay.toml", overlay), ("profiles/node.toml", &profile)] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let profile = load(&Workspace::open(dir.path()).unwrap(), "node").unwrap();
        old(&profile, None).pop().map(|fault| format!("{}; {}", fault.message, fault.hint))
    }

    #[test]
    fn what_a_driver_does_not_have_is_told_with_the_branch_that_has_it() {
        let error = told("driver = \"550\"\ncuda = \"12.8\"\n").unwrap();
        assert!(error.contains("asks for CUDA 12.8, and NVIDIA's driver 550 has CUDA 12.4"), "{error}");
        assert!(error.contains("branch 570 or newer") && error.contains("[overlay.card]"), "{error}");
        for fine in [
            "driver = \"580.95\"\ncuda = \"13\"\n",
            "driver = \"580\"\ncuda = \"12\"\n",
            "driver = \"620\"\ncuda = \"14\"\n",
            "cuda = \"13\"\n",
        ] {
            assert_eq!(told(fine), None, "{fine}");
        }
        let error = told("driver = \"580\"\ncuda = \"thirteen\"\n").unwrap();
        assert!(error.contains("`thirteen` is no version of CUDA"), "{error}");
        let error = told("driver = \"470\"\ncuda = \"99\"\n").unwrap();
        assert!(error.contains("an older CUDA than 12.0") && error.contains("take a newer driver"), "{error}");
    }

    #[test]
    fn a_branch_has_the_cuda_of_the_newest_listed_one_that_is_not_newer() {
        assert_eq!(of(550), Some((12, 4)));
        assert_eq!(of(565), Some((12, 6)));
        assert_eq!(of(580), Some((13, 0)));
        assert_eq!(of(620), Some((13, 2)));
        assert_eq!(of(470), None);
        assert_eq!((parse("13"), parse("12.8"), parse("12.x")), (Some((13, 0)), Some((12, 8)), None));
    }
}
