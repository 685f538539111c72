//! What stands behind the `?` of a datastore's URL: who takes it, and what is nobody's.
//!
//! kine hands all of it on to pgx. pgx keeps what is its own and sends the rest to the server as settings of the session
//! (`pgconn/config.go`, `conn.go`; v5.10 in kine 0.16.3 and 0.16.4). `PostgreSQL` ends a connection over a setting that it
//! does not know.

use super::Endpoint;

/// Kept by pgx: never sent to the server.
const KEPT: [&str; 26] = [
    "channel_binding",
    "connect_timeout",
    "default_query_exec_mode",
    "description_cache_capacity",
    "krbspn",
    "krbsrvname",
    "max_protocol_version",
    "min_protocol_version",
    "passfile",
    "require_auth",
    "service",
    "servicefile",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "statement_cache_capacity",
    "target_session_attrs",
    // These are what stands before the `?`.
    "database",
    "dbname",
    "host",
    "password",
    "port",
];

/// What stands before the `?`, by another name: pgx would go elsewhere than what everybody else looks at.
const ELSEWHERE: [&str; 7] = ["database", "dbname", "host", "hostaddr", "password", "port", "user"];

/// Other ways to log in than with the URL's password.
const LOGIN: [&str; 4] = ["passfile", "sslcert", "sslkey", "sslpassword"];

/// How `PostgreSQL` writes "no" (`parse_bool_with_len`, in the lengths that people write).
const NO: [&str; 6] = ["0", "f", "false", "n", "no", "off"];

/// Options of other clients and poolers, which are no settings of any `PostgreSQL`.
const FOREIGN: [&str; 63] = [
    // Prisma, and what dashboards write for it.
    "connection_limit",
    "pgbouncer",
    "pool_timeout",
    "schema",
    "socket_timeout",
    "sslaccept",
    "sslidentity",
    "supa",
    "workaround",
    // node-postgres, postgres.js.
    "max",
    "idle_timeout",
    "prepare",
    "ssl",
    "uselibpqcompat",
    // pgxpool, which kine does not use.
    "pool_health_check_period",
    "pool_max_conn_idle_time",
    "pool_max_conn_lifetime",
    "pool_max_conn_lifetime_jitter",
    "pool_max_conns",
    "pool_min_conns",
    "pool_min_idle_conns",
    // SQLAlchemy, asyncpg, psycopg.
    "async_fallback",
    "command_timeout",
    "prepare_threshold",
    "prepared_statement_cache_size",
    "server_settings",
    "statement_cache_size",
    // JDBC; settings of PostgreSQL have no capital letters that matter, but these have other names.
    "ApplicationName",
    "currentSchema",
    "loginTimeout",
    "preparedStatementCacheQueries",
    "prepareThreshold",
    "reWriteBatchedInserts",
    "socketTimeout",
    "stringtype",
    "targetServerType",
    "tcpKeepAlive",
    // Rails, Django, Go's other poolers.
    "conn_max_age",
    "max_idle_conns",
    "max_open_conns",
    "pool",
    "pool_mode",
    "pool_size",
    "prepared_statements",
    // libpq, which pgx is not.
    "fallback_application_name",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "requirepeer",
    "requiressl",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    // Go's lib/pq and GORM, MySQL's client, Neon's way to name a database.
    "binary_parameters",
    "disable_prepared_binary_result",
    "prefer_simple_protocol",
    "charset",
    "loc",
    "parsetime",
    "endpoint",
];

/// What begins the names of families of settings that a session may set, and the other such settings of `PostgreSQL` 12 to 18
/// (its documentation, chapter 19). Names are in small letters: `PostgreSQL` compares them so.
const FAMILIES: [&str; 17] = [
    "cpu_",
    "debug_",
    "default_",
    "enable_",
    "geqo_",
    "jit_",
    "lc_",
    "log_",
    "max_parallel_",
    "min_parallel_",
    "parallel_",
    "tcp_",
    "temp_",
    "trace_",
    "track_",
    "transaction_",
    "vacuum_",
];
const SETTINGS: [&str; 79] = [
    "allow_in_place_tablespaces",
    "allow_system_table_mods",
    "application_name",
    "array_nulls",
    "backend_flush_after",
    "backtrace_functions",
    "bytea_output",
    "check_function_bodies",
    "client_connection_check_interval",
    "client_encoding",
    "client_min_messages",
    "commit_delay",
    "commit_siblings",
    "compute_query_id",
    "constraint_exclusion",
    "createrole_self_grant",
    "cursor_tuple_fraction",
    "datestyle",
    "deadlock_timeout",
    "dynamic_library_path",
    "effective_cache_size",
    "effective_io_concurrency",
    "escape_string_warning",
    "event_triggers",
    "exit_on_error",
    "extension_control_path",
    "extra_float_digits",
    "file_copy_method",
    "force_parallel_mode",
    "from_collapse_limit",
    "geqo",
    "gin_fuzzy_search_limit",
    "gin_pending_list_limit",
    "hash_mem_multiplier",
    "icu_validation_level",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "ignore_checksum_failure",
    "ignore_system_indexes",
    "intervalstyle",
    "io_combine_limit",
    "jit",
    "join_collapse_limit",
    "lo_compat_privileges",
    "local_preload_libraries",
    "lock_timeout",
    "logical_decoding_work_mem",
    "maintenance_io_concurrency",
    "maintenance_work_mem",
    "max_stack_depth",
    "operator_precedence_warning",
    "password_encryption",
    "plan_cache_mode",
    "post_auth_delay",
    "quote_all_identifiers",
    "random_page_cost",
    "recursive_worktable_factor",
    "replication",
    "restrict_nonsystem_relation_kind",
    "role",
    "row_security",
    "scram_iterations",
    "search_path",
    "seed",
    "seq_page_cost",
    "session_preload_libraries",
    "session_replication_role",
    "standard_conforming_strings",
    "statement_timeout",
    "stats_fetch_consistency",
    "synchronize_seqscans",
    "synchronous_commit",
    "timezone",
    "timezone_abbreviations",
    "transform_null_equals",
    "update_process_title",
    "work_mem",
    "xmlbinary",
    "xmloption",
];

/// Whether a session may set it, as far as is known. Names with a period are those of extensions, which `PostgreSQL` takes
/// unseen.
fn is_setting(name: &str) -> bool {
    name.contains('.')
        || SETTINGS.contains(&name)
        || name.starts_with("wal_")
        || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Why a parameter may not stand in the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It belongs before the `?`.
    Elsewhere,
    /// It is another client's, and `PostgreSQL` refuses it.
    Foreign,
    /// It is pgx's in other letters: pgx does not know it so, and `PostgreSQL` refuses it.
    Letters,
    /// It is neither pgx's nor a setting that is known here.
    Unknown,
    /// Settings in a bundle: poolers refuse it, and nobody sees what is in it.
    Options,
    /// A service's file of the node, which has none.
    Service,
    /// A login by a certificate or by a file of passwords. The node has neither, and a key would lie in the image.
    Login,
    /// The file of the authorities that are believed. Which it is, is not known here.
    Authorities,
}

/// What is to be said of a parameter; nothing of those that only the server can judge.
#[must_use]
pub fn trouble(name: &str, value: &str) -> Option<Trouble> {
    let lower = name.to_ascii_lowercase();
    let is_foreign = |foreign: &&str| foreign.eq_ignore_ascii_case(name);
    match name {
        _ if ELSEWHERE.contains(&name) => Some(Trouble::Elsewhere),
        "options" => Some(Trouble::Options),
        "service" | "servicefile" => Some(Trouble::Service),
        "sslrootcert" => Some(Trouble::Authorities),
        // Makes the connection one of replication, which takes no queries of K3s's kind.
        "replication" if !NO.contains(&value.to_ascii_lowercase().as_str()) => Some(Trouble::Foreign),
        _ if LOGIN.contains(&name) => Some(Trouble::Login),
        _ if KEPT.contains(&name) => None,
        _ if KEPT.contains(&lower.as_str()) => Some(Trouble::Letters),
        _ if FOREIGN.iter().any(is_foreign) => Some(Trouble::Foreign),
        _ if is_setting(&lower) => None,
        _ => Some(Trouble::Unknown),
    }
}

impl Endpoint {
    /// What pgx sends to the server beside user and database, sorted.
    pub(super) fn sent(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, _)| !KEPT.contains(name) && *name != "user")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pgx_keeps_is_not_sent_and_all_else_is() {
        let url =
            "postgres://k3s:pw@db/k3s?sslmode=verify-full&connect_timeout=5&search_path=k3s&pgbouncer=true&zz.top=1";
        let endpoint = Endpoint::parse(url).unwrap();
        let sent: Vec<_> = endpoint.sent().collect();
        assert_eq!(sent, [("pgbouncer", "true"), ("search_path", "k3s"), ("zz.top", "1")]);
    }

    #[test]
    fn each_parameter_has_at_most_one_fault() {
        assert_eq!(trouble("pgbouncer", "true"), Some(Trouble::Foreign));
        assert_eq!(trouble("host", "db2"), Some(Trouble::Elsewhere));
        assert_eq!(trouble("servicefile", "/etc/pg_service.conf"), Some(Trouble::Service));
        assert_eq!(trouble("sslrootcert", "/ca.pem"), Some(Trouble::Authorities));
        for login in ["passfile", "sslcert", "sslkey", "sslpassword"] {
            assert_eq!(trouble(login, "/etc/client"), Some(Trouble::Login), "{login}");
        }
        for fine in ["sslmode", "application_name", "search_path", "statement_timeout", "target_session_attrs"] {
            assert_eq!(trouble(fine, "x"), None, "{fine}");
        }
        for foreign in ["PGBouncer", "binary_parameters", "prefer_simple_protocol", "charset", "endpoint", "parseTime"]
        {
            assert_eq!(trouble(foreign, "1"), Some(Trouble::Foreign), "{foreign}");
        }
        assert_eq!(trouble("sslMode", "require"), Some(Trouble::Letters));
        assert_eq!(trouble("foobar", "1"), Some(Trouble::Unknown));
        for setting in ["TimeZone", "lock_timeout", "default_transaction_isolation", "pg_stat_statements.track", "jit"]
        {
            assert_eq!(trouble(setting, "x"), None, "{setting}");
        }
        assert_eq!(trouble("tcp_user_timeout", "5000"), None, "a setting of PostgreSQL's that every role may set");
        assert_eq!(
            ["true", "database", "false", "OFF", "0"].map(|value| trouble("replication", value)),
            [Some(Trouble::Foreign), Some(Trouble::Foreign), None, None, None]
        );
        assert!(FOREIGN.iter().all(|name| !KEPT.contains(name)));
    }
}
