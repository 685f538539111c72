//! UEFI Secure Boot: the key that images are signed with, `imgbuild secrets secure-boot`, and what `inspect` says of signatures.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use super::Outcome;
use super::disk::{Disk, LONGEST_FILE};
use super::session::{Session, now};
use crate::cli::SecretsSecureBoot;
use crate::cluster::secrets::{
    SECURE_BOOT, SECURE_BOOT_DB, SECURE_BOOT_KEK, SECURE_BOOT_PK, Secret, Secrets, SecretsError,
};
use crate::exit::{Code, Failure};
use crate::files;
use crate::format::authenticode::{self, State};
use crate::format::efi_variable::{Variable, signature_list, signed_setting};
use crate::format::signing::{SigningError, SigningKey, certificate_of_file};
use crate::output::shown;
use crate::profile::Board;

/// The key that an image for `board` is signed with, if there is one among the secrets and the board's firmware can check it.
pub(super) fn key(board: Board, secrets: &Secrets) -> Result<Option<SigningKey>, Failure> {
    let is_uefi = matches!(board, Board::UefiAmd64 | Board::UefiArm64);
    if is_uefi && secrets.get(SECURE_BOOT_DB).is_some() { read(secrets, SECURE_BOOT_DB).map(Some) } else { Ok(None) }
}

fn read(secrets: &Secrets, name: &str) -> Result<SigningKey, Failure> {
    let unfit = |error: SigningError| -> Failure {
        let hint = error.hint();
        Failure::from(SecretsError::Unfit { name: name.to_owned(), reason: error.to_string().into() })
            .maybe_hint(hint.map(str::to_owned))
    };
    SigningKey::from_pem(secrets.require(name)?.expose()).map_err(unfit)
}

/// Makes the keys that are missing, and writes what firmware enrols.
pub(super) fn run(args: &SecretsSecureBoot, session: &Session<'_>) -> Outcome {
    let allowed = args.allow.iter().map(|path| allowed(path)).collect::<Result<Vec<_>, Failure>>()?;
    let mut secrets = session.secrets(&args.unlock)?;
    let missing: Vec<&str> = SECURE_BOOT.into_iter().filter(|name| secrets.get(name).is_none()).collect();
    // A db key that no KEK of ours stands behind is what a builder has who only signs.
    if !missing.is_empty() && missing.len() != SECURE_BOOT.len() {
        let names = missing.join("`, `");
        return Err(Failure::refused(format!("of Secure Boot's keys `{names}` is missing"))
            .hint("the three belong together: bring the missing ones from a backup, or take away the others"));
    }
    for name in &missing {
        let made = SigningKey::make(&format!("CN=imgbuild {name}"), now()).and_then(|key| key.to_pem());
        let made = Secret::from(made.map_err(|error| Failure::new(Code::Unexpected, &error))?);
        session.vault(&args.unlock).set(name, &made, false)?;
    }
    if !missing.is_empty() {
        secrets = session.secrets(&args.unlock)?;
    }
    let output = args.output.clone().unwrap_or_else(|| session.root().join("secure-boot"));
    let wrote = write(&secrets, &allowed, &output)?;
    let text = format!(
        "{}; wrote {} to {}; docs/secure-boot.md says how firmware takes them",
        if missing.is_empty() { "the keys are there already" } else { "made three keys among the secrets" },
        wrote.join(", "),
        output.display(),
    );
    session.console.result(&json!({"made": missing, "dir": output, "files": wrote}), &text);
    Ok(())
}

/// A certificate that a person names.
fn allowed(path: &Path) -> Result<Vec<u8>, Failure> {
    let message = || format!("cannot read the certificate {}", path.display());
    let bytes = files::open(path).and_then(|mut file| {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes).map(|_| bytes)
    });
    let bytes = bytes.map_err(|error| Failure::io(Code::Refused, message(), &error))?;
    certificate_of_file(&bytes).map_err(|_| {
        Failure::refused(format!("{} is no certificate", path.display()))
            .hint("name an X.509 certificate in DER or PEM")
    })
}

/// Writes the files of all three variables; gives their names.
fn write(secrets: &Secrets, allowed: &[Vec<u8>], dir: &Path) -> Result<Vec<String>, Failure> {
    let [pk, kek, db] =
        [read(secrets, SECURE_BOOT_PK)?, read(secrets, SECURE_BOOT_KEK)?, read(secrets, SECURE_BOOT_DB)?];
    let unsigned = |error: SigningError| Failure::new(Code::Unexpected, &error);
    let unwritten = |path: &Path, error: &std::io::Error| {
        Failure::io(Code::Refused, format!("cannot write {}", path.display()), error)
    };
    fs::create_dir_all(dir).map_err(|error| unwritten(dir, &error))?;
    let mut names = Vec::new();
    for (variable, key, signer) in [(Variable::Pk, &pk, &pk), (Variable::Kek, &kek, &pk), (Variable::Db, &db, &kek)] {
        let owner = pk.certificate();
        let mut lists = signature_list(key.certificate(), owner).map_err(unsigned)?;
        for certificate in allowed.iter().filter(|_| variable == Variable::Db) {
            lists.extend(signature_list(certificate, certificate).map_err(unsigned)?);
        }
        let auth = signed_setting(variable, &lists, signer).map_err(unsigned)?;
        for (end, bytes) in [("auth", &auth[..]), ("esl", &lists), ("cer", key.certificate())] {
            let name = format!("{}.{end}", variable.name());
            let path = dir.join(&name);
            fs::write(&path, bytes).map_err(|error| unwritten(&path, &error))?;
            names.push(name);
        }
    }
    Ok(names)
}

/// A program of the EFI system partition, and who signed it.
#[derive(Debug, Serialize)]
pub(super) struct Program {
    path: String,
    /// Empty: anybody may have changed it.
    signatures: Vec<Signature>,
}

#[derive(Debug, Serialize)]
struct Signature {
    subject: String,
    /// Of the certificate.
    sha256: String,
    /// `good`, `changed`, `forged` or `unknown`.
    state: &'static str,
}

/// The programs of the EFI system partition that firmware or boot loader start; none of a board without one.
pub(super) fn programs(disk: &Disk) -> Vec<Program> {
    let Some(mut volume) = disk.files("esp") else { return Vec::new() };
    let mut found = Vec::new();
    for dir in ["EFI/BOOT", "EFI/Linux"] {
        let entries = volume.directory(dir).unwrap_or_default().into_iter().filter(|entry| !entry.is_directory);
        for entry in entries.filter(|entry| entry.name.to_ascii_lowercase().ends_with(".efi")) {
            let path = format!("{dir}/{}", entry.name);
            let Ok(bytes) = volume.file(&path, LONGEST_FILE) else { continue };
            let signatures = authenticode::signatures(&bytes).unwrap_or_default().into_iter().map(|found| Signature {
                subject: shown(&found.subject),
                sha256: found.fingerprint.to_string(),
                state: match found.state {
                    State::Good => "good",
                    State::Changed => "changed",
                    State::Forged => "forged",
                    State::Unknown => "unknown",
                },
            });
            found.push(Program { signatures: signatures.collect(), path: shown(&path) });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// What `inspect` prints of programs.
pub(super) fn lines(programs: &[Program]) -> String {
    let mut text = String::new();
    if !programs.is_empty() {
        text.push_str("\nEFI programs:\n");
    }
    for Program { path, signatures } in programs {
        if signatures.is_empty() {
            let _ = writeln!(text, "  {path}: unsigned");
        }
        for Signature { subject, sha256, state } in signatures {
            let state = match *state {
                "good" => "holds",
                "changed" => "DOES NOT HOLD: the program was changed",
                "forged" => "DOES NOT HOLD: it is not of that certificate's key",
                _ => "is of a kind that this program cannot check",
            };
            let _ = writeln!(text, "  {path}: signed by {subject} (certificate {sha256}); the signature {state}");
        }
    }
    text
}

/// Who signed the boot loader of the image at `path`, by the certificate's subject. A build signs all programs or none, and the loader
/// is the smallest.
pub(super) fn loader_signer(path: &Path) -> Option<String> {
    let disk = Disk::open(path).ok()?;
    let mut volume = disk.files("esp")?;
    let name = volume.directory("EFI/BOOT").ok()?.into_iter().find(|entry| !entry.is_directory)?.name;
    let loader = volume.file(&format!("EFI/BOOT/{name}"), LONGEST_FILE).ok()?;
    authenticode::signatures(&loader).ok()?.into_iter().next().map(|found| found.subject)
}
