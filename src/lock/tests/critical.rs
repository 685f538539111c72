//! Values that a running cluster does not let change, and what its nodes registered with.

use super::*;

fn critical(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn a_critical_value_once_locked_changes_only_if_that_is_accepted() {
    let mut lock = Lock::new();
    let first = critical(&[("cluster_cidr", "10.42.0.0/16"), ("disable", "")]);
    assert_eq!(lock.record_critical(&first, false), Ok(true));
    assert_eq!(lock.record_critical(&first, false), Ok(false));

    let other = critical(&[("cluster_cidr", "10.50.0.0/16"), ("disable", "")]);
    let before = lock.clone();
    let error = lock.record_critical(&other, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "critical values changed: cluster_cidr is 10.50.0.0/16, the cluster was made with 10.42.0.0/16"
    );
    assert!(error.hint().unwrap().contains("--accept-critical-change"));
    assert_eq!(lock, before);
    assert_eq!(lock.record_critical(&other, true), Ok(true));
    assert!(lock.critical_changes(&other).is_empty());
}

#[test]
fn a_critical_value_that_the_lock_does_not_know_is_added_and_one_not_asked_for_stays() {
    let mut lock = Lock::new();
    lock.record_critical(&critical(&[("agent_token", "sha256:1")]), false).unwrap();
    lock.record_critical(&critical(&[("cluster_cidr", "10.42.0.0/16")]), false).unwrap();
    assert_eq!(lock.cluster, critical(&[("agent_token", "sha256:1"), ("cluster_cidr", "10.42.0.0/16")]));
}

#[test]
fn critical_values_survive_the_file_and_a_lock_without_them_has_no_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("imgbuild.lock");
    let mut lock = Lock::new();
    assert!(!lock.to_text().contains("[cluster]"));
    lock.record_critical(&critical(&[("secrets_encryption", "true")]), false).unwrap();
    lock.save(&path).unwrap();
    assert!(lock.to_text().contains("[cluster]\nsecrets_encryption = \"true\"\n"));
    assert_eq!(Lock::load(&path).unwrap(), Some(lock));
}

#[test]
fn what_a_node_registered_with_stays_until_it_is_accepted() {
    let with = |taints: &[&str], labels: &[&str]| {
        let owned = |list: &[&str]| list.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>();
        Registration::of(owned(taints), owned(labels))
    };
    let mut lock = Lock::new();
    assert!(lock.record_node("pi1", &with(&["b:NoSchedule", "a:NoSchedule"], &["x"])));
    assert!(!lock.record_node("pi1", &with(&["a:NoSchedule", "b:NoSchedule"], &["x"])));
    // Labels come with any start, and none goes; taints come with the first.
    assert!(lock.record_node("pi1", &with(&[], &["y"])));
    assert_eq!(lock.nodes["pi1"], with(&["a:NoSchedule", "b:NoSchedule"], &["x", "y"]));
    let dir = tempfile::tempdir().unwrap();
    lock.save(&dir.path().join("lock")).unwrap();
    assert_eq!(Lock::load(&dir.path().join("lock")).unwrap().unwrap(), lock);

    lock.record_node("gone", &with(&[], &[]));
    lock.accept_nodes(&BTreeMap::from([("pi1".to_owned(), with(&[], &["y"])), ("new".to_owned(), with(&[], &[]))]));
    assert_eq!(lock.nodes, BTreeMap::from([("pi1".to_owned(), with(&[], &["y"]))]));
}
