//! A node with NVIDIA's driver of Debian's archive, on a machine without a card: the modules fit the running kernel, programs and
//! libraries find each other, and nothing fails.

use imgbuild::profile::Arch;

use crate::console::Console;
use crate::draw::is_turn;
use crate::stick::{self, Image};

/// Stands where NVIDIA's container toolkit, which Debian does not have, puts its runtime.
const RUNTIME: &str = "#!/bin/sh\necho a container runtime\n";

/// What the profile `gpu` says beside the overlay's name, for a profile of its own.
const KEYS: &str = "serial = true\ndrop = [\"-/usr/lib/modules/*/kernel/drivers/gpu\"]\n";
const TABLES: &str = "\n[image]\nroot = \"1G\"\n\n[overlay.nvidia]\nsource = \"debian\"\ncuda = \"12\"\n";

fn image() -> Image {
    Image::build_with("boot-gpu", Some("uefi-amd64"), &["nvidia", "runtime"], |workspace| {
        stick::edit(workspace, "profiles/boot-gpu.toml", |text| text.replacen("serial = true\n", KEYS, 1) + TABLES);
        stick::write(workspace, "overlays/runtime/files/usr/bin/nvidia-container-runtime", RUNTIME);
        let overlay = "schema = 1\n[[file]]\npath = \"/usr/bin/nvidia-container-runtime\"\nmode = \"0755\"\n";
        stick::write(workspace, "overlays/runtime/overlay.toml", overlay);
    })
}

#[test]
fn a_node_with_nvidias_driver_and_no_card_is_whole_and_says_that_there_is_no_card() {
    if !is_turn("a_node_with_nvidias_driver_and_no_card_is_whole_and_says_that_there_is_no_card", 0, 4) {
        return;
    }
    let image = image();
    let mut node = Console::boot(Arch::Amd64, &[image.stick("gpu")]);
    node.wait_for_shell();
    assert_eq!(node.run("systemctl is-system-running --wait"), "running", "{}", node.run("systemctl --failed"));

    // The kernel takes both modules, and the driver finds no card. For a module of another kernel it would be "Invalid module
    // format", for a missing symbol "Unknown symbol".
    let said = node.run("modprobe nvidia 2>&1");
    assert!(said.ends_with("could not insert 'nvidia': No such device"), "{said}");
    assert!(node.run("dmesg").contains("NVRM: No NVIDIA GPU found."));
    let kernel = node.run("uname -r");
    for module in ["nvidia", "nvidia-uvm"] {
        let file = format!("/lib/modules/{kernel}/updates/nvidia/{module}.ko");
        assert_eq!(node.run(&format!("modinfo -n {module}")), file);
        assert_eq!(node.run(&format!("modinfo -F vermagic {module}")).split(' ').next(), Some(&*kernel));
    }
    assert_eq!(node.run("modinfo -n nouveau 2>&1 | grep -c 'not found'"), "1");
    assert_eq!(node.run("modprobe --showconfig | grep -cx 'blacklist nouveau'"), "1");
    assert_eq!(node.run("cat /proc/modules | grep -c -e nouveau -e nvidia"), "0");

    // The driver's programs are there, of one version with the modules, and find their libraries.
    let said = node.run("nvidia-smi 2>&1");
    assert!(said.contains("couldn't communicate with the NVIDIA driver"), "{said}");
    let version = node.run("modinfo -F version nvidia");
    assert_eq!(node.run("ls /lib/firmware/nvidia"), version);
    assert_eq!(node.run("readlink -f /usr/lib/x86_64-linux-gnu/libcuda.so.1 | sed 's/.*libcuda.so.//'"), version);
    assert_eq!(node.run("ldd $(command -v nvidia-smi) | grep -c 'not found'"), "0");
    // The cache of libraries is what the real ldconfig makes of this image.
    let listed = "ldconfig -p | tail -n +2 | sort > /run/ours; ldconfig -C /run/cache; \
                  ldconfig -p -C /run/cache | tail -n +2 | sort > /run/theirs; diff /run/ours /run/theirs && echo same";
    assert_eq!(node.run(listed), "same");
    assert_eq!(node.run("grep -c 'libcuda.so.1 ' /run/theirs"), "1");

    // What containers are given is there, but for the card's device nodes.
    let missing = "grep -o '\"hostPath\": \"[^\"]*\"' /etc/cdi/nvidia.json | cut -d '\"' -f 4 | \
                   while read -r path; do test -e \"$path\" || echo \"$path\"; done";
    assert_eq!(node.run(missing), "");
    assert_eq!(node.run("grep -c hostPath /etc/cdi/nvidia.json | grep -cx 0"), "0");
    // K3s looks for the runtime on its own PATH, which its unit does not set: that of every service (systemd.exec(5)).
    let found = "systemd-run --quiet --pipe --wait sh -c 'command -v nvidia-container-runtime'";
    assert_eq!(node.run(found), "/usr/bin/nvidia-container-runtime");

    // Units that need a card are passed over, in order before K3s.
    for unit in ["nvidia-devices", "nvidia-persistenced"] {
        assert_eq!(node.run(&format!("systemctl is-enabled {unit}")), "enabled");
        assert_eq!(node.run(&format!("systemctl show --property Result --value {unit}")), "exec-condition");
    }
    let before = node.run("systemctl show --property Before --value nvidia-devices");
    assert!(before.split(' ').any(|unit| unit == "k3s-agent.service"), "{before}");
    node.power_off();
}
