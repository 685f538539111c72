//! Numbers of users and groups.

use super::*;

#[test]
fn account_numbers_once_given_stay() {
    let map = |pairs: &[(&str, u32)]| pairs.iter().map(|(name, id)| ((*name).to_owned(), *id)).collect();
    let mut ids = IdMap { users: map(&[("a", 100)]), groups: map(&[("g", 200)]) };
    ids.add(&IdMap { users: map(&[("a", 101), ("b", 102)]), groups: map(&[("h", 201)]) });
    assert_eq!(ids, IdMap { users: map(&[("a", 100), ("b", 102)]), groups: map(&[("g", 200), ("h", 201)]) });
}

#[test]
fn a_lock_from_before_it_named_accounts_is_out_of_date_and_keeps_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("imgbuild.lock");
    let demo = profile("demo", &["bash", "libc-bin"]);
    let mut chosen = lock_profile(&demo, &first(), None, Update::Nothing).unwrap();
    chosen.profile.users = vec!["sshd".to_owned()];
    chosen.profile.groups = vec!["tape".to_owned()];
    let mut lock = Lock::new();
    lock.ids.users.insert("sshd".to_owned(), 993);
    lock.put("demo", chosen);
    let text = lock.to_text().replace("users = [\"sshd\"]\n", "").replace("groups = [\"tape\"]\n", "");
    assert!(!text.contains("tape") && text.contains("sshd = 993"), "{text}");
    std::fs::write(&path, text).unwrap();
    let old = Lock::load(&path).unwrap().unwrap();
    assert_eq!(old.expect(&demo), Err(OutdatedError::Altered { profile: "demo".to_owned() }));
    assert_eq!(old.ids.users["sshd"], 993);
}

#[test]
fn a_person_with_a_number_that_is_none_of_peoples_does_not_pass() {
    let mut lock = locked();
    let mut demo = profile("demo", &["bash", "libc-bin"]);
    let admin = User {
        name: "admin".to_owned(),
        ssh_keys: Vec::new(),
        groups: Vec::new(),
        shell: "/bin/bash".to_owned(),
        sudo: false,
    };
    demo.users.push(admin);
    // What is asked for stays as it was locked; only the number is another.
    lock.profiles.get_mut("demo").unwrap().config = demo.selection_digest();
    for number in [33, 999, 60000, 70000] {
        lock.ids.users.insert("admin".to_owned(), number);
        let error = lock.expect(&demo).unwrap_err();
        assert!(error.to_string().contains(&format!("the number {number} for the person `admin`")), "{error}");
        assert!(error.hint().unwrap().contains("[ids.users]"));
    }
    for number in [1000, 59999] {
        lock.ids.users.insert("admin".to_owned(), number);
        assert!(lock.expect(&demo).is_ok(), "{number}");
    }
}
