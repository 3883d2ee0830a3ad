//! Each account's share of the audit log, in bytes.

use crate::limits::bytes::{self, Bucket, Charge, Charged, Size, Sizes};
use crate::limits::store::{Exceeded, folders, now, untrusted};
use crate::policy::model::Limits;
use crate::request::caller::{Caller, Counted};
use crate::request::code::{Code, Refusal};
use crate::system::state::{self, boot};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// How much of the log each account has taken lately.
pub const TABLE: &str = "/run/sm/rate/bytes";

/// Takes what a record needs from the account's share of the log, in bytes; if `is_due` whatever
/// there is. Root's own requests have no share. For who has the lock on the log.
///
/// Gives how many refusals a record should stand for now.
///
/// # Errors
/// `rate_limited` if the share is used up, `untrusted_path` if its state cannot be relied on.
pub fn charge(
    caller: &Caller,
    limits: &Limits,
    bucket: Bucket,
    bytes: u64,
    is_due: bool,
) -> Result<u64, Exceeded> {
    let key = match caller.counted() {
        Counted::Account(0) => return Ok(0),
        Counted::Account(uid) => u64::from(uid),
        Counted::Strangers => u64::from(u32::MAX) + 1,
    };
    let one = Charge { key, bucket, bytes, is_due };
    let sizes = sizes(limits);
    let charged = table().and_then(|table| bytes::charge(&table, boot(), now()?, &sizes, &one));
    match charged {
        Ok(Charged::Taken { unrecorded }) => Ok(unrecorded),
        Ok(Charged::Over { wait, is_minute, record }) => {
            let seconds = wait.as_millis().div_ceil(1000).max(1) as u64;
            let Size { room, hourly } = sizes.buckets[bucket as usize];
            let share = match sizes.minute.filter(|_| is_minute) {
                Some(minute) => format!("{minute} bytes in a minute"),
                None => format!("{} MiB, and {} MiB more each hour", room >> 20, hourly >> 20),
            };
            let what = format!(
                "the records of {} have used up their share of the audit log: {share}",
                caller.user,
            );
            let refusal = Refusal::new(Code::RateLimited, what)
                .hint(format!("try again in {seconds} s, and then ask less often"))
                .retry_after(seconds);
            Err(Exceeded { refusal, record })
        }
        // What was done is written down all the same.
        Err(_) if is_due => Ok(0),
        Err(error) => Err(untrusted(error)),
    }
}

/// What an account's records may take: what the policy says, and where it says nothing, of looks and
/// refusals so much, and of changes as much as its rate needs.
fn sizes(limits: &Limits) -> Sizes {
    const MIB: u64 = 1 << 20;
    /// The largest two records of a change take about this.
    const CHANGE: u64 = 8192;
    let count = u64::from(limits.rate_count);
    let hourly = count.saturating_mul(3600) / u64::from(limits.rate_seconds.max(1));
    let least = 4 * MIB;
    let buckets = [
        Size { room: 8 * MIB, hourly: 2 * MIB },
        Size {
            room: least.max(count * CHANGE),
            // As many bytes for each as the rate of a policy that says nothing of it gets.
            hourly: least.max(least * hourly / HOURLY),
        },
    ];
    let log = &limits.audit;
    Sizes { buckets, has_buckets: log.has_usual_share, minute: log.minute_bytes.map(u64::from) }
}

/// How many changes the rate of a policy that says nothing of it lets an account make in an hour.
const HOURLY: u64 = Limits::USUAL.rate_count as u64 * 3600 / Limits::USUAL.rate_seconds as u64;

fn table() -> io::Result<File> {
    let open = || state::open(TABLE, state::Access::Write, 0o600, "root");
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            folders()?;
            open()
        }
        opened => opened,
    }
}

/// The table if it is none, and why.
pub fn unsound() -> Option<(PathBuf, String)> {
    let path = Path::new(TABLE);
    why_unsound(path).map(|reason| (path.to_owned(), reason))
}

fn why_unsound(path: &Path) -> Option<String> {
    if !path.symlink_metadata().ok()?.is_file() {
        return Some("it is not a file".to_owned());
    }
    let file = File::open(path).ok()?;
    // Whoever writes to it has this lock.
    let _lock = state::lock("audit").ok()?;
    bytes::check(&file).err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever the rate is, who keeps to it is refused for no record of the usual length.
        #[test]
        fn the_share_of_changes_is_as_large_as_the_rate_needs(
            rate_count in 1_u32..=1_000_000,
            rate_seconds in 1_u32..=86_400,
        ) {
            let [reads, changes] =
                sizes(&Limits { rate_count, rate_seconds, ..Limits::USUAL }).buckets;
            prop_assert_eq!(reads, sizes(&Limits::USUAL).buckets[0]);
            prop_assert!(changes.room >= u64::from(rate_count) * 8192);
            let hourly = u64::from(rate_count) * 3600 / u64::from(rate_seconds);
            prop_assert!(changes.hourly >= hourly * 2000);
        }
    }

    #[test]
    fn the_sizes_are_those_of_the_documents() {
        let of = |room: u64, hourly: u64| Size { room: room << 20, hourly: hourly << 20 };
        let usual = Sizes { buckets: [of(8, 2), of(4, 4)], has_buckets: true, minute: None };
        assert_eq!(sizes(&Limits::USUAL), usual);
    }
}
