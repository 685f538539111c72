//! Secrets through the vault: made, kept private, encrypted, overridden, judged, and never in a message.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use imgbuild::cluster::identity::{Identity, IdentitySeed};
use imgbuild::cluster::secrets::{
    AGENT_TOKEN, DATASTORE_URL, IDENTITY_SEED, NodeNeeds, Role, SERVER_TOKEN, Secret, Secrets, SecretsError, Source,
    State, Vault, check, is_name, problem, variable,
};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::ok;

/// A directory with a vault that has no file yet.
fn empty() -> (TempDir, Vault) {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::at(dir.path(), None);
    (dir, vault)
}

/// One with a new cluster's secrets.
fn made() -> (TempDir, Vault) {
    let (dir, vault) = empty();
    vault.init(&[]).unwrap();
    (dir, vault)
}

fn private(path: &Path, text: impl AsRef<[u8]>) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn vars(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn load(vault: &Vault) -> Secrets {
    vault.load([]).unwrap()
}

fn exposed<'a>(secrets: &'a Secrets, name: &str) -> &'a str {
    secrets.get(name).unwrap_or_else(|| panic!("no {name}")).expose()
}

fn secret(value: &str) -> Secret {
    Secret::from(value.to_owned())
}

/// An age identity in a private file, and its recipient.
fn age_identity(dir: &Path) -> (PathBuf, String) {
    let identity = age::x25519::Identity::generate();
    let path = dir.join("identity");
    private(&path, format!("# created: today\n{}\n", identity.to_string().expose_secret()));
    (path, identity.to_public().to_string())
}

/// All that an error says, to people and to programs.
fn said(error: &SecretsError) -> String {
    let mut text = format!("{error} {error:?} {:?}", error.hint());
    let mut below = std::error::Error::source(error);
    while let Some(cause) = below {
        text = format!("{text} {cause} {cause:?}");
        below = cause.source();
    }
    text
}

fn failed<T: Debug>(result: Result<T, SecretsError>) -> SecretsError {
    result.unwrap_err()
}

#[test]
fn new_secrets_are_random_private_and_fit_for_use() {
    let (dir, vault) = made();
    let path = dir.path().join("secrets.toml");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("losing it loses the cluster") && text.contains("secrets export --age"), "{text}");
    let secrets = load(&vault);
    assert_eq!(secrets.iter().map(|(name, _)| name).collect::<Vec<_>>(), [AGENT_TOKEN, IDENTITY_SEED, SERVER_TOKEN]);
    let (_other, other) = made();
    for (name, value) in secrets.iter() {
        assert_eq!(secrets.problem(name), None);
        assert_eq!(value.expose().len(), 64, "{name}");
        assert_ne!(value.expose(), exposed(&load(&other), name), "{name}");
        assert_eq!(secrets.source(name), Some(&Source::File("secrets.toml")));
    }
    IdentitySeed::of(&secrets).unwrap();
}

#[test]
fn a_file_that_exists_is_never_overwritten() {
    let (dir, vault) = made();
    let before = fs::read(dir.path().join("secrets.toml")).unwrap();
    let (_, recipient) = age_identity(dir.path());
    for recipients in [vec![], vec![recipient]] {
        assert!(matches!(failed(vault.init(&recipients)), SecretsError::Exists { .. }));
    }
    assert_eq!(fs::read(dir.path().join("secrets.toml")).unwrap(), before);
    let dangling = tempfile::tempdir().unwrap();
    symlink("nowhere", dangling.path().join("secrets.toml.age")).unwrap();
    assert!(matches!(failed(Vault::at(dangling.path(), None).init(&[])), SecretsError::Exists { .. }));
}

#[test]
fn a_file_that_others_may_read_is_refused_whatever_link_leads_to_it() {
    for mode in [0o640, 0o604, 0o620, 0o601, 0o666] {
        let (dir, vault) = made();
        let path = dir.path().join("secrets.toml");
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let error = failed(vault.load([]));
        assert!(matches!(error, SecretsError::Exposed { mode: found, .. } if found == mode), "{error}");
        let moved = dir.path().join("elsewhere");
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        assert!(matches!(failed(vault.load([])), SecretsError::Exposed { .. }));
        fs::set_permissions(&moved, Permissions::from_mode(0o600)).unwrap();
        load(&vault);
    }
}

#[test]
fn a_file_of_another_user_is_refused() {
    let (dir, vault) = made();
    let path = dir.path().join("secrets.toml");
    if std::os::unix::fs::chown(&path, Some(65534), None).is_err() {
        // Without root there is a file of somebody else's at hand all the same.
        fs::remove_file(&path).unwrap();
        symlink("/etc/passwd", &path).unwrap();
    }
    let error = failed(vault.load([]));
    assert!(matches!(error, SecretsError::Foreign { .. }), "{error}");
}

#[test]
fn what_is_no_file_is_refused_without_waiting_for_it() {
    let (dir, vault) = empty();
    let path = dir.path().join("secrets.toml");
    ok(dir.path(), "mkfifo", &["-m", "600", "secrets.toml"]);
    assert!(matches!(failed(vault.load([])), SecretsError::NotAFile { .. }));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(failed(vault.load([])), SecretsError::NotAFile { .. }));
}

#[test]
fn setting_a_secret_keeps_everything_else_comments_included() {
    let (dir, vault) = made();
    let path = dir.path().join("secrets.toml");
    let text = fs::read_to_string(&path).unwrap() + "# from the provider's web page\nregistry = 'old'  # since May\n";
    private(&path, &text);
    vault.set("registry", &secret("n\"e\\w"), false).unwrap();
    vault.set("deploy-key", &secret("-----BEGIN\nx\n"), false).unwrap();
    let expected = text.replace("'old'", r#""n\"e\\w""#) + "deploy-key = \"-----BEGIN\\nx\\n\"\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(exposed(&load(&vault), "registry"), "n\"e\\w");
}

#[test]
fn a_file_in_an_unusual_form_can_be_set_too() {
    let (dir, vault) = empty();
    for text in ["schema = 1\nsecrets = { a = 'one' }", "secrets.a = 'one'\nschema = 1\n", "schema = 1"] {
        private(&dir.path().join("secrets.toml"), text);
        vault.set("b", &secret("two"), false).unwrap();
        let secrets = load(&vault);
        assert_eq!(exposed(&secrets, "b"), "two");
        assert_eq!(secrets.get("a").map(Secret::expose), text.contains("one").then_some("one"));
    }
}

#[test]
fn setting_writes_through_a_link() {
    let (dir, vault) = made();
    let (path, target) = (dir.path().join("secrets.toml"), dir.path().join("encrypted-disk"));
    fs::rename(&path, &target).unwrap();
    symlink(&target, &path).unwrap();
    vault.set("a", &secret("one"), false).unwrap();
    assert!(path.is_symlink() && fs::read_to_string(&target).unwrap().contains("a = \"one\""));
}

#[test]
fn what_the_cluster_stands_on_is_replaced_only_on_purpose() {
    let (_dir, vault) = made();
    let new = secret(&"5".repeat(64));
    for name in [SERVER_TOKEN, IDENTITY_SEED] {
        let old = load(&vault).get(name).unwrap().clone();
        assert!(matches!(failed(vault.set(name, &new, false)), SecretsError::Irreplaceable { .. }));
        assert_eq!(exposed(&load(&vault), name), old.expose());
        vault.set(name, &old, false).unwrap();
        vault.set(name, &new, true).unwrap();
        assert_eq!(exposed(&load(&vault), name), new.expose());
    }
}

#[test]
fn an_encrypted_file_opens_for_its_recipients_and_stays_encrypted_for_all_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let (identity, recipient) = age_identity(dir.path());
    ok(dir.path(), "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "ssh"]);
    let ssh = fs::read_to_string(dir.path().join("ssh.pub")).unwrap().trim().to_owned();
    let locked = Vault::at(dir.path(), None);
    let path = locked.init(&[recipient, ssh]).unwrap();
    assert_eq!(path.file_name().unwrap(), "secrets.toml.age");
    assert!(fs::read_to_string(&path).unwrap().starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
    assert!(matches!(failed(locked.load([])), SecretsError::Locked { .. }));

    let opened = Vault::at(dir.path(), Some(&identity));
    opened.set("a", &secret("one"), false).unwrap();
    for identity in [identity, dir.path().join("ssh")] {
        assert_eq!(exposed(&load(&Vault::at(dir.path(), Some(&identity))), "a"), "one");
    }
    let other = tempfile::tempdir().unwrap();
    let (stranger, _) = age_identity(other.path());
    assert!(matches!(failed(Vault::at(dir.path(), Some(&stranger)).load([])), SecretsError::Decrypt { .. }));
    // The file may be public; what opens it may not.
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(dir.path().join("identity"), Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(failed(opened.load([])), SecretsError::Exposed { .. }));
}

#[test]
fn a_file_that_is_encrypted_for_other_keys_than_are_listed_beside_it_is_refused() {
    let (owner, stranger) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (identity, mine) = age_identity(owner.path());
    let (_, theirs) = age_identity(stranger.path());
    let vault = Vault::at(owner.path(), Some(&identity));
    vault.init(std::slice::from_ref(&mine)).unwrap();
    assert_eq!(vault.recipients().unwrap(), std::slice::from_ref(&mine));
    let list = fs::read_to_string(owner.path().join("secrets.recipients")).unwrap();
    assert_eq!(list.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>(), [&mine]);

    // Whoever knows the owner's public key can make a file that the owner's identity opens.
    Vault::at(stranger.path(), None).init(&[mine.clone(), theirs.clone()]).unwrap();
    let path = owner.path().join("secrets.toml.age");
    fs::copy(stranger.path().join("secrets.toml.age"), &path).unwrap();
    let before = fs::read(&path).unwrap();
    for error in [
        failed(vault.load([])),
        failed(vault.set("a", &secret("one"), false)),
        failed(vault.export(std::slice::from_ref(&mine))),
    ] {
        assert!(matches!(error, SecretsError::OtherKeys { .. }), "{error}");
        assert!(said(&error).contains(&format!("only the file has `{theirs}`")), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), before);

    // A list that was changed alone is no answer either.
    let (_, third) = age_identity(stranger.path());
    fs::write(owner.path().join("secrets.recipients"), format!("{mine}\n{third}\n")).unwrap();
    let text = said(&failed(vault.load([])));
    assert!(text.contains(&format!("only the file has `{theirs}`; only the list has `{third}`")), "{text}");
    // Nor is no list.
    fs::remove_file(owner.path().join("secrets.recipients")).unwrap();
    let error = failed(vault.load([]));
    assert!(matches!(error, SecretsError::NoList { .. }) && said(&error).contains(&theirs), "{error}");
    // Told by the list, the file is used.
    fs::write(owner.path().join("secrets.recipients"), format!("{theirs}\n{mine}\n")).unwrap();
    load(&vault);
}

#[test]
fn a_list_of_keys_has_comments_and_is_refused_where_a_line_is_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let (identity, recipient) = age_identity(dir.path());
    ok(dir.path(), "ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "me@laptop", "-f", "ssh"]);
    let ssh = fs::read_to_string(dir.path().join("ssh.pub")).unwrap();
    let list = dir.path().join("secrets.recipients");
    let vault = Vault::at(dir.path(), Some(&identity));
    fs::write(&list, "someone\n").unwrap();
    assert!(matches!(failed(vault.init(std::slice::from_ref(&recipient))), SecretsError::List { line: 1, .. }));
    fs::write(&list, format!("{ssh}\n")).unwrap();
    let error = failed(vault.init(std::slice::from_ref(&recipient)));
    assert!(matches!(&error, SecretsError::Leftover { .. }) && error.to_string().contains("ssh-ed25519"), "{error}");
    assert!(!dir.path().join("secrets.toml.age").exists());
    // One that fits stays as it is.
    let text = format!("# Mine:\n{recipient}\n\n# My laptop's:\n{ssh}");
    fs::write(&list, &text).unwrap();
    vault.init(&[ssh.trim().to_owned(), recipient]).unwrap();
    vault.set("a", &secret("one"), false).unwrap();
    assert_eq!(fs::read_to_string(&list).unwrap(), text);
    // What everybody may write to says nothing.
    for file in ["secrets.recipients", "secrets.toml.age"] {
        let path = dir.path().join(file);
        let usual = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        let error = failed(vault.load([]));
        assert!(matches!(&error, SecretsError::Writable { place, .. } if place.ends_with(file)), "{error}");
        fs::set_permissions(&path, usual).unwrap();
    }
    load(&vault);

    let key = fs::read_to_string(&identity).unwrap().lines().last().unwrap().to_owned();
    fs::write(&list, format!("# Mine:\n{key}\n")).unwrap();
    let error = failed(vault.load([]));
    assert!(matches!(error, SecretsError::List { line: 2, .. }) && !said(&error).contains(&key), "{error}");
}

#[test]
fn a_second_hard_link_keeps_what_the_file_was() {
    let (dir, vault) = made();
    let (path, other) = (dir.path().join("secrets.toml"), dir.path().join("other"));
    fs::hard_link(&path, &other).unwrap();
    vault.set("a", &secret("one"), false).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("a = \"one\""));
    assert!(!fs::read_to_string(&other).unwrap().contains("a = \"one\""));
}

#[test]
fn a_damaged_encrypted_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (identity, recipient) = age_identity(dir.path());
    let vault = Vault::at(dir.path(), Some(&identity));
    let path = vault.init(&[recipient]).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    let middle = whole.len() / 2;
    for damaged in [&whole[..middle], "", "no age file", &whole.replace('A', "B")] {
        fs::write(&path, damaged).unwrap();
        assert!(matches!(failed(vault.load([])), SecretsError::Decrypt { .. }), "{damaged}");
    }
}

#[test]
fn an_export_put_in_place_gives_all_secrets_back() {
    let (dir, vault) = made();
    vault.set(DATASTORE_URL, &secret("postgres://u:p@db/k3s"), false).unwrap();
    let (identity, recipient) = age_identity(dir.path());
    let sealed = vault.export(std::slice::from_ref(&recipient)).unwrap();
    let restored = tempfile::tempdir().unwrap();
    let path = restored.path().join("secrets.toml.age");
    Vault::write_export(&path, &sealed).unwrap();
    assert!(matches!(failed(Vault::write_export(&path, &sealed)), SecretsError::Exists { .. }));
    let back = Vault::at(restored.path(), Some(&identity));
    fs::write(restored.path().join("secrets.recipients"), format!("# My own.\n\n  {recipient}\n")).unwrap();
    for (name, value) in load(&vault).iter() {
        assert_eq!(exposed(&load(&back), name), value.expose(), "{name}");
    }
    back.set("a", &secret("one"), false).unwrap();
    assert_eq!(exposed(&load(&back), "a"), "one");
}

#[test]
fn only_public_keys_are_recipients_and_no_other_is_repeated() {
    let (dir, vault) = empty();
    let (identity, _) = age_identity(dir.path());
    let key = fs::read_to_string(identity).unwrap().lines().last().unwrap().to_owned();
    for wrong in [key.as_str(), "age1nonsense", "ssh-rsa AAAA", "someone", ""] {
        let error = failed(vault.init(&[wrong.to_owned()]));
        assert!(matches!(error, SecretsError::Recipient { .. }), "{error}");
        assert!(wrong.len() < 8 || !said(&error).contains(wrong), "{error}");
    }
    assert!(!dir.path().join("secrets.toml.age").exists());
}

#[test]
fn the_environment_wins_over_the_file() {
    let (dir, vault) = made();
    let file = dir.path().join("value");
    private(&file, "from-a-file\n\n");
    let path = file.to_str().unwrap();
    let secrets = vault
        .load(vars(&[
            ("PATH", "/bin"),
            ("IMGBUILD_SECRET_AGENT_TOKEN", "from-the-environment"),
            ("IMGBUILD_SECRET_AGENT_TOKEN_FILE", ""),
            ("IMGBUILD_SECRET_SERVER_TOKEN", ""),
            ("IMGBUILD_SECRET_DEPLOY_KEY_FILE", path),
        ]))
        .unwrap();
    assert_eq!(exposed(&secrets, AGENT_TOKEN), "from-the-environment");
    assert_eq!(secrets.source(AGENT_TOKEN), Some(&Source::Variable(variable(AGENT_TOKEN))));
    assert_eq!(secrets.source(SERVER_TOKEN), Some(&Source::File("secrets.toml")));
    assert_eq!(exposed(&secrets, "deploy-key"), "from-a-file\n", "one line break is taken off");
    let (_dir, without_file) = empty();
    let secrets = without_file.load(vars(&[("IMGBUILD_SECRET_A", "one")])).unwrap();
    assert_eq!(exposed(&secrets, "a"), "one");
}

#[test]
fn mistakes_in_the_environment_are_refused_without_repeating_a_value() {
    let (dir, vault) = empty();
    let file = dir.path().join("open");
    fs::write(&file, "hunter2-hunter2").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let path = file.to_str().unwrap();
    let (a, a_file) = ("IMGBUILD_SECRET_A", "IMGBUILD_SECRET_A_FILE");
    for (pairs, named) in [
        (&[(a, "hunter2-hunter2"), (a_file, path)][..], "IMGBUILD_SECRET_A_FILE"),
        (&[(a_file, "hunter2-hunter2")], "IMGBUILD_SECRET_A_FILE"),
        (&[(a_file, path)], "other users may read or change it"),
        (&[("IMGBUILD_SECRET_server-token", "hunter2-hunter2")], "IMGBUILD_SECRET_server-token"),
        (&[("IMGBUILD_SECRET_", "hunter2-hunter2")], "IMGBUILD_SECRET_"),
        (&[("IMGBUILD_SECRET__FILE", "hunter2-hunter2")], "IMGBUILD_SECRET__FILE"),
    ] {
        let text = said(&failed(vault.load(vars(pairs))));
        assert!(text.contains(named) && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn mistakes_in_the_file_name_the_line_and_quote_nothing() {
    let (dir, vault) = empty();
    for (text, line) in [
        ("schema = 1\n[secrets]\nserver-token = hunter2hunter2\n", 3),
        ("schema = 1\n[secrets]\nserver-token = \"hunter2\nhunter2\"\n", 4),
        ("schema = 1\n[secrets]\nhunter2hunter2\n", 3),
        ("schema = 1\n[secrets]\n\"hunter2 hunter2\" = \"\"\n", 3),
        ("schema = 1\n\n[secrets]\nHunter2hunter2 = \"x\"\n", 4),
        ("schema = 1\n[secrets]\na = [\"hunter2\"]\n", 3),
        ("schema = 1\n[secrets]\na = \"hunter2\"\na = \"hunter2\"\n", 4),
        ("schema = 1\nhunter2 = \"hunter2\"\n", 2),
        ("schema = \"hunter2\"\n", 1),
        ("schema = 2\n", 1),
        ("schema = 1\nsecrets = \"hunter2\"\n", 2),
        ("schema = 1\nrecipients = \"hunter2\"\n", 2),
        ("[secrets]\na = \"hunter2\"\n", 1),
        ("hunter2", 1),
    ] {
        private(&dir.path().join("secrets.toml"), text);
        let error = failed(vault.load([]));
        assert!(matches!(&error, SecretsError::Syntax { line: found, .. } if *found == line), "{text}: {error}");
        let said = said(&error);
        assert!(!said.to_lowercase().contains("hunter2") && said.contains("secrets.toml"), "{said}");
    }
    private(&dir.path().join("secrets.toml"), b"schema = 1 # hunter2 \xff");
    assert!(!said(&failed(vault.load([]))).contains("hunter2"));
}

#[test]
fn known_secrets_are_judged_and_the_wrong_part_is_named() {
    for name in [SERVER_TOKEN, AGENT_TOKEN] {
        assert_eq!(problem(name, &secret("0123456789abcdef")), None);
        for (value, part) in [
            ("0123456789abcde", "16 characters"),
            ("0123456789 abcdef", "white space"),
            ("0123456789abcdef\n", "white space"),
            ("K10aa::server:0123456789abcdef", "`::`"),
            ("", "empty"),
        ] {
            assert!(problem(name, &secret(value)).unwrap().contains(part), "{value}");
        }
    }
    assert_eq!(problem(IDENTITY_SEED, &secret(&"0aF9".repeat(16))), None);
    for value in ["0aF9", &"0aF9".repeat(17), &"0aG9".repeat(16), &"é".repeat(32)] {
        assert!(problem(IDENTITY_SEED, &secret(value)).unwrap().contains("64 hexadecimal digits"));
    }
    for value in [
        "postgres://user:pass@db.example:5432/k3s?sslmode=verify-full",
        "postgresql://user.tenant:p%40ss%2Fw@192.168.1.2/k3s",
        "postgres://user:a-._~!$&'()*+,;=@[fd00::1]:5432/",
    ] {
        assert_eq!(problem(DATASTORE_URL, &secret(value)), None, "{value}");
    }
    for (value, part) in [
        ("db.example", "not a URL"),
        ("mysql://user:pass@db/k3s", "scheme"),
        ("postgres://user:pass@/k3s", "host"),
        ("postgres://user:pass@db:port/k3s", "port"),
        ("postgres://:pass@db/k3s", "no user"),
        ("postgres://db/k3s", "no user"),
        ("postgres://user@db/k3s", "no password"),
        ("postgres://user:@db/k3s", "no password"),
        ("postgres://user:pa ss@db/k3s", "a space at character 3"),
        ("postgres://postgres:[YOUR-PASSWORD]@db.abc.supabase.co:5432/k3s", "placeholder"),
        ("postgres://postgres:%5BYOUR-PASSWORD%5D@db.abc.supabase.co:5432/k3s", "placeholder"),
        ("postgres://k3s:<password>@db/k3s", "placeholder"),
        ("postgres://USER:PASSWORD@HOST:5432/DATABASE", "placeholder"),
        ("postgres://k3s:pa[ss@db/k3s", "`[` at character 3"),
        ("postgres://k3s:pass@db1:5432,db2:5432/k3s", "several hosts"),
        ("postgres://k3s:pass@%6cocalhost/k3s", "percent-encoded"),
        ("postgres://k3s:pass@%2Frun%2Fpostgresql/k3s", "percent-encoded"),
        ("postgres://k3s:pass@127.1/k3s", "neither an address nor a valid DNS name"),
        ("postgres://k3s:pass@/k3s?host=/run/postgresql", "no host"),
        ("postgres://user:pa^ss@db/k3s", "percent-encoded"),
        ("postgres://user:pa%ss@db/k3s", "two hexadecimal digits"),
        ("postgres://user:pa@ss@db/k3s", "percent-encoded"),
        ("postgres://user:pa#ss@db/k3s", "percent-encoded"),
        ("postgres://user:pa/ss@db/k3s", "percent-encoded"),
        ("postgres://k3s:p@ss/word@db.example.org/k3s", "percent-encoded"),
        ("postgres://k3s:p@ss?word@db.example.org/k3s", "percent-encoded"),
        ("postgres://k3s:p@ss#word@db.example.org/k3s", "percent-encoded"),
    ] {
        let reason = problem(DATASTORE_URL, &secret(value)).unwrap_or_else(|| panic!("{value} is accepted"));
        assert!(reason.contains(part), "{value}: {reason}");
    }
    assert_eq!(problem("anything-else", &secret("x")), None);
}

#[test]
fn a_value_that_does_not_do_is_not_set() {
    let (_dir, vault) = made();
    for (name, value) in [(AGENT_TOKEN, "short"), (DATASTORE_URL, "mysql://u:p@h/d"), ("free", "")] {
        assert!(matches!(failed(vault.set(name, &secret(value), true)), SecretsError::Unfit { .. }));
    }
    for name in ["Free", "a_b", "", "key-file", "name=hunter2", &"a".repeat(64)] {
        let error = failed(vault.set(name, &secret("value"), true));
        assert!(matches!(error, SecretsError::Name { .. }) && !said(&error).contains("hunter2"), "{error}");
    }
}

#[test]
fn a_node_needs_what_its_role_uses_and_never_the_servers_token_as_a_worker() {
    let nodes = [
        NodeNeeds::of("control", Some(Role::Server { datastore: true }), ["gitops-deploy-key".to_owned()]),
        NodeNeeds::of("pi1", Some(Role::Agent), []),
        NodeNeeds::of("plain", None, []),
    ];
    let mut secrets = Secrets::default();
    let source = Source::File("secrets.toml");
    secrets.insert(SERVER_TOKEN, secret("0123456789abcdef"), source.clone());
    secrets.insert(AGENT_TOKEN, secret("0123456789abcdef"), source.clone());
    secrets.insert(IDENTITY_SEED, secret(&"a".repeat(64)), source.clone());
    secrets.insert("unused", secret("x"), source);
    let rows = check(&secrets, &nodes);
    let same = |state: &State| matches!(state, State::Unfit(reason) if reason.contains("the same"));
    let found: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.state.clone(), row.nodes.join(" "))).collect();
    assert!(
        matches!(&found[..], [
        (AGENT_TOKEN, agent, agents),
        (DATASTORE_URL, State::Missing, datastore),
        ("gitops-deploy-key", State::Missing, overlay),
        (IDENTITY_SEED, State::Set, all),
        (SERVER_TOKEN, server, servers),
        ("unused", State::Set, nobody),
    ] if same(agent) && same(server) && agents == "control pi1" && datastore == "control" && overlay == "control"
        && all == "control pi1 plain" && servers == "control" && nobody.is_empty()),
        "{found:?}"
    );
    assert!(matches!(failed(secrets.require(DATASTORE_URL)), SecretsError::Unset { .. }));
    assert!(matches!(failed(secrets.require(AGENT_TOKEN)), SecretsError::Unfit { .. }));
}

proptest! {
    #[test]
    fn any_text_set_is_the_text_read_again(
        entries in prop::collection::btree_map("[a-z0-9-]{1,20}", any::<String>(), 1..5),
    ) {
        let (dir, vault) = empty();
        private(&dir.path().join("secrets.toml"), "schema = 1\n[secrets]\n");
        let entries: Vec<_> = entries
            .iter()
            .filter(|(name, value)| is_name(name) && problem(name, &secret(value)).is_none())
            .collect();
        for (name, value) in &entries {
            vault.set(name, &secret(value), false).unwrap();
        }
        let read = load(&vault);
        for (name, value) in &entries {
            prop_assert_eq!(exposed(&read, name), value.as_str());
        }
    }

    #[test]
    fn no_error_and_no_debug_text_repeats_a_value(value in "[a-zA-Z0-9]{12,30}", cut in 0_usize..200, insert in "\\PC{0,3}") {
        let (dir, vault) = made();
        let path = dir.path().join("secrets.toml");
        let mut text = format!("{}free = \"{value}\"\n", fs::read_to_string(&path).unwrap());
        private(&path, &text);
        let secrets = load(&vault);
        let shown = format!("{secrets:?}");
        prop_assert!(!shown.contains(&value));
        let identity = Identity::derive(&IdentitySeed::of(&secrets).unwrap(), "pi1");
        for (_, private) in identity.private() {
            let shown = format!("{identity:?}");
            prop_assert!(!shown.contains(private.expose()));
        }
        // The end of the file, where the values are, is damaged in many ways.
        let mut at = text.len().saturating_sub(cut);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        text.insert_str(at, &insert);
        private(&path, &text);
        if let Err(error) = vault.load([]) {
            let said = said(&error);
            prop_assert!(!said.contains(&value), "{}", said);
            for (name, known) in secrets.iter() {
                prop_assert!(!said.contains(known.expose()), "{}: {}", name, said);
            }
        }
        for name in [SERVER_TOKEN, AGENT_TOKEN, IDENTITY_SEED, DATASTORE_URL, value.as_str()] {
            for result in [vault.set(name, &secret(&value), false), vault.set(name, &secret(&format!("{value}::")), false)] {
                if let Err(error) = result {
                    prop_assert!(!said(&error).contains(&value), "{}", said(&error));
                }
            }
        }
    }
}
