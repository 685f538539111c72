//! A node with what owners add first: packages whose scripts nobody reviewed work on it, and dpkg finds them whole.

use imgbuild::profile::Arch;

use crate::console::Console;
use crate::stick::{self, Image};

/// Packages that are named in a profile and nothing else.
const PACKAGES: &str = "packages = [\"vim\", \"git\", \"smartmontools\", \"nvme-cli\", \"prometheus-node-exporter\", \
                        \"avahi-daemon\", \"nginx\", \"rsyslog\", \"mdadm\", \"lvm2\", \"python3\", \"postgresql\"]\n";

/// Packages whose scripts make keys, cookies and databases, which an image must not have.
const OWN: &str = "packages = [\"nsd\", \"mariadb-server\", \"rabbitmq-server\", \"coturn\", \"dropbear\"]\n";

const ROOM: &str = "\n[image]\nroot = \"1G\"\n";

fn image(profile: &'static str, packages: &str) -> Image {
    Image::build_with(profile, Some("uefi-amd64"), &[], |workspace| {
        stick::edit(workspace, &format!("profiles/{profile}.toml"), |text| {
            text.replacen("serial = true\n", &format!("serial = true\n{packages}"), 1) + ROOM
        });
    })
}

#[test]
fn packages_that_an_owner_adds_work_on_a_node_and_dpkg_finds_them_whole() {
    let image = image("boot-added", PACKAGES);
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

#[test]
fn what_daemons_have_of_their_own_is_made_on_the_node() {
    let image = image("boot-own", OWN);
    let mut node = Console::boot(Arch::Amd64, &[image.stick("own")]);
    node.wait_for_shell();
    let wait = "timeout 600 sh -c 'until systemctl is-active --quiet $0; do sleep 1; done'; systemctl is-active";
    for unit in ["nsd", "mariadb", "rabbitmq-server", "coturn"] {
        assert_eq!(node.run(&format!("{} {unit}", wait.replace("$0", unit))), "active", "{unit}");
    }
    assert_eq!(node.run("nsd-control status | head -n 1 | cut -d: -f1"), "version");
    assert_eq!(node.run("mariadb -Ne 'select 1 + 1'"), "2");
    assert_eq!(node.run("stat -c '%U %a' /var/lib/rabbitmq/.erlang.cookie"), "rabbitmq 400");
    assert_eq!(node.run("sqlite3 /var/lib/turn/turndb .tables | grep -c turnusers_lt"), "1");
    // OpenSSH listens on the port already.
    let keys = "for kind in rsa ecdsa ed25519; do dropbearkey -y -f /etc/dropbear/dropbear_${kind}_host_key; done";
    assert_eq!(node.run(&format!("{keys} | grep -c '^Fingerprint'")), "3");
    assert_eq!(node.run("systemctl --failed --no-legend | cut -d' ' -f2 | grep -v dropbear"), "");
    node.power_off();
}
