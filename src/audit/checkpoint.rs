//! A checkpoint: a record that this host's key has signed, and with it every record before it, since
//! the last hash is part of what is signed.
//!
//! What is signed is the record's line as it is hashed, with nothing between the quotes where the
//! signature stands.

use crate::audit::key::Public;
use crate::output::hex::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Read as _;

/// What stands before the signature, which is the last field of its object. No text of a record can
/// hold this: in one, quotes are escaped.
pub const BEFORE: &[u8] = b",\"signature\":\"";

/// What a checkpoint's record has more than others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The name of the host.
    pub host: String,
    /// Which host it is, whatever its name: the hash of its machine-id(5), which is itself not to be
    /// shown to others.
    pub machine: String,
    /// The public half of the key that signed it.
    pub key: String,
    /// The public half of the key that takes its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The signature.
    pub signature: String,
}

impl Checkpoint {
    /// Of this host, not signed yet.
    pub fn of_this_host(key: &Public, next: Option<&Public>) -> Self {
        Self {
            host: host(),
            machine: machine(),
            key: key.to_string(),
            next: next.map(Public::to_string),
            signature: String::new(),
        }
    }
}

/// The name of this host: at most 255 characters that can be seen, as all formats can have it.
pub fn host() -> String {
    /// The longest one that RFC 5424 takes.
    const LONGEST: usize = 255;
    let name = nix::unistd::gethostname().unwrap_or_default();
    let name = name.to_string_lossy();
    let name: String = name.chars().filter(char::is_ascii_graphic).take(LONGEST).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

/// Which host this is: two with one name differ, and one with another name is the same.
pub fn machine() -> String {
    let mut id = String::new();
    let file = crate::system::file::open("/etc/machine-id");
    let read = file.and_then(|file| file.take(64).read_to_string(&mut id));
    if read.is_err() || id.trim().is_empty() {
        return "-".to_owned();
    }
    hex(&Sha256::digest(format!("sm audit {}", id.trim()))[..16])
}

/// A record's text with the signature where it is missing.
pub fn with_signature(text: &str, signature: &str) -> Option<String> {
    let at = text.find(str::from_utf8(BEFORE).ok()?)? + BEFORE.len();
    Some(format!("{}{signature}{}", &text[..at], &text[at..]))
}
