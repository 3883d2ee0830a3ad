//! How often an account may ask.
//!
//! Each account has three budgets over the policy's window. What changes something spends from
//! the first, whose size is the policy's `rate`; what is refused from the second, ten times as
//! large; what only looks from the third, a hundred times as large. So polling a status does not
//! lock an account out of a restart, and hammering at what is not allowed ends in `rate_limited`.
//! A `list`, a `version` or a dry run that root answers, and so records, is a look; without root
//! they are free.
//!
//! And each has a share of the audit log in bytes ([`charge`]), whose line is in one table for all.
//!
//! A budget is a [`Ring`] of the moments at which it was spent, one file an account: exact in every
//! window, whatever happens at once, and a request reads and writes one entry of it, however
//! many accounts there are and however large the budget is. Files of which nothing counts any more
//! are removed.

pub mod bytes;
pub mod ring;
pub mod share;
pub mod slots;
pub mod store;

pub use crate::limits::bytes::Bucket;
use crate::limits::ring::{Acquired, Ring};
use crate::limits::share::TABLE;
pub use crate::limits::share::charge;
use crate::limits::store::{Exceeded, STATE, folders, now, untrusted};
use crate::policy::model::Limits;
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};
use crate::system::state::{self, boot};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many times as often as it may change something an account may be refused.
const REFUSALS: u32 = 10;

/// How many times as often it may look.
const READS: u32 = 100;

/// The largest of these two budgets: what an account's state takes is bounded, to 16 MiB each.
const LARGEST: u32 = 1 << 20;

/// How many files are looked at, whether they can go, when a new one is made.
const LOOKED_AT: usize = 256;

/// What is spent from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Changes something.
    Changes,
    /// Is refused.
    Refusals,
    /// Only looks.
    Reads,
}

impl Budget {
    fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Refusals => "refusals",
            Self::Reads => "looks",
        }
    }

    fn size(self, limits: &Limits) -> u32 {
        match self {
            Self::Changes => limits.rate_count,
            Self::Refusals => limits.rate_count.saturating_mul(REFUSALS).min(LARGEST),
            Self::Reads => limits.rate_count.saturating_mul(READS).min(LARGEST),
        }
    }
}

/// A request that was paid for. Only [`acquire`] makes one, and no intent is recorded without.
#[derive(Debug)]
pub struct Permit {
    /// How many refusals for the rate a record should stand for now.
    pub unrecorded: u64,
}

/// Spends one from the account's budget.
///
/// # Errors
/// `rate_limited` if it is used up, `untrusted_path` if its state cannot be relied on.
pub fn acquire(caller: &Caller, budget: Budget, limits: &Limits) -> Result<Permit, Exceeded> {
    let path = format!("{STATE}/{}.{}", caller.counted(), budget.name());
    let opened = folders().and_then(|()| locked(&path));
    let file = opened.map_err(untrusted)?;
    let size = budget.size(limits);
    let window = Duration::from_secs(limits.rate_seconds.into());
    let now = now().map_err(untrusted)?;
    let mut ring = Ring::of(&file, boot()).map_err(untrusted)?;
    if ring.is_new() {
        sweep(Path::new(&path), now, window);
    }
    match ring.acquire(now, size, window).map_err(untrusted)? {
        Acquired::Granted { unrecorded } => Ok(Permit { unrecorded }),
        Acquired::Exhausted { wait, record } => {
            Err(Exceeded { refusal: exhausted(caller, budget, limits, wait), record })
        }
    }
}

/// Why nothing is left of the account's budget, where nothing is. Nothing is spent, and nothing
/// written.
pub fn find_exhausted(caller: &Caller, budget: Budget, limits: &Limits) -> Option<Refusal> {
    let file = File::open(format!("{STATE}/{}.{}", caller.counted(), budget.name())).ok()?;
    file.lock_shared().ok()?;
    let window = Duration::from_secs(limits.rate_seconds.into());
    let ring = Ring::of(&file, boot()).ok()?;
    let wait = ring.exhausted(now().ok()?, budget.size(limits), window).ok()??;
    Some(exhausted(caller, budget, limits, wait))
}

fn exhausted(caller: &Caller, budget: Budget, limits: &Limits, wait: Duration) -> Refusal {
    let seconds = wait.as_millis().div_ceil(1000).max(1) as u64;
    let size = budget.size(limits);
    let what = match budget {
        Budget::Changes => "operations",
        Budget::Refusals => "refused requests",
        Budget::Reads => "questions",
    };
    Refusal::new(
        Code::RateLimited,
        format!("{} has used up its {size} {what} in {} s", caller.user, limits.rate_seconds),
    )
    .hint(format!("try again in {seconds} s"))
    .retry_after(seconds)
}

/// Opens the file of a ring and waits for its lock.
fn locked(path: &str) -> io::Result<File> {
    loop {
        let file = state::locked(path)?;
        // Taken away while this one waited for it.
        if file.metadata()?.nlink() > 0 {
            return Ok(file);
        }
    }
}

/// Removes the files of which nothing counts any more, so that what is kept does not grow with
/// the accounts that were here once. Done when a new one is made; `own` is that one.
fn sweep(own: &Path, now: Duration, window: Duration) {
    let boot = boot();
    for path in files().filter(|path| path != own).take(LOOKED_AT) {
        let Some(file) = unlocked(&path) else { continue };
        let Ok(ring) = Ring::of(&file, boot) else { continue };
        let can_go = ring.is_over(now, window) && (ring.unrecorded() == 0 || is_of_nobody(&path));
        if can_go && file.metadata().is_ok_and(|data| data.nlink() > 0) {
            let _ = fs::remove_file(&path);
        }
    }
}

fn files() -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(STATE).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path != Path::new(TABLE))
}

/// Opens the file of a ring and locks it, if nobody else has.
fn unlocked(path: &Path) -> Option<File> {
    let file = state::open(path.to_str()?, state::Access::Write, 0o600, "root").ok()?;
    file.try_lock().ok()?;
    Some(file)
}

/// Whether the account whose file this is is gone.
fn is_of_nobody(path: &Path) -> bool {
    let uid = path.file_stem().and_then(OsStr::to_str).and_then(|uid| uid.parse().ok());
    uid.is_some_and(|uid: u32| crate::request::caller::name_of(uid).is_none())
}

/// The files that are no state of the rate limit, and why: nobody whose they are is answered.
pub fn unsound() -> Vec<(PathBuf, String)> {
    let boot = boot();
    let reason = |path: &Path| {
        // Only if there is a file: opening one that is not there makes it.
        if !path.symlink_metadata().ok()?.is_file() {
            return Some("it is not a file".to_owned());
        }
        let file = File::open(path).ok()?;
        file.lock_shared().ok()?;
        Ring::of(&file, boot).err().map(|error| error.to_string())
    };
    let rings = files().filter_map(|path| reason(&path).map(|reason| (path, reason)));
    rings.chain(share::unsound()).collect()
}
