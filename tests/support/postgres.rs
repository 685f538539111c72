//! A real `PostgreSQL` that takes nothing but TLS and passwords, with a certificate authority of its own.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::ok;

/// The account that Debian's packages make; `PostgreSQL` does not run as root.
const ACCOUNT: &str = "postgres";

/// Names on the server's certificate: this machine, this machine as QEMU's user network shows it, and a DNS name.
const NAMES: &str = "subjectAltName=DNS:localhost,DNS:datastore.test,IP:127.0.0.1,IP:10.0.2.2";

/// A running database server on the loopback interface; it stops when dropped.
pub struct Postgres {
    dir: TempDir,
    pub port: u16,
}

impl Postgres {
    /// A new server with an empty database `k3s` of the role `k3s`.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// As [`Postgres::start`], after the superuser's further commands, a line each.
    pub fn start_with(commands: &str) -> Self {
        // Another process may take the port between here and the server's start; nothing but the port itself tells.
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address").port();
        let server = Self { dir: tempfile::tempdir().expect("a temporary directory"), port };
        server.make_certificates();
        if is_root() {
            let id = |flag| ok(Path::new("/"), "id", &[flag, ACCOUNT]).trim().parse().expect("a number");
            let owner = (Some(id("-u")), Some(id("-g")));
            chown(server.dir.path(), owner.0, owner.1).expect("an owner");
            for file in fs::read_dir(server.dir.path()).expect("certificates") {
                chown(file.expect("an entry").path(), owner.0, owner.1).expect("an owner");
            }
        }
        server.run("initdb", &["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "data"], "");
        server.configure();
        // Before the first start there is no door that needs a key.
        let accounts =
            format!("CREATE ROLE k3s LOGIN PASSWORD '{}';\nCREATE DATABASE k3s OWNER k3s;\n{commands}", Self::PASSWORD);
        server.run("postgres", &["--single", "-D", "data", "postgres"], &accounts);
        server.resume();
        server
    }

    /// The password of the role `k3s`.
    pub const PASSWORD: &str = "correct-horse";

    /// Starts the server again after [`Postgres::stop`].
    pub fn resume(&self) {
        self.run("pg_ctl", &["--pgdata=data", "--wait", "--log=log", "--silent", "start"], "");
    }

    /// Stops the server as a crash would.
    pub fn stop(&self) {
        self.run("pg_ctl", &["--pgdata=data", "--wait", "--mode=immediate", "--silent", "stop"], "");
    }

    /// The certificate authority that signed the server's certificate.
    pub fn ca(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// K3s's `datastore-endpoint`, with the server under the name `host`.
    pub fn url(&self, host: &str) -> String {
        format!("postgres://k3s:{}@{host}:{}/k3s", Self::PASSWORD, self.port)
    }

    /// Asks the database; rows are lines, columns are separated by `|`.
    pub fn sql(&self, query: &str) -> String {
        let url = format!("{}?sslmode=verify-full&sslrootcert={}", self.url("localhost"), self.ca().display());
        let psql = tool("psql");
        ok(self.dir.path(), &psql, &["--no-psqlrc", "--tuples-only", "--no-align", "--command", query, &url])
            .trim_end()
            .to_owned()
    }

    /// A file of the server's directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn make_certificates(&self) {
        let openssl = |args: &[&str]| {
            let key =
                ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"];
            ok(self.dir.path(), "openssl", &[&key[..], args].concat());
        };
        openssl(&[
            "-subj",
            "/CN=test datastore CA",
            "-addext",
            "keyUsage=critical,keyCertSign",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ]);
        let leaf = ["-addext", NAMES, "-addext", "basicConstraints=critical,CA:FALSE"];
        let files = ["-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "server.key", "-out", "server.pem"];
        openssl(&[&["-subj", "/CN=datastore.test"][..], &leaf, &files].concat());
        fs::set_permissions(self.path("server.key"), Permissions::from_mode(0o600)).expect("a mode");
    }

    fn configure(&self) {
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\nfsync = off\nshared_buffers = 16MB\n\
             ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
            self.port,
            self.path("server.pem").display(),
            self.path("server.key").display()
        );
        fs::write(self.path("data/postgresql.auto.conf"), settings).expect("a writable file");
        fs::write(self.path("data/pg_hba.conf"), "hostssl all all all scram-sha-256\n").expect("a writable file");
    }

    /// Runs a program of the server's with some input, as the account that it may run as.
    fn run(&self, program: &str, args: &[&str], input: &str) {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups"]).arg(tool(program));
            command
        } else {
            Command::new(tool(program))
        };
        // A server that pg_ctl leaves behind must not hold the ends of pipes that are waited for: output goes to a file.
        let output = tempfile::tempfile().expect("a temporary file");
        command.args(args).current_dir(self.dir.path()).env("LC_ALL", "C").stdin(Stdio::piped());
        command.stdout(output.try_clone().expect("a file")).stderr(output.try_clone().expect("a file"));
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("cannot run {program}, which this test needs: {error}"));
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("a program that reads its input");
        assert!(child.wait().expect("a child").success(), "{program} {args:?} failed: {}", read(output));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.path("data/postmaster.pid").exists() {
            self.stop();
        }
    }
}

fn read(mut file: fs::File) -> String {
    use std::io::{Read as _, Seek as _};
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).expect("a readable file");
    text
}

fn is_root() -> bool {
    fs::metadata("/proc/self").expect("this process").uid() == 0
}

/// A program of the newest `PostgreSQL` that is installed; Debian keeps them off the path, by version.
fn tool(program: &str) -> String {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL, which this test needs");
    let newest =
        versions.map(|entry| entry.expect("an entry").path().join("bin").join(program)).filter(|path| path.exists());
    let version = |path: &PathBuf| path.components().nth(4)?.as_os_str().to_str()?.parse::<u32>().ok();
    newest.max_by_key(version).expect("a version of PostgreSQL").to_str().expect("a plain name").to_owned()
}
