//! Secure Boot through the program: its keys, and what firmware enrols.

use std::fs;

use imgbuild::tree::Digest;

use crate::place::Place;
use crate::tiny;

#[test]
fn keys_are_made_once_and_the_same_keys_give_the_same_files_for_the_firmware() {
    let place = Place::new();
    place.run(&["secrets", "secure-boot"]).fails(1);
    place.run(&["secrets", "init"]).ok();
    let dir = place.path("enrol");
    let output = dir.to_str().unwrap();
    let said = place.run(&["secrets", "secure-boot", "--output", output]).ok();
    assert!(said.contains("made three keys"), "{said}");
    let read = |name: &str| fs::read(dir.join(name)).unwrap();
    let names = ["PK", "KEK", "db"].map(|name| ["auth", "esl", "cer"].map(|end| format!("{name}.{end}"))).concat();
    let before: Vec<Vec<u8>> = names.iter().map(|name| read(name)).collect();
    assert!(before.iter().all(|bytes| !bytes.windows(11).any(|part| part == b"PRIVATE KEY")));

    let said = place.run(&["secrets", "secure-boot", "--output", output]).ok();
    assert!(said.contains("there already"), "{said}");
    assert_eq!(names.iter().map(|name| read(name)).collect::<Vec<_>>(), before);

    let other = dir.join("PK.cer");
    place.run(&["secrets", "secure-boot", "--output", output, "--allow", other.to_str().unwrap()]).ok();
    let with = read("db.esl");
    assert!(with.starts_with(&before[7]) && with.ends_with(&before[2]), "both certificates are in db");
    let none = place.run(&["secrets", "secure-boot", "--allow", "secrets.toml"]).fails(1);
    assert!(none.contains("secrets.toml is no certificate") && !none.contains("PRIVATE"), "{none}");
}

#[test]
fn an_image_is_signed_with_the_key_among_the_secrets_and_inspect_says_by_whom() {
    let online = tiny::archive(1000).online();
    let place = tiny::place(&online, &[]);
    // The package's is no program.
    place.write("overlays/loader/overlay.toml", "schema = 1\ndescription = \"A program as the boot loader\"\n");
    place.write("overlays/loader/files/usr/lib/systemd/boot/efi/systemd-bootx64.efi", tiny::stub());
    let profile = place.read("profiles/node.toml").replacen("schema = 1\n", "schema = 1\noverlays = [\"loader\"]\n", 1);
    place.write("profiles/node.toml", profile);

    let said = place.run(&["build", "--profile", "node"]).ok();
    assert!(said.contains("Secure Boot: off"), "{said}");
    assert!(place.run(&["inspect", "build/node/node.img"]).ok().contains("BOOTX64.EFI: unsigned"));

    place.run(&["secrets", "init"]).ok();
    place.run(&["secrets", "secure-boot"]).ok();
    let said = place.run(&["build", "--profile", "node"]).ok();
    assert!(said.contains("Secure Boot: on, signed by CN=imgbuild secure-boot-db"), "{said}");
    let image = fs::read(place.path("build/node/node.img")).unwrap();
    let certificate = Digest::of(&fs::read(place.path("secure-boot/db.cer")).unwrap()).to_string();
    let inspected = place.run(&["--json", "inspect", "build/node/node.img"]).result();
    let programs = inspected["efi_programs"].as_array().unwrap();
    assert_eq!(programs.len(), 2, "{inspected}");
    for program in programs {
        let signature = &program["signatures"][0];
        assert_eq!((signature["state"].as_str(), signature["sha256"].as_str()), (Some("good"), Some(&*certificate)));
    }
    place.run(&["build", "--profile", "node", "--output", "again"]).ok();
    assert!(fs::read(place.path("again/node.img")).unwrap() == image, "the same key gives the same image");
}
