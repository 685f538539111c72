use super::parse;

#[test]
fn an_empty_script_has_no_commands() {
    assert!(parse("# nothing\n").unwrap().is_empty());
}
