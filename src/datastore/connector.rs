//! Connecting to the datastore: name resolution, TCP, TLS and login.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, SimpleQueryMessage, SimpleQueryRow};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::startup::{self, MAX_RECEIVED, WithK3sStartup};
use super::{ConnectError, Endpoint, trust};

/// Time limit of each step. K3s itself waits 5 seconds for an address (kine, `pkg/drivers/generic/dialer.go`).
const TIMEOUT: Duration = Duration::from_secs(5);

/// All that is needed to open connections to one datastore.
pub(super) struct Connector<'a> {
    pub(super) endpoint: &'a Endpoint,
    addresses: Vec<SocketAddr>,
    config: Config,
    tls: MakeRustlsConnect,
    /// Set when a connection was closed because the server sent too much; the library reports only that it is closed.
    overrun: Arc<AtomicBool>,
}

impl<'a> Connector<'a> {
    /// Resolves the host's name, and reads the CA file.
    ///
    /// # Errors
    /// The name has no address, or the file no certificate.
    pub(super) async fn resolve(endpoint: &'a Endpoint, ca: &[u8]) -> Result<Self, ConnectError> {
        let tls = trust::config(ca).map_err(|reason| ConnectError::Other { reason })?;
        let name = |reason| ConnectError::Name { host: endpoint.host.clone(), reason };
        let found = lookup_host((endpoint.host.as_str(), endpoint.port)).await;
        let addresses: Vec<SocketAddr> = found.map_err(|error| name(error.to_string()))?.collect();
        if addresses.is_empty() {
            return Err(name("it has no address".to_owned()));
        }
        let mut config = Config::new();
        // Database and settings are in the startup message, which is replaced by K3s's.
        config.user(&endpoint.user).password(&endpoint.password).ssl_mode(SslMode::Require);
        Ok(Self { endpoint, addresses, config, tls: MakeRustlsConnect::new(tls), overrun: Arc::default() })
    }

    /// Opens a connection and logs in.
    ///
    /// # Errors
    /// The step that failed.
    pub(super) async fn connect(&self) -> Result<Client, ConnectError> {
        let stream = self.connect_tcp().await?;
        let mut tls = self.tls.clone();
        let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, &self.endpoint.host)
            .map_err(|error| ConnectError::Tls { at: self.endpoint.to_string(), reason: error.to_string() })?;
        let tls = WithK3sStartup { tls, message: startup::message(self.endpoint), overrun: Arc::clone(&self.overrun) };
        let (client, connection) = self.wait(self.config.connect_raw(stream, tls)).await?;
        // The task ends when the client is dropped.
        tokio::spawn(connection);
        Ok(client)
    }

    /// Connects to the first address that accepts.
    async fn connect_tcp(&self) -> Result<TcpStream, ConnectError> {
        let mut reasons = Vec::new();
        for address in &self.addresses {
            let error = match timeout(TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => error,
                Err(_) => io::Error::from(io::ErrorKind::TimedOut),
            };
            reasons.push(format!("{}: {error}", address.ip()));
        }
        Err(ConnectError::Unreachable { at: self.endpoint.to_string(), reason: reasons.join("; ") })
    }

    /// Waits for an answer until the time limit.
    ///
    /// # Errors
    /// The server refuses, sends too much, or does not answer in time.
    pub(super) async fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, ConnectError> {
        match timeout(TIMEOUT, answer).await {
            Ok(Err(_)) if self.overrun.load(Ordering::SeqCst) => Err(ConnectError::Refused {
                at: self.endpoint.to_string(),
                reason: format!(
                    "it sends more than {MAX_RECEIVED} bytes, far more than the answers of a PostgreSQL server"
                ),
            }),
            Ok(answer) => answer.map_err(|error| ConnectError::of(&error, self.endpoint)),
            Err(_) => Err(ConnectError::Silent { at: self.endpoint.to_string(), seconds: TIMEOUT.as_secs() }),
        }
    }

    /// The result rows of `sql`. It uses the simple query protocol, which needs no prepared statement.
    ///
    /// # Errors
    /// The server refuses, or does not answer in time.
    pub(super) async fn rows(&self, client: &Client, sql: &str) -> Result<Vec<SimpleQueryRow>, ConnectError> {
        let messages = self.wait(client.simple_query(sql)).await?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        };
        Ok(messages.into_iter().filter_map(row).collect())
    }
}
