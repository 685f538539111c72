//! Overlays that are for other architectures than the board's, and ports that two of them open.

use super::{error, node};

const ONLY: &str = "schema = 1\narchitectures = [\"amd64\"]\n";
const CHOSEN: &str = "schema = 1\n[params.source]\ndescription = \"Whose\"\ndefault = \"vendor\"\none_of = [\"vendor\", \"debian\"]\n\
                      [[when]]\nparams = { source = \"vendor\" }\narchitectures = [\"amd64\"]\n";

fn on(board: &str, overlays: &str, more: &str) -> String {
    format!("schema = 1\nextends = \"base\"\nboard = \"{board}\"\noverlays = [{overlays}]\n{more}")
}

#[test]
fn an_overlay_for_another_architecture_is_refused_where_the_profile_names_it() {
    let files = |profile: &'static str| {
        [
            ("overlays/only/overlay.toml", ONLY),
            ("overlays/chosen/overlay.toml", CHOSEN),
            ("profiles/node.toml", profile),
        ]
    };
    let leak = |text: String| -> &'static str { text.leak() };
    for sound in [
        on("uefi-amd64", "\"only\", \"chosen\"", ""),
        on("rpi4", "\"chosen\"", "[overlay.chosen]\nsource = \"debian\"\n"),
    ] {
        assert!(!node(&files(leak(sound))).overlays.is_empty());
    }
    let refused = |profile: String| error(&files(leak(profile)), "node");
    insta::assert_snapshot!(
        [
            refused(on("rpi4", "\"only\"", "")),
            refused(on("uefi-arm64", "\"chosen\"", "")),
            refused(on("rpi4", "\"nvidia\"", "[overlay.nvidia]\nsource = \"nvidia\"\n")),
            refused(on("rpi4", "\"nvidia\"", "[overlay.nvidia]\nsource = \"debian\"\ntoolkit = \"nvidia\"\n")),
        ]
        .join("\n")
    );
    // Debian has its driver for both.
    assert!(
        !node(&files(leak(on("uefi-arm64", "\"nvidia\"", "[overlay.nvidia]\nsource = \"debian\"\n"))))
            .overlays
            .is_empty()
    );
}

#[test]
fn a_port_that_two_open_and_conditions_that_leave_no_architecture_are_refused() {
    let one = "schema = 1\nports = [{ port = 9100, description = \"metrics\" }, { port = 9100, protocol = \"udp\", description = \"others\" }]\n";
    let two = "schema = 1\nports = [{ port = 9100, protocol = \"tcp\", description = \"metrics too\" }]\n";
    let twice =
        "schema = 1\nports = [\n  { port = 80, description = \"a\" },\n  { port = 80, description = \"b\" },\n]\n";
    let none = "schema = 1\narchitectures = [\"arm64\"]\n[params.a]\ndescription = \"A\"\ndefault = true\n[[when]]\nparams = { a = true }\n\
                architectures = [\"amd64\"]\n";
    let files = [
        ("overlays/one/overlay.toml", one),
        ("overlays/two/overlay.toml", two),
        ("overlays/twice/overlay.toml", twice),
        ("overlays/none/overlay.toml", none),
        ("overlays/zero/overlay.toml", "schema = 1\nports = [{ port = 0, description = \"a\" }]\n"),
    ];
    let refused = |overlays: &str| {
        let profile = on("rpi4", overlays, "");
        let files: Vec<(&str, &str)> =
            files.iter().copied().chain([("profiles/node.toml", profile.as_str())]).collect();
        error(&files, "node")
    };
    insta::assert_snapshot!(
        [refused("\"one\", \"two\""), refused("\"twice\""), refused("\"none\""), refused("\"zero\"")].join("\n")
    );
}
