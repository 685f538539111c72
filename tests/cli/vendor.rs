//! NVIDIA's two archives in small: their layout, and names and fields of their packages (docs/gpu-packages.md), signed by throw-away keys.
//! In place of the driver is a kernel module of a few lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use imgbuild::profile::SourceKey;
use imgbuild::tree::Digest;
use sha2::{Digest as _, Sha512};

use crate::debs::{Tar, ar, control_tar, gzip, xz};
use crate::gpg::{DAY, Gpg};
use crate::http::{Answer, Server};

/// A directory of an archive, with its files by path below the archive's root.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A package before it is in an archive.
pub struct Deb {
    control: String,
    file: String,
    bytes: Vec<u8>,
}

impl Deb {
    /// `fields` are further lines of its control file; `scripts` are names and texts of control members.
    pub fn new(id: [&str; 3], fields: &str, scripts: &[(&str, &str)], data: Tar) -> Self {
        let [name, version, arch] = id;
        let control =
            format!("Package: {name}\nVersion: {version}\nArchitecture: {arch}\n{fields}Description: a sample\n");
        let mut members = Tar(control_tar(&control));
        members.0.truncate(members.0.len() - 1024);
        for (script, text) in scripts {
            members = members.file(&format!("./{script}"), text);
        }
        let members = [
            ("debian-binary", &b"2.0\n"[..]),
            ("control.tar.xz", &xz(&members.finish())),
            ("data.tar.xz", &xz(&data.finish())),
        ];
        Self { control, file: format!("{name}_{version}_{arch}.deb"), bytes: ar(&members) }
    }
}

/// The key of an archive.
pub struct Key {
    gpg: Gpg,
    signer: String,
}

impl Key {
    pub fn new() -> Self {
        let gpg = Gpg::new();
        let signer = gpg.new_key("archive", "0");
        Self { gpg, signer }
    }

    pub fn fingerprint(&self) -> String {
        self.gpg.fingerprints("archive").remove(0)
    }

    pub fn certificate(&self) -> Vec<u8> {
        let SourceKey::Certificates(key) = self.gpg.export("archive") else { panic!("no certificates") };
        key
    }

    fn sign(&self, release: &str) -> Vec<u8> {
        self.gpg.clearsign(release, now() - DAY, &self.signer, &[]).into_bytes()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// The stanzas of these packages, and their files.
fn packages(debs: &[Deb]) -> (String, Files) {
    let (mut index, mut files) = (String::new(), Files::new());
    for Deb { control, file, bytes } in debs {
        let (size, digest) = (bytes.len(), Digest::of(bytes));
        let _ = writeln!(index, "{control}Filename: ./{file}\nSize: {size}\nSHA256: {digest}\n");
        files.insert(file.clone(), bytes.clone());
    }
    (index, files)
}

/// The directory of a CUDA archive, as `repo-debian.sh` of NVIDIA/cuda-repo-management writes it: no suite, `x86_64` for an
/// architecture, `Packages` with and without gzip, no `Valid-Until`, and the key as `8793F200.pub`.
pub fn cuda(key: &Key, debs: &[Deb]) -> Files {
    let (index, mut files) = packages(debs);
    let packed = gzip(index.as_bytes());
    let date = jiff::Timestamp::from_second(i64::try_from(now() - 2 * DAY).unwrap()).unwrap();
    let release = format!(
        "Origin: NVIDIA\nLabel: NVIDIA CUDA\nArchitecture: x86_64\nDate: {}\nSHA256:\n {} {:>16} Packages\n {} {:>16} Packages.gz\n\
         Acquire-By-Hash: no\n",
        date.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        Digest::of(index.as_bytes()),
        index.len(),
        Digest::of(&packed),
        packed.len(),
    );
    files.insert("InRelease".to_owned(), key.sign(&release));
    files.insert("Release".to_owned(), release.into_bytes());
    files.insert("Packages".to_owned(), index.into_bytes());
    files.insert("Packages.gz".to_owned(), packed);
    files.insert("8793F200.pub".to_owned(), key.certificate());
    files
}

/// The directory of the container toolkit's archive, as it lies at nvidia.github.io/libnvidia-container/stable/deb/amd64: SHA-512
/// alone, one date for all states.
pub fn toolkit(key: &Key, debs: &[Deb]) -> Files {
    let (index, mut files) = packages(debs);
    let packed = xz(index.as_bytes());
    let sum =
        |bytes: &[u8]| Sha512::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let release = format!(
        "Architectures: amd64\nCodename: stable\nComponents: main\nDate: Fri, 27 Apr 2018 21:29:25 +0000\n\
         Origin: https://nvidia.github.io/libnvidia-container/stable\nVersion: 1.0\nSHA512:\n {} {:>16} Packages\n {} {:>16} Packages.xz\n",
        sum(index.as_bytes()),
        index.len(),
        sum(&packed),
        packed.len(),
    );
    files.insert("InRelease".to_owned(), key.sign(&release));
    files.insert("Packages".to_owned(), index.into_bytes());
    files.insert("Packages.xz".to_owned(), packed);
    files
}

/// The packages of one branch of the driver; `source` is the text of its kernel module.
pub fn driver(version: &str, source: &str) -> Vec<Deb> {
    let upstream = version.rsplit_once('-').unwrap().0;
    let triplet = "./usr/lib/x86_64-linux-gnu";
    let library = |name: &str, soname: &str| {
        let file = format!("{name}.so.{upstream}");
        let tree = Tar::default().dir("./usr/").dir("./usr/lib/").dir(&format!("{triplet}/"));
        tree.file(&format!("{triplet}/{file}"), upstream).symlink(&format!("{triplet}/{soname}"), &file)
    };
    let ldconfig = [("triggers", "activate-noawait ldconfig\n")];
    let same = |names: &[&str]| {
        let each = names.iter().map(|name| format!("{name} (= {version})"));
        each.collect::<Vec<_>>().join(", ")
    };
    let tree = format!("./usr/src/nvidia-{upstream}");
    let source = Tar::default()
        .dir("./usr/")
        .dir("./usr/src/")
        .dir(&format!("{tree}/"))
        .dir(&format!("{tree}/nvidia/"))
        .file(&format!("{tree}/Makefile"), MAKEFILE)
        .file(&format!("{tree}/dkms.conf"), &format!("PACKAGE_NAME=\"nvidia\"\nPACKAGE_VERSION=\"{upstream}\"\n"))
        .file(&format!("{tree}/nvidia/nv.c"), source);
    let firmware = format!("./usr/lib/firmware/nvidia/{upstream}");
    let firmware = Tar::default()
        .dir("./usr/")
        .dir("./usr/lib/")
        .dir("./usr/lib/firmware/")
        .dir("./usr/lib/firmware/nvidia/")
        .dir(&format!("{firmware}/"))
        .file(&format!("{firmware}/gsp_ga10x.bin"), upstream);
    let bin = Tar::default().dir("./usr/").dir("./usr/bin/").file("./usr/bin/nvidia-smi", upstream);
    let cuda = format!("Depends: {}\nProvides: nvidia-smi\n", same(&["libcuda1", "libnvidia-ml1"]));
    let dkms = format!("Depends: dkms (>= 3.1.8), {}, g++\n", same(&["firmware-nvidia-gsp"]));
    vec![
        Deb::new(["libcuda1", version, "amd64"], "Multi-Arch: same\n", &ldconfig, library("libcuda", "libcuda.so.1")),
        Deb::new(["libcuda1", version, "i386"], "Multi-Arch: same\n", &ldconfig, library("libcuda", "libcuda.so.1")),
        Deb::new(["libnvidia-ml1", version, "amd64"], "", &ldconfig, library("libnvidia-ml", "libnvidia-ml.so.1")),
        Deb::new(["nvidia-driver-cuda", version, "amd64"], &cuda, &[], bin),
        Deb::new(["firmware-nvidia-gsp", version, "amd64"], "", &[], firmware),
        Deb::new(["nvidia-kernel-open-dkms", version, "amd64"], &dkms, &[], source),
    ]
}

/// As NVIDIA's: what `make modules` is told of the kernel stands in `SYSSRC` and `SYSOUT`.
const MAKEFILE: &str = "\
obj-m := nvidia.o
nvidia-y := nvidia/nv.o
modules:
\ttest -d $(SYSSRC)
\t$(MAKE) -C $(SYSOUT) M=$(CURDIR) modules
";

/// The packages of one release of the container toolkit; `postinst` is that of its base package.
pub fn container_toolkit(version: &str, postinst: &str) -> Vec<Deb> {
    let bin = |name: &str| Tar::default().dir("./usr/").dir("./usr/bin/").file(&format!("./usr/bin/{name}"), version);
    let unit = |name: &str| format!("./lib/systemd/system/nvidia-cdi-refresh.{name}");
    let base = bin("nvidia-ctk")
        .dir("./lib/")
        .dir("./lib/systemd/")
        .dir("./lib/systemd/system/")
        .file(&unit("path"), "[Path]\nPathChanged=/usr/bin/nvidia-ctk\n[Install]\nWantedBy=multi-user.target\n")
        .file(&unit("service"), "[Service]\nType=oneshot\n[Install]\nWantedBy=multi-user.target\n");
    let tools = format!(
        "Depends: nvidia-container-toolkit-base (= {version}), libnvidia-container-tools (= {version}), \
         libnvidia-container-tools (<< 2.0.0)\nBreaks: nvidia-container-runtime (<= 3.5.0-1), nvidia-container-runtime-hook\n"
    );
    vec![
        Deb::new(["nvidia-container-toolkit-base", version, "amd64"], "", &[("postinst", postinst)], base),
        Deb::new(["nvidia-container-toolkit", version, "amd64"], &tools, &[], bin("nvidia-container-runtime-hook")),
        Deb::new(
            ["libnvidia-container-tools", version, "amd64"],
            &format!("Depends: libnvidia-container1 (>= {})\n", version.rsplit_once('-').unwrap().0),
            &[],
            bin("nvidia-container-cli"),
        ),
        Deb::new(["libnvidia-container1", version, "amd64"], "Multi-Arch: same\n", &[], Tar::default().dir("./usr/")),
    ]
}

/// A server of directories, each below a path of its own.
pub fn serve(directories: &[(&str, &Files)]) -> Server {
    let files: Files = directories
        .iter()
        .flat_map(|(at, files)| files.iter().map(move |(name, bytes)| (format!("{at}/{name}"), bytes.clone())))
        .collect();
    Server::start(move |request| {
        files.get(&request.path).map_or_else(Answer::not_found, |file| Answer::honest(request, file))
    })
}

/// Writes the files of a directory to disk.
pub fn write(dir: &Path, files: &Files) {
    fs::create_dir_all(dir).unwrap();
    for (name, bytes) in files {
        fs::write(dir.join(name), bytes).unwrap();
    }
}
