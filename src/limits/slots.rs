//! How many requests an account may have under way, whichever way they came: so many, and another
//! account is not kept out by it.
//!
//! A place is a byte of one file, locked for its open file description (`F_OFD_SETLK`,
//! `fcntl(2)`): it is free again when the last process that has the file open closes it, and
//! nothing is left behind of an account that was here once.

use crate::request::caller::{Caller, Counted};
use crate::request::code::{Code, Refusal};
use crate::system::state;
use std::fs::File;
use std::io;

/// The most requests of one account. `MaxConnections=` of the socket is many times that.
pub const MOST: u32 = 64;

/// The most refusals of one account that systemd is asked to record at a time.
const MOST_RECORDED: u32 = 4;

const FOLDER: &str = "/run/sm/connections";
const FILE: &str = "/run/sm/connections/places";
const RECORDING: &str = "/run/sm/connections/recording";

/// When to try again, in seconds.
const RETRY_AFTER: u64 = 1;

/// A place that is taken, as long as this is there, in this process or in one that it made.
#[derive(Debug)]
pub struct Slot {
    _file: File,
}

/// Takes one of the account's places. Root needs none: it could as well do without the helper.
///
/// # Errors
/// `busy` if all are taken.
pub fn take(caller: &Caller) -> Result<Option<Slot>, Refusal> {
    if caller.counted() == Counted::Account(0) {
        return Ok(None);
    }
    let untrusted = |error: io::Error| {
        Refusal::new(
            Code::UntrustedPath,
            format!("the count of requests under way cannot be trusted: {error}"),
        )
        .hint(format!("nothing runs without it; as root: rm -r {FOLDER}"))
    };
    let taken = take_of(FILE, MOST, caller.counted()).map_err(untrusted)?;
    taken.map(Some).ok_or_else(|| {
        let what = format!("this account already has {MOST} requests under way");
        Refusal::new(Code::Busy, what)
            .hint("wait for the replies to some of them")
            .retry_after(RETRY_AFTER)
    })
}

/// Takes one of the account's places for a refusal that systemd is asked to record, where one is
/// free.
///
/// # Errors
/// Where they cannot be trusted.
pub fn take_for_recording(caller: &Caller) -> io::Result<Option<Slot>> {
    take_of(RECORDING, MOST_RECORDED, caller.counted())
}

fn take_of(path: &str, most: u32, counted: Counted) -> io::Result<Option<Slot>> {
    let first = match counted {
        Counted::Account(uid) => i64::from(uid) * i64::from(most),
        // No account has this id (`chown(2)`: it stands for none).
        Counted::Strangers => i64::from(u32::MAX) * i64::from(most),
    };
    state::folder("/run/sm", 0o755, "root")?;
    state::folder(FOLDER, 0o700, "root")?;
    let file = state::open(path, state::Access::Write, 0o600, "root")?;
    for place in 0..i64::from(most) {
        if state::lock_byte(&file, first + place)? {
            return Ok(Some(Slot { _file: file }));
        }
    }
    Ok(None)
}
