//! The gate: what it waits for, in which order, and when it lets K3s start.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::sandbox::{EPOCH, Sandbox, said};

const AGENT: &str = "SCHEMA='1'\nCLUSTER='home'\nNODE='pi1'\nROLE='agent'\n";
const SERVER: &str = "SCHEMA='1'\nCLUSTER='home'\nNODE='control'\nROLE='server'\n";

/// A node that has all it needs but a seed: `unit` is what its image starts.
pub fn node(unit: &str) -> Sandbox {
    let node = Sandbox::new();
    node.write(&format!("usr/lib/systemd/system/{unit}.service"), "");
    node.standin("ip", "[ \"$1\" != -4 ] || cat /run/route 2>/dev/null");
    node.write("run/route", "default via 192.168.1.1 dev eth0\n");
    node.write("run/systemd/timesync/synchronized", "");
    node
}

/// Runs the gate; each time that it would wait, the next of `steps` changes the world. When none is left it is ended.
/// Gives what it said, as `waiting_for`, reason and cure, one for each time that it waited.
pub fn gate(node: &Sandbox, steps: &[&str]) -> Vec<(String, String, String)> {
    for (number, step) in steps.iter().enumerate() {
        node.write(&format!("run/steps/{number}"), step);
    }
    node.standin(
        "sleep",
        "number=$(ls /run/said 2>/dev/null | wc -l); mkdir -p /run/said\n\
         cp /run/imgbuild/status.json /run/said/$number\n\
         [ -e /run/steps/$number ] || kill $PPID\n. /run/steps/$number",
    );
    node.run("", "/usr/lib/imgbuild/gate");
    let mut waits = Vec::new();
    while node.path(&format!("run/said/{}", waits.len())).exists() {
        let status = crate::sandbox::status(&node.path(&format!("run/said/{}", waits.len())));
        assert_eq!(status["state"], "waiting");
        let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
        waits.push((text("waiting_for"), text("reason"), text("cure")));
    }
    waits
}

/// Whether K3s was let start, and how.
pub fn started(node: &Sandbox) -> Option<String> {
    let permitted = node.path("run/imgbuild/k3s-may-start").exists();
    let started = node.read("run/systemctl");
    assert_eq!(permitted, !started.is_empty(), "{started}");
    permitted.then(|| started.trim().to_owned())
}

#[test]
fn an_image_without_a_seed_says_that_it_has_no_identity_and_never_starts_k3s() {
    let node = node("k3s-agent");
    let waits = gate(&node, &[""]);
    assert_eq!(waits.len(), 2, "it went on waiting");
    let (what, reason, cure) = &waits[1];
    assert_eq!(what, "seed");
    assert!(reason.contains("this image has no seed, so this node has no identity"), "{reason}");
    assert!(cure.contains("imgbuild build --node NAME"), "{cure}");
    assert_eq!(started(&node), None);
}

#[test]
fn a_standalone_image_needs_no_seed_and_believes_its_clock_chip_at_once() {
    let node = node("k3s");
    node.write("usr/lib/imgbuild/standalone", "");
    std::fs::remove_file(node.path("run/systemd/timesync/synchronized")).expect("it was made");
    clock_chip(&node, 0);
    assert_eq!(gate(&node, &[]), []);
    assert_eq!(started(&node).as_deref(), Some("start --no-block k3s.service"));
    assert_eq!(node.status()["state"], "starting");
}

/// Gives the node a clock chip that is `behind` seconds late.
fn clock_chip(node: &Sandbox, behind: u64) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    node.write("class/rtc/rtc0/since_epoch", &format!("{}\n", now - behind));
}

#[test]
fn an_agent_waits_for_seed_network_time_and_server_in_this_order() {
    let node = node("k3s-agent");
    node.write("run/route", "");
    node.write("class/net/eth0/device/uevent", "");
    node.write("class/net/eth0/carrier", "0\n");
    std::fs::remove_file(node.path("run/systemd/timesync/synchronized")).expect("it was made");
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let open = listener.local_addr().expect("an address").port();
    let server = |port: u16| format!("{AGENT}SERVER_HOST='127.0.0.1'\nSERVER_PORT='{port}'\n");
    node.write("run/closed", &server(closed));
    node.write("run/open", &server(open));
    let waits = gate(
        &node,
        &[
            // `/etc` is read-only in effect: the seed lies over it. The test writes to the layer that is its own.
            "cp /run/closed /etc/imgbuild/node.env",
            "echo default >/run/route",
            "mkdir -p /run/systemd/timesync && touch /run/systemd/timesync/synchronized",
            "cp /run/open /etc/imgbuild/node.env",
        ],
    );
    let what: Vec<&str> = waits.iter().map(|(what, ..)| &**what).collect();
    assert_eq!(what, ["seed", "network", "time", "server"]);
    assert!(waits[1].1.contains("eth0 has no link"), "{}", waits[1].1);
    assert!(waits[2].1.contains("this machine has no clock chip"), "{}", waits[2].1);
    assert!(waits[3].1.contains(&format!("127.0.0.1 port {closed} refuses the connection")), "{}", waits[3].1);
    assert_eq!(started(&node).as_deref(), Some("start --no-block k3s-agent.service"));
}

#[test]
fn in_the_first_minute_nobody_is_told_to_plug_in_a_cable() {
    let node = node("k3s-agent");
    node.seed(AGENT);
    node.write("run/route", "");
    node.write("uptime", "7.50 0.00\n");
    let card = "mkdir -p /sys/class/net/eth0/device; echo 0 >/sys/class/net/eth0/carrier";
    let waits = gate(
        &node,
        &[
            card,
            "echo 1 >/sys/class/net/eth0/carrier",
            "echo 61.00 0.00 >/proc/uptime",
            "echo 0 >/sys/class/net/eth0/carrier",
        ],
    );
    let told: Vec<(&str, &str)> = waits.iter().map(|(_, reason, cure)| (&**reason, &**cure)).collect();
    let nothing = |reason| (reason, "");
    assert_eq!(
        told[..3],
        [
            nothing("there is no default route: no network device was found so far."),
            nothing("there is no default route: eth0 has no link so far."),
            nothing("there is no default route: eth0 is connected, without an answer so far."),
        ]
    );
    assert_eq!(told[3].0, "there is no default route: eth0 is connected.");
    assert_eq!(told[4].0, "there is no default route: eth0 has no link.");
    assert!(told[3..].iter().all(|(_, cure)| cure.starts_with("plug in the cable")), "{told:?}");
}

#[test]
fn a_seed_of_another_form_or_role_is_refused_by_name() {
    let node = node("k3s-agent");
    node.seed("SCHEMA='1'\nNODE=$(reboot)\n");
    let next = |facts: &str| format!("printf '%s\\n' {facts} >/etc/imgbuild/node.env");
    let waits = gate(&node, &[&next("\"SCHEMA='2'\""), &next("\"SCHEMA='1'\" \"ROLE='server'\"")]);
    let reasons: Vec<&str> = waits.iter().map(|(_, reason, _)| &**reason).collect();
    assert_eq!(
        reasons,
        [
            "the seed's /etc/imgbuild/node.env is not understood, line 2.",
            "the seed has form 2, this image reads form 1.",
            "the seed is that of a K3s server, this image starts a K3s agent.",
        ]
    );
}

#[test]
fn a_clock_chip_is_believed_after_five_minutes_if_it_never_was_behind_the_image() {
    let node = node("k3s-agent");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    node.seed(&format!("{AGENT}SERVER_HOST='127.0.0.1'\nSERVER_PORT='{port}'\n"));
    std::fs::remove_file(node.path("run/systemd/timesync/synchronized")).expect("it was made");
    clock_chip(&node, 0);
    let waits = gate(&node, &["echo 301.5 0 >/proc/uptime"]);
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert!(waits[0].1.contains("its clock chip will be believed 300 s after power-on"), "{}", waits[0].1);
    assert!(started(&node).is_some());
}

#[test]
fn a_clock_chip_from_before_the_image_is_never_believed() {
    let node = node("k3s-agent");
    node.seed(AGENT);
    std::fs::remove_file(node.path("run/systemd/timesync/synchronized")).expect("it was made");
    node.write("class/rtc/rtc0/since_epoch", "80\n");
    node.write("uptime", "900.00 0.00\n");
    let waits = gate(&node, &[&format!("echo {} >/sys/class/rtc/rtc0/since_epoch", EPOCH + 899)]);
    assert!(
        waits[0].1.contains("its clock chip says 1970-01-01, which is before this image was made"),
        "{}",
        waits[0].1
    );
    assert!(waits[1].1.contains("before this image was made"), "it was behind when the node came up: {}", waits[1].1);
    assert_eq!(started(&node), None);
}

#[test]
fn time_is_asked_for_anew_every_three_minutes() {
    let node = node("k3s-agent");
    node.seed(AGENT);
    std::fs::remove_file(node.path("run/systemd/timesync/synchronized")).expect("it was made");
    node.write("uptime", "20.00 0.00\n");
    let at = |seconds: u32| {
        format!(
            "cat /run/systemctl >>/run/asked; echo at {seconds} >>/run/asked; : >/run/systemctl; echo {seconds}.00 0 >/proc/uptime"
        )
    };
    gate(&node, &[&at(199), &at(200), &at(379), &at(380), &at(383)]);
    let anew = "--no-block try-restart systemd-timesyncd.service";
    assert_eq!(node.read("run/asked"), format!("at 199\nat 200\n{anew}\nat 379\nat 380\n{anew}\nat 383\n"));
    assert_eq!(started(&node), None);
}

#[test]
fn a_clock_chip_that_is_decades_ahead_is_not_what_the_node_goes_by() {
    let node = node("k3s-agent");
    node.seed(AGENT);
    std::fs::remove_file(node.path("run/systemd/timesync/synchronized")).expect("it was made");
    node.write("class/rtc/rtc0/since_epoch", "3155760000\n");
    node.write("uptime", "900.00 0.00\n");
    let waits = gate(&node, &[]);
    let said = "its clock chip says 2070-01-01, which is not the time that this system goes by (";
    assert!(waits[0].1.contains(said), "{}", waits[0].1);
    assert_eq!(started(&node), None);
}

#[test]
fn data_disks_hold_k3s_back_with_their_reason_and_cure() {
    let node = node("k3s-agent");
    node.seed(AGENT);
    node.write("usr/lib/imgbuild/data-disks", "#!/bin/bash\necho 'no disk.'\necho 'attach it.'\nexit 1\n");
    let waits = gate(&node, &[]);
    assert_eq!(waits, [("data-disk".into(), "no disk.".into(), "attach it.".into())]);
    assert_eq!(started(&node), None);
}

/// The way into TLS of a `PostgreSQL` server, with OpenSSL's server behind it.
struct Postgres {
    port: u16,
    tls: Option<Child>,
}

impl Postgres {
    /// `certificate` is a PEM file with its key; without one the server refuses TLS.
    fn start(certificate: Option<&Path>) -> Self {
        let tls = certificate.map(|certificate| {
            let mut child = Command::new("openssl")
                .args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-cert"])
                .arg(certificate)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("openssl runs");
            let mut said = BufReader::new(child.stdout.take().expect("it is piped"));
            let mut line = String::new();
            while !line.starts_with("ACCEPT ") {
                line.clear();
                assert_ne!(said.read_line(&mut line).expect("text"), 0, "openssl did not listen");
            }
            let port: u16 = line.trim().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
            // What it goes on to say must not fill the pipe.
            thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
            (child, port)
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let behind = tls.as_ref().map(|(_, port)| *port);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that asks for nothing is the gate's look whether the port is open.
                let _ = serve(client, behind);
            }
        });
        Self { port, tls: tls.map(|(child, _)| child) }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(child) = &mut self.tls {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Answers the request for TLS, then hands the connection on.
fn serve(mut client: TcpStream, behind: Option<u16>) -> std::io::Result<()> {
    let mut request = [0; 8];
    client.read_exact(&mut request)?;
    assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47], "an SSLRequest");
    let Some(port) = behind else { return client.write_all(b"N") };
    client.write_all(b"S")?;
    let tls = TcpStream::connect(("127.0.0.1", port))?;
    let [mut from_client, mut to_tls] = [client.try_clone()?, tls.try_clone()?];
    let up = thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_tls);
        let _ = to_tls.shutdown(Shutdown::Write);
    });
    let [mut from_tls, mut to_client] = [tls, client];
    let _ = std::io::copy(&mut from_tls, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Both);
    let _ = up.join();
    Ok(())
}

#[test]
fn a_server_waits_for_a_datastore_that_it_can_trust_and_says_what_is_wrong_with_it() {
    let node = node("k3s");
    let certificates = Command::new("bash")
        .args([
            "-c",
            "set -e; cd \"$0\"\n\
             openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 9\n\
             openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout o.key -out other.pem -subj /CN=o -days 9\n\
             openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout db.key -out db.csr -subj /CN=db\n\
             echo subjectAltName=DNS:localhost >names\n\
             openssl x509 -req -in db.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days 9 -out db.crt\n\
             openssl x509 -req -in db.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days 0 -out old.crt\n\
             cat db.crt db.key >good; cat old.crt db.key >expired",
        ])
        .arg(node.path("run"))
        .output()
        .expect("bash runs");
    assert!(certificates.status.success(), "{}", said(&certificates));
    let [good, expired] = ["run/good", "run/expired"].map(|path| node.path(path));

    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let refusing = Postgres::start(None);
    let servers =
        [Some(&good), Some(&good), Some(&expired), Some(&good)].map(|file| Postgres::start(file.map(|it| &**it)));
    let cases = [
        ("no-such-host.invalid", closed, "ca", "its name no-such-host.invalid cannot be resolved"),
        ("localhost", closed, "ca", "refuses the connection"),
        ("localhost", refusing.port, "ca", "does not answer with TLS as PostgreSQL does"),
        ("localhost", servers[0].port, "other", "its certificate was not signed by the CA that the seed names"),
        ("127.0.0.1", servers[1].port, "ca", "its certificate is not for 127.0.0.1"),
        ("localhost", servers[2].port, "ca", "its certificate has expired"),
        ("localhost", servers[3].port, "missing", "the seed's CA file /run/missing.pem cannot be read"),
        ("localhost", servers[3].port, "ca", ""),
    ];
    let facts = cases.map(|(host, port, ca, _)| {
        format!("{SERVER}DATASTORE_HOST='{host}'\nDATASTORE_PORT='{port}'\nDATASTORE_CA='/run/{ca}.pem'\n")
    });
    node.seed(&facts[0]);
    let steps: Vec<String> =
        facts[1..].iter().map(|facts| format!("cat >/etc/imgbuild/node.env <<'END'\n{facts}END")).collect();
    let waits = gate(&node, &steps.iter().map(|step| &**step).collect::<Vec<_>>());
    assert_eq!(waits.len(), cases.len() - 1, "{waits:#?}");
    for ((what, reason, cure), (.., expected)) in waits.iter().zip(cases) {
        assert_eq!(what, "datastore");
        assert!(
            reason.starts_with("the datastore cannot be used") && reason.contains(expected),
            "{expected}: {reason}"
        );
        assert!(!cure.is_empty());
    }
    assert_eq!(started(&node).as_deref(), Some("start --no-block k3s.service"));
}
