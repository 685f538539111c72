//! Commands that make by chance what each node has its own of: keys, identifiers, databases. They make nothing here; a unit of the image
//! makes it on the node (`effects/first_boot`).

use super::debian::{Debian, Tool};
use crate::effects::first_boot;
use crate::shell::{Answer, Call, Reason};

/// The command of this name, if it is one of those for the package whose script runs.
pub(super) fn find(name: &str) -> Option<Tool> {
    match name {
        "make-ssl-cert" => Some(make_ssl_cert),
        "pg_createcluster" => Some(pg_createcluster),
        "nvme" => Some(nvme),
        "uuidgen" => Some(uuidgen),
        "rndc-confgen" => Some(rndc_confgen),
        "nsd-control-setup" => Some(nsd_control_setup),
        "mariadb-install-db" => Some(mariadb_install_db),
        "df" => Some(df),
        "openssl" => Some(openssl),
        "sqlite3" => Some(sqlite3),
        "dropbearkey" => Some(dropbearkey),
        "ssh-keygen" => Some(ssh_keygen),
        _ => None,
    }
}

/// make-ssl-cert(8): a key that every image would share.
fn make_ssl_cert(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    if call.args.first().map(String::as_str) != Some("generate-default-snakeoil") {
        return Err(Reason::differs("make-ssl-cert", "randomness"));
    }
    made_on_node(call, "ssl-cert", "make-ssl-cert")
}

/// `pg_createcluster(1)`: a data directory with a system identifier, which would lie in `/var`, where every node begins anew.
fn pg_createcluster(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    // Whose it is and that nothing is shown of it changes nothing here.
    let words: Vec<&str> = call.args.iter().map(String::as_str).collect();
    let words = words.strip_prefix(&["-u", "postgres", "--no-status"]).unwrap_or(&words);
    match words {
        [version, "main"] => {
            let package = format!("postgresql-{version}");
            made_on_node(call, &package, "pg_createcluster")
        }
        _ => Err(Reason::unsupported("pg_createcluster", call.args.join(" "))),
    }
}

/// nvme-gen-hostnqn(1) in nvme-cli's own `postinst`: what it prints goes into a file, which stays empty and counts as missing.
fn nvme(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    match (debian.package.name.as_str(), call.args) {
        ("nvme-cli", [command]) if command == "gen-hostnqn" => made_on_node(call, "nvme-cli", "nvme"),
        _ => Err(Reason::differs("nvme", "the machine's disks")),
    }
}

/// uuidgen(1)
fn uuidgen(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    match debian.package.name.as_str() {
        "nvme-cli" => made_on_node(call, "nvme-cli", "uuidgen"),
        _ => Err(Reason::differs("uuidgen", "randomness")),
    }
}

/// rndc-confgen(8) with `-a`: the file of a key that every image would share stays empty, which bind9's `postinst` gives to its owner.
fn rndc_confgen(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    if call.args != ["-a"] {
        return Err(Reason::differs("rndc-confgen", "randomness"));
    }
    empty(call, "bind9", "rndc-confgen", "/etc/bind/rndc.key", 0o600)
}

/// nsd-control-setup(8): keys and certificates by which nsd-control talks to the server.
fn nsd_control_setup(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    if !call.args.is_empty() {
        return Err(Reason::unsupported("nsd-control-setup", call.args.join(" ")));
    }
    made_on_node(call, "nsd", "nsd-control-setup")
}

/// mariadb-install-db(1) as mariadb-server's `postinst` calls it: the system tables in `/var/lib/mysql`, where every node begins anew.
fn mariadb_install_db(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    const WORDS: [&str; 5] = ["--rpm", "--cross-bootstrap", "--user=mysql", "--disable-log-bin", "--skip-test-db"];
    if call.args != WORDS {
        return Err(Reason::unsupported("mariadb-install-db", call.args.join(" ")));
    }
    made_on_node(call, "mariadb-server", "mariadb-install-db")
}

/// df(1) in mariadb-server's `preinst` and `postinst`, which go on where 4 MiB are free: an image has no disk yet, and whether a node's has
/// the room is seen where the system tables are made.
fn df(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    if debian.package.name != "mariadb-server" || call.args != ["--output=avail", "/var/lib/mysql"] {
        return Err(Reason::differs("df", "the machine's disks and what is mounted"));
    }
    call.print(" Avail\n1048576\n");
    Ok(0)
}

/// openssl-rand(1) in rabbitmq-server's `postinst`: the cookie by which nodes of Erlang know each other.
fn openssl(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    const COOKIE: &str = "/var/lib/rabbitmq/.erlang.cookie";
    if debian.package.name != "rabbitmq-server" || call.args != ["rand", "-base64", "-out", COOKIE, "42"] {
        return Err(Reason::differs("openssl", "randomness"));
    }
    empty(call, "rabbitmq-server", "openssl", COOKIE, 0o600)
}

/// sqlite3(1) in coturn's `postinst`, which reads the scheme of a database from its standard input. A file that is empty is a database
/// without tables.
fn sqlite3(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    const FILE: &str = "/var/lib/turn/turndb";
    if debian.package.name != "coturn" || call.args != [FILE] {
        return Err(Reason::unsupported("sqlite3", call.args.join(" ")));
    }
    // As SQLite creates it (`SQLITE_DEFAULT_FILE_PERMISSIONS`) with the script's mask.
    empty(call, "coturn", "sqlite3", FILE, 0o640)
}

/// dropbearkey(1) in dropbear's `postinst`, which shows the public key: it gets the key's kind alone.
fn dropbearkey(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    let kind = match call.args {
        [t, kind, f, _] if t == "-t" && f == "-f" && debian.package.name == "dropbear" => kind.as_str(),
        _ => return Err(Reason::differs("dropbearkey", "randomness")),
    };
    call.print(match kind {
        "rsa" => "ssh-rsa \n",
        "ecdsa" => "ecdsa-sha2-nistp256 \n",
        _ => "ssh-ed25519 \n",
    });
    made_on_node(call, "dropbear", "dropbearkey")
}

/// ssh-keygen(1) in dropbear's `postinst`, which shows the fingerprint of that.
fn ssh_keygen(debian: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    match (debian.package.name.as_str(), call.args) {
        ("dropbear", [show, _]) if show == "-lf" => Ok(0),
        ("dropbear", [verbose, show, _]) if verbose == "-v" && show == "-lf" => Ok(0),
        _ => Err(Reason::differs("ssh-keygen", "randomness")),
    }
}

/// A file that stays empty here, for the script to give it to its owner.
fn empty(call: &mut Call<'_>, package: &str, command: &str, file: &str, mode: u16) -> Answer {
    let done = call.files.write(file, b"").and_then(|()| call.files.chmod(file, mode));
    match done {
        Ok(()) => made_on_node(call, package, command),
        Err(error) => call.failed(command, file, error),
    }
}

/// Nothing here: says which unit does it.
fn made_on_node(call: &mut Call<'_>, package: &str, command: &str) -> Answer {
    match first_boot::unit_of(package) {
        Some(unit) => {
            call.files.note(format!("leaves `{command}` to the node: {unit}"));
            Ok(0)
        }
        None => Err(Reason::differs(command, "randomness")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::system_tools::sample::{Done, run_for, tree};
    use crate::lock::IdMap;

    fn run(package: &str, lines: &[&str]) -> Done {
        run_for(package, super::find, tree(), (&IdMap::default(), true), lines)
    }

    #[test]
    fn the_room_of_a_disk_is_known_to_no_image_but_mariadb_goes_on() {
        const LINE: &str = "df --output=avail /var/lib/mysql";
        assert_eq!(run("mariadb-server", &[LINE]).out, " Avail\n1048576\n");
        assert!(run("other", &[LINE]).reason().contains("disks"));
        assert!(run("mariadb-server", &["df /"]).reason().contains("disks"));
    }

    #[test]
    fn what_is_made_by_chance_is_left_to_a_unit_of_the_node() {
        for (package, line, unit) in [
            ("nsd", "nsd-control-setup", "imgbuild-nsd-control.service"),
            ("dropbear", "dropbearkey -t rsa -f /etc/dropbear/dropbear_rsa_host_key", "imgbuild-dropbear-keys.service"),
            (
                "mariadb-server",
                "mariadb-install-db --rpm --cross-bootstrap --user=mysql --disable-log-bin --skip-test-db",
                "imgbuild-mariadb.service",
            ),
        ] {
            let done = run(package, &[line]);
            assert_eq!(done.status(), 0, "{line}");
            assert!(done.changes.iter().any(|change| change.ends_with(unit)), "{line}: {:?}", done.changes);
        }
        assert_eq!(
            run("dropbear", &["dropbearkey -t ed25519 -f /x", "ssh-keygen -v -lf /x.pub"]).out,
            "ssh-ed25519 \n"
        );
    }

    #[test]
    fn a_file_that_a_script_gives_to_its_owner_is_there_and_empty() {
        let mut with = tree();
        for dir in ["var/lib/turn", "var/lib/rabbitmq"] {
            with.put(dir, crate::tree::Node::dir(0o755)).unwrap();
        }
        for (package, line, path, mode) in [
            ("coturn", "sqlite3 /var/lib/turn/turndb", "var/lib/turn/turndb", 0o640),
            (
                "rabbitmq-server",
                "openssl rand -base64 -out /var/lib/rabbitmq/.erlang.cookie 42",
                "var/lib/rabbitmq/.erlang.cookie",
                0o600,
            ),
        ] {
            let done = run_for(package, super::find, with.clone(), (&IdMap::default(), true), &[line]);
            assert_eq!((done.status(), done.text(path).as_str()), (0, ""), "{line}");
            assert_eq!(done.tree.get(path).map(|node| node.mode), Some(mode), "{line}");
            assert_eq!(run(package, &[line]).status(), 1, "{line}: there is no such directory");
        }
    }

    #[test]
    fn the_same_commands_of_other_scripts_are_refused() {
        for line in [
            "openssl rand -base64 -out /var/lib/rabbitmq/.erlang.cookie 42",
            "openssl genrsa 2048",
            "sqlite3 /var/lib/turn/turndb",
            "dropbearkey -t rsa -f /x",
            "ssh-keygen -A",
            "nsd-control-setup -d /x",
            "mariadb-install-db --user=mysql",
        ] {
            assert!(run("example", &[line]).answer.is_err(), "{line}");
        }
    }
}
