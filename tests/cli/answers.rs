//! `[debconf]`: what packages ask is answered by the profile, and a wrong answer is shown where it stands.

use crate::archive::Archive;
use crate::debs::Tar;
use crate::modules::in_image;
use crate::place::Place;
use crate::tiny;

const TEMPLATES: &str = "Template: lamp/colour\nType: select\nChoices: red, blue\nDefault: red\nDescription: Colour:\n\n\
                         Template: lamp/key\nType: password\nDescription: Key:\n";
const CONFIG: &str =
    "#!/bin/sh\nset -e\n. /usr/share/debconf/confmodule\ndb_input high lamp/colour || true\ndb_go || true\n";
const POSTINST: &str = "#!/bin/sh\nset -e\n. /usr/share/debconf/confmodule\n\
                        if [ \"$1\" = configure ]; then\n  db_get lamp/colour\n  echo \"colour $RET\" > /etc/lamp\nfi\ndb_stop\n";

fn archive() -> Archive {
    let library = Tar::default().file("./usr/share/debconf/confmodule", "# its functions\n");
    let scripts = [("templates", TEMPLATES), ("config", CONFIG), ("postinst", POSTINST)];
    let lamp = Tar::default().dir("./").dir("./etc/").file("./usr/bin/lamp", "x");
    tiny::archive(1000).with("debconf", &[], library).with("lamp", &scripts, lamp)
}

/// Writes this table into the profile.
fn answer(place: &Place, table: &str) {
    let text = place.read("profiles/node.toml");
    let text = text.split("[debconf]").next().unwrap();
    place.write("profiles/node.toml", format!("{text}\n[debconf]\n{table}\n"));
}

#[test]
fn what_a_package_asks_is_answered_by_its_default_or_by_the_profile() {
    let online = archive().online();
    let place = tiny::place(&online, &["debconf", "lamp"]);
    for (table, expected) in [("", "colour red\n"), ("\"lamp/colour\" = \"blue\"", "colour blue\n")] {
        answer(&place, table);
        place.run(&["lock"]).ok();
        place.run(&["build", "node"]).ok();
        assert_eq!(String::from_utf8(in_image(&place, "/etc/lamp")).unwrap(), expected);
    }
}

#[test]
fn answers_that_no_package_asks_for_or_offers_are_shown_where_they_stand() {
    let online = archive().online();
    let place = tiny::place(&online, &["debconf", "lamp"]);
    for (table, told) in [
        ("\"lamp/color\" = \"blue\"", ["no package asks `lamp/color`", "did you mean `lamp/colour`?"]),
        ("\"lamp/colour\" = \"green\"", ["`green` is no choice of `lamp/colour`", "its choices: `red`, `blue`"]),
        ("\"lamp/key\" = \"sesame\"", ["`lamp/key` asks for a password", "set the password on the node instead"]),
    ] {
        answer(&place, table);
        let error = place.run(&["lock"]).fails(1);
        assert!(told.iter().all(|part| error.contains(part)), "{error}");
        assert!(error.contains("profiles/node.toml:"), "{error}");
    }
}
