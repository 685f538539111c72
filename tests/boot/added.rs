//! A node with what owners add first: packages whose scripts nobody reviewed work on it, and dpkg finds them whole.

use imgbuild::profile::Arch;

use crate::console::Console;
use crate::draw::is_turn;
use crate::stick::{self, Image};

/// Packages that are named in a profile and nothing else.
const PACKAGES: &str = "packages = [\"vim\", \"git\", \"smartmontools\", \"nvme-cli\", \"prometheus-node-exporter\", \
                        \"avahi-daemon\", \"nginx\", \"rsyslog\", \"mdadm\", \"lvm2\", \"python3\", \"postgresql\"]\n";

const ROOM: &str = "\n[image]\nroot = \"1G\"\n";

fn image() -> Image {
    Image::build_with("boot-added", Some("uefi-amd64"), &[], |workspace| {
        stick::edit(workspace, "profiles/boot-added.toml", |text| {
            text.replacen("serial = true\n", &format!("serial = true\n{PACKAGES}"), 1) + ROOM
        });
    })
}

#[test]
fn packages_that_an_owner_adds_work_on_a_node_and_dpkg_finds_them_whole() {
    if !is_turn("packages_that_an_owner_adds_work_on_a_node_and_dpkg_finds_them_whole", 1, 4) {
        return;
    }
    let image = image();
    let mut node = Console::boot(Arch::Amd64, &[image.stick("added")]);
    node.wait_for_shell();
    assert_eq!(node.run("systemctl is-system-running --wait"), "running", "{}", node.run("systemctl --failed"));

    for unit in ["avahi-daemon", "nginx", "rsyslog", "prometheus-node-exporter", "postgresql"] {
        assert_eq!(node.run(&format!("systemctl is-active {unit}")), "active", "{unit}");
    }
    // smartd's unit does not start on a virtual machine, by its own condition; the drive database is there.
    assert_eq!(node.run("systemctl show --property ConditionResult --value smartmontools"), "no");
    assert_eq!(node.run("test -s /var/lib/smartmontools/drivedb/drivedb.h && echo there"), "there");

    // What listens answers. The tests' K3s is none that would.
    let get = |path: &str, port: u16| {
        format!("python3 -c 'import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:{port}{path}\").status)'")
    };
    assert_eq!(node.run(&get("/", 80)), "200");
    assert_eq!(node.run(&get("/metrics", 9100)), "200");
    let wait = "for i in $(seq 300); do runuser -u postgres -- pg_isready -q && break; sleep 1; done";
    assert_eq!(node.run(&format!("{wait}; runuser -u postgres -- psql -Atc 'select 1 + 1'")), "2");

    // What each node has of its own was made here.
    assert_eq!(
        node.run("test -s /etc/nvme/hostid && cut -d: -f3 /etc/nvme/hostnqn | cmp - /etc/nvme/hostid && echo one"),
        "one"
    );
    assert_eq!(
        node.run("openssl x509 -noout -in /etc/ssl/certs/ssl-cert-snakeoil.pem && echo a certificate"),
        "a certificate"
    );

    assert_eq!(node.run("readlink -f /usr/bin/vi"), "/usr/bin/vim.basic");
    assert!(node.run("git --version").starts_with("git version"));
    assert_eq!(node.run("mdadm --version >/dev/null 2>&1 && lvm version >/dev/null 2>&1 && echo run"), "run");

    assert_eq!(node.run("dpkg --audit"), "");
    // Of what packages ship nothing is changed but the file of this test's own overlay and the image's name, and nothing of the added ones is missing but what
    // the profile leaves out of every image (documentation, manual pages, translations).
    assert_eq!(
        node.run("dpkg -V | grep -v '^missing'"),
        "??5?????? c /etc/login.defs\n??5??????   /usr/lib/os-release"
    );
    // Every second part stands between quotes, the first of them after `packages = [`.
    let names = PACKAGES.split('"').skip(1).step_by(2).collect::<Vec<_>>().join(" ");
    assert_eq!(node.run(&format!("dpkg -V {names} | grep -v -e /usr/share/ -e login.defs")), "");
    node.power_off();
}
