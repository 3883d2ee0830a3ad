//! A cache of a large site policy in its parsed form, so that not every request parses it again.
//!
//! It belongs to root, in a folder that nobody else can read. It is used only for the exact file it
//! was made from, and only by the exact program that made it. If anything else is wrong with it, the
//! policy is parsed again.

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

/// Below this size, in bytes, parsing the policy costs less than a look at the cache.
const WORTH_IT: u64 = 65_536;

/// Changes with each change of the form of [`Parsed`], so that an old cache is not taken for a new
/// one.
const FORMAT: u32 = 7;

/// Identifies one state of a file, or one program.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    file: [u64; 3],
    changed: [i64; 4],
    program: String,
}

impl Identity {
    /// The identity of an open file.
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

    /// Whether the file could change again without a change of its times, which are only as fine as
    /// the kernel's clock ticks.
    fn is_too_young(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let changed = Duration::from_secs(self.changed[2].unsigned_abs());
        now.saturating_sub(changed) < Duration::from_secs(2)
    }
}

/// The cached policy of a file in this state.
pub fn load(identity: &Identity) -> Option<Parsed> {
    if !identity.is_worth_it() {
        return None;
    }
    // Nonblocking, so that a fifo in its place cannot hold up the request.
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

/// Caches the policy. If that fails, the next request parses it again.
pub fn save(identity: &Identity, parsed: &Parsed) {
    if identity.is_worth_it() && !identity.is_too_young() {
        let _ = write(identity, parsed);
    }
}

fn write(identity: &Identity, parsed: &Parsed) -> io::Result<()> {
    let _lock = state::lock("policy-cache")?;
    let mut bytes = postcard::to_stdvec(identity).map_err(io::Error::other)?;
    bytes.extend(postcard::to_stdvec(parsed).map_err(io::Error::other)?);
    // After a power cut, half a cache with a good identity would be trusted.
    let new = format!("{FILE}.new");
    state::make(Path::new(&new), &bytes, 0o600)?;
    std::fs::rename(&new, FILE)
}
