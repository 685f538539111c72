//! K3s's release channels: which release of a line is the newest.
//!
//! The server at <https://update.k3s.io> answers with one JSON document of all channels (docs.k3s.io, "Manual Upgrades",
//! "Release Channels"), each with a name (`stable`, `v1.36`) and its newest release:
//!
//! ```text
//! {"type": "collection", "data": [{"id": "v1.36", "type": "channel", "name": "v1.36", "latest": "v1.36.5+k3s1", …}, …]}
//! ```
//!
//! Only the choice of the release relies on it: the chosen release is verified as any other.

use serde::Deserialize;

use super::{FetchError, Fetcher};
use crate::profile::{Line, Tag};
use crate::urls::WebUrl;

/// Where the project publishes its channels.
pub const CHANNELS: &str = "https://update.k3s.io/v1-release/channels";

/// Most bytes of the document; the real one has some 15 KiB.
const MAX: u64 = 1 << 20;

/// Why the newest release of a line is not known.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("K3s's release channels cannot be queried: {0}")]
    Unavailable(FetchError),
    #[error("the answer of {url} is not a list of K3s's release channels: {reason}")]
    Form { url: WebUrl, reason: String },
    #[error("{url} has no channel {line}")]
    NoChannel { url: WebUrl, line: Line },
    #[error("{url} has a channel {line}, but its newest release, `{latest}`, is not of that line")]
    Latest { url: WebUrl, line: Line, latest: String },
}

impl ChannelError {
    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unavailable(source) if source.is_out_of_reach() => {
                "name another address of the channels with `--k3s-channels URL`; or write the release's tag into the \
                 profile, `[k3s] version = \"…\"`, and run `imgbuild lock`"
            }
            Self::Unavailable(_) => "is the address right? `--k3s-channels URL` names another one",
            Self::Form { .. } => {
                "it must be the JSON document that <https://update.k3s.io/v1-release/channels> gives, or a copy of it"
            }
            Self::NoChannel { .. } => {
                "is the line one of K3s's? a line that is not released yet, or that a copy of the channels does not have, \
                 is named by a tag in the profile"
            }
            Self::Latest { .. } => "write the release's tag into the profile, `[k3s] version = \"…\"`, and run `imgbuild lock`",
        }
        .to_owned()
    }
}

#[derive(Deserialize)]
struct Collection {
    data: Vec<Channel>,
}

#[derive(Deserialize)]
struct Channel {
    #[serde(default)]
    name: String,
    /// Missing if nothing was released yet.
    #[serde(default)]
    latest: String,
}

impl Fetcher {
    /// The newest release of a line, according to the channels at `url`.
    ///
    /// # Errors
    /// The channels cannot be fetched or read, or have no release of the line.
    pub fn newest(&self, url: &WebUrl, line: Line) -> Result<Tag, ChannelError> {
        let bytes = self.fetch_fresh("K3s's release channels", url.as_str(), MAX);
        let bytes = bytes.map_err(ChannelError::Unavailable)?;
        newest(&bytes, url, line)
    }
}

fn newest(bytes: &[u8], url: &WebUrl, line: Line) -> Result<Tag, ChannelError> {
    let url = || url.clone();
    let collection: Collection =
        serde_json::from_slice(bytes).map_err(|error| ChannelError::Form { url: url(), reason: error.to_string() })?;
    let name = line.to_string();
    let channel = collection.data.into_iter().find(|channel| channel.name == name);
    let channel = channel.ok_or_else(|| ChannelError::NoChannel { url: url(), line })?;
    let tag = Tag::parse(&channel.latest).filter(|tag| tag.line == line && tag.is_final());
    tag.ok_or_else(|| {
        let latest: String = channel.latest.chars().take(64).flat_map(char::escape_debug).collect();
        ChannelError::Latest { url: url(), line, latest }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Line = Line { major: 1, minor: 36 };

    fn of(text: &str) -> Result<String, String> {
        let url = WebUrl::parse("http://me:password@channels/").unwrap();
        newest(text.as_bytes(), &url, LINE).map(|tag| tag.to_string()).map_err(|error| error.to_string())
    }

    /// A document in the real one's form.
    fn document(latest: &str) -> String {
        let channel = |name: &str, latest: &str| {
            format!(
                r#"{{"id":"{name}","type":"channel","links":{{"self":"https://update.k3s.io/v1-release/channels/{name}"}},
                "name":"{name}","latest":"{latest}","latestRegexp":".*","excludeRegexp":"^[^+]+-"}}"#
            )
        };
        let channels =
            [channel("stable", "v1.35.9+k3s1"), channel("v1.36", latest), channel("v1.36-testing", "v1.36.6-rc1+k3s1")];
        format!(
            r#"{{"type":"collection","links":{{"self":"https://update.k3s.io/v1-release/channels"}},"actions":{{}},
            "resourceType":"channels","data":[{}]}}"#,
            channels.join(",")
        )
    }

    #[test]
    fn the_newest_release_of_a_line_is_its_channels_latest() {
        assert_eq!(of(&document("v1.36.7+k3s2")).as_deref(), Ok("v1.36.7+k3s2"));
    }

    #[test]
    fn a_release_of_another_line_or_none_at_all_is_not_taken() {
        for latest in ["v1.37.0+k3s1", "v1.36.6-rc1+k3s1", "", "../../v1.36.5+k3s1", "v1.36.5+rke2r1", "\\u001b[31m"] {
            let error = of(&document(latest)).unwrap_err();
            assert!(error.contains("is not of that line") && !error.contains('\u{1b}'), "{latest}: {error}");
        }
        let old = document("v1.36.5+k3s1").replace("\"v1.36\"", "\"v1.33\"");
        assert_eq!(of(&old).unwrap_err(), "http://channels/ has no channel v1.36", "without the password");
    }

    #[test]
    fn what_is_no_document_of_channels_is_refused() {
        for text in ["", "<html>", "[]", "{}", r#"{"data": {}}"#, r#"{"data": [{"name": 1}]}"#] {
            assert!(of(text).unwrap_err().contains("is not a list of K3s's release channels"), "{text}");
        }
    }
}
