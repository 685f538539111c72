//! The first message of a connection, as K3s's client writes it.
//!
//! `tokio-postgres` sends no other settings than a few of its own, but K3s's client sends whatever the URL says, and servers
//! and poolers refuse what they do not know. So what the library writes first is swallowed, and the message of K3s's
//! client (pgx, `pgconn.go`, `connectOne`) goes out in its place.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::Endpoint;

/// Version 3.0 of the protocol (`PostgreSQL` documentation, "Message Formats", `StartupMessage`).
const VERSION: u32 = 196_608;

/// The message: user, database, and what else the URL says. Beside it the encoding, since this program reads UTF-8.
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

/// Makes TLS connections that begin with `message`.
pub(super) struct AsK3s<C> {
    pub(super) tls: C,
    pub(super) message: Vec<u8>,
}

impl<S, C> TlsConnect<S> for AsK3s<C>
where
    C: TlsConnect<S>,
    C::Stream: Send,
    C::Future: Send + 'static,
{
    type Stream = Begun<C::Stream>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, C::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let tls = self.tls.connect(stream);
        Box::pin(async move { Ok(Begun { stream: tls.await?, state: State::Swallows(Vec::new(), self.message) }) })
    }
}

/// A stream whose first message is another one.
pub(super) struct Begun<S> {
    stream: S,
    state: State,
}

enum State {
    /// What came of the library's message so far; what goes out for it.
    Swallows(Vec<u8>, Vec<u8>),
    /// What is left to go out.
    Says(Vec<u8>),
    Through,
}

impl<S: AsyncWrite + Unpin> Begun<S> {
    /// Takes bytes of the library's message, which begins with its own length; gives how many.
    fn swallow(&mut self, bytes: &[u8]) -> usize {
        let State::Swallows(seen, message) = &mut self.state else { return 0 };
        let before = seen.len();
        for byte in bytes {
            seen.push(*byte);
            let length = seen.first_chunk().map(|length| u32::from_be_bytes(*length) as usize);
            if length.is_some_and(|length| seen.len() >= length) {
                let taken = seen.len() - before;
                self.state = State::Says(std::mem::take(message));
                return taken;
            }
        }
        bytes.len()
    }

    fn poll_say(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let State::Says(rest) = &mut self.state {
            if rest.is_empty() {
                self.state = State::Through;
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

impl<S: AsyncWrite + Unpin> AsyncWrite for Begun<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if matches!(self.state, State::Swallows(..)) {
            return Poll::Ready(Ok(self.swallow(bytes)));
        }
        ready!(self.poll_say(context))?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_say(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Begun<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Begun<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

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
            let state = State::Swallows(Vec::new(), b"theirs".to_vec());
            let mut stream = Begun { stream: Vec::new(), state };
            stream.write_all(&own[..cut]).await.unwrap();
            stream.write_all(&[&own[cut..], b" and more"].concat()).await.unwrap();
            stream.flush().await.unwrap();
            assert_eq!(stream.stream, b"theirs and more");
        }
    }
}
