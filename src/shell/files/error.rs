//! Why a file operation failed.

use crate::shell::reason::Reason;

/// Why a file operation failed: an error number of errno(3), or what is not modelled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("No such file or directory")]
    Missing,
    #[error("File exists")]
    Exists,
    #[error("Not a directory")]
    NotDirectory,
    #[error("Is a directory")]
    IsDirectory,
    #[error("Directory not empty")]
    NotEmpty,
    #[error("Too many levels of symbolic links")]
    Loop,
    #[error("Invalid argument")]
    Invalid,
    #[error("Device or resource busy")]
    Busy,
    #[error("Operation not permitted")]
    NotPermitted,
    #[error("File name too long")]
    TooLong,
    #[error(transparent)]
    Reason(#[from] Reason),
}

/// What a file operation answers.
pub type Done<T> = Result<T, FileError>;
