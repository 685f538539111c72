//! A machine that cannot compile kernel modules: what it is told, and how it takes them from another one, by its lock or by a
//! signature.

use std::fs;
use std::process::Command;

use crate::minisign::keys;
use crate::modules::{SOURCE, exported, result, vendor, workspace};
use crate::place::{Place, Ran};

/// The program where the system forbids namespaces. The limit holds in the user namespace alone in which it is written.
fn forbidden(place: &Place, args: &[&str]) -> Ran {
    let plain = place.command(args);
    let mut command = Command::new("unshare");
    let limit = "echo 0 >/proc/sys/user/max_user_namespaces; exec \"$@\"";
    command.args(["--user", "--map-root-user", "sh", "-c", limit, "sh"]);
    command.arg(plain.get_program()).args(plain.get_args()).current_dir(plain.get_current_dir().unwrap());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Ran::of(&mut command)
}

#[test]
fn where_no_sandbox_is_allowed_a_signature_proves_a_module_that_the_lock_has_no_digest_of() {
    let vendor = vendor(SOURCE);
    let place = workspace(&vendor);
    let locked = forbidden(&place, &["lock", "node"]);
    assert_eq!(locked.code, Some(0), "{}", locked.stderr);
    for words in ["kernel modules of `node` are not compiled", "refuses a sandbox", "imgbuild modules import"] {
        assert!(locked.stderr.contains(words), "{}", locked.stderr);
    }
    assert_eq!(result(&place), None);
    let error = forbidden(&place, &["build", "node"]).fails(1);
    assert!(error.contains("kernel module `hello` cannot be compiled: this system refuses a sandbox"), "{error}");
    assert!(error.contains("imgbuild modules export") && error.contains("imgbuild modules import"), "{error}");
    assert!(!place.path("build").exists());

    // Another machine has the same lock, and signs.
    let lock = place.read("imgbuild.lock");
    let [ours, other] = ["ours", "other"].map(|name| keys(&place.path(""), name, ""));
    place.run(&["modules", "export", "--sign", "ours.sec", "node"]).ok();
    let made = result(&place).unwrap();
    place.write("imgbuild.lock", &lock);
    let modules = place.cache().join("modules");
    fs::remove_dir_all(&modules).unwrap();
    let file = exported(&place);
    let beside = |name: &str| file.with_file_name(name);
    let trust = |key: &str| place.write("imgbuild.toml", format!("schema = 1\nrelease_key = {key:?}\n"));
    let import = || forbidden(&place, &["modules", "import", file.to_str().unwrap(), "node"]);
    let refused = |code, words: &[&str]| {
        let error = import().fails(code);
        for words in words {
            assert!(error.contains(words), "{error}");
        }
        assert!(!modules.exists() && place.read("imgbuild.lock") == lock, "something was written; {error}");
    };

    refused(1, &["nothing proves `", "the lock has no digest of it", "`release_key` in imgbuild.toml"]);
    trust(&other.public);
    refused(3, &["is not by the workspace's `release_key`"]);
    trust(&ours.public);
    let (sums, signature) = (beside("SHA256SUMS"), beside("SHA256SUMS.minisig"));
    let [good_sums, good_signature] = [&sums, &signature].map(|path| fs::read(path).unwrap());
    fs::remove_file(&signature).unwrap();
    refused(3, &["SHA256SUMS.minisig"]);
    fs::write(&signature, &good_signature).unwrap();
    fs::remove_file(&sums).unwrap();
    refused(1, &["cannot read `", "SHA256SUMS"]);
    fs::write(&sums, [&good_sums[..], &good_sums[..]].concat()).unwrap();
    refused(3, &["is not by the workspace's `release_key`"]);
    fs::write(&sums, &good_sums).unwrap();

    // Other bytes that are a file of modules all the same, and one for another kernel.
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, [&bytes[..], &[0; 512][..]].concat()).unwrap();
    refused(3, &["SHA256SUMS beside `", "does not have its SHA-256"]);
    let manifest = String::from_utf8_lossy(&bytes).into_owned();
    let inputs = manifest.split("\"inputs\": \"").nth(1).unwrap()[..64].to_owned();
    let at = bytes.windows(64).position(|window| window == inputs.as_bytes()).unwrap();
    let mut foreign = bytes.clone();
    foreign[at..at + 64].copy_from_slice(&[b'7'; 64]);
    let at = bytes.windows(15).position(|window| window == b"\"kernel\": \"6.12").unwrap();
    foreign[at + 14] = b'1';
    fs::write(&file, &foreign).unwrap();
    refused(3, &["is hello 1.0-1 for 6.11", "the lock asks for another", "locked: hello 1.0-1 for 6.12."]);
    fs::write(&file, &bytes).unwrap();

    import().ok();
    assert_eq!(result(&place), Some(made));
    place.run(&["lock", "--check"]).ok();
    forbidden(&place, &["build", "node"]).ok();
    assert!(place.read("build/node/node.files").contains("/updates/hello/hello.ko\t"));
}

#[test]
fn check_holds_the_profile_gpu_against_cuda_and_a_pinned_kernel_before_anything_is_locked() {
    let place = Place::new();
    let told = |more: &str| {
        place.write("profiles/node.toml", format!("schema = 1\nextends = \"gpu\"\n{more}"));
        place.run(&["check", "node"])
    };
    told("[overlay.nvidia]\ncuda = \"12.4\"\n[kernel]\nversion = \"6.12\"\n").ok();
    let cases = [
        ("[overlay.nvidia]\ncuda = \"13\"\n", "asks for CUDA 13, and NVIDIA's driver 550 has CUDA 12.4"),
        (
            "[kernel]\nversion = \"6.18\"\n",
            "kernel module `nvidia` of profile `node` is not known to work with kernel 6.18",
        ),
        ("[kernel]\nversion = \"6.13.1\"\n", "is not known to work with kernel 6.13.1"),
    ];
    for (more, words) in cases {
        let ran = told(more);
        assert!(ran.code == Some(1) && (ran.stdout + &ran.stderr).contains(words), "{more}: {}", ran.stderr);
    }
}
