//! Replaces the startup message of a connection by the one that K3s's client sends, and limits what the server may send.
//!
//! `tokio-postgres` can send only a few settings in its startup message, but K3s's client sends all parameters of the URL, and
//! servers and poolers refuse unknown ones. So the library's startup message is discarded, and the one of K3s's client (pgx,
//! `pgconn.go`, `connectOne`) is sent in its place.
//!
//! Received bytes are limited because the library allocates as much memory as a message's length field says, and keeps all
//! rows of an answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::Endpoint;

/// Version 3.0 of the protocol (`PostgreSQL` documentation, "Message Formats", `StartupMessage`).
const VERSION: u32 = 196_608;

/// Most bytes that a server may send over one connection. The expected answers take a few thousand.
pub(super) const MAX_RECEIVED: usize = 1 << 20;

/// The startup message: user, database and the URL's settings. The encoding is added, since this program reads UTF-8.
pub(super) fn message(endpoint: &Endpoint) -> Vec<u8> {
    let mut body = VERSION.to_be_bytes().to_vec();
    let own = [("user", endpoint.user.as_str()), ("database", endpoint.database.as_str()), ("client_encoding", "UTF8")];
    for (name, value) in own.into_iter().chain(endpoint.sent()) {
        for text in [name, value] {
            body.extend(text.as_bytes());
            body.push(0);
        }
    }
    body.push(0);
    // A URL is far shorter than 4 GiB.
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &body].concat()
}

/// Makes TLS connections whose startup message is `message`.
pub(super) struct WithK3sStartup<C> {
    pub(super) tls: C,
    pub(super) message: Vec<u8>,
    /// Set when the server sends more than [`MAX_RECEIVED`].
    pub(super) overrun: Arc<AtomicBool>,
}

impl<S, C> TlsConnect<S> for WithK3sStartup<C>
where
    C: TlsConnect<S>,
    C::Stream: Send,
    C::Future: Send + 'static,
{
    type Stream = StartupStream<C::Stream>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, C::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let tls = self.tls.connect(stream);
        let (state, limit) = (State::Discarding(Vec::new(), self.message), ReceiveLimit::new(self.overrun));
        Box::pin(async move { Ok(StartupStream { stream: tls.await?, state, limit }) })
    }
}

/// A stream that replaces the first message it sends, and limits what it receives.
pub(super) struct StartupStream<S> {
    stream: S,
    state: State,
    limit: ReceiveLimit,
}

/// Parses the frames of received messages and limits their total length. A message has one byte of type, four bytes of
/// length, which include themselves, and a body (`PostgreSQL` documentation, "Message Formats").
struct ReceiveLimit {
    head: Vec<u8>,
    /// Remaining bytes of the current message's body.
    body: usize,
    /// Bytes that all further messages may have.
    left: usize,
    overrun: Arc<AtomicBool>,
}

impl ReceiveLimit {
    fn new(overrun: Arc<AtomicBool>) -> Self {
        Self { head: Vec::new(), body: 0, left: MAX_RECEIVED, overrun }
    }

    /// Counts received bytes.
    ///
    /// # Errors
    /// The head of a message announces more bytes than are left.
    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        const HEAD: usize = 5;
        while !bytes.is_empty() {
            let under_way = if self.body > 0 { self.body } else { HEAD.saturating_sub(self.head.len()) };
            let (now, later) = bytes.split_at(bytes.len().min(under_way));
            bytes = later;
            if self.body > 0 {
                self.body = self.body.saturating_sub(now.len());
                continue;
            }
            self.head.extend_from_slice(now);
            if let [_, length @ ..] = &self.head[..]
                && let Ok(length) = length.try_into().map(u32::from_be_bytes)
            {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                let Some(left) = self.left.checked_sub(length.saturating_add(1)) else {
                    self.overrun.store(true, Ordering::SeqCst);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "the server sends too much"));
                };
                (self.left, self.body) = (left, length.saturating_sub(4));
                self.head.clear();
            }
        }
        Ok(())
    }
}

enum State {
    /// The library's message is being discarded: what it has written so far, and the replacement.
    Discarding(Vec<u8>, Vec<u8>),
    /// The rest of the replacement, which is being sent.
    Sending(Vec<u8>),
    Done,
}

impl<S: AsyncWrite + Unpin> StartupStream<S> {
    /// Discards bytes of the library's message, which begins with its own length. Returns how many.
    fn discard(&mut self, bytes: &[u8]) -> usize {
        let State::Discarding(seen, message) = &mut self.state else { return 0 };
        let before = seen.len();
        for byte in bytes {
            seen.push(*byte);
            let length = seen.first_chunk().map(|length| u32::from_be_bytes(*length) as usize);
            if length.is_some_and(|length| seen.len() >= length) {
                let taken = seen.len() - before;
                self.state = State::Sending(std::mem::take(message));
                return taken;
            }
        }
        bytes.len()
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let State::Sending(rest) = &mut self.state {
            if rest.is_empty() {
                self.state = State::Done;
                break;
            }
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            rest.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StartupStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if matches!(self.state, State::Discarding(..)) {
            return Poll::Ready(Ok(self.discard(bytes)));
        }
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StartupStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let heard = self.limit.take(&buffer.filled()[before..]);
        if heard.is_err() {
            // With an error, no bytes may be returned.
            buffer.set_filled(before);
        }
        Poll::Ready(heard)
    }
}

impl<S: TlsStream + Unpin> TlsStream for StartupStream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn the_message_has_what_k3s_sends() {
        let endpoint = Endpoint::parse("postgres://k3s:pw@db/home?search_path=a,b&sslmode=verify-full").unwrap();
        let text = b"\0\x03\0\0user\0k3s\0database\0home\0client_encoding\0UTF8\0search_path\0a,b\0\0";
        let message = message(&endpoint);
        assert_eq!(&message[4..], text);
        assert_eq!(message[..4], u32::try_from(message.len()).unwrap().to_be_bytes());
    }

    #[tokio::test]
    async fn the_first_message_is_replaced_however_it_is_cut_and_the_rest_goes_through() {
        let own = [0, 0, 0, 6, b'm', b'e'];
        for cut in 1..own.len() {
            let state = State::Discarding(Vec::new(), b"theirs".to_vec());
            let mut stream = StartupStream { stream: Vec::new(), state, limit: ReceiveLimit::new(Arc::default()) };
            stream.write_all(&own[..cut]).await.unwrap();
            stream.write_all(&[&own[cut..], b" and more"].concat()).await.unwrap();
            stream.flush().await.unwrap();
            assert_eq!(stream.stream, b"theirs and more");
        }
    }

    /// What the server says until it has said too much.
    async fn heard(server: Vec<u8>) -> (usize, Option<io::ErrorKind>, bool) {
        let overrun = Arc::new(AtomicBool::new(false));
        let (stream, mut other) = tokio::io::duplex(1000);
        let mut stream = StartupStream { stream, state: State::Done, limit: ReceiveLimit::new(Arc::clone(&overrun)) };
        tokio::spawn(async move { other.write_all(&server).await });
        let mut bytes = Vec::new();
        let error = stream.read_to_end(&mut bytes).await.err().map(|error| error.kind());
        (bytes.len(), error, overrun.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn a_message_that_says_that_it_is_huge_is_refused_at_its_head() {
        for length in [u32::MAX, 2 << 30, 1 << 20] {
            let huge = [b"N\0\0\0\x05x".as_slice(), b"E", &length.to_be_bytes(), &[0; 5000]].concat();
            let (read, error, overrun) = heard(huge).await;
            assert!(read <= 1000 && overrun, "{length}: {read} bytes were read");
            assert_eq!(error, Some(io::ErrorKind::InvalidData));
        }
    }

    #[tokio::test]
    async fn messages_without_end_are_refused_and_an_answer_is_not() {
        let row = [b"D".as_slice(), &7_u32.to_be_bytes(), b"abc"].concat();
        let (read, error, overrun) = heard(row.repeat(200_000)).await;
        assert!(read <= MAX_RECEIVED && overrun, "{read} bytes were read");
        assert_eq!(error, Some(io::ErrorKind::InvalidData));
        assert_eq!(heard(row.repeat(100_000)).await, (800_000, None, false));
    }
}
