//! Downloads one object by HTTP: requests the missing bytes, appends them, and tries again when the connection breaks.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::{CACHE_CONTROL, CONTENT_RANGE, RANGE};
use reqwest::{Response, StatusCode};

use super::answer::{Answer, Head, limit};
use super::store::Partial;
use super::{Cause, Patience};

/// Tries per URL.
const TRIES: u32 = 4;

/// An HTTP client with time limits.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    patience: Patience,
}

impl Client {
    pub(super) fn new(patience: Patience) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.connect)
            .build()?;
        Ok(Self { http, patience })
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
                    self.pause(tries).await;
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
                    self.pause(tries).await;
                }
                other => return other,
            }
        }
    }

    async fn pause(&self, tries: u32) {
        tokio::time::sleep(self.patience.pause * 2_u32.pow(tries - 1)).await;
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
        let mut request = self.http.get(url);
        if partial.len() > 0 {
            request = request.header(RANGE, format!("bytes={}-", partial.len()));
        }
        let response = self.within(request.send()).await??;
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
            Answer::Refused => return Err(Cause::Status { status }),
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
        let request = self.http.get(url).header(CACHE_CONTROL, "max-age=0");
        let response: Response = self.within(request.send()).await??;
        refuse_failure(response.status())?;
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

fn refuse_failure(status: StatusCode) -> Result<(), Cause> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(Cause::NotFound { status: status.as_u16() }),
        _ => Err(Cause::Status { status: status.as_u16() }),
    }
}
