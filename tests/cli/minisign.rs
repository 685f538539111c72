//! Pairs of keys, as `minisign` makes them.

use std::fs;
use std::path::Path;

use crate::support;

/// The secret key's text, and the public key.
pub struct Pair {
    pub secret: String,
    pub public: String,
}

/// A pair in `NAME.sec` and `NAME.pub`; an empty password is none.
pub fn keys(dir: &Path, name: &str, password: &str) -> Pair {
    let files = format!("-f -p {name}.pub -s {name}.sec");
    let script = match password {
        "" => format!("minisign -G -W {files}"),
        password => format!("printf '{password}\n{password}\n' | minisign -G {files}"),
    };
    support::ok(dir, "sh", &["-c", &script]);
    let read = |kind| fs::read_to_string(dir.join(format!("{name}.{kind}"))).unwrap();
    Pair { secret: read("sec"), public: read("pub").lines().nth(1).unwrap().to_owned() }
}
