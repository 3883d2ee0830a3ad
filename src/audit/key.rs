//! The key that signs checkpoints (Ed25519, RFC 8032). Its private half never leaves the host; of its
//! public half the administrator has a copy elsewhere.
//!
//! The public half lies beside it, so that a key that was lost shows: where there was one before, no
//! other is made silently.

use crate::output::hex::hex;
use crate::system::state;
use ed25519_compact::{KeyPair, PublicKey, Signature};
use std::fmt;
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

/// The private half, in PEM (RFC 8410).
pub const FILE: &str = "/var/lib/sm/audit.key";
/// The public half, in PEM.
pub const PUBLIC: &str = "/var/lib/sm/audit.pub";

/// More than either file has, in bytes.
const MOST: u64 = 1024;
/// The last line of a public key.
const END: &str = "-----END PUBLIC KEY-----";

/// A public half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Public(PublicKey);

impl Public {
    /// Reads the 64 hexadecimal digits that a checkpoint has.
    pub fn from_hex(text: &str) -> Option<Self> {
        let key = PublicKey::new(bytes_of(text)?);
        key.validate().is_ok().then_some(Self(key))
    }

    /// Reads all that are in a text, each in PEM. None if one of them is no Ed25519 key.
    pub fn all_in(text: &str) -> Option<Vec<Self>> {
        let blocks = text.split_inclusive(END).filter(|block| block.contains(END));
        blocks
            .map(|block| PublicKey::from_pem(block).ok().filter(|key| key.validate().is_ok()))
            .map(|key| key.map(Self))
            .collect()
    }

    /// In PEM, as `openssl pkey -pubin` reads it.
    pub fn pem(&self) -> String {
        self.0.to_pem()
    }

    /// Whether its private half has signed this. `signature` is in hexadecimal.
    pub fn has_signed(&self, text: &[u8], signature: &str) -> bool {
        let signature = bytes_of(signature).map(Signature::new);
        signature.is_some_and(|signature| self.0.verify(text, &signature).is_ok())
    }
}

/// In hexadecimal.
impl fmt::Display for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0[..]))
    }
}

/// The whole key.
pub struct Key(KeyPair);

/// Its public half alone.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.public())
    }
}

impl Key {
    /// Makes one, which is nowhere yet.
    pub fn generate() -> Self {
        Self(KeyPair::generate())
    }

    /// Its public half.
    pub fn public(&self) -> Public {
        Public(self.0.pk)
    }

    /// The signature of this, in hexadecimal.
    pub fn sign(&self, text: &[u8]) -> String {
        hex(&self.0.sk.sign(text, None)[..])
    }

    /// Puts it where [`load`] finds it, instead of one that is there: all of it, or nothing. The
    /// caller has the log's lock.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn keep(&self) -> io::Result<()> {
        // As long as both are there, both are the key's: it can be killed at any instant.
        let before = kept().unwrap_or_default();
        let both = before.iter().chain([&self.public()]).map(Public::pem).collect::<String>();
        if !before.is_empty() {
            put(PUBLIC, both.as_bytes())?;
        }
        let pem = Zeroizing::new(self.0.sk.to_pem());
        put(FILE, pem.as_bytes())?;
        put(PUBLIC, self.public().pem().as_bytes())
    }

    fn read() -> io::Result<Self> {
        let bytes = state::secret(FILE, MOST)?;
        let pem = str::from_utf8(&bytes).ok();
        let pair = pem.and_then(|pem| KeyPair::from_pem(pem).ok());
        pair.map(Self).ok_or_else(|| io::Error::other(format!("{FILE} is not an Ed25519 key")))
    }
}

fn put(path: &str, bytes: &[u8]) -> io::Result<()> {
    state::put(Path::new(path), Path::new(&format!("{path}.new")), bytes, 0o600)
}

/// The key of this host; a new one if there never was one. The caller has the log's lock.
///
/// # Errors
/// If it is lost, damaged, or another one than the public half says, or if others can read it.
pub fn load() -> io::Result<Key> {
    match Key::read() {
        Ok(key) => match &kept()?[..] {
            [only] if *only == key.public() => Ok(key),
            // It was killed before it could say so.
            halves if halves.is_empty() || halves.contains(&key.public()) => {
                put(PUBLIC, key.public().pem().as_bytes())?;
                Ok(key)
            }
            _ => Err(io::Error::other(format!("{PUBLIC} is the half of another key"))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !kept()?.is_empty() {
                let lost = format!("{FILE} is missing, and {PUBLIC} says that there was one");
                return Err(io::Error::new(io::ErrorKind::NotFound, lost));
            }
            let key = Key::generate();
            key.keep()?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

/// The public half of this host's key; none if there is no key yet.
///
/// # Errors
/// As [`load`], which makes one.
pub fn public() -> io::Result<Option<Public>> {
    match (Key::read(), kept()?.is_empty()) {
        (Err(error), true) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => load().map(|key| Some(key.public())),
    }
}

/// The public halves that are kept: one, or two if it was killed while it put one in the place of
/// the other.
fn kept() -> io::Result<Vec<Public>> {
    let bytes = match state::secret(PUBLIC, MOST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes?,
    };
    let keys = str::from_utf8(&bytes).ok().and_then(Public::all_in);
    keys.filter(|keys| !keys.is_empty())
        .ok_or_else(|| io::Error::other(format!("{PUBLIC} is not an Ed25519 key")))
}

/// So many bytes in hexadecimal, in lower case as they are written.
fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |at: usize| match digits[at] {
            digit @ b'0'..=b'9' => Some(digit - b'0'),
            digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_nothing_else_is_one() {
        let [one, two] = [Key::generate(), Key::generate()].map(|key| key.public());
        let both = format!("# of web1\n{}\n# of web2\n{}", one.pem(), two.pem());
        assert_eq!(Public::all_in(&both), Some(vec![one, two]));
        assert_eq!(Public::from_hex(&one.to_string()), Some(one));
        assert_eq!(Public::all_in(""), Some(Vec::new()));
        assert_eq!(Public::all_in(&both.replacen("MCow", "MCox", 1)), None);
        let hex = one.to_string();
        for wrong in ["", &hex[1..], &hex.to_uppercase(), &format!("{hex}00"), &"0".repeat(64)] {
            // What is all digits is the same in both cases.
            assert!(wrong == hex || Public::from_hex(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn only_the_key_itself_signs() {
        let (key, other) = (Key::generate(), Key::generate());
        let signature = key.sign(b"text");
        assert!(key.public().has_signed(b"text", &signature));
        assert!(!key.public().has_signed(b"texT", &signature));
        assert!(!other.public().has_signed(b"text", &signature));
        for wrong in ["", &signature[2..], &signature.to_uppercase(), &other.sign(b"text")] {
            assert!(!key.public().has_signed(b"text", wrong), "{wrong}");
        }
        // The signatures of RFC 8032 with an order added to them are not taken.
        assert!(
            !key.public().has_signed(b"text", &format!("{}{}", &signature[..64], "f".repeat(64)))
        );
    }
}
