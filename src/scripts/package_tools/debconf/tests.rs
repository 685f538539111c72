//! Scripts that talk to debconf: what they are answered.

use std::collections::BTreeMap;

use super::super::sample::{Sample, package};
use crate::scripts::{Debconf, Mistake};

const LIBRARY: &str = "/usr/share/debconf/confmodule";

const LAMP: &str = "Template: lamp/colour\nType: select\nChoices: red, blue, ${more}\nDefault: red\nDescription: Colour:\n\n\
                    Template: lamp/name\nType: string\nDescription: Name of ${what}:\n\n\
                    Template: lamp/on\nType: boolean\nDefault: true\nDescription: On?\n\n\
                    Template: lamp/secret\nType: password\nDescription: Key:\n\n\
                    Template: lamp/broken\nType: error\nDescription: It is broken\n\n\
                    Template: lamp/rooms\nType: multiselect\nChoices: hall, attic\nDefault: hall\nDescription: Where?\n\n\
                    Template: shared/voltage\nType: select\nChoices-C: 110, 230\nChoices: eins, zwei\nDescription: Volts\n";

const FUSE: &str = "Template: shared/voltage\nType: select\nChoices: 110, 230\nDefault: 230\nDescription: Volts\n";

fn talking() -> Sample {
    let mut sample =
        Sample::new(vec![package("lamp", &[("templates", LAMP)]), package("fuse", &[("templates", FUSE)])]);
    assert_eq!(sample.source(LIBRARY), Some(Ok(0)));
    sample
}

fn preseeded(answers: &[(&str, &str)]) -> Sample {
    let mut sample =
        Sample::new(vec![package("lamp", &[("templates", LAMP)]), package("fuse", &[("templates", FUSE)])]);
    let answers: BTreeMap<String, String> =
        answers.iter().map(|(name, answer)| ((*name).to_owned(), (*answer).to_owned())).collect();
    sample.debconf = Debconf::new(&sample.packages, &answers);
    sample
}

#[test]
fn a_question_is_skipped_and_has_its_default() {
    let mut sample = talking();
    assert_eq!(sample.run("db_version 2.0"), 0);
    assert_eq!(sample.variable("RET"), "2.0");
    assert_eq!(sample.run("db_input high lamp/on"), 30);
    assert_eq!(sample.variable("RET"), "30 question skipped");
    assert_eq!(sample.run("db_go"), 0);
    assert_eq!(sample.variable("RET"), "ok");
    assert_eq!(sample.run("db_get lamp/on"), 0);
    assert_eq!(sample.variable("RET"), "true");
    assert_eq!(sample.run("db_get lamp/name"), 0);
    assert_eq!(sample.variable("RET"), "");
}

#[test]
fn the_library_marks_the_environment_and_only_its_own_paths_are_it() {
    let mut sample = talking();
    assert_eq!(sample.variable("DEBIAN_HAS_FRONTEND"), "1");
    assert!(sample.variables.is_exported("DEBCONF_REDIR"));
    assert_eq!(sample.source("/usr/share/lamp/functions"), None);
    sample.files.unlink(LIBRARY).unwrap();
    assert_eq!(sample.source(LIBRARY), None, "the shell says that it is missing");
}

#[test]
fn sourcing_the_library_again_goes_on_with_the_same_talk() {
    let mut sample = talking();
    sample.run("db_capb escape");
    assert_eq!(sample.source("/usr/share/debconf/confmodule.sh"), Some(Ok(0)));
    sample.run("db_set lamp/name a\\nb");
    sample.run("db_get lamp/name");
    assert_eq!(sample.variable("RET"), "a\nb");
}

#[test]
fn nobody_answers_before_the_library_is_there_nor_after_db_stop() {
    let mut sample = Sample::new(vec![package("lamp", &[("templates", LAMP)])]);
    assert!(sample.try_run("db_get lamp/on").is_err());
    sample.source(LIBRARY);
    assert_eq!(sample.run("db_stop"), 0);
    assert!(sample.try_run("db_get lamp/on").is_err());
}

#[test]
fn a_question_that_nobody_has_is_10_and_another_packages_is_there_only_after_it_talked() {
    let mut sample = talking();
    assert_eq!(sample.run("db_get lamp/colou"), 10);
    assert_eq!(sample.variable("RET"), "10 lamp/colou doesn't exist");
    assert_eq!(sample.run("db_input high lamp/colou"), 10);
    for command in ["db_set", "db_subst", "db_fget", "db_fset", "db_metaget"] {
        let args = ["x"; 3];
        let args = if command == "db_fget" || command == "db_metaget" { &args[..2] } else { &args[..] };
        assert_eq!(sample.words(&[&[command], args].concat()), Ok(10), "{command}");
    }
    assert_eq!(sample.run("db_reset x"), 10);
    assert_eq!(sample.run("db_settitle x"), 10);
    assert_eq!(sample.run("db_info x"), 10);
    assert_eq!(sample.run("db_unregister x"), 10);
    assert_eq!(sample.run("db_register x y"), 10);
    sample.run("db_metaget shared/voltage owners");
    assert_eq!(sample.variable("RET"), "lamp");
    sample.debconf.begin("fuse").unwrap();
    sample.run("db_metaget shared/voltage owners");
    assert_eq!(sample.variable("RET"), "fuse, lamp");
}

#[test]
fn wrong_requests_are_20() {
    let mut sample = talking();
    assert_eq!(sample.run("db_get"), 20);
    assert_eq!(sample.variable("RET"), "20 Incorrect number of arguments");
    assert_eq!(sample.run("db_input urgent lamp/on"), 20);
    assert_eq!(sample.run("db_input high"), 20);
    assert_eq!(sample.run("db_go now"), 20);
    assert_eq!(sample.run("db_progress dance"), 20);
    assert_eq!(sample.run("db_version 1.0"), 30);
    assert_eq!(sample.run("db_version 3"), 30);
    assert!(sample.words(&["db_set", "lamp/name", "two\nlines"]).is_err());
}

#[test]
fn answers_are_set_and_reset_and_white_space_in_them_is_one_blank_without_escapes() {
    let mut sample = talking();
    assert_eq!(sample.words(&["db_set", "lamp/name", "a   lamp"]), Ok(0));
    assert_eq!(sample.variable("RET"), "value set");
    sample.run("db_get lamp/name");
    assert_eq!(sample.variable("RET"), "a lamp");
    sample.run("db_set lamp/colour blue");
    sample.run("db_fset lamp/colour seen true");
    assert_eq!(sample.run("db_reset lamp/colour"), 0);
    assert_eq!(sample.variable("RET"), "0");
    sample.run("db_get lamp/colour");
    assert_eq!(sample.variable("RET"), "red");
    sample.run("db_fget lamp/colour seen");
    assert_eq!(sample.variable("RET"), "false");
}

#[test]
fn flags_are_false_until_they_are_set() {
    let mut sample = talking();
    assert_eq!(sample.run("db_fget lamp/on changed"), 0);
    assert_eq!(sample.variable("RET"), "false");
    sample.run("db_fset lamp/on changed yes");
    sample.run("db_fget lamp/on changed");
    assert_eq!(sample.variable("RET"), "yes");
    sample.run("db_fset lamp/on isdefault false");
    sample.run("db_fget lamp/on seen");
    assert_eq!(sample.variable("RET"), "true");
    sample.run("db_fget lamp/on isdefault");
    assert_eq!(sample.variable("RET"), "false");
}

#[test]
fn what_would_have_been_shown_counts_as_seen_once_the_script_is_done() {
    let mut sample = talking();
    sample.run("db_input high lamp/on");
    sample.run("db_input low lamp/name");
    sample.run("db_go");
    sample.run("db_fget lamp/on seen");
    assert_eq!(sample.variable("RET"), "false");
    sample.debconf.begin("lamp").unwrap();
    sample.run("db_fget lamp/on seen");
    assert_eq!(sample.variable("RET"), "true");
    sample.run("db_fget lamp/name seen");
    assert_eq!(sample.variable("RET"), "false", "its priority was too low");
}

#[test]
fn a_select_that_has_no_choice_gets_the_first_when_it_is_gone_through() {
    let mut sample = talking();
    sample.run("db_subst lamp/colour more green, deep purple");
    sample.run("db_set lamp/colour deep purple");
    sample.run("db_input high lamp/colour");
    sample.run("db_go");
    sample.run("db_get lamp/colour");
    assert_eq!(sample.variable("RET"), "deep purple");
    sample.run("db_subst lamp/colour more white");
    sample.run("db_input high lamp/colour");
    sample.run("db_go");
    sample.run("db_get lamp/colour");
    assert_eq!(sample.variable("RET"), "red");
}

#[test]
fn choices_and_descriptions_have_their_variables_in_them() {
    let mut sample = talking();
    sample.run("db_subst lamp/name what the lamp");
    sample.run("db_metaget lamp/name description");
    assert_eq!(sample.variable("RET"), "Name of the lamp:");
    sample.run("db_metaget lamp/colour Choices");
    assert_eq!(sample.variable("RET"), "red, blue, ");
    sample.run("db_metaget shared/voltage choices-c");
    assert_eq!(sample.variable("RET"), "110, 230");
    sample.run("db_metaget lamp/colour choices-c");
    assert_eq!(sample.variable("RET"), "red, blue, ");
    sample.run("db_metaget lamp/on value");
    assert_eq!(sample.variable("RET"), "true");
    assert_eq!(sample.run("db_metaget lamp/on priority"), 10);
    sample.run("db_metaget lamp/on extended_description");
    assert_eq!(sample.variable("RET"), "");
}

#[test]
fn escapes_keep_lines_apart() {
    let mut sample = talking();
    sample.run("db_capb backup escape");
    assert_eq!(sample.variable("RET"), "multiselect escape ");
    sample.words(&["db_set", "lamp/name", "one\\ntwo\\\\three"]).unwrap();
    assert_eq!(sample.run("db_get lamp/name"), 0);
    assert_eq!(sample.variable("RET"), "one\ntwo\\three");
    sample.run("db_capb");
    sample.run("db_get lamp/name");
    assert_eq!(sample.variable("RET"), "one", "a reply is one line");
}

#[test]
fn questions_are_registered_and_unregistered() {
    let mut sample = talking();
    assert_eq!(sample.run("db_register lamp/colour lamp/colour2"), 0);
    sample.run("db_get lamp/colour2");
    assert_eq!(sample.variable("RET"), "red");
    sample.run("db_input high lamp/colour2");
    assert_eq!(sample.run("db_unregister lamp/colour2"), 10, "it is busy");
    sample.run("db_clear");
    assert_eq!(sample.run("db_unregister lamp/colour2"), 0);
    assert_eq!(sample.run("db_get lamp/colour2"), 10);
    assert_eq!(sample.run("db_purge"), 0);
    assert_eq!(sample.run("db_get lamp/on"), 10);
}

#[test]
fn titles_blocks_and_progress_say_that_all_is_well() {
    let mut sample = talking();
    for command in
        ["db_title A lamp", "db_settitle lamp/on", "db_beginblock", "db_endblock", "db_info", "db_info lamp/on"]
    {
        assert_eq!(sample.run(command), 0, "{command}");
    }
    assert!(sample.try_run("db_progress set 1").is_err(), "debconf dies of it");
    for command in ["start 0 3 lamp/on", "set 1", "step 1", "info lamp/name", "stop"] {
        assert_eq!(sample.run(&format!("db_progress {command}")), 0, "{command}");
        assert_eq!(sample.variable("RET"), "OK");
    }
}

#[test]
fn templates_are_made_while_a_script_runs() {
    let mut sample = talking();
    assert_eq!(sample.run("db_data lamp/new description Later"), 10);
    assert_eq!(sample.run("db_data lamp/new type string"), 0);
    assert_eq!(sample.run("db_data lamp/new default a\\\\nb"), 0);
    assert_eq!(sample.run("db_data lamp/new type note"), 10);
    sample.run("db_get lamp/new");
    assert_eq!(sample.variable("RET"), "a\\nb");
    sample.files.write("/more", b"Template: lamp/more\nType: string\nDefault: much\n").unwrap();
    assert_eq!(sample.run("db_x_loadtemplatefile /more lamp"), 0);
    sample.run("db_get lamp/more");
    assert_eq!(sample.variable("RET"), "much");
    assert_eq!(sample.run("db_x_loadtemplatefile /var/lib/dpkg/info/fuse.templates fuse"), 0);
    assert_eq!(sample.run("db_x_loadtemplatefile /missing"), 10);
}

#[test]
fn a_package_whose_templates_are_broken_cannot_talk() {
    let mut sample = Sample::new(vec![package("lamp", &[("templates", "no template\n")])]);
    assert!(matches!(sample.source(LIBRARY), Some(Err(_))));
}

#[test]
fn answers_of_the_profile_are_there_from_the_beginning_and_seen() {
    let mut sample = preseeded(&[("lamp/colour", "blue"), ("shared/voltage", "110")]);
    sample.source(LIBRARY);
    sample.run("db_input critical lamp/colour");
    sample.run("db_go");
    sample.run("db_get lamp/colour");
    assert_eq!(sample.variable("RET"), "blue");
    sample.run("db_fget lamp/colour seen");
    assert_eq!(sample.variable("RET"), "true");
    assert!(sample.debconf.mistakes().is_empty());
}

#[test]
fn answers_to_no_question_and_such_as_are_no_choice_are_told() {
    let sample = preseeded(&[
        ("lamp/color", "red"),
        // Its choices are not known before a script has put them together.
        ("lamp/colour", "deep purple"),
        ("lamp/on", "yes"),
        ("lamp/rooms", "attic, hall"),
        ("lamp/name", "anything"),
        ("lamp/secret", "sesame"),
        ("shared/voltage", "12"),
    ]);
    assert_eq!(sample.debconf.unknown(), ["lamp/color"]);
    let text = str::to_owned;
    let choices = |choices: &[&str]| choices.iter().map(|choice| text(choice)).collect();
    assert_eq!(
        sample.debconf.mistakes(),
        [
            Mistake::Unknown { question: text("lamp/color"), meant: Some(text("lamp/colour")) },
            Mistake::Choice { question: text("lamp/on"), answer: text("yes"), choices: choices(&["true", "false"]) },
            Mistake::Password { question: text("lamp/secret") },
            Mistake::Choice { question: text("shared/voltage"), answer: text("12"), choices: choices(&["110", "230"]) },
        ]
    );
    assert!(sample.debconf.questions().any(|question| question == "lamp/colour"));
}

#[test]
fn a_question_that_a_script_registers_is_known_from_then_on() {
    let mut sample = preseeded(&[("lamp/colour2", "blue")]);
    assert_eq!(sample.debconf.unknown(), ["lamp/colour2"]);
    sample.source(LIBRARY);
    sample.run("db_register lamp/colour lamp/colour2");
    sample.run("db_get lamp/colour2");
    assert_eq!(sample.variable("RET"), "blue");
    assert!(sample.debconf.unknown().is_empty());
}

#[test]
fn the_commands_beside_the_library_answer_and_ask_too() {
    let mut sample = Sample::new(vec![package("lamp", &[("templates", LAMP)])]);
    let selections =
        "# ours\n lamp lamp/on boolean false\nlamp lamp/name string  two\\\n blanks\nlamp lamp/x strung 1\nlamp\n";
    assert_eq!(sample.fed(&["debconf-set-selections", "-c"], selections), Ok(1));
    assert_eq!(sample.fed(&["debconf-set-selections"], selections), Ok(1));
    assert_eq!(
        sample.fed(&["debconf-set-selections", "-u"], "lamp lamp/on seen false\nlamp no/such seen true\n"),
        Ok(1)
    );
    assert!(sample.fed(&["debconf-set-selections", "--loud"], "").is_err());
    assert_eq!(sample.fed(&["debconf-communicate", "lamp"], "GET lamp/on\nGET lamp/name\nget no/such\n"), Ok(10));
    assert_eq!(sample.out, "0 false\n0  two blanks\n10 no/such doesn't exist\n");
    assert_eq!(sample.fed(&["debconf-communicate", "lamp"], "PURGE\n"), Ok(0));
    assert_eq!(sample.fed(&["debconf-escape", "-e"], "a\\b\n"), Ok(0));
    assert_eq!(sample.out, "a\\\\b\\n");
    assert_eq!(sample.fed(&["debconf-escape", "-u"], "a\\\\b\\n"), Ok(0));
    assert_eq!(sample.out, "a\\b\n");
    assert_eq!(sample.fed(&["debconf-escape"], ""), Ok(1));
    sample.source(LIBRARY);
    assert!(sample.fed(&["debconf-communicate"], "").is_err(), "debconf is in use");
}
