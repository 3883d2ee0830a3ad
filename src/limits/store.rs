//! Where the state of the limits is.

use crate::request::code::{Code, Refusal};
use crate::system::state;
use nix::time::{ClockId, clock_gettime};
use std::io;
use std::time::Duration;

/// The folder of everything that does not outlast a boot.
pub const FOLDER: &str = "/run/sm";

/// The folder of the limits.
pub const STATE: &str = "/run/sm/rate";

/// Why a request was not paid for.
#[derive(Debug)]
pub struct Exceeded {
    /// What the caller is told.
    pub refusal: Refusal,
    /// How many refusals for the rate a record should stand for now: a flood gets one record a
    /// minute. None if this one is counted and recorded later.
    pub record: Option<u64>,
}

/// Makes both folders, if they are not there.
///
/// # Errors
/// If they are not root's own, or cannot be made.
pub fn folders() -> io::Result<()> {
    state::folder(FOLDER, 0o755, "root")?;
    state::folder(STATE, 0o700, "root")
}

/// Why nothing is acquired if the state cannot be relied on.
pub fn untrusted(error: io::Error) -> Exceeded {
    // Where there is no room, nothing is wrong with what is there.
    let (what, remedy) = match error.kind() {
        io::ErrorKind::StorageFull => ("written", format!("make room: df {STATE}")),
        _ => ("trusted", format!("rm -r {STATE}")),
    };
    Exceeded {
        refusal: Refusal::new(
            Code::UntrustedPath,
            format!("the state of the rate limit cannot be {what}: {error}"),
        )
        .hint(format!("nothing runs without it; as root: {remedy}")),
        record: Some(1),
    }
}

/// Since the boot, sleep included: nobody can set this clock.
pub fn now() -> io::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_BOOTTIME)?.into())
}
