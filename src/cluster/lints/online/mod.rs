//! What a datastore's own answers mean for the cluster: the findings of `check --online`.

mod table;

use sha2::{Digest as _, Sha256};

use super::{Finding, Inputs, Lint, Theme};
use crate::cluster::hex;
use crate::cluster::leaks::redact;
use crate::cluster::secrets::{DATASTORE_URL, SERVER_TOKEN, parts};
use crate::datastore::{Answers, ConnectError, Facts, NEEDED_CONNECTIONS, PreparedStatements};
use crate::diagnostic::Severity::{self, Error, Info, Warning};

/// Findings about the datastore itself. They need its answers, so none of these lints has a function of its own.
pub const THEME: Theme = Theme {
    title: "The datastore itself (`check --online`)",
    lints: &[
        NAME,
        UNREACHABLE,
        NO_TLS,
        OTHER_CA,
        OTHER_NAME,
        TIME,
        TLS,
        LOGIN,
        NO_DATABASE,
        FULL,
        REFUSED,
        SILENT,
        READ_ONLY,
        NO_CREATE,
        FOREIGN_TABLE,
        STATEMENTS,
        POOLER,
        FEW_CONNECTIONS,
        OLD_SERVER,
        ENCODING,
        OTHER_TOKEN,
        HOLDS_CLUSTER,
        table::KEY_ORDER,
        table::COLLATION,
        table::MISSING_INDEX,
        table::BROKEN_INDEX,
        table::NARROW_IDS,
        table::LARGE,
        table::DEAD_ROWS,
        table::NOT_COMPACTED,
        PARAMETER,
        table::EXPOSED,
    ],
};

/// The oldest line of `PostgreSQL` that K3s is tested with.
const OLDEST: u32 = 12;

const fn lint(code: &'static str, severity: Severity, title: &'static str, why: &'static str) -> Lint {
    Lint { code, severity, title, why, find: |_| Vec::new() }
}

const NAME: Lint = lint(
    "D001-datastore-name",
    Error,
    "The datastore's name does not resolve",
    "the control node looks it up as this machine does, and waits until it has an address",
);
const UNREACHABLE: Lint = lint(
    "D002-datastore-unreachable",
    Error,
    "Nothing accepts connections at the datastore's address",
    "the control node waits for it before it starts K3s",
);
const NO_TLS: Lint = lint(
    "D003-datastore-without-tls",
    Error,
    "The datastore speaks no TLS",
    "K3s connects with `verify-full`, and the whole cluster's state would go over the network in the clear",
);
const OTHER_CA: Lint = lint(
    "D004-other-authority",
    Error,
    "The datastore's certificate is not from the authority in the CA file",
    "K3s would refuse it as a possible attacker in between",
);
const OTHER_NAME: Lint = lint(
    "D005-other-name",
    Error,
    "The datastore's certificate is for another name",
    "`verify-full` compares it with the host of the URL",
);
const TIME: Lint = lint(
    "D006-certificate-time",
    Error,
    "The datastore's certificate is not valid now",
    "K3s refuses it, as long as the node's clock is right",
);
const TLS: Lint = lint("D007-tls", Error, "The TLS handshake with the datastore fails", "K3s connects with TLS only");
const LOGIN: Lint =
    lint("D010-login", Error, "The datastore refuses the login", "K3s logs in with the same user and password");
const NO_DATABASE: Lint = lint(
    "D011-no-database",
    Warning,
    "The database does not exist",
    "K3s makes it only if its role may make databases (CREATEDB) and may connect to the database `postgres`",
);
const FULL: Lint = lint(
    "D012-no-connection-left",
    Error,
    "The datastore accepts no further connection",
    "K3s opens many at its start, and exits if it gets none",
);
const REFUSED: Lint =
    lint("D013-refused", Error, "The datastore refuses what K3s needs", "K3s would be refused as well");
const SILENT: Lint = lint(
    "D014-silent",
    Error,
    "The datastore does not answer in time",
    "a datastore that is slow makes K3s lose its leases and start again and again",
);
const READ_ONLY: Lint = lint(
    "D015-read-only",
    Error,
    "The datastore refuses writes",
    "K3s writes all the time, its leases every few seconds",
);
const NO_CREATE: Lint = lint(
    "D016-no-create",
    Error,
    "The role may not create tables",
    "at every start K3s creates its table `kine` and its indexes if they are missing, and `PostgreSQL` checks the permission \
     even if they exist",
);
const FOREIGN_TABLE: Lint = lint(
    "D017-foreign-table",
    Error,
    "K3s's table belongs to another role",
    "K3s makes indexes on it, which only its owner may",
);
const STATEMENTS: Lint = lint(
    "D018-prepared-statements",
    Error,
    "Prepared statements are lost between two transactions",
    "K3s prepares its statements once for each connection; this is a pooler in transaction mode, which has none",
);
const POOLER: Lint = lint(
    "D019-transaction-pooler",
    Warning,
    "The datastore is behind a pooler in transaction mode",
    "it supports prepared statements, so K3s may work with it, but K3s is not tested with one",
);
const FEW_CONNECTIONS: Lint = lint(
    "D020-few-connections",
    Warning,
    "The datastore has few connections",
    "K3s keeps up to 20 open and opens more when it starts; if it gets none it exits, and starts again",
);
const OLD_SERVER: Lint = lint(
    "D021-old-server",
    Warning,
    "The server is older than those that K3s is tested with",
    "it may lack features that K3s uses",
);
const ENCODING: Lint = lint(
    "D022-encoding",
    Warning,
    "The database is not in UTF-8",
    "K3s's keys are UTF-8, and a name with characters that the encoding lacks cannot be stored",
);
const OTHER_TOKEN: Lint = lint(
    "D023-other-token",
    Error,
    "The datastore holds a cluster that was made with another server token",
    "the cluster's keys are encrypted with it; K3s cannot decrypt them with another one, and exits",
);
const HOLDS_CLUSTER: Lint = lint(
    "D024-holds-cluster",
    Info,
    "The datastore already holds a cluster",
    "a control node that is built now becomes a server of this cluster, not of a new one",
);

const PARAMETER: Lint = lint(
    "D033-parameter",
    Error,
    "The datastore refuses a parameter of the URL",
    "K3s sends it too, as a setting of the session, so that none of its connections succeeds",
);

/// The findings about a datastore that was queried, or could not be. A server's own texts may repeat the password, so it is
/// removed from all messages.
#[must_use]
pub fn findings(inputs: &Inputs<'_>, seen: &Result<Facts, ConnectError>) -> Vec<Finding> {
    let finding = |(lint, message, hint): (&Lint, String, String)| {
        let [message, hint] = [message, hint].map(|text| redacted(inputs, &text));
        Finding::new(lint, inputs.at_key("datastore", message).hint(hint))
    };
    match seen {
        Err(error) => vec![finding(of_connect_error(error))],
        Ok(facts) => of_facts(facts, inputs).into_iter().map(finding).collect(),
    }
}

/// Removes the datastore's URL and password from a text that may quote the server.
#[must_use]
pub fn redacted(inputs: &Inputs<'_>, text: &str) -> String {
    let Some(secrets) = inputs.secrets else { return text.to_owned() };
    let parts = parts(secrets);
    let url = secrets.get(DATASTORE_URL).map(|url| (DATASTORE_URL, url));
    redact(text, parts.iter().map(|(name, value)| (*name, value)).chain(url))
}

/// A lint with the message and the hint for this datastore.
type LintMessage = (&'static Lint, String, String);

fn of_connect_error(error: &ConnectError) -> LintMessage {
    let (lint, hint): (&Lint, &str) = match error {
        ConnectError::Name { .. } => (&NAME, "correct the host: `imgbuild secrets set datastore-url`"),
        ConnectError::Unreachable { .. } => (
            &UNREACHABLE,
            "is it running, does it listen on that address (`listen_addresses`), does a firewall let port and machine through?",
        ),
        ConnectError::NoTls { .. } => (&NO_TLS, "switch it on: `ssl = on`, `ssl_cert_file`, `ssl_key_file`"),
        ConnectError::OtherCa { .. } => (
            &OTHER_CA,
            "put the certificate of the authority that issued the server's into the file of [datastore] ca; \
             `openssl s_client -starttls postgres -connect HOST:PORT -showcerts` shows who that is",
        ),
        ConnectError::OtherName { .. } => (
            &OTHER_NAME,
            "write a name that is on it into the URL (`imgbuild secrets set datastore-url`), or issue one for that host, as a \
             subject alternative name",
        ),
        ConnectError::Time { .. } => (&TIME, "renew the server's certificate; is this machine's clock right?"),
        ConnectError::Tls { .. } => (&TLS, "compare with `openssl s_client -starttls postgres -connect HOST:PORT`"),
        ConnectError::Login { .. } => (
            &LOGIN,
            "correct user and password, `imgbuild secrets set datastore-url` (special characters percent-encoded); is there a \
             line for the role in `pg_hba.conf`?",
        ),
        ConnectError::NoDatabase { .. } => {
            (&NO_DATABASE, "make it: `CREATE DATABASE \"name\" OWNER \"role\"`; K3s writes the name in lower case")
        }
        ConnectError::Full { .. } => {
            (&FULL, "raise `max_connections`, the role's limit or the pooler's pool size, or free connections")
        }
        ConnectError::Parameter { .. } => (
            &PARAMETER,
            "take it out of the URL: `imgbuild secrets set datastore-url`; K3s needs none beside the address",
        ),
        ConnectError::Refused { .. } => (&REFUSED, "the server's own log says more"),
        ConnectError::Silent { .. } => (&SILENT, "is it overloaded, or a pooler whose server is away?"),
        ConnectError::Other { .. } => (&REFUSED, "is the file of [datastore] ca a sound PEM certificate?"),
    };
    (lint, error.to_string(), hint.to_owned())
}

fn of_facts(facts: &Facts, inputs: &Inputs<'_>) -> Vec<LintMessage> {
    let Facts { answers, statements, opened, condition, bootstrap } = facts;
    let mut found = Vec::new();
    let mut report = |lint, message: String, hint: String| found.push((lint, message, hint));
    if answers.standby || answers.read_only {
        let what = if answers.standby { "only follows another server" } else { "is read-only" };
        let hint = if answers.standby {
            "name the primary server in the secret `datastore-url`"
        } else {
            "free space or lift the restriction (`default_transaction_read_only`); a project of Supabase is read-only when \
             its disk is full"
        };
        report(&READ_ONLY, format!("the datastore {what}"), hint.to_owned());
    }
    rights(answers, &mut report);
    match statements {
        PreparedStatements::Kept => {}
        PreparedStatements::Migrated => report(
            &POOLER,
            "one connection's transactions run in different processes of the server".to_owned(),
            "name the server itself, or the pooler's port for session mode".to_owned(),
        ),
        PreparedStatements::Lost => report(
            &STATEMENTS,
            "a statement that was prepared in one transaction is unknown in the next".to_owned(),
            "name the server itself, or the pooler's port for session mode (Supabase: 5432); PgBouncer: \
             `pool_mode = session`"
                .to_owned(),
        ),
    }
    if let Some((number, by)) = too_few(answers, *opened) {
        let raise = if by.is_empty() { "the pooler's pool size" } else { by };
        report(
            &FEW_CONNECTIONS,
            format!(
                "the datastore gives {number} connections at once{}",
                if by.is_empty() { String::new() } else { format!(" ({by})") }
            ),
            format!("raise {raise} to more than {NEEDED_CONNECTIONS}"),
        );
    }
    if answers.major < OLDEST {
        report(
            &OLD_SERVER,
            format!("the server is PostgreSQL {}", answers.version),
            format!("move to PostgreSQL {OLDEST} or newer"),
        );
    }
    if answers.encoding != "UTF8" {
        report(
            &ENCODING,
            format!("the database's encoding is {}", answers.encoding),
            "make a new one: `CREATE DATABASE name OWNER role ENCODING 'UTF8' TEMPLATE template0`".to_owned(),
        );
    }
    cluster(facts, inputs, bootstrap, &mut report);
    if let (Some(condition), Some(kine)) = (condition, &answers.kine) {
        found.extend(table::findings(condition, kine, inputs));
    }
    found
}

fn rights(answers: &Answers, report: &mut impl FnMut(&'static Lint, String, String)) {
    match &answers.schema {
        None => report(
            &NO_CREATE,
            "the role's search path leads to no schema".to_owned(),
            "grant it one: `GRANT USAGE, CREATE ON SCHEMA public TO role`".to_owned(),
        ),
        Some(schema) if !answers.may_create => report(
            &NO_CREATE,
            format!("the role may not make tables in the schema `{schema}`"),
            format!("`GRANT CREATE ON SCHEMA {schema} TO role`, or make the role the database's owner"),
        ),
        Some(_) => {}
    }
    if let Some(kine) = &answers.kine
        && !kine.owned
    {
        report(
            &FOREIGN_TABLE,
            format!("the table `{}.kine` belongs to `{}`", kine.schema, kine.owner),
            format!("`ALTER TABLE {}.kine OWNER TO role`, or log in as `{}`", kine.schema, kine.owner),
        );
    }
}

/// The number of connections, if it is too low for K3s, and the setting that limits it; empty for a pooler's, which is unknown.
fn too_few(answers: &Answers, opened: Option<u32>) -> Option<(u32, &'static str)> {
    if !answers.limit.is_enough() {
        return Some((answers.limit.connections, answers.limit.by));
    }
    opened.filter(|opened| *opened < NEEDED_CONNECTIONS).map(|opened| (opened, ""))
}

/// Whether the datastore already holds a cluster, and whether it was made with this workspace's token.
fn cluster(
    facts: &Facts,
    inputs: &Inputs<'_>,
    bootstrap: &[String],
    report: &mut impl FnMut(&'static Lint, String, String),
) {
    let Some(kine) = &facts.answers.kine else { return };
    let ours = inputs.secrets.and_then(|secrets| secrets.get(SERVER_TOKEN)).map(|token| key(token.expose()));
    if let Some(ours) = ours
        && !bootstrap.is_empty()
        && !bootstrap.contains(&ours)
    {
        return report(
            &OTHER_TOKEN,
            format!("the cluster in the table `{}.kine` was made with another server token", kine.schema),
            "set the token that it was made with (`imgbuild secrets set server-token --replace`), or name an empty database"
                .to_owned(),
        );
    }
    let whose = if bootstrap.is_empty() { "" } else { ", made with this workspace's server token" };
    let size = facts.condition.as_ref().map(table::size).unwrap_or_default();
    report(
        &HOLDS_CLUSTER,
        format!("the datastore already holds a cluster (table `{}.kine`{whose}{size})", kine.schema),
        "all is well for a control node that comes back; for a new cluster, name an empty database".to_owned(),
    );
}

/// The key under which K3s stores what is encrypted with the token (`pkg/cluster/storage.go`, `storageKey`). It does not
/// reveal a random token.
fn key(token: &str) -> String {
    format!("/bootstrap/{}", &hex::encode(&Sha256::digest(token))[..12])
}
