//! A small Debian archive on the loopback interface, signed by a key of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::SystemTime;

use imgbuild::profile::SourceKey;
use imgbuild::tree::Digest;

use crate::debs::{Tar, ar, control_tar};
use crate::gpg::{DAY, Gpg};
use crate::http::{Answer, Request, Server};

pub const INRELEASE: &str = "/debian/dists/test/InRelease";
pub const INDEX: &str = "/debian/dists/test/main/binary-amd64/Packages";

/// An archive before it goes online: whoever makes it decides what is wrong with it.
pub struct Archive {
    pub gpg: Gpg,
    signer: String,
    /// Control data and bytes of packages by name.
    debs: BTreeMap<String, (String, Vec<u8>)>,
    /// Date of its Release file; ten days ago if none is given.
    pub date: Option<u64>,
    /// Seconds that its Release file is valid from now on.
    pub validity: i64,
    /// Changes the index before it is signed.
    pub index: fn(String) -> String,
    /// Whether all lies in one directory, as NVIDIA's archives do.
    pub flat: bool,
}

/// An archive as a server gives it.
pub struct Online {
    server: Server,
    /// The certificates that it is signed by.
    pub key: Vec<u8>,
    flat: bool,
}

impl Archive {
    /// With the packages that every image needs, all but empty, and `parcel` with one file.
    pub fn new() -> Self {
        let gpg = Gpg::new();
        let signer = gpg.new_key("archive", "0");
        let none = Archive {
            gpg,
            signer,
            debs: BTreeMap::new(),
            date: None,
            validity: 86400,
            index: |index| index,
            flat: false,
        };
        let accounts = Tar::default()
            .file("./usr/share/base-passwd/passwd.master", "root:*:0:0:root:/root:/bin/bash\n")
            .file("./usr/share/base-passwd/group.master", "root:*:0:\n");
        none.with("base-passwd", &[], accounts)
            .with("linux-image-amd64", &[], Tar::default())
            .with("systemd-boot-efi", &[], Tar::default())
            .with("parcel", &[], Tar::default().dir("./").dir("./usr/").file("./usr/parcel", "p"))
    }

    /// With another package; `scripts` are names and texts of control members.
    pub fn with(self, name: &str, scripts: &[(&str, &str)], data: Tar) -> Self {
        self.with_version(name, "1.0-1", scripts, data)
    }

    /// With another package of this version.
    pub fn with_version(self, name: &str, version: &str, scripts: &[(&str, &str)], data: Tar) -> Self {
        self.with_control(name, &control(name, version), scripts, data)
    }

    /// With another package that has `fields`, whole lines, such as `Depends: parcel`.
    pub fn with_fields(self, name: &str, fields: &str, data: Tar) -> Self {
        self.with_control(name, &format!("{}{fields}\n", control(name, "1.0-1")), &[], data)
    }

    fn with_control(mut self, name: &str, text: &str, scripts: &[(&str, &str)], data: Tar) -> Self {
        let mut control = Tar(control_tar(text));
        control.0.truncate(control.0.len() - 1024);
        for (script, text) in scripts {
            control = control.file(&format!("./{script}"), text);
        }
        let deb = ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control.finish()), ("data.tar", &data.finish())]);
        self.debs.insert(name.to_owned(), (text.to_owned(), deb));
        self
    }

    /// All files of the archive by path, signed now.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut index = String::new();
        for (name, (control, deb)) in &self.debs {
            let digest = Digest::of(deb);
            let (filename, path) = if self.flat {
                (format!("./{name}.deb"), format!("/debian/{name}.deb"))
            } else {
                (format!("pool/{name}.deb"), pool(name))
            };
            let _ = writeln!(index, "{control}Filename: {filename}\nSize: {}\nSHA256: {digest}\n", deb.len());
            files.insert(path, deb.clone());
        }
        let index = (self.index)(index);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let until = now.checked_add_signed(self.validity).unwrap();
        if self.flat {
            // Without a suite, and with an index of all architectures.
            let release = format!(
                "Origin: vendor\nDate: {}\nSHA256:\n {} {} ./Packages\n",
                date(self.date.unwrap_or(now - 10 * DAY)),
                Digest::of(index.as_bytes()),
                index.len(),
            );
            let signed = self.gpg.clearsign(&release, now - DAY, &self.signer, &[]);
            files.insert("/debian/InRelease".to_owned(), signed.into_bytes());
            files.insert("/debian/Packages".to_owned(), index.into_bytes());
            return files;
        }
        let release = format!(
            "Suite: test\nDate: {}\nValid-Until: {}\nArchitectures: all amd64 arm64\nSHA256:\n \
             {digest} {size} main/binary-amd64/Packages\n {digest} {size} main/binary-arm64/Packages\n",
            date(self.date.unwrap_or(now - 10 * DAY)),
            date(until),
            digest = Digest::of(index.as_bytes()),
            size = index.len(),
        );
        files.insert(INDEX.replace("amd64", "arm64"), index.clone().into_bytes());
        files.insert(INRELEASE.to_owned(), self.gpg.clearsign(&release, now - DAY, &self.signer, &[]).into_bytes());
        files.insert(INDEX.to_owned(), index.into_bytes());
        files
    }

    /// Serves the archive.
    pub fn online(&self) -> Online {
        self.serve(self.files(), Answer::honest)
    }

    /// Serves `files`, each as `answer` says.
    pub fn serve(
        &self,
        files: BTreeMap<String, Vec<u8>>,
        answer: impl Fn(&Request, &[u8]) -> Answer + Send + Sync + 'static,
    ) -> Online {
        let SourceKey::Certificates(key) = self.gpg.export("archive") else { panic!("no certificates") };
        let server = Server::start(move |request| {
            files.get(&request.path).map_or_else(Answer::not_found, |file| answer(request, file))
        });
        Online { server, key, flat: self.flat }
    }
}

impl Online {
    /// The `[[source]]` called `name` that is this archive; `key` is the file of the workspace that [`Self::key`] lies in.
    pub fn table(&self, name: &str, key: &str) -> String {
        let suite = if self.flat { "suite = \"/\"" } else { "suite = \"test\"\ncomponents = [\"main\"]" };
        let archive = self.url();
        format!("[[source]]\nname = \"{name}\"\narchive = \"{archive}\"\n{suite}\nkey = \"{key}\"\n")
    }

    /// Where the archive lies.
    pub fn url(&self) -> String {
        self.server.url("/debian")
    }

    /// What was asked for, in the order it came.
    pub fn paths(&self) -> Vec<String> {
        self.server.requests().into_iter().map(|request| request.path).collect()
    }
}

/// Where a package lies on the server.
pub fn pool(name: &str) -> String {
    format!("/debian/pool/{name}.deb")
}

fn control(name: &str, version: &str) -> String {
    format!("Package: {name}\nVersion: {version}\nArchitecture: all\nPriority: optional\nDescription: a sample\n")
}

fn date(seconds: u64) -> String {
    let time = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap();
    time.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()
}
