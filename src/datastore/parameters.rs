//! The parameters after the `?` of a datastore's URL: which program uses each, and which are invalid.
//!
//! kine passes all of them to pgx. pgx uses its own ones and sends the rest to the server as settings of the session
//! (`pgconn/config.go`, `conn.go`; v5.10 in kine 0.16.3 and 0.16.4). `PostgreSQL` ends the connection if it does not know a
//! setting.

use super::Endpoint;

/// Parameters of pgx itself, which are never sent to the server.
const PGX: [&str; 26] = [
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
    // These repeat what stands before the `?`.
    "database",
    "dbname",
    "host",
    "password",
    "port",
];

/// Parameters that override the part before the `?`: pgx would connect to another place than the one that is checked here.
const ADDRESS: [&str; 7] = ["database", "dbname", "host", "hostaddr", "password", "port", "user"];

/// Parameters for a login by other means than the URL's password.
const LOGIN: [&str; 4] = ["passfile", "sslcert", "sslkey", "sslpassword"];

/// `PostgreSQL`'s spellings of false (`parse_bool_with_len`, without rare abbreviations).
const NO: [&str; 6] = ["0", "f", "false", "n", "no", "off"];

/// Parameters of other clients and poolers, which are not settings of any version of `PostgreSQL`.
const OTHER_CLIENTS: [&str; 63] = [
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

/// Prefixes of settings that a session may set in `PostgreSQL` 12 to 18 (its documentation, chapter 19), in lower case.
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
/// Further settings that a session may set, in lower case: `PostgreSQL` ignores the case of names.
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

/// Whether a session may set it, as far as is known here. Names with a period belong to extensions; `PostgreSQL` accepts any of
/// them.
fn is_setting(name: &str) -> bool {
    name.contains('.')
        || SETTINGS.contains(&name)
        || name.starts_with("wal_")
        || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// What is wrong with a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterProblem {
    /// It belongs before the `?`.
    Address,
    /// It is another client's parameter, which `PostgreSQL` refuses.
    OtherClient,
    /// It is pgx's parameter in other case: pgx does not recognise it, and `PostgreSQL` refuses it.
    Case,
    /// It is neither a parameter of pgx nor a setting that is known here.
    Unknown,
    /// Several settings in one parameter: poolers refuse it, and its content is not checked.
    Options,
    /// It names a service file, which a node does not have.
    Service,
    /// It sets up a login by a certificate or a password file. A node has neither, and a key would be readable in the image.
    Login,
    /// It names the file with the trusted authorities. Whether it is the right one is not known here.
    Authorities,
}

/// What is wrong with a parameter; none if it is right, or if only the server can tell.
#[must_use]
pub fn parameter_problem(name: &str, value: &str) -> Option<ParameterProblem> {
    let lower = name.to_ascii_lowercase();
    let is_foreign = |foreign: &&str| foreign.eq_ignore_ascii_case(name);
    match name {
        _ if ADDRESS.contains(&name) => Some(ParameterProblem::Address),
        "options" => Some(ParameterProblem::Options),
        "service" | "servicefile" => Some(ParameterProblem::Service),
        "sslrootcert" => Some(ParameterProblem::Authorities),
        // It makes a replication connection, which does not accept K3s's queries.
        "replication" if !NO.contains(&value.to_ascii_lowercase().as_str()) => Some(ParameterProblem::OtherClient),
        _ if LOGIN.contains(&name) => Some(ParameterProblem::Login),
        _ if PGX.contains(&name) => None,
        _ if PGX.contains(&lower.as_str()) => Some(ParameterProblem::Case),
        _ if OTHER_CLIENTS.iter().any(is_foreign) => Some(ParameterProblem::OtherClient),
        _ if is_setting(&lower) => None,
        _ => Some(ParameterProblem::Unknown),
    }
}

impl Endpoint {
    /// The parameters that pgx sends to the server besides user and database, sorted.
    pub(super) fn sent(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, _)| !PGX.contains(name) && *name != "user")
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
        assert_eq!(parameter_problem("pgbouncer", "true"), Some(ParameterProblem::OtherClient));
        assert_eq!(parameter_problem("host", "db2"), Some(ParameterProblem::Address));
        assert_eq!(parameter_problem("servicefile", "/etc/pg_service.conf"), Some(ParameterProblem::Service));
        assert_eq!(parameter_problem("sslrootcert", "/ca.pem"), Some(ParameterProblem::Authorities));
        for login in ["passfile", "sslcert", "sslkey", "sslpassword"] {
            assert_eq!(parameter_problem(login, "/etc/client"), Some(ParameterProblem::Login), "{login}");
        }
        for fine in ["sslmode", "application_name", "search_path", "statement_timeout", "target_session_attrs"] {
            assert_eq!(parameter_problem(fine, "x"), None, "{fine}");
        }
        for foreign in ["PGBouncer", "binary_parameters", "prefer_simple_protocol", "charset", "endpoint", "parseTime"]
        {
            assert_eq!(parameter_problem(foreign, "1"), Some(ParameterProblem::OtherClient), "{foreign}");
        }
        assert_eq!(parameter_problem("sslMode", "require"), Some(ParameterProblem::Case));
        assert_eq!(parameter_problem("foobar", "1"), Some(ParameterProblem::Unknown));
        for setting in ["TimeZone", "lock_timeout", "default_transaction_isolation", "pg_stat_statements.track", "jit"]
        {
            assert_eq!(parameter_problem(setting, "x"), None, "{setting}");
        }
        assert_eq!(
            parameter_problem("tcp_user_timeout", "5000"),
            None,
            "a setting of PostgreSQL's that every role may set"
        );
        assert_eq!(
            ["true", "database", "false", "OFF", "0"].map(|value| parameter_problem("replication", value)),
            [Some(ParameterProblem::OtherClient), Some(ParameterProblem::OtherClient), None, None, None]
        );
        assert!(OTHER_CLIENTS.iter().all(|name| !PGX.contains(name)));
    }
}
