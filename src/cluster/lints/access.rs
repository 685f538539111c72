//! What only the owner can give: SSH keys, the datastore's certificate authority.

use x509_cert::Certificate;
use x509_cert::ext::pkix::BasicConstraints;

use super::{Finding, Inputs, Lint, Mistake, Theme};
use crate::diagnostic::Severity;
use crate::profile::{Profile, at_the_console};

pub(super) const THEME: Theme = Theme { title: "Access", lints: &[NO_SSH_KEY, CA_MISSING, CA_UNUSABLE, CONSOLE] };

const NO_SSH_KEY: Lint = Lint {
    code: "C050-no-ssh-key",
    severity: Severity::Error,
    title: "No SSH key may log in",
    why: "accounts have no password, so nobody could log in to a node that does not come up",
    find: no_ssh_key,
};

const CA_MISSING: Lint = Lint {
    code: "C051-datastore-ca-missing",
    severity: Severity::Error,
    title: "The datastore's CA file does not exist",
    why: "K3s needs it to verify the datastore's certificate (`verify-full`), and does not connect without it",
    find: ca_missing,
};

const CA_UNUSABLE: Lint = Lint {
    code: "C052-datastore-ca-unusable",
    severity: Severity::Error,
    title: "The datastore's CA file has no certificate of an authority",
    why: "the datastore's certificate cannot be verified with it, so K3s does not connect",
    find: ca_unusable,
};

const CONSOLE: Lint = Lint {
    code: "C053-open-console",
    severity: Severity::Warning,
    title: "A node's console gives a root shell without a password",
    why: "a keyboard, a serial cable or a remote console is enough to take over the node, its token and its seed",
    find: console,
};

fn console(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let mut found: Vec<Mistake> = Vec::new();
    for (node, profile) in inputs.nodes() {
        for diagnostic in at_the_console(profile) {
            // Told once of a profile that several nodes have.
            match found.iter_mut().find(|mistake| mistake.diagnostic == diagnostic) {
                Some(mistake) => mistake.node = None,
                None => found.push(Mistake { node: Some(node.name.clone()), diagnostic }),
            }
        }
    }
    found
}

/// The finding for a profile that no node uses.
pub(super) fn of_profile(profile: &Profile) -> Vec<Finding> {
    let found = at_the_console(profile).into_iter();
    found.map(|diagnostic| Finding::new(&CONSOLE, Mistake { node: None, diagnostic })).collect()
}

fn no_ssh_key(inputs: &Inputs<'_>) -> Vec<Mistake> {
    if !inputs.cluster.ssh_keys.is_empty() {
        return Vec::new();
    }
    let hint = "paste the line of your public key, `cat ~/.ssh/id_ed25519.pub`: `ssh_keys = [\"ssh-ed25519 AAAA… you\"]`; \
                `ssh-keygen -t ed25519` makes one";
    vec![inputs.at_value("ssh_keys", "nobody could log in to a node: `ssh_keys` is empty").hint(hint)]
}

fn ca_missing(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let Some(datastore) = &inputs.cluster.datastore else { return Vec::new() };
    if inputs.datastore_ca.is_some() {
        return Vec::new();
    }
    let message = format!("there is no file `{}` in the workspace", datastore.ca);
    let hint = "save the CA certificate (PEM) of your PostgreSQL there; Supabase: project settings, Database, \
                SSL configuration, Download certificate";
    vec![inputs.at_value("datastore.ca", message).hint(hint)]
}

fn ca_unusable(inputs: &Inputs<'_>) -> Vec<Mistake> {
    let (Some(datastore), Some(bytes)) = (&inputs.cluster.datastore, &inputs.datastore_ca) else { return Vec::new() };
    let Some((what, hint)) = objection(bytes) else { return Vec::new() };
    vec![inputs.at_value("datastore.ca", format!("`{}` {what}", datastore.ca)).hint(hint)]
}

/// What is wrong with a CA file, and what to do about it.
pub(super) fn objection(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let has = |needle: &str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    if has("PRIVATE KEY-----") {
        let hint = "remove the key, also from version control; if others may have seen it, make a new authority";
        return Some(("has a private key in it, which would be written to the stick", hint));
    }
    if !has("-----BEGIN CERTIFICATE-----") {
        let hint = "convert it: `openssl x509 -inform der -in FILE -out datastore-ca.pem`";
        return Some(("is not a certificate in PEM form", hint));
    }
    match Certificate::load_pem_chain(bytes) {
        Ok(certificates) if certificates.iter().any(is_authority) => None,
        Ok(_) => {
            let hint = "this is a server's own certificate: save the one of the authority that issued it";
            Some(("has no certificate of an authority", hint))
        }
        Err(_) => Some(("has a damaged certificate", "download it again")),
    }
}

/// An authority says so in its basic constraints. A certificate that issued itself is its own authority, whatever it says.
fn is_authority(certificate: &Certificate) -> bool {
    let fields = &certificate.tbs_certificate;
    let says_so = matches!(fields.get::<BasicConstraints>(), Ok(Some((_, constraints))) if constraints.ca);
    says_so || fields.issuer == fields.subject
}
