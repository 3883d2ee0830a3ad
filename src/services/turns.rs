//! Turns for starting a unit. Whether a start is safe depends on how often the unit was started
//! before, so no other request may start it between that check and the start.
//!
//! A turn is a byte of one file, locked for its open file description (`F_OFD_SETLK`, `fcntl(2)`):
//! it is free again when the last process that has the file open closes it. Two units can share a
//! byte. Then a request for one waits needlessly for the other, but no longer than its time limit.

use crate::request::code::{Code, Refusal};
use crate::system::state::{self, Access};
use std::collections::BTreeSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::FileExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

const FOLDER: &str = "/run/sm/connections";
const FILE: &str = "/run/sm/connections/turns";

/// Where the bytes of the units begin. Before them stands the time at which the last turn began.
const FIRST: i64 = 16;
/// How many there are.
const BYTES: i64 = 1 << 40;

/// The pause between two attempts to take a turn.
const PAUSE: Duration = Duration::from_millis(50);

/// When to try again if another request keeps its turn, in seconds.
const RETRY_AFTER: u64 = 5;

/// The turns of a request, until it is dropped.
#[derive(Debug)]
pub struct Turns {
    file: File,
}

/// A moment in which no other request has a turn, and the time at which the last turn began.
#[derive(Debug, PartialEq, Eq)]
pub struct Quiet([u8; 8]);

impl Turns {
    /// Waits for the turn of the unit; `unit` is its own name, not an alias.
    ///
    /// # Errors
    /// `busy` if another request keeps it until then; `untrusted_path` if nobody can tell.
    pub fn wait(unit: &str, until: Instant) -> Result<Self, Refusal> {
        let open = || {
            state::folder("/run/sm", 0o755, "root")?;
            state::folder(FOLDER, 0o700, "root")?;
            state::open(FILE, Access::Write, 0o600, "root")
        };
        let turns = Self { file: open().map_err(|error| untrusted(&error))? };
        while !turns.take(unit).map_err(|error| untrusted(&error))? {
            if Instant::now() >= until {
                return Err(busy(unit));
            }
            sleep(PAUSE);
        }
        turns.begin().map_err(|error| untrusted(&error))?;
        Ok(turns)
    }

    /// Takes the turns of these units too: all of them or none.
    ///
    /// # Errors
    /// `untrusted_path` if nobody can tell who has them.
    pub fn add(&self, units: &BTreeSet<&str>) -> Result<bool, Refusal> {
        let mut taken = Vec::new();
        for unit in units {
            match self.take(unit) {
                Ok(true) => taken.push(*unit),
                Ok(false) => {
                    for unit in taken {
                        let _ = state::unlock_byte(&self.file, byte(unit));
                    }
                    return Ok(false);
                }
                Err(error) => return Err(untrusted(&error)),
            }
        }
        Ok(true)
    }

    /// A mark to compare with a later one: if both are equal, no turn began in between, and what was
    /// read meanwhile still holds. None if another request has a turn.
    pub fn quiet(&self) -> Option<Quiet> {
        let is_free = state::is_free(&self.file, FIRST, BYTES).unwrap_or(false);
        let mut last = [0; 8];
        self.file.read_exact_at(&mut last, 0).ok()?;
        is_free.then_some(Quiet(last))
    }

    /// Lets other requests know that a turn began.
    fn begin(&self) -> io::Result<()> {
        let now = crate::managers::systemd::start_limit::now().as_nanos() as u64;
        self.file.write_all_at(&now.to_ne_bytes(), 0)
    }

    fn take(&self, unit: &str) -> io::Result<bool> {
        state::lock_byte(&self.file, byte(unit))
    }
}

fn byte(unit: &str) -> i64 {
    let mut hasher = DefaultHasher::new();
    unit.hash(&mut hasher);
    FIRST + (hasher.finish() % BYTES as u64) as i64
}

/// Another request is at work on the unit and does not finish.
pub fn busy(unit: &str) -> Refusal {
    let error = format!("another job for {unit} is running: another request started it");
    Refusal::new(Code::Busy, error)
        .hint(format!("try again in {RETRY_AFTER} s, or stop it first"))
        .retry_after(RETRY_AFTER)
}

fn untrusted(error: &io::Error) -> Refusal {
    Refusal::new(
        Code::UntrustedPath,
        format!("cannot tell whether another request works on the unit: {error}"),
    )
    .hint(format!("nothing runs without it; as root: rm -r {FOLDER}"))
}
