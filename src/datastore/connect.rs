//! Connections: by name to an address, then TCP, TLS and the login.

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

use super::startup::{self, AsK3s, MOST};
use super::{Endpoint, Obstacle, trust};

/// How long anything may take. K3s itself waits 5 seconds for an address (kine, `pkg/drivers/generic/dialer.go`).
const PATIENCE: Duration = Duration::from_secs(5);

/// A way in that can be gone through again and again.
pub(super) struct Door<'a> {
    pub(super) endpoint: &'a Endpoint,
    addresses: Vec<SocketAddr>,
    config: Config,
    tls: MakeRustlsConnect,
    /// Whether the server has sent more than it may: the library only says that the connection is closed.
    overrun: Arc<AtomicBool>,
}

impl<'a> Door<'a> {
    /// Looks the host up, and reads the CA file.
    ///
    /// # Errors
    /// A name without an address; a file without a certificate.
    pub(super) async fn find(endpoint: &'a Endpoint, ca: &[u8]) -> Result<Self, Obstacle> {
        let tls = trust::config(ca).map_err(|reason| Obstacle::Other { reason })?;
        let name = |reason| Obstacle::Name { host: endpoint.host.clone(), reason };
        let found = lookup_host((endpoint.host.as_str(), endpoint.port)).await;
        let addresses: Vec<SocketAddr> = found.map_err(|error| name(error.to_string()))?.collect();
        if addresses.is_empty() {
            return Err(name("it has no address".to_owned()));
        }
        let mut config = Config::new();
        // What the server is told of database and settings is in the first message, which is K3s's.
        config.user(&endpoint.user).password(&endpoint.password).ssl_mode(SslMode::Require);
        Ok(Self { endpoint, addresses, config, tls: MakeRustlsConnect::new(tls), overrun: Arc::default() })
    }

    /// A new connection.
    ///
    /// # Errors
    /// Whatever is in the way.
    pub(super) async fn open(&self) -> Result<Client, Obstacle> {
        let stream = self.dial().await?;
        let mut tls = self.tls.clone();
        let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, &self.endpoint.host)
            .map_err(|error| Obstacle::Tls { at: self.endpoint.to_string(), reason: error.to_string() })?;
        let tls = AsK3s { tls, message: startup::message(self.endpoint), overrun: Arc::clone(&self.overrun) };
        let (client, connection) = self.wait(self.config.connect_raw(stream, tls)).await?;
        // It ends with its client.
        tokio::spawn(connection);
        Ok(client)
    }

    /// TCP to the first address that takes it.
    async fn dial(&self) -> Result<TcpStream, Obstacle> {
        let mut reasons = Vec::new();
        for address in &self.addresses {
            let error = match timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => error,
                Err(_) => io::Error::from(io::ErrorKind::TimedOut),
            };
            reasons.push(format!("{}: {error}", address.ip()));
        }
        Err(Obstacle::Unreachable { at: self.endpoint.to_string(), reason: reasons.join("; ") })
    }

    /// Waits for an answer, but not for ever.
    ///
    /// # Errors
    /// The server's refusal, or its silence.
    pub(super) async fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Obstacle> {
        match timeout(PATIENCE, answer).await {
            Ok(Err(_)) if self.overrun.load(Ordering::SeqCst) => Err(Obstacle::Refused {
                at: self.endpoint.to_string(),
                reason: format!("it sends more than {MOST} bytes, which no answer of a PostgreSQL server has here"),
            }),
            Ok(answer) => answer.map_err(|error| Obstacle::of(&error, self.endpoint)),
            Err(_) => Err(Obstacle::Silent { at: self.endpoint.to_string(), seconds: PATIENCE.as_secs() }),
        }
    }

    /// The rows that `sql` gives. Asked in the simple way, which needs no prepared statement.
    ///
    /// # Errors
    /// The server's refusal, or its silence.
    pub(super) async fn rows(&self, client: &Client, sql: &str) -> Result<Vec<SimpleQueryRow>, Obstacle> {
        let messages = self.wait(client.simple_query(sql)).await?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        };
        Ok(messages.into_iter().filter_map(row).collect())
    }
}
