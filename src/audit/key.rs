//! The key that signs checkpoints (Ed25519, RFC 8032). Its private half never leaves the host; of its
//! public half the administrator has a copy elsewhere.
//!
//! The public half lies beside it, so that a key that was lost shows: where there was one before, no
//! other is made silently.

use crate::output::hex::hex;
use crate::output::text::one_line;
use crate::system::{state, tool};
use ed25519_compact::{KeyPair, PublicKey, Signature};
use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// The private half, in PEM (RFC 8410).
pub const FILE: &str = "/var/lib/sm/audit.key";
/// The public half, in PEM.
pub const PUBLIC: &str = "/var/lib/sm/audit.pub";

/// The private half, sealed by `systemd-creds(1)`, instead of [`FILE`].
pub const SEALED: &str = "/var/lib/sm/audit.key.sealed";

/// More than any of these files has, in bytes.
const MOST: u64 = 16 << 10;
/// The name that is sealed with it.
const NAME: &str = "--name=sm-audit-key";
/// A TPM answers within seconds.
const PATIENCE: Duration = Duration::from_secs(60);
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

    /// Seals it. That may take as long as a TPM does: nobody may wait for it with the log's lock.
    ///
    /// # Errors
    /// If systemd-creds cannot.
    pub fn seal(&self, with: SealWith) -> io::Result<Sealed> {
        let pem = Zeroizing::new(self.0.sk.to_pem());
        let with = format!("--with-key={}", with.word());
        let sealed = creds(&["encrypt", NAME, &with, "-", "-"], pem.as_bytes())?;
        Ok(Sealed(sealed.to_vec()))
    }

    /// Puts it where [`load`] or [`unseal`] finds it, instead of one that is there: all of it, or nothing.
    /// The caller has the log's lock.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn keep(&self, sealed: Option<&Sealed>) -> io::Result<()> {
        // As long as both are there, both are the key's: it can be killed at any instant.
        let before = kept().unwrap_or_default();
        let both = before.iter().chain([&self.public()]).map(Public::pem).collect::<String>();
        if !before.is_empty() {
            put(PUBLIC, both.as_bytes())?;
        }
        match sealed {
            Some(Sealed(bytes)) => {
                put(SEALED, bytes)?;
                state::remove(Path::new(FILE))?;
            }
            None => {
                let pem = Zeroizing::new(self.0.sk.to_pem());
                put(FILE, pem.as_bytes())?;
                state::remove(Path::new(SEALED))?;
            }
        }
        state::sync_parent(FILE)?;
        put(PUBLIC, self.public().pem().as_bytes())
    }

    fn of_pem(bytes: &[u8], file: &str) -> io::Result<Self> {
        let pem = str::from_utf8(bytes).ok();
        let pair = pem.and_then(|pem| KeyPair::from_pem(pem).ok());
        pair.map(Self).ok_or_else(|| io::Error::other(format!("{file} is not an Ed25519 key")))
    }

    fn read() -> io::Result<Self> {
        Self::of_pem(&state::secret(FILE, MOST)?, FILE)
    }
}

fn put(path: &str, bytes: &[u8]) -> io::Result<()> {
    state::put(Path::new(path), Path::new(&format!("{path}.new")), bytes, 0o600)
}

/// Whether it is sealed: then no request makes a checkpoint.
pub fn is_sealed() -> bool {
    Path::new(SEALED).symlink_metadata().is_ok() && Path::new(FILE).symlink_metadata().is_err()
}

/// The key, if it is sealed. The caller does not have the log's lock, and gives the key to [`current`]
/// when it has.
///
/// # Errors
/// If it cannot be unsealed.
pub fn unseal() -> io::Result<Option<Key>> {
    if !is_sealed() {
        return Ok(None);
    }
    let sealed = state::secret(SEALED, MOST)?;
    let pem = creds(&["decrypt", NAME, "-", "-"], &sealed)?;
    Key::of_pem(&pem, SEALED).map(Some)
}

/// The key of this host, which [`unseal`] gave or which is not sealed; a new one if there never was one.
/// The caller has the log's lock.
///
/// # Errors
/// If it is lost, damaged, sealed, or another one than the public half says, or if others can read it.
pub fn current(unsealed: Option<Key>) -> io::Result<Key> {
    match unsealed {
        Some(key) => is_ours(key),
        None => load(),
    }
}

/// The key, if its public half is the one that is kept.
fn is_ours(key: Key) -> io::Result<Key> {
    match &kept()?[..] {
        [only] if *only == key.public() => Ok(key),
        // It was killed before it could say so.
        halves if halves.is_empty() || halves.contains(&key.public()) => {
            put(PUBLIC, key.public().pem().as_bytes())?;
            Ok(key)
        }
        _ => Err(io::Error::other(format!("{PUBLIC} is the half of another key"))),
    }
}

fn load() -> io::Result<Key> {
    match Key::read() {
        Ok(key) => is_ours(key),
        Err(_) if is_sealed() => Err(io::Error::other(format!("{SEALED} is not unsealed"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if !kept()?.is_empty() {
                let lost = format!("{FILE} is missing, and {PUBLIC} says that there was one");
                return Err(io::Error::new(io::ErrorKind::NotFound, lost));
            }
            let key = Key::generate();
            key.keep(None)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

/// The public half of this host's key; none if there is no key yet. A sealed one is not opened for it.
///
/// # Errors
/// As [`current`].
pub fn public() -> io::Result<Option<Public>> {
    let halves = kept()?;
    if is_sealed() {
        return match halves.last() {
            Some(key) => Ok(Some(*key)),
            None => Err(io::Error::other(format!("{PUBLIC} is missing"))),
        };
    }
    match Key::read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound && halves.is_empty() => Ok(None),
        _ => load().map(|key| Some(key.public())),
    }
}

/// What seals a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealWith {
    /// The TPM of this host.
    Tpm,
    /// A file of systemd's (`/var/lib/systemd/credential.secret`), which root can read.
    Host,
}

impl SealWith {
    fn word(self) -> &'static str {
        match self {
            Self::Tpm => "tpm2",
            Self::Host => "host",
        }
    }
}

/// A sealed key.
pub struct Sealed(Vec<u8>);

/// Runs `systemd-creds(1)`.
fn creds(arguments: &[&str], input: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    let program = tool::find("systemd-creds");
    let program = program.ok_or_else(|| io::Error::other("systemd-creds is not installed"))?;
    let (reader, mut writer) = io::pipe()?;
    // Far less than a pipe holds.
    writer.write_all(input)?;
    drop(writer);
    let mut command = tool::clean(&program);
    command.args(arguments).stdin(reader);
    let output = tool::output_within(command, PATIENCE)?;
    let printed = Zeroizing::new(output.stdout);
    if output.status.success() {
        return Ok(printed);
    }
    let reason = one_line(String::from_utf8_lossy(&output.stderr).trim(), 300);
    Err(io::Error::other(format!("systemd-creds {} failed: {reason}", arguments[0])))
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
