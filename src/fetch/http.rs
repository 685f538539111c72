//! Downloads one object by HTTP: requests the missing bytes, appends them, and tries again when the connection breaks.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_RANGE, RANGE, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, StatusCode};

use super::answer::{Answer, Head, limit};
use super::store::Partial;
use super::tokens::{self, Challenge, Place, Tokens};
use super::{Cause, Patience};

/// Tries per URL.
const TRIES: u32 = 4;

/// The longest that a busy server is waited for, in seconds.
const MAX_WAIT: u64 = 60;

/// An HTTP client with time limits.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    patience: Patience,
    /// Of registries of container images.
    tokens: Tokens,
}

impl Client {
    pub(super) fn new(patience: Patience) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.connect)
            .build()?;
        Ok(Self { http, patience, tokens: Tokens::default() })
    }

    /// Completes `partial` from `url`, and calls `reached` with its length as it grows.
    pub(super) async fn get_object(
        &self,
        url: &str,
        size: Option<u64>,
        partial: &mut Partial,
        reached: &mut impl FnMut(u64),
    ) -> Result<(), Cause> {
        let mut tries = 0;
        loop {
            match self.get_rest(url, size, partial, reached).await {
                Err(cause) if cause.is_passing() && tries + 1 < TRIES => {
                    tries += 1;
                    self.pause(tries, &cause).await;
                }
                other => return other,
            }
        }
    }

    /// The whole body at `url`, bypassing caches on the way.
    pub(super) async fn get_fresh(&self, url: &str, limit: u64) -> Result<Vec<u8>, Cause> {
        let mut tries = 0;
        loop {
            match self.get_body(url, limit).await {
                Err(cause) if cause.is_passing() && tries + 1 < TRIES => {
                    tries += 1;
                    self.pause(tries, &cause).await;
                }
                other => return other,
            }
        }
    }

    /// Waits before the next try, as long as the server asks for if it does.
    async fn pause(&self, tries: u32, cause: &Cause) {
        let pause = match cause {
            Cause::Busy { seconds, .. } => Duration::from_secs(*seconds),
            _ => self.patience.pause * 2_u32.pow(tries - 1),
        };
        tokio::time::sleep(pause).await;
    }

    /// Sends a request, made by `make`; of a registry, with the token that it wants.
    async fn send(&self, url: &str, make: impl Fn(RequestBuilder) -> RequestBuilder) -> Result<Response, Cause> {
        let Some(place) = Place::of(url) else { return Ok(self.within(make(self.http.get(url)).send()).await??) };
        let request = |token: Option<String>| {
            let mut request = make(self.http.get(url));
            if place.is_manifest {
                request = request.header(ACCEPT, tokens::MANIFESTS);
            }
            token.into_iter().fold(request, RequestBuilder::bearer_auth)
        };
        let response = self.within(request(self.tokens.get(&place)).send()).await??;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        // Without a token, or with one that is no longer good.
        let mut headers = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenge = headers.find_map(|header| Challenge::parse(header.to_str().ok()?));
        let Some(url) = challenge.and_then(|challenge| place.token_url(&challenge)) else { return Ok(response) };
        let answer = self.within(self.http.get(url).send()).await??;
        refuse_failure(&answer)?;
        let answer = self.read(answer, tokens::MAX_ANSWER).await?;
        let token = tokens::token_in(&answer).ok_or(Cause::NoToken)?;
        self.tokens.put(&place, &token);
        Ok(self.within(request(Some(token)).send()).await??)
    }

    /// One request for the bytes after `partial`.
    async fn get_rest(
        &self,
        url: &str,
        size: Option<u64>,
        partial: &mut Partial,
        reached: &mut impl FnMut(u64),
    ) -> Result<(), Cause> {
        let limit = limit(size);
        if partial.len() > limit {
            partial.restart()?;
        }
        if size == Some(partial.len()) {
            return Ok(());
        }
        let have = partial.len();
        let rest = |request: RequestBuilder| match have {
            0 => request,
            have => request.header(RANGE, format!("bytes={have}-")),
        };
        let response = self.send(url, rest).await?;
        let status = response.status().as_u16();
        let content_range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let head = Head { status, content_range, content_length: response.content_length() };
        let expected = match head.answer(partial.len(), size) {
            Answer::Body { from_start, expected } => {
                if from_start {
                    partial.restart()?;
                }
                expected
            }
            Answer::Complete => return Ok(()),
            Answer::WrongRange => {
                partial.restart()?;
                return Err(Cause::WrongRange);
            }
            Answer::TooLong => return Err(Cause::TooLong { limit }),
            Answer::NotFound => return Err(Cause::NotFound { status }),
            Answer::Refused => return Err(refusal(&response)),
        };
        let mut body = response.bytes_stream();
        while let Some(chunk) = self.within(body.next()).await? {
            let chunk = chunk?;
            if chunk.len() as u64 > limit.saturating_sub(partial.len()) {
                return Err(Cause::TooLong { limit });
            }
            partial.push(&chunk)?;
            reached(partial.len());
        }
        match expected {
            Some(expected) if partial.len() < expected => Err(Cause::Cut { got: partial.len(), expected }),
            _ => Ok(()),
        }
    }

    async fn get_body(&self, url: &str, limit: u64) -> Result<Vec<u8>, Cause> {
        let response = self.send(url, |request| request.header(CACHE_CONTROL, "max-age=0")).await?;
        refuse_failure(&response)?;
        self.read(response, limit).await
    }

    /// The whole body of a response.
    async fn read(&self, response: Response, limit: u64) -> Result<Vec<u8>, Cause> {
        let mut bytes = Vec::new();
        let mut body = response.bytes_stream();
        while let Some(chunk) = self.within(body.next()).await? {
            let chunk = chunk?;
            if chunk.len() as u64 > limit.saturating_sub(bytes.len() as u64) {
                return Err(Cause::TooLong { limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Waits for `future` until the time limit for a stalled server.
    async fn within<T>(&self, future: impl Future<Output = T>) -> Result<T, Cause> {
        let limit: Duration = self.patience.stall;
        tokio::time::timeout(limit, future).await.map_err(|_| Cause::Stalled { seconds: limit.as_secs() })
    }
}

fn refuse_failure(response: &Response) -> Result<(), Cause> {
    match response.status() {
        StatusCode::OK => Ok(()),
        status @ (StatusCode::NOT_FOUND | StatusCode::GONE) => Err(Cause::NotFound { status: status.as_u16() }),
        _ => Err(refusal(response)),
    }
}

/// What a server says that gives nothing, and when to come again if it says that: in seconds, since a date would need a clock that
/// is right.
fn refusal(response: &Response) -> Cause {
    let status = response.status().as_u16();
    let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match wait {
        Some(seconds) if matches!(status, 429 | 503) && seconds <= MAX_WAIT => Cause::Busy { status, seconds },
        Some(seconds) if matches!(status, 429 | 503) => Cause::BusyForLong { status, seconds },
        _ => Cause::Status { status },
    }
}
