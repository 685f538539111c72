//! Has udisks2 open a disk and pass the file descriptor, for a user who may not open the disk and has no `sudo` or the like.
//!
//! udisks2 runs as root and opens the disk after polkit has allowed it, which may ask the user for a password. It returns
//! nothing but the descriptor; the caller ([`super::block`]) makes all checks of the open disk.

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

/// Options of a D-Bus call.
type Options<'a> = HashMap<&'a str, Variant<'a>>;

/// Has udisks2 open the disk at `path` for reading and writing, with the additional `flags`. Waits while the user is asked for
/// a password.
///
/// # Errors
/// There is no bus or no udisks2, polkit denies it, or the descriptor has other flags than requested.
pub(super) fn open(path: &Path, flags: OFlags) -> Result<OwnedFd, UdisksError> {
    let _agent = Agent::start();
    let fd = zbus::block_on(request(path, flags))?;
    check_flags(&fd)?;
    Ok(fd)
}

async fn request(path: &Path, flags: OFlags) -> Result<OwnedFd, UdisksError> {
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

/// What the error of a D-Bus call means.
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

/// Checks the flags that udisks2 opened the disk with: for reading and writing, and without the page cache, since reading back
/// from the cache would prove nothing.
fn check_flags(fd: &OwnedFd) -> Result<(), UdisksError> {
    let failed = |problem: &str, error: io::Error| UdisksError::Failed { text: format!("{problem}: {error}") };
    let flags = fcntl_getfl(fd).map_err(|errno| failed("it returned an unusable descriptor", errno.into()))?;
    if !flags.contains(OFlags::RDWR) {
        return Err(UdisksError::Failed { text: "its descriptor is not for reading and writing".to_owned() });
    }
    if !flags.contains(OFlags::DIRECT) {
        fcntl_setfl(fd, flags | OFlags::DIRECT)
            .map_err(|errno| failed("its descriptor cannot bypass the page cache", errno.into()))?;
    }
    Ok(())
}

/// polkit's agent, which asks for the password on the user's terminal. It is not started with `--fallback`: polkit ignores a
/// fallback agent if systemd knows of no session of the user.
struct Agent(Child);

impl Agent {
    /// Starts the agent. Without it, or without a terminal, the desktop's agent asks, if there is one.
    fn start() -> Option<Self> {
        let mut child = command("pkttyagent")
            .args(["--process", &std::process::id().to_string(), "--notify-fd", "1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        if let Some(mut ready) = child.stdout.take() {
            // It closes this descriptor as soon as it is registered with polkit, or when it ends.
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
