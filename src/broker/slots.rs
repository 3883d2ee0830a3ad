//! How many connections an account may hold: so many, and another account is not kept out by it.

use crate::helper::codes::{Code, Refusal};
use crate::state;
use std::fs::{File, TryLockError};
use std::io;

/// The most connections of one account. `MaxConnections=` of the socket is many times that.
pub const MOST: u32 = 64;

const FOLDER: &str = "/run/sm/connections";

/// When to try again, in seconds.
const RETRY_AFTER: u64 = 1;

/// Takes one of the account's places; it is free again when the file is closed, in this process
/// and in those that it leaves behind.
///
/// # Errors
/// `busy` where all are taken.
pub fn take(uid: u32) -> Result<Option<File>, Refusal> {
    // Root needs none: it could as well do without the broker.
    if uid == 0 {
        return Ok(None);
    }
    let untrusted = |error: io::Error| {
        Refusal::new(
            Code::UntrustedPath,
            format!("the count of connections can not be relied on: {error}"),
        )
        .hint(format!("nothing is run without it; as root: rm -r {FOLDER}"))
    };
    state::folder("/run/sm", 0o755, "root").map_err(untrusted)?;
    state::folder(FOLDER, 0o700, "root").map_err(untrusted)?;
    for place in 0..MOST {
        let path = format!("{FOLDER}/{uid}.{place}");
        let file = state::open(&path, state::Access::Write, 0o600, "root").map_err(untrusted)?;
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(untrusted(error)),
        }
    }
    Err(Refusal::new(Code::Busy, format!("this account holds {MOST} connections already"))
        .hint("wait for the replies to some of them")
        .retry_after(RETRY_AFTER))
}
