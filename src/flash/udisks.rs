//! A disk's descriptor from udisks2, for a user who may not open the disk and has no program that gives rights.
//!
//! udisks2 runs with all rights and opens the disk for us, once polkit has found that the user may have that: it asks for a
//! password where the system says so. What comes back is the descriptor alone; every check of it is made by who asked
//! ([`super::block`]).

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use zbus::wire::{ObjectPath, Variant};
use zbus::{Connection, fdo};

use super::UdisksError;
use crate::process::command;

const SERVICE: &str = "org.freedesktop.UDisks2";
const MANAGER: &str = "/org/freedesktop/UDisks2/Manager";

/// Options of a call.
type Options<'a> = HashMap<&'a str, Variant<'a>>;

/// Has the disk at `path` opened for reading and writing, with `flags` besides. Waits as long as somebody thinks about
/// a password.
///
/// # Errors
/// No bus, no udisks2, no right, or a descriptor that is not what was asked for.
pub(super) fn open(path: &Path, flags: OFlags) -> Result<OwnedFd, UdisksError> {
    let _agent = Agent::start();
    let fd = zbus::block_on(ask(path, flags))?;
    suits(&fd)?;
    Ok(fd)
}

async fn ask(path: &Path, flags: OFlags) -> Result<OwnedFd, UdisksError> {
    let bus = Connection::system().await.map_err(|error| UdisksError::NoBus { text: error.to_string() })?;
    let path = path.to_str().ok_or(UdisksError::Unknown)?;
    let device = Options::from([("path", path.into())]);
    let reply = bus
        .call_method(
            Some(SERVICE),
            MANAGER,
            Some("org.freedesktop.UDisks2.Manager"),
            "ResolveDevice",
            &(device, Options::new()),
        )
        .await
        .map_err(refused)?;
    let body = reply.body();
    let objects: Vec<ObjectPath<'_>> = body.deserialize().map_err(refused)?;
    let object = objects.first().ok_or(UdisksError::Unknown)?;
    let flags = flags.bits().cast_signed();
    let options = Options::from([("flags", flags.into())]);
    let reply = bus
        .call_method(Some(SERVICE), object, Some("org.freedesktop.UDisks2.Block"), "OpenDevice", &("rw", options))
        .await
        .map_err(refused)?;
    let fd: zbus::OwnedFd = reply.body().deserialize().map_err(refused)?;
    Ok(fd.into())
}

/// What an answer that is none means.
fn refused(error: zbus::Error) -> UdisksError {
    let text = match error {
        zbus::Error::FDO(known) => match *known {
            fdo::Error::ServiceUnknown(text)
            | fdo::Error::NameHasNoOwner(text)
            | fdo::Error::SpawnServiceNotFound(text) => return UdisksError::Absent { text },
            known => known.to_string(),
        },
        zbus::Error::MethodError(name, text, _) => {
            let text = text.unwrap_or_else(|| name.to_string());
            match name.strip_prefix("org.freedesktop.UDisks2.Error.") {
                Some("NotAuthorizedCanObtain") => return UdisksError::NoAgent,
                Some("NotAuthorizedDismissed") => return UdisksError::Dismissed,
                Some("NotAuthorized") => return UdisksError::Denied { text },
                _ => text,
            }
        }
        other => other.to_string(),
    };
    UdisksError::Failed { text }
}

/// The descriptor must be what was asked for, whatever udisks2 made of it: for both directions, and past the page cache, or
/// reading back would prove nothing.
fn suits(fd: &OwnedFd) -> Result<(), UdisksError> {
    let failed = |problem: &str, error: io::Error| UdisksError::Failed { text: format!("{problem}: {error}") };
    let flags = fcntl_getfl(fd).map_err(|errno| failed("its descriptor is none", errno.into()))?;
    if !flags.contains(OFlags::RDWR) {
        return Err(UdisksError::Failed { text: "its descriptor is not for reading and writing".to_owned() });
    }
    if !flags.contains(OFlags::DIRECT) {
        fcntl_setfl(fd, flags | OFlags::DIRECT)
            .map_err(|errno| failed("its descriptor does not go past the page cache", errno.into()))?;
    }
    Ok(())
}

/// What asks for the password on the terminal that the user sits at: polkit itself asks nobody. As a mere fallback for the
/// desktop's agent it would ask nobody either where the user has no session that systemd knows of.
struct Agent(Child);

impl Agent {
    /// Without it, or without a terminal, the desktop's asks, or nobody.
    fn start() -> Option<Self> {
        let mut child = command("pkttyagent")
            .args(["--process", &std::process::id().to_string(), "--notify-fd", "1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        if let Some(mut ready) = child.stdout.take() {
            // It closes this as soon as polkit knows of it, or when it ends.
            let _ = ready.read_to_end(&mut Vec::new());
        }
        Some(Self(child))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _: io::Result<_> = self.0.kill().and_then(|()| self.0.wait());
    }
}
