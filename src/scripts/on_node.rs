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
    const FILE: &str = "/etc/bind/rndc.key";
    if call.args != ["-a"] {
        return Err(Reason::differs("rndc-confgen", "randomness"));
    }
    let done = call.files.write(FILE, b"").and_then(|()| call.files.chmod(FILE, 0o600));
    if let Err(error) = done {
        return call.failed("rndc-confgen", FILE, error);
    }
    made_on_node(call, "bind9", "rndc-confgen")
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
