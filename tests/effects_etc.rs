//! The effects `pam`, `ca` and `nsswitch` against the programs and scripts of trixie's own packages.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "debian/apt.rs"]
#[expect(dead_code, reason = "the tests of `debian` use the rest")]
mod apt;
mod host_tree;
#[path = "support/profile.rs"]
mod profile;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use imgbuild::debian::{Package, deb};
use imgbuild::effects::ca::ca;
use imgbuild::effects::declared::Declared;
use imgbuild::effects::nsswitch::nsswitch;
use imgbuild::effects::pam::pam;
use imgbuild::effects::{Context, EffectError, Requests};
use imgbuild::lock::IdMap;
use imgbuild::tree::{Digest, Kind, Tree};
use tempfile::TempDir;

/// Real packages below a directory.
struct Root {
    dir: TempDir,
    packages: Vec<Package>,
}

impl Root {
    fn new(packages: &[&str]) -> Self {
        let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let debs = apt::Apt::amd64().download(packages);
        for deb in &debs {
            run(Command::new("dpkg-deb").arg("--extract").arg(deb).arg(dir.path()));
        }
        let packs = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let open = |path: &PathBuf| deb::open(path, Digest::of(&fs::read(path).unwrap()), packs.path()).unwrap();
        Self { packages: debs.iter().map(open).collect(), dir }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn tree(&self) -> Tree {
        host_tree::read(self.dir.path())
    }

    /// The tree after `effect`.
    fn after(&self, effect: fn(&mut Tree, &Context<'_>) -> Result<(), EffectError>) -> Result<Tree, EffectError> {
        let (profile, ids) = (profile::profile("board = \"uefi-amd64\"\n"), IdMap::default());
        let mut tree = self.tree();
        effect(
            &mut tree,
            &Context {
                profile: &profile,
                packages: &self.packages,
                ids: &ids,
                declared: Declared::none(),
                requests: Requests::none(),
                epoch: 0,
            },
        )?;
        Ok(tree)
    }
}

fn run(command: &mut Command) {
    let output = command.env("LC_ALL", "C").output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The files below `dirs` as text, links as `-> target`.
fn texts(tree: &Tree, dirs: &[&str]) -> BTreeMap<String, String> {
    let nodes = dirs.iter().flat_map(|dir| tree.below(dir)).filter(|(_, node)| !node.is_dir());
    let text = |path: &str, kind: &Kind| match kind {
        Kind::Symlink(target) => format!("-> {target}"),
        _ => tree.file(path).unwrap().text().unwrap(),
    };
    nodes.map(|(path, node)| (path.to_owned(), text(path, &node.kind))).collect()
}

/// Runs the package's own `pam-auth-update`, with stand-ins for debconf, which would only give the default answers,
/// and with its templates taken from `root` too.
fn pam_auth_update(root: &Root) {
    root.write("stub/Debconf/Client/ConfModule.pm", DEBCONF);
    let program = fs::read_to_string(root.path("usr/sbin/pam-auth-update")).unwrap();
    let templates = format!("'{}/usr/share/pam/common-'", root.dir.path().display());
    root.write("stub/pam-auth-update", &program.replace("'/usr/share/pam/common-'", &templates));
    for dir in ["etc/pam.d", "var/lib/pam"] {
        fs::create_dir_all(root.path(dir)).unwrap();
    }
    let mut command = Command::new("perl");
    command.arg("-I").arg(root.path("stub")).arg(root.path("stub/pam-auth-update"));
    run(command.arg("--root").arg(root.dir.path()).args(["--package", "--force"]));
}

const DEBCONF: &str = r"package Debconf::Client::ConfModule;
use base 'Exporter';
our @EXPORT_OK = qw(version capb get set fset subst input go settitle x_loadtemplatefile);
our %EXPORT_TAGS = (all => [@EXPORT_OK]);
my %values;
sub get { $values{$_[0]} // '' }
sub set { $values{$_[0]} = $_[1] }
sub version {} sub capb {} sub fset {} sub subst {} sub input {} sub go {} sub settitle {} sub x_loadtemplatefile {}
1;
";

fn compare_pam(root: &Root) {
    let ours = root.after(|tree, _| pam(tree)).unwrap();
    pam_auth_update(root);
    let dirs = ["etc/pam.d", "var/lib/pam"];
    assert_eq!(texts(&ours, &dirs), texts(&root.tree(), &dirs));
}

#[test]
fn pam_files_of_a_small_node_equal_those_of_pam_auth_update() {
    compare_pam(&Root::new(&["libpam-runtime", "libpam-modules"]));
}

#[test]
fn pam_files_with_many_modules_equal_those_of_pam_auth_update() {
    compare_pam(&Root::new(&[
        "libpam-runtime",
        "libpam-cap",
        "libpam-fscrypt",
        "libpam-krb5",
        "libpam-ldapd",
        "libpam-mount",
        "libpam-pwquality",
        "libpam-sss",
        "libpam-systemd",
        "libpam-tmpdir",
        "libpam-winbind",
    ]));
}

#[test]
fn pam_files_without_a_primary_module_and_with_a_conflict_equal_those_of_pam_auth_update() {
    let root = Root::new(&["libpam-runtime"]);
    let module = |name: &str, more: &str| {
        let text = format!(
            "Name: {name}\nDefault: yes\n{more}\nAuth-Type: Additional\nAuth:\n\t[success=end default=ignore]\tpam_{name}.so a  b\n\
             \toptional pam_{name}2.so\nSession-Type: Additional\nSession-Interactive-Only: yes\nSession:\n\toptional pam_{name}.so\n"
        );
        root.write(&format!("usr/share/pam-configs/{name}"), &text);
    };
    fs::remove_file(root.path("usr/share/pam-configs/unix")).unwrap();
    module("one", "Priority: 10\nConflicts: two, three");
    module("two", "Priority: 900");
    module("four", "Priority: 10");
    compare_pam(&root);
}

/// Runs the package's own `update-ca-certificates`, whose links then lead through `root`.
fn update_ca_certificates(root: &Root, conf: &str) -> Tree {
    root.write("etc/ca-certificates.conf", conf);
    fs::create_dir_all(root.path("etc/ssl/certs")).unwrap();
    let program = root.path("usr/sbin/update-ca-certificates");
    run(Command::new("sh")
        .arg("-e")
        .arg(program)
        .arg("--sysroot")
        .arg(root.dir.path())
        .args(["--hooksdir", "/nonexistent"]));
    let mut tree = root.tree();
    let prefix = format!("{}/", root.dir.path().display());
    let links: Vec<(String, String)> = tree
        .below("etc/ssl/certs")
        .filter_map(|(path, node)| if let Kind::Symlink(target) = &node.kind { Some((path, target)) } else { None })
        .filter_map(|(path, target)| Some((path.to_owned(), target.strip_prefix(&prefix)?.to_owned())))
        .collect();
    for (path, target) in links {
        tree.get_mut(&path).unwrap().kind = Kind::Symlink(target);
    }
    tree
}

fn compare_ca(root: &Root) {
    let ours = root.after(ca).unwrap();
    let conf = ours.file("etc/ca-certificates.conf").unwrap().text().unwrap();
    let theirs = update_ca_certificates(root, &conf);
    assert_eq!(texts(&ours, &["etc/ssl/certs"]), texts(&theirs, &["etc/ssl/certs"]));
}

fn certificate(root: &Root, name: &str, subject: &str) {
    let path = root.path(&format!("usr/local/share/ca-certificates/{name}.crt"));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8"]);
    run(command.args(["-multivalue-rdn", "-keyout", "/dev/null", "-subj", subject, "-out"]).arg(path));
}

#[test]
fn shipped_certificates_are_linked_and_bundled_as_by_update_ca_certificates() {
    let root = Root::new(&["ca-certificates"]);
    compare_ca(&root);
    assert!(root.tree().below("etc/ssl/certs").count() > 200);
}

#[test]
fn local_certificates_with_odd_names_and_equal_subjects_are_treated_as_by_update_ca_certificates() {
    let root = Root::new(&["ca-certificates"]);
    certificate(&root, "home lab (old), 1", "/O=Home Lab/CN=Root");
    certificate(&root, "deep/er", "/O=  HOME   lab /CN=root");
    certificate(&root, "umlaut", "/C=DE/O=Bäckerei  GROẞ/CN=x+OU=b");
    let from = root.path("usr/local/share/ca-certificates/umlaut.crt");
    fs::copy(from, root.path("usr/local/share/ca-certificates/again.crt")).unwrap();
    compare_ca(&root);
}

#[test]
fn a_list_of_the_profile_decides_which_certificates_are_trusted() {
    let root = Root::new(&["ca-certificates"]);
    let conf =
        "# ours\n\nmozilla/ISRG_Root_X2.crt\n!mozilla/ISRG_Root_X1.crt\nmozilla/gone.crt\nmozilla/GTS_Root_R1.crt\n";
    root.write("etc/ca-certificates.conf", conf);
    compare_ca(&root);
    let links: Vec<String> = texts(&root.tree(), &["etc/ssl/certs"]).into_keys().collect();
    assert_eq!(links.len(), 5, "{links:?}");
}

#[test]
fn two_certificates_in_one_file_are_refused() {
    let root = Root::new(&["ca-certificates"]);
    certificate(&root, "two", "/CN=two");
    let path = "usr/local/share/ca-certificates/two.crt";
    let text = fs::read_to_string(root.path(path)).unwrap();
    root.write(path, &text.repeat(2));
    let error = root.after(ca).unwrap_err();
    assert!(error.to_string().contains(path), "{error}");
    assert!(error.hint().is_some());
}

/// Runs a package's maintainer script with its files below `root`.
fn script(root: &Path, package: &Package, name: &str, argument: &str) {
    let path = root.join(name);
    fs::write(&path, &package.control[name]).unwrap();
    run(Command::new("sh")
        .arg(path)
        .arg(argument)
        .env("DPKG_ROOT", root)
        .env("DPKG_MAINTSCRIPT_PACKAGE", &package.name));
}

fn compare_nsswitch(modules: &[&str]) -> String {
    let root = Root::new(&[&["libc-bin"], modules].concat());
    fs::copy(root.path("usr/share/libc-bin/nsswitch.conf"), root.path("etc/nsswitch.conf")).unwrap();
    let ours = root.after(nsswitch).unwrap();
    for package in root.packages.iter().filter(|package| modules.contains(&package.name.as_str())) {
        script(root.dir.path(), package, "preinst", "install");
        script(root.dir.path(), package, "postinst", "configure");
    }
    let text = |tree: &Tree| tree.file("etc/nsswitch.conf").unwrap().text().unwrap();
    assert_eq!(text(&ours), text(&root.tree()), "{modules:?}");
    text(&ours)
}

#[test]
fn name_service_modules_are_added_as_by_the_packages_scripts() {
    let text = compare_nsswitch(&["libnss-myhostname", "libnss-mymachines", "libnss-resolve", "libnss-systemd"]);
    assert!(text.contains("files myhostname mymachines resolve [!UNAVAIL=return] dns\n"), "{text}");
    assert!(text.contains("gshadow:        files systemd\n"), "{text}");
    // Dpkg may configure them in any order.
    assert_eq!(text, compare_nsswitch(&["libnss-systemd", "libnss-resolve", "libnss-mymachines", "libnss-myhostname"]));
    compare_nsswitch(&["libnss-mdns", "libnss-resolve"]);
}

#[test]
fn without_name_service_modules_the_template_stays() {
    compare_nsswitch(&[]);
}
