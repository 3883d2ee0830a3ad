//! What decrypts: an identity of `age`, which stays in memory.

use crate::admin::answer::Failure;
use crate::admin::audit::archive::age::Tool;
use crate::audit::files::{Decrypt, LogFile};
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use crate::system::file;
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The largest file with identities, in bytes.
const LARGEST: u64 = 64 << 10;

/// A file of the log that an identity does not decrypt.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be decrypted: {why}")]
pub struct NotDecrypted {
    path: String,
    why: String,
}

/// An identity. `age` reads it from a file without a name, whose descriptor it inherits: what it runs as may
/// not read the one with a name.
#[derive(Debug, Clone)]
pub struct Identity(Arc<File>);

impl Identity {
    /// The ones in this file: of `age-keygen`, or a private SSH key, without a passphrase.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let unreadable = |error: io::Error| {
            let name = one_line(&path.to_string_lossy(), 200);
            let what = format!("the identity {name} cannot be read: {error}");
            let code = match error.kind() {
                io::ErrorKind::PermissionDenied => Code::NotPrivileged,
                _ => Code::CommandFailed,
            };
            Refusal::new(code, what)
                .hint("--identity takes a file of age-keygen, or a private SSH key")
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST as usize + 1));
        let file = file::open(path).map_err(unreadable)?;
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST {
            return Err(unreadable(io::Error::other("it is larger than 64 KiB")).into());
        }
        Ok(Self::of(&bytes).map_err(unreadable)?)
    }

    /// An identity in this text.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn of(text: &[u8]) -> io::Result<Self> {
        // Not closed on exec: that is how it is handed over.
        let mut file = File::from(memfd_create(c"identity", MFdFlags::empty())?);
        file.write_all(text)?;
        Ok(Self(Arc::new(file)))
    }

    /// What is in this file, in plain: read as it is decrypted, and nowhere on a disk.
    ///
    /// # Errors
    /// Why it cannot be decrypted.
    pub fn decrypt(&self, encrypted: &File, size: u64) -> io::Result<Box<dyn Read>> {
        let tool = Tool::age().map_err(io::Error::other)?;
        let running = tool.start(&["--decrypt", "--identity", &self.path()], encrypted, size)?;
        Ok(Box::new(running))
    }

    /// Where `age` finds it.
    fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }

    /// The same for the readers of the log.
    pub fn decrypts(&self) -> Box<Decrypt<'static>> {
        let identity = self.clone();
        Box::new(move |file: &LogFile| {
            let path = file.path.display().to_string();
            let own = identity.path();
            let named = move |error: io::Error| {
                let said = error.to_string().replace(&own, "the identity");
                io::Error::new(error.kind(), NotDecrypted { path: path.clone(), why: said })
            };
            let plain = identity.decrypt(&file.bytes()?, file.size).map_err(&named)?;
            Ok(Box::new(Named { plain, named }))
        })
    }
}

/// Says of each error which file it is about.
struct Named<F> {
    plain: Box<dyn Read>,
    named: F,
}

impl<F: Fn(io::Error) -> io::Error> Read for Named<F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.plain.read(bytes).map_err(&self.named)
    }
}
