//! Errors of secrets. None of them can contain a value: all texts are names, file names and fixed words.

use std::borrow::Cow;
use std::io;

use super::known::is_known;

/// Why secrets could not be read, made or written.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// A file cannot be read or written.
    #[error("cannot {action} {place}")]
    Io { action: &'static str, place: String, source: io::Error },
    /// A file that must be private is not.
    #[error("{place} contains secrets, but other users may read or change it (mode {mode:04o})")]
    Exposed { place: String, mode: u32 },
    /// A file that must be this user's own is not.
    #[error("{place} contains secrets, but belongs to user {owner}, not to you")]
    Foreign { place: String, owner: u32 },
    /// A directory, a device, a pipe.
    #[error("{place} is not a file")]
    NotAFile { place: String },
    /// There is no file with secrets.
    #[error("there is no secrets.toml and no secrets.toml.age in {dir}")]
    None { dir: String },
    /// A file is in the way.
    #[error("{place} exists")]
    Exists { place: String },
    /// There are two files, and it is unclear which one counts.
    #[error("{dir} has both secrets.toml and secrets.toml.age")]
    Both { dir: String },
    /// A malformed secrets file. The line is not quoted, since it may have a secret.
    #[error("{place}: line {line}: {problem}")]
    Syntax { place: String, line: usize, problem: &'static str },
    /// An invalid name. It is not quoted, since it may be a value in the wrong place.
    #[error("{place} is not a secret's name")]
    Name { place: String },
    /// A secret that is needed but not set.
    #[error("the secret `{name}` is not set")]
    Unset { name: String },
    /// A value that is invalid for its purpose.
    #[error("the secret `{name}` is invalid: {reason}")]
    Unfit { name: String, reason: Cow<'static, str> },
    /// A value that the cluster depends on would be replaced.
    #[error("the secret `{name}` is set already, and the cluster that was made with it depends on it")]
    Irreplaceable { name: String },
    /// A secret given twice.
    #[error("the environment has both {variable} and {variable}_FILE")]
    Twice { variable: String },
    /// The bytes are not text.
    #[error("{place} is not UTF-8 text")]
    NotText { place: String },
    /// Not an age recipient. It is not quoted, since it may be an identity.
    #[error("{problem}")]
    Recipient { problem: &'static str },
    /// An invalid line in the list of public keys. It is not quoted, since it may be an identity.
    #[error("{place}: line {line} is not a public key")]
    List { place: String, line: usize },
    /// The file is encrypted for other keys than those in the list beside it.
    #[error("{place} is not encrypted for the keys in {list}: {difference}")]
    OtherKeys { place: String, list: String, difference: String },
    /// The list of keys has other keys than those given for a new file.
    #[error("{place} lists other public keys than those that are given: {listed}")]
    Leftover { place: String, listed: String },
    /// Anybody could replace the encrypted file or the list of its keys.
    #[error("everybody may write to {place} (mode {mode:04o})")]
    Writable { place: String, mode: u32 },
    /// The file is encrypted, but there is no list of its keys.
    #[error("{place} is encrypted for {keys}, but there is no {list} that lists them")]
    NoList { place: String, list: String, keys: String },
    /// The file is encrypted, and no identity is given.
    #[error("{place} is encrypted")]
    Locked { place: String },
    /// The identity does not decrypt the file.
    #[error("cannot decrypt {place}: {problem}")]
    Decrypt { place: String, problem: &'static str },
    /// A file with identities that has none.
    #[error("{place}: {problem}")]
    Identity { place: String, problem: &'static str },
}

impl SecretsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } | Self::NotAFile { .. } | Self::NotText { .. } => return None,
            Self::Exposed { place, .. } => {
                format!("`chmod 600` on {place}; if other people use this machine, take the secrets in it as known")
            }
            Self::Foreign { .. } => "run as the file's owner, or copy it and `chmod 600` the copy".to_owned(),
            Self::None { .. } => "`imgbuild secrets init` makes one".to_owned(),
            Self::Exists { .. } => "it is never overwritten, since a cluster may depend on it; name another file, or \
                                    move this one away"
                .to_owned(),
            Self::Both { .. } => "move the one that is out of date out of the workspace".to_owned(),
            Self::Syntax { .. } => {
                "the file is `schema = 1`, then a table [secrets] with lines NAME = \"VALUE\"".to_owned()
            }
            Self::Name { .. } => "a name is 1 to 63 lower-case letters, digits and `-`, not ending in `-file`; the \
                                  value is never part of the command line"
                .to_owned(),
            Self::Unset { name } | Self::Unfit { name, .. } if is_known(name) => {
                format!("`imgbuild secrets set {name}` asks for it")
            }
            Self::Unset { name } | Self::Unfit { name, .. } => format!(
                "`imgbuild secrets set {name}` asks for it, if that is what cluster.toml or a manifest calls it; `imgbuild \
                 secrets check` lists what is needed"
            ),
            Self::Irreplaceable { .. } => {
                "back up with `imgbuild secrets export`, then say `--replace` if the cluster does not exist yet or may \
                 be lost"
                    .to_owned()
            }
            Self::Twice { .. } => "unset one of the two".to_owned(),
            Self::Recipient { .. } | Self::List { .. } => {
                "give a public key: `age1…` as `age-keygen` prints it, or `ssh-ed25519 AAAA…` of a .pub file".to_owned()
            }
            Self::OtherKeys { list, .. } => format!(
                "if you did not change the keys yourself, somebody else made the file: take both files from before the \
                 change, since the secrets in this one are known to whoever made it. If you did, write the same keys \
                 into {list}"
            ),
            Self::Leftover { place, .. } => format!(
                "no file here is encrypted for them: take {place} away if it is left from another one, or give these keys \
                 with `--age`"
            ),
            Self::Writable { place, .. } => format!(
                "who writes there decides what the secrets are, or who can read them: look at what it holds, then \
                 `chmod o-w {place}`"
            ),
            Self::NoList { list, .. } => format!(
                "if every one of these keys is yours, write them into {list}, each on a line of its own; else somebody \
                 else made the file"
            ),
            Self::Locked { .. } => {
                "name the file with the age or SSH identity with --identity FILE or the environment \
                                    variable IMGBUILD_AGE_IDENTITY"
                    .to_owned()
            }
            Self::Decrypt { .. } => "name the identity that it was encrypted for with --identity FILE".to_owned(),
            Self::Identity { .. } => {
                "it must be what `age-keygen` writes, or an Ed25519 SSH key without passphrase".to_owned()
            }
        })
    }
}
