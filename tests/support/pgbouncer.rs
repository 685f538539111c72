//! A real `PgBouncer` before the test's `PostgreSQL`: a pooler, with a certificate of its own choice.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::postgres::Postgres;
use crate::support::ok;

/// The account that runs it where the test is root, which it refuses.
const ACCOUNT: &str = "postgres";

/// A running pooler on the loopback interface; it stops when dropped.
pub struct Pooler {
    dir: TempDir,
    port: u16,
    process: Child,
}

/// Whose certificate it shows.
#[derive(Clone, Copy)]
pub enum Shows {
    /// No TLS at all.
    Nothing,
    /// The database server's.
    Servers,
    /// One that it signed itself, for this name.
    Own(&'static str),
}

impl Pooler {
    /// A pooler with further lines of its configuration, such as `pool_mode = transaction`.
    pub fn start(postgres: &Postgres, shows: Shows, settings: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("its address").port();
        let tls = match shows {
            Shows::Nothing => String::new(),
            Shows::Servers => {
                for file in ["server.pem", "server.key"] {
                    fs::copy(postgres.path(file), dir.path().join(file)).expect("a certificate");
                }
                tls("server")
            }
            Shows::Own(name) => {
                let names = format!("subjectAltName=DNS:{name}");
                let key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
                let own = ["-subj", "/CN=own", "-addext", &names, "-keyout", "own.key", "-out", "own.pem"];
                ok(dir.path(), "openssl", &[&key[..], &own].concat());
                tls("own")
            }
        };
        let configuration = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = users\nserver_tls_sslmode = require\n{tls}{settings}\n",
            postgres.port
        );
        fs::write(dir.path().join("configuration"), configuration).expect("a writable file");
        fs::write(dir.path().join("users"), format!("\"k3s\" \"{}\"\n", Postgres::PASSWORD)).expect("a writable file");
        // The account that it runs as must get at its files.
        for path in fs::read_dir(dir.path()).expect("files").map(|entry| entry.expect("an entry").path()) {
            fs::set_permissions(path, Permissions::from_mode(0o644)).expect("a mode");
        }
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("a mode");
        let mut command = if fs::metadata("/proc/self").expect("this process").uid() == 0 {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups", "/usr/sbin/pgbouncer"]);
            command
        } else {
            Command::new("/usr/sbin/pgbouncer")
        };
        command.arg("configuration").current_dir(dir.path()).stdin(Stdio::null()).stdout(Stdio::null());
        let mut process = command.stderr(Stdio::piped()).spawn().expect("pgbouncer, which this test needs");
        let mut lines = BufReader::new(process.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let mut log = Vec::new();
        let is_up = lines.by_ref().inspect(|line| log.push(line.clone())).any(|line| line.contains("process up"));
        assert!(is_up, "pgbouncer did not start:\n{}", log.join("\n"));
        // It must never wait for somebody to read what it says.
        std::thread::spawn(move || lines.for_each(drop));
        Self { dir, port, process }
    }

    /// The certificate that it signed itself.
    pub fn certificate(&self) -> PathBuf {
        self.dir.path().join("own.pem")
    }

    /// K3s's `datastore-endpoint`, with the pooler in the server's place.
    pub fn url(&self) -> String {
        format!("postgres://k3s:{}@localhost:{}/k3s", Postgres::PASSWORD, self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn tls(name: &str) -> String {
    format!("client_tls_sslmode = require\nclient_tls_key_file = {name}.key\nclient_tls_cert_file = {name}.pem\n")
}
