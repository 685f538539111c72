//! A workspace with a made-up cluster whose server has overlays, and what becomes of their manifests.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use imgbuild::cluster::{self, manifests};
use imgbuild::profile::{self, Origin, Profile, Workspace};
use serde_json::Value;
use tempfile::TempDir;

const CLUSTER: &str = r#"schema = 1
name = "home"
server = "https://192.168.1.10:6443"
ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8vWqK0mD1tQ7yRk5cUe0oM3bLhXz2nGfP4sYdTwA9e you@laptop"]
gateway = "192.168.1.1"
dns = ["192.168.1.1"]

[k3s]
disable = ["servicelb"]

[values]
sealing_certificate = """
certificate in
two lines
"""
registry_certificate = """
another one in
two lines
"""

[[registry]]
host = "registry.home.home.arpa"
auth = { username = "cluster", password = "registry-password" }

OVERLAYS
[node.control]
profile = "server"
address = "192.168.1.10/24"

[node.worker]
profile = "storage"

[[node.worker.disk]]
label = "longhorn-worker"
mount = "/var/lib/longhorn"
"#;

/// What the cluster says of overlays.
const OF_CLUSTER: [(&str, &str); 5] = [
    ("argocd", "repository = \"git@git.example.org:you/cluster.git\"\nhosts = \"git.example.org ssh-ed25519 AAAA\"\n"),
    (
        "forward-auth",
        "client = \"imgbuild\"\nissuer = \"https://id.example.org\"\nemails = \"you@example.org, she@example.org\"\n",
    ),
    ("renovate", "repositories = \"you/cluster, you/images\"\n"),
    ("metallb", "pool = \"192.168.1.200-192.168.1.220, 192.168.1.240/29\"\n"),
    ("postgres", "bucket = \"backups/home\"\nendpoint = \"https://s3.example.org\"\nregion = \"eu\"\n"),
];

/// Values of secrets, none of them real.
pub const SECRETS: [(&str, &str); 21] = [
    ("server-token", "0123456789abcdef0123456789abcdef"),
    ("agent-token", "fedcba9876543210fedcba9876543210"),
    ("identity-seed", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
    ("deploy-key", "deploy key in\ntwo lines\n"),
    ("sealing-key", "sealing key in\ntwo lines\n"),
    ("login-passwords", "you:$2y$05$hash\nshe:$2y$05$another\n"),
    ("login-cookie", "ffeeddccbbaa99887766554433221100"),
    ("login-client", "client of the login"),
    ("registry-accounts", "cluster:$2y$05$third\n"),
    ("registry-password", "password of the registry"),
    ("registry-session", "session of the page"),
    ("registry-key", "registry key in\ntwo lines\n"),
    ("renovate-token", "token of renovate"),
    ("renovate-github", "token of github"),
    ("renovate-logins", "[{\"matchHost\": \"registry.home.home.arpa\", \"password\": \"it's\"}]"),
    ("git-token", "git token\n"),
    ("github-app-key", "app key in\ntwo lines\n"),
    ("grafana-admin", "grafana's password\n"),
    ("portainer-admin", "portainer's password\n"),
    ("s3-access-key-id", "s3 key\n"),
    ("s3-secret-access-key", "s3 secret\n"),
];

pub struct Place(TempDir);

/// A `HelmChart`.
pub struct Chart {
    pub overlay: String,
    pub name: String,
    pub version: String,
    pub values: Value,
    pub object: Value,
}

impl Chart {
    /// The name of the `HelmChart`, which is that of the release too.
    pub fn release(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap()
    }
}

impl Place {
    /// One whose server has these overlays and these settings of theirs.
    pub fn new(overlays: &[&str], settings: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write(
            "profiles/server.toml",
            format!("schema = 1\nextends = \"control\"\noverlays = {overlays:?}\n{settings}"),
        );
        let of_cluster = OF_CLUSTER.iter().filter(|(name, _)| overlays.contains(name));
        let of_cluster: String =
            of_cluster.map(|(name, keys)| format!("[overlay.{name}]\n{keys}\n")).collect::<Vec<_>>().concat();
        place.write("cluster.toml", CLUSTER.replace("OVERLAYS", &of_cluster));
        let secrets: String = SECRETS.map(|(name, value)| format!("{name} = {value:?}\n")).concat();
        place.write("secrets.toml", format!("schema = 1\n\n[secrets]\n{secrets}"));
        fs::set_permissions(place.0.path().join("secrets.toml"), Permissions::from_mode(0o600)).unwrap();
        place
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes something else in a file, which must have it.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.0.path().join(path)).unwrap();
        assert!(text.contains(from), "{path} has no `{from}`");
        self.write(path, text.replace(from, to));
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// What `imgbuild check` says, and its exit code.
    pub fn check(&self) -> (String, Option<i32>) {
        self.run(&["check"])
    }

    /// What the program says, and its exit code.
    pub fn run(&self, args: &[&str]) -> (String, Option<i32>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imgbuild"));
        command.args(args).arg("--cache-dir").arg(self.0.path().join("cache")).current_dir(self.0.path());
        for name in ["WORKSPACE", "CACHE", "MIRROR", "K3S_MIRROR", "K3S_CHANNELS", "AGE_IDENTITY"] {
            command.env_remove(format!("IMGBUILD_{name}"));
        }
        let ran = command.output().unwrap();
        let text = String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap();
        (text.replace(self.0.path().to_str().unwrap(), "WORKSPACE"), ran.status.code())
    }

    fn workspace(&self) -> Workspace {
        Workspace::open(self.0.path()).unwrap()
    }

    pub fn profile(&self, name: &str) -> Profile {
        profile::load(&self.workspace(), name).unwrap()
    }

    /// The manifests of the server, each with the overlay that it is from and its name.
    fn rendered(&self) -> Vec<(String, String, String)> {
        let (cluster, profile) = (cluster::load(&self.workspace()).unwrap().unwrap(), self.profile("server"));
        let secrets = SECRETS.map(|(name, value)| (name.to_owned(), value));
        let context = manifests::Context::default()
            .profile(profile.public())
            .cluster(&cluster)
            .overlays(&cluster.overlays)
            .secrets(secrets);
        let render = |(name, template): (&String, &profile::ManifestTemplate)| {
            let Origin::Overlay(overlay) = &template.origin else { panic!("{name} is from {:?}", template.origin) };
            let home = manifests::uses(template).unwrap().home(template.via);
            let text = manifests::render(template, &context).unwrap().to_string();
            (overlay.clone(), format!("{name} ({home:?})"), text)
        };
        profile.manifests.iter().map(render).collect()
    }

    /// The manifests of each overlay as one text.
    pub fn manifests(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::<String, String>::new();
        for (overlay, name, text) in self.rendered() {
            all.entry(overlay).or_default().extend(["======== ", &name, "\n", &text]);
        }
        all
    }

    /// The objects of all manifests, each with the file that it is in.
    pub fn objects(&self) -> Vec<(String, Value)> {
        let mut objects = Vec::new();
        for (overlay, name, text) in self.rendered() {
            let found = text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap());
            objects.extend(found.map(|object: Value| (format!("{overlay}, {name}"), object)));
        }
        objects
    }

    /// The charts of all overlays.
    pub fn charts(&self) -> Vec<Chart> {
        let mut charts = Vec::new();
        for (overlay, _, text) in self.rendered() {
            for document in text.split("\n---\n") {
                let object: Value = serde_saphyr::from_str(document).unwrap();
                if object["kind"] == "HelmChart" {
                    let word = |key: &str| object["spec"][key].as_str().unwrap().to_owned();
                    let (chart, version) = (word("chart"), word("version"));
                    let name = chart.rsplit('/').next().unwrap().to_owned();
                    let values = serde_saphyr::from_str(&word("valuesContent")).unwrap();
                    charts.push(Chart { overlay: overlay.clone(), name, version, values, object });
                }
            }
        }
        charts
    }
}

/// The objects of a repository that Argo CD reads, each with the file that it is in.
pub fn objects_of(repository: &Path) -> Vec<(String, Value)> {
    let mut objects = Vec::new();
    for (path, text) in files(repository) {
        let of_argo = path.starts_with("apps/") || path.starts_with("modules/");
        if of_argo && Path::new(&path).extension().is_some_and(|end| end == "yaml") {
            let found = text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap());
            objects.extend(found.map(|object: Value| (path.clone(), object)));
        }
    }
    objects
}

/// The files below a folder, by path.
pub fn files(folder: &Path) -> BTreeMap<String, String> {
    fn add(dir: &Path, top: &Path, all: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, top, all);
            } else {
                let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
                all.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    add(folder, folder, &mut all);
    all
}
