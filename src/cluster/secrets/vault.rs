//! A workspace's secrets file, plain or encrypted.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::document::Document;
use super::known::{AGENT_TOKEN, IDENTITY_SEED, SERVER_TOKEN, is_name, problem};
use super::private::{self, Access};
use super::recipients::{self, Keys};
use super::{Secret, Secrets, SecretsError, Source, overrides, sealed};
use crate::cluster::hex;

const PLAIN: &str = "secrets.toml";
const SEALED: &str = "secrets.toml.age";

/// A workspace's file with secrets: `secrets.toml`, or `secrets.toml.age`.
#[derive(Debug, Clone)]
pub struct Vault {
    dir: PathBuf,
    identity: Option<PathBuf>,
}

/// A file that was found, decrypted and read.
struct Opened {
    name: &'static str,
    path: PathBuf,
    place: String,
    text: Zeroizing<String>,
    secrets: BTreeMap<String, Secret>,
    /// Whom it is encrypted for, if it is.
    keys: Option<Keys>,
}

impl Vault {
    /// The vault of the workspace in `dir`; an encrypted one is opened with the `identity` in this file.
    #[must_use]
    pub fn at(dir: &Path, identity: Option<&Path>) -> Self {
        // An empty variable counts as unset.
        let identity = identity.filter(|path| !path.as_os_str().is_empty());
        Self { dir: dir.to_owned(), identity: identity.map(Path::to_owned) }
    }

    /// The files that decide what the secrets of the workspace in `dir` are: those that the vault may be, and the list of
    /// the keys that an encrypted one must be for.
    #[must_use]
    pub fn paths(dir: &Path) -> [PathBuf; 3] {
        [PLAIN, SEALED, recipients::FILE].map(|name| dir.join(name))
    }

    /// Makes a new cluster's secrets and writes them, encrypted if there are recipients, which are listed beside the file then.
    /// Gives the file's path.
    ///
    /// # Errors
    /// A file or list that is there already; recipients that are none; a directory that cannot be written.
    pub fn init(&self, recipients: &[String]) -> Result<PathBuf, SecretsError> {
        if let Some(name) = self.which()? {
            return Err(SecretsError::Exists { place: self.place(name) });
        }
        let keys = recipients::keys(recipients)?;
        let mut document = Document { recipients: keys.clone(), secrets: BTreeMap::new() };
        for name in [SERVER_TOKEN, AGENT_TOKEN, IDENTITY_SEED] {
            document.secrets.insert(name.to_owned(), random()?);
        }
        let text = document.render();
        let (name, bytes, access) = if keys.is_empty() {
            (PLAIN, text, Access::Private)
        } else {
            let sealed = Zeroizing::new(sealed::seal(&text, &keys)?);
            recipients::write(&self.dir, &keys)?;
            (SEALED, sealed, Access::Public)
        };
        let path = self.dir.join(name);
        private::create(&path, &self.place(name), bytes.as_bytes(), access)?;
        Ok(path)
    }

    /// All secrets: the file's, if there is one, and over them those of the environment (`std::env::vars_os`).
    ///
    /// # Errors
    /// A file that others may read, that cannot be decrypted, that is for other keys than are listed beside it, or that is not
    /// what it must be; a variable that is not.
    pub fn load(&self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Secrets, SecretsError> {
        let mut secrets = Secrets::default();
        if let Some(file) = self.open()? {
            for (name, value) in file.secrets {
                secrets.insert(name, value, Source::File(file.name));
            }
        }
        overrides::apply(variables, &mut secrets)?;
        Ok(secrets)
    }

    /// Sets one secret in the file; an encrypted one is encrypted again for the keys that are listed beside it. One that the
    /// cluster stands on is only replaced if `replace` says so. Gives the file's path.
    ///
    /// # Errors
    /// A name or value that is none; no file; whatever [`Vault::load`] refuses.
    pub fn set(&self, name: &str, value: &Secret, replace: bool) -> Result<PathBuf, SecretsError> {
        Self::accepts(name)?;
        if let Some(reason) = problem(name, value) {
            return Err(SecretsError::Unfit { name: name.to_owned(), reason });
        }
        let file = self.existing()?;
        let changes = file.secrets.get(name).is_some_and(|old| old.expose() != value.expose());
        if changes && !replace && [SERVER_TOKEN, IDENTITY_SEED].contains(&name) {
            return Err(SecretsError::Irreplaceable { name: name.to_owned() });
        }
        let text = Document::edit(&file.text, &file.place, name, value)?;
        let (bytes, access) = match &file.keys {
            None => (text, Access::Private),
            Some(keys) => (Zeroizing::new(sealed::seal(&text, keys)?), Access::Public),
        };
        private::replace(&file.path, &file.place, bytes.as_bytes(), access)?;
        Ok(file.path)
    }

    /// The file's secrets as a file of the same form that is encrypted for `recipients`.
    ///
    /// # Errors
    /// No file; recipients that are none; whatever [`Vault::load`] refuses.
    pub fn export(&self, recipients: &[String]) -> Result<String, SecretsError> {
        let keys = recipients::keys(recipients)?;
        let secrets = self.existing()?.secrets;
        sealed::seal(&Document { recipients: keys.clone(), secrets }.render(), &keys)
    }

    /// The public keys that the file is encrypted for, sorted: those that are listed beside it. None in the clear.
    ///
    /// # Errors
    /// A list that cannot be read.
    pub fn recipients(&self) -> Result<Vec<String>, SecretsError> {
        match self.which()? {
            Some(SEALED) => Ok(recipients::listed(&self.dir)?.unwrap_or_default().into_iter().collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// Refuses what cannot be a secret's name, without quoting it.
    ///
    /// # Errors
    /// A name that is none.
    pub fn accepts(name: &str) -> Result<(), SecretsError> {
        if is_name(name) { Ok(()) } else { Err(SecretsError::Name { place: "NAME".to_owned() }) }
    }

    /// Writes what [`Vault::export`] gave to a file that must not be there yet.
    ///
    /// # Errors
    /// A file that is there; a directory that cannot be written.
    pub fn write_export(path: &Path, sealed: &str) -> Result<(), SecretsError> {
        private::create(path, &path.display().to_string(), sealed.as_bytes(), Access::Public)
    }

    fn place(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn which(&self) -> Result<Option<&'static str>, SecretsError> {
        // A link that leads nowhere is there too: making a second file beside it would hide it.
        let there = |name: &str| match self.dir.join(name).symlink_metadata() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(SecretsError::Io { action: "read", place: self.place(name), source }),
        };
        match (there(PLAIN)?, there(SEALED)?) {
            (true, true) => Err(SecretsError::Both { dir: self.dir.display().to_string() }),
            (true, false) => Ok(Some(PLAIN)),
            (false, true) => Ok(Some(SEALED)),
            (false, false) => Ok(None),
        }
    }

    fn existing(&self) -> Result<Opened, SecretsError> {
        self.open()?.ok_or_else(|| SecretsError::None { dir: self.dir.display().to_string() })
    }

    fn open(&self) -> Result<Option<Opened>, SecretsError> {
        let Some(name) = self.which()? else { return Ok(None) };
        let (path, place) = (self.dir.join(name), self.place(name));
        let bytes = match name {
            PLAIN => private::read(&path, &place, Access::Private)?,
            _ => sealed::unseal(&private::read(&path, &place, Access::Public)?, &place, self.identity.as_deref())?,
        };
        let text = private::text(&bytes, &place)?;
        let Document { recipients, secrets } = Document::parse(&text, &place)?;
        let keys = match name {
            PLAIN => None,
            _ => Some(recipients::compare(&self.dir, &place, recipients)?),
        };
        Ok(Some(Opened { name, path, place, text, secrets, keys }))
    }
}

/// 32 random bytes as hexadecimal digits: impossible to guess, and valid in every file format.
fn random() -> Result<Secret, SecretsError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| SecretsError::Io {
        action: "read",
        place: "the kernel's random numbers".to_owned(),
        source: io::Error::other(error.to_string()),
    })?;
    Ok(hex::encode(&*bytes).into())
}

impl Secret {
    /// Reads a secret from a stream to its end, and removes one line break there.
    ///
    /// # Errors
    /// The stream cannot be read, or is not UTF-8.
    pub fn read(from: impl io::Read, place: &str) -> Result<Self, SecretsError> {
        // Enough capacity for a key file, since the length of a stream is unknown.
        let bytes = private::read_all(from, 64 << 10).map_err(|source| SecretsError::Io {
            action: "read",
            place: place.to_owned(),
            source,
        })?;
        Ok(overrides::trimmed(private::text(&bytes, place)?).into())
    }
}
