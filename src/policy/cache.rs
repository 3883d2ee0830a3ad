//! A large site policy as the table it was read into, so that not every request reads it again.
//!
//! Root's alone: in a folder that nobody else can look into. It is used only for the very file it
//! was made of and by the very program that made it; anything else about it that is not as it
//! should be means that the policy is read again.

use crate::policy::COMPILED;
use crate::policy::parse::Parsed;
use crate::system::state;
use serde::{Deserialize, Serialize};
use std::fs::{Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const FILE: &str = "/var/lib/sm/policy.cache";

/// Below this size reading the policy costs less than looking for what was kept of it.
const WORTH_IT: u64 = 65_536;

/// Another number for each form that a [`Parsed`] has had: what was kept of one must not be taken
/// for another.
const FORMAT: u32 = 5;

/// What tells one state of a file from another, and one program from another.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    file: [u64; 3],
    changed: [i64; 4],
    program: String,
}

impl Identity {
    /// Of an open file.
    pub fn of(data: &Metadata) -> Self {
        Self {
            file: [data.dev(), data.ino(), data.size()],
            changed: [data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec()],
            program: format!("{} {FORMAT} {}", env!("CARGO_PKG_VERSION"), COMPILED.hash),
        }
    }

    fn is_worth_it(&self) -> bool {
        self.file[2] >= WORTH_IT && nix::unistd::geteuid().is_root()
    }

    /// Whether the file can change again without its times showing it, which have the grain of
    /// the kernel's clock.
    fn is_too_young(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let changed = Duration::from_secs(self.changed[2].unsigned_abs());
        now.saturating_sub(changed) < Duration::from_secs(2)
    }
}

/// What was kept of a file in this state.
pub fn load(identity: &Identity) -> Option<Parsed> {
    if !identity.is_worth_it() {
        return None;
    }
    // Not blocking: a fifo put there must not hold the request.
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(FILE).ok()?;
    let data = file.metadata().ok()?;
    if !data.is_file() || data.uid() != 0 || data.mode() & 0o077 != 0 {
        return None;
    }
    let mut bytes = Vec::with_capacity(data.len() as usize);
    file.read_to_end(&mut bytes).ok()?;
    let (kept, rest) = postcard::take_from_bytes::<Identity>(&bytes).ok()?;
    if kept != *identity {
        return None;
    }
    postcard::from_bytes(rest).ok()
}

/// Keeps it; where that cannot be done, the next request reads the policy again.
pub fn save(identity: &Identity, parsed: &Parsed) {
    if identity.is_worth_it() && !identity.is_too_young() {
        let _ = write(identity, parsed);
    }
}

fn write(identity: &Identity, parsed: &Parsed) -> io::Result<()> {
    let _lock = state::lock("policy-cache")?;
    let mut bytes = postcard::to_stdvec(identity).map_err(io::Error::other)?;
    bytes.extend(postcard::to_stdvec(parsed).map_err(io::Error::other)?);
    // Half of it under a good identity would be believed after a power cut.
    let new = format!("{FILE}.new");
    state::make(Path::new(&new), &bytes, 0o600)?;
    std::fs::rename(&new, FILE)
}
