//! `board` as a name and as a table, and lines for a Raspberry Pi's config.txt.

use super::values::refused;
use super::*;

const CONTROL: &str = "schema = 1\nextends = \"control\"\n";

/// The lines of a profile that extends `control` with this text.
fn lines(more: &str) -> Vec<String> {
    node(&[("profiles/node.toml", &format!("{CONTROL}{more}"))]).config_txt
}

#[test]
fn a_board_is_named_by_a_text_or_in_a_table_and_a_table_may_leave_the_inherited_name() {
    let board = |text: &str| node(&[("profiles/node.toml", text)]).board;
    assert_eq!(board("schema = 1\nextends = \"base\"\nboard = \"rpi4\"\n"), Board::Rpi4);
    assert_eq!(board("schema = 1\nextends = \"base\"\n[board]\nname = \"rpi4\"\n"), Board::Rpi4);
    assert_eq!(board("schema = 1\nextends = \"control\"\n[board]\nconfig = [\"arm_boost=1\"]\n"), Board::Rpi4);
    assert_eq!(lines(""), Vec::<String>::new());
    let bad = node_error("schema = 1\nextends = \"base\"\n[board]\nname = \"rpi5\"\n");
    insta::assert_snapshot!(bad, @r#"
    error: a Raspberry Pi 5 is not supported
     --> profiles/node.toml:4:8
      |
    4 | name = "rpi5"
      |        ^^^^^^
      |
      = help: images are made for the Raspberry Pi 4, 400 and CM4 (`rpi4`) and for machines with UEFI; known: `rpi4`, `uefi-arm64`, `uefi-amd64`
    "#);
    let bad = node_error("schema = 1\nextends = \"base\"\nboard = 4\n");
    insta::assert_snapshot!(bad, @"
    error: expected a board's name or a table, found integer `4`
     --> profiles/node.toml:3:9
      |
    3 | board = 4
      |         ^
    ");
    let bad = node_error("schema = 1\nextends = \"base\"\nboard = \"rpi4\"\n[board]\nconfig = []\n");
    insta::assert_snapshot!(bad, @r#"
    error: `board` is given twice
     --> profiles/node.toml:4:2
      |
    4 | [board]
      |  ^^^^^
      |
      = help: write the name into the table: `[board]` and below it `name = "rpi4"`
    "#);
    let bad = node_error("schema = 1\nextends = \"control\"\n[board]\nconfig = [\"arm_boost=1\", \"kernel=x\"]\n");
    assert!(bad.contains("profiles/node.toml:4:26"), "the caret is under the very line: {bad}");
    let bad = node_error("schema = 1\nextends = \"control\"\n[board]\nconfg = []\n");
    assert!(bad.contains("unknown key `confg`") && bad.contains("did you mean `config`?"), "{bad}");
}

#[test]
fn lines_keep_their_order_and_no_filter_reaches_into_the_next_files_lines() {
    let parent = "schema = 1\nextends = \"control\"\n[board]\n\
                  config = [\"arm_boost=1\", \"[cm4]\", \"otg_mode=1\"]\n";
    let child = "schema = 1\nextends = \"pi\"\n[board]\nconfig = [\"-arm_boost=1\", \"[pi400]\", \"arm_freq=2000\", \"[all]\", \"gpio=4=op,dh\"]\n";
    let profile = node(&[("profiles/pi.toml", parent), ("profiles/node.toml", child)]);
    assert_eq!(
        profile.config_txt,
        ["[cm4]", "otg_mode=1", "[all]", "[pi400]", "arm_freq=2000", "[all]", "gpio=4=op,dh"],
        "lines may repeat: what one means depends on the filter above it"
    );
}

#[test]
fn a_parameter_is_none_of_the_overlay_that_another_file_asks_for() {
    let between = |first: &str, expected: &[&str]| {
        let parent = format!("schema = 1\nextends = \"control\"\n[board]\nconfig = [{first}]\n");
        let child = "schema = 1\nextends = \"pi\"\n[board]\nconfig = [\"dtparam=audio=on\"]\n";
        let lines = node(&[("profiles/pi.toml", &parent), ("profiles/node.toml", child)]).config_txt;
        let (last, rest) = lines.split_last().unwrap();
        let own = first.matches("\", \"").count() + 1;
        assert_eq!(
            (&rest[own..], last.as_str()),
            (&expected.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()[..], "dtparam=audio=on"),
            "{first}"
        );
    };
    between("\"dtoverlay=gpio-fan\", \"dtparam=gpiopin=14\"", &["dtoverlay="]);
    between("\"DTOVERLAY=gpio-fan\"", &["dtoverlay="]);
    between("\"dtoverlay=gpio-fan\", \"dtoverlay=\"", &[]);
    between("\"[cm4]\", \"dtoverlay=gpio-fan\"", &["[all]", "dtoverlay="]);
    // Ended on another board alone.
    between("\"[cm4]\", \"dtoverlay=gpio-fan\", \"[pi4]\", \"dtoverlay=\"", &["[all]", "dtoverlay="]);
    between("\"arm_boost=1\"", &[]);
}

#[test]
fn an_overlays_lines_come_before_the_profiles_so_that_these_win() {
    let files = |second: &'static str, own: &str| {
        vec![
            ("profiles/node.toml", format!("{CONTROL}overlays = [\"one\", \"two\"]\n{own}")),
            ("overlays/one/overlay.toml", "schema = 1\n[board]\nconfig = [\"[pi4]\", \"arm_freq=1800\"]\n".to_owned()),
            ("overlays/two/overlay.toml", format!("schema = 1\n[board]\nconfig = [{second}]\n")),
        ]
    };
    let loaded = |files: Vec<(&'static str, String)>| {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let dir = workspace(&files);
        load(&Workspace::open(dir.path()).unwrap(), "node")
    };
    let own = "[board]\nconfig = [\"temp_limit=80\"]\n";
    let profile = loaded(files("\"gpio=4=op\"", own)).unwrap();
    assert_eq!(profile.config_txt, ["gpio=4=op", "[pi4]", "arm_freq=1800", "[all]", "temp_limit=80"]);

    // Under another filter it is another setting.
    loaded(files("\"[cm4]\", \"arm_freq=2000\"", own)).unwrap();
    let error = loaded(files("\"[pi4]\", \"arm_freq=2000\"", own)).unwrap_err();
    assert_eq!(error.to_string(), "`[pi4] arm_freq` comes from both overlay `one` and overlay `two`");
    let error = loaded(files("\"[pi4]\", \"ARM_FREQ=2000\"", own)).unwrap_err();
    assert!(error.to_string().contains("`[pi4] arm_freq` comes from both"), "{error}");
    loaded(files("\"[pi4]\", \"arm_freq=2000\"", "[board]\nconfig = [\"[pi4]\", \"arm_freq=1500\"]\n")).unwrap();
}

#[test]
fn lines_for_a_board_without_a_config_txt_are_refused_at_their_place() {
    let shown = node_error("schema = 1\nextends = \"demo\"\n[board]\nconfig = [\"[pi4]\", \"arm_boost=1\"]\n");
    insta::assert_snapshot!(shown, @r#"
    error: profile `node` is for a `uefi-amd64`, and only a Raspberry Pi has a config.txt
     --> profiles/node.toml:4:20
      |
    4 | config = ["[pi4]", "arm_boost=1"]
      |                    ^^^^^^^^^^^^^
      |
      = help: take the lines out, or leave out the profile or overlay that brings them
    "#);
}

#[test]
fn what_takes_nothing_away_or_a_filter_off_its_lines_is_refused() {
    let shown = node_error(&format!("{CONTROL}[board]\nconfig = [\"-arm_boost=1\"]\n"));
    assert!(shown.contains("`arm_boost=1` is not inherited, so `-arm_boost=1` removes nothing"), "{shown}");
    assert!(shown.contains("profiles/node.toml:4:11"), "{shown}");
    let shown = node_error(&format!("{CONTROL}[board]\nconfig = [\"-[pi4]\"]\n"));
    assert!(shown.contains("`-[pi4]` would leave the lines below the filter to every board"), "{shown}");
}

/// A profile's line with this line of config.txt.
fn line(text: &str) -> String {
    format!("board = {{ name = \"rpi4\", config = [{}] }}", toml::Value::from(text))
}

#[test]
fn lines_that_the_firmware_would_not_read_as_meant_are_refused() {
    let long = format!("dtoverlay=x,{}", "a".repeat(87));
    let cases = [
        (
            "a=1\nb=2",
            "`a=1\\nb=2` is not one line of config.txt | write each line as an entry of its own, in plain ASCII",
        ),
        ("a=1\r", "`a=1\\r` is not one line of config.txt | write each line as an entry of its own, in plain ASCII"),
        (
            "a=\u{7f}",
            "`a=\\u{7f}` is not one line of config.txt | write each line as an entry of its own, in plain ASCII",
        ),
        ("", "`` is not one line of config.txt | write each line as an entry of its own, in plain ASCII"),
        (" a=1", "` a=1` is not a line of config.txt | take away the spaces at its ends"),
        (
            "arm_boost",
            "`arm_boost` is not a line of config.txt | write `property=value`, a filter such as `[cm4]`, or a comment that \
             begins with `#`",
        ),
        (
            "arm_boost =1",
            "`arm_boost =1` is not a line of config.txt | write `property=value`, a filter such as `[cm4]`, or a comment that \
             begins with `#`",
        ),
        (
            "[cm44]",
            "`[cm44]` is not a filter that the firmware knows | write one such as `[pi4]`, `[cm4]`, `[all]`, `[gpio4=1]`, \
             `[board-type=0x14]` or `[EDID=…]`",
        ),
        (
            "[pi4",
            "`[pi4` is not a filter that the firmware knows | write one such as `[pi4]`, `[cm4]`, `[all]`, `[gpio4=1]`, \
             `[board-type=0x14]` or `[EDID=…]`",
        ),
    ];
    for (text, expected) in cases {
        refused(&[(&line(text), expected)]);
    }
    let expected = format!(
        "`{long}` has 99 characters, the firmware reads 98 of a line | shorten it: a second `dtparam=` line takes more \
         parameters of the `dtoverlay=` above it"
    );
    refused(&[(&line(&long), &expected)]);
    assert_eq!(lines(&format!("[board]\nconfig = [\"{}\"]\n", &long[1..])).len(), 1, "98 characters fit");
}

#[test]
fn what_the_image_decides_itself_is_refused_in_every_spelling() {
    let image = "take it out: kernel, initrd, device tree and command line are those that the image was built with";
    let firmware =
        "take it out: it asks for another firmware file than `start4.elf`, the only one on the boot partition";
    let recovery = "take it out: it tells recovery.bin to change the board for good, see docs/pi.md";
    let cases = [
        ("arm_64bit=0", image),
        ("kernel=other", image),
        ("Kernel=other", image),
        ("initramfs other followkernel", image),
        ("include extra.txt", image),
        ("auto_initramfs=1", image),
        ("ramfsfile=a", image),
        ("cmdline=other.txt", image),
        ("os_prefix=other/", image),
        ("upstream_kernel=0", image),
        ("device_tree=other.dtb", image),
        ("armstub=other.bin", image),
        ("boot_ramdisk=1", image),
        ("start_x=1", firmware),
        ("start_file=start4x.elf", firmware),
        ("gpu_mem=16", firmware),
        ("gpu_mem_1024=16", firmware),
        ("gpu_mem=0x10", firmware),
        ("GPU_MEM=016", firmware),
        ("enable_uart=1", "write `serial = true` or `false` in the profile, which also tells the kernel"),
        ("boot_partition=2", "take it out: it is a setting of autoboot.txt, which the image has of its own"),
        ("program_usb_boot_mode=1", recovery),
        ("erase_eeprom=1", recovery),
    ];
    for (text, hint) in cases {
        refused(&[(&line(text), &format!("`{text}` is not for a profile to set | {hint}"))]);
    }
}

#[test]
fn filters_comments_and_settings_of_the_documentation_are_taken() {
    let all = [
        "# a fan",
        "[pi4]",
        "[pi400]",
        "[cm4]",
        "[cm4s]",
        "[all]",
        "[none]",
        "[tryboot]",
        "[gpio4=1]",
        "[board-type=0x14]",
        "[EDID=DEL-DELL_U2422H]",
        "[0x12345678]",
        "[HDMI:1]",
        "[partition=2]",
        "[bootvar0&0x10]",
        "gpio=14=op,dh",
        "gpio=0-27=a2",
        "hdmi_group:0=2",
        "dtoverlay=gpio-fan,gpiopin=14,temp=60000",
        "dtoverlay=",
        "dtparam=poe_fan_temp0=50000",
        "arm_freq=2000",
        "over_voltage=6",
        "gpu_mem=32",
        "decode_MPG2=0x12345678",
    ];
    let given = lines(&format!("[board]\nconfig = {all:?}\n"));
    assert_eq!(given, all.map(str::to_owned));
}
