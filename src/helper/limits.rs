//! How often an account may ask.
//!
//! Each account has three budgets over the policy's window. What changes something spends from
//! the first, whose size is the policy's `rate`; what is refused from the second, ten times as
//! large; what only looks from the third, a hundred times as large. So polling a status does not
//! lock an account out of a restart, and hammering at what is not allowed ends in `rate_limited`.
//! A `list`, a `version` or a dry run that root answers, and so records, is a look; without root
//! they are free.
//!
//! A budget is a ring of the moments at which it was spent, one file an account: exact in every
//! window, whatever happens at once, and a request reads and writes one entry of it, however
//! many accounts there are and however large the budget is.

use super::caller::Caller;
use super::codes::{Code, Refusal};
use crate::policy::model::Limits;
use crate::state;
use nix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Duration;

const FOLDER: &str = "/run/sm";
const STATE: &str = "/run/sm/rate";

/// How many times as often as it may change something an account may be refused.
const REFUSALS: u32 = 10;

/// How many times as often it may look.
const LOOKS: u32 = 100;

/// The largest of these two budgets: what an account's state takes is bounded, to 8 MiB each.
const LARGEST: u32 = 1 << 20;

/// What is spent from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Changes something.
    Changes,
    /// Is refused.
    Refusals,
    /// Only looks.
    Looks,
}

impl Budget {
    fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Refusals => "refusals",
            Self::Looks => "looks",
        }
    }

    fn size(self, limits: &Limits) -> u32 {
        match self {
            Self::Changes => limits.rate_count,
            Self::Refusals => limits.rate_count.saturating_mul(REFUSALS).min(LARGEST),
            Self::Looks => limits.rate_count.saturating_mul(LOOKS).min(LARGEST),
        }
    }
}

/// A request that was paid for. Only [`spend`] makes one, and no intent is recorded without.
#[derive(Debug)]
pub struct Paid {
    /// How many refusals for the rate were not recorded yet.
    pub unrecorded: u64,
}

/// Why a request was not paid for.
#[derive(Debug)]
pub struct Unpaid {
    /// What the caller is told.
    pub refusal: Refusal,
    /// How many refusals for the rate a record should stand for now: a flood gets one record a
    /// second. None where this one is counted and recorded later.
    pub record: Option<u64>,
}

/// Spends one from the account's budget.
///
/// # Errors
/// `rate_limited` where it is used up, `untrusted_path` where its state can not be relied on.
pub fn spend(caller: &Caller, budget: Budget, limits: &Limits) -> Result<Paid, Unpaid> {
    let path = format!("{STATE}/{}.{}", caller.counted(), budget.name());
    let untrusted = |error: io::Error| Unpaid {
        refusal: Refusal::new(
            Code::UntrustedPath,
            format!("the state of the rate limit can not be relied on: {error}"),
        )
        .hint(format!("nothing is run without it; as root: rm -r {STATE}")),
        record: Some(1),
    };
    let opened = (|| {
        state::folder(FOLDER, 0o755, "root")?;
        state::folder(STATE, 0o700, "root")?;
        state::locked(&path)
    })();
    let file = opened.map_err(untrusted)?;
    let size = budget.size(limits);
    let window = Duration::from_secs(limits.rate_seconds.into());
    let mut ring = Ring::of(&file, size, window).map_err(untrusted)?;
    match ring.spend(now().map_err(untrusted)?).map_err(untrusted)? {
        Spent::Paid { unrecorded } => Ok(Paid { unrecorded }),
        Spent::UsedUp { wait, record } => {
            let seconds = wait.as_millis().div_ceil(1000).max(1) as u64;
            let what = match budget {
                Budget::Changes => "operations",
                Budget::Refusals => "refused requests",
                Budget::Looks => "questions",
            };
            let refusal = Refusal::new(
                Code::RateLimited,
                format!(
                    "{} has used up its {size} {what} in {} s",
                    caller.user, limits.rate_seconds
                ),
            )
            .hint(format!("try again in {seconds} s"))
            .retry_after(seconds);
            Err(Unpaid { refusal, record })
        }
    }
}

/// Since the boot, sleep included: nobody can set this clock.
fn now() -> io::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_BOOTTIME)?.into())
}

/// What came of spending.
#[derive(Debug, PartialEq, Eq)]
enum Spent {
    Paid { unrecorded: u64 },
    UsedUp { wait: Duration, record: Option<u64> },
}

/// The moments at which a budget was spent: a head, then one entry a unit of the budget, in
/// nanoseconds, the oldest at `next`. Zero is an entry that was never spent.
struct Ring<'f, S> {
    store: &'f S,
    size: u32,
    /// How many entries there are: the largest size since the boot, so that a smaller one in
    /// between forgets nothing.
    room: u32,
    window: Duration,
    /// Of which boot the moments are.
    boot: u64,
    next: u32,
    /// The second in which a refusal was recorded last, and how many were not since.
    recorded_in: u64,
    unrecorded: u64,
}

/// Where a ring is kept.
trait Store {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    fn clear(&self) -> io::Result<()>;
}

impl Store for File {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        FileExt::read_at(self, bytes, at)
    }
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }
    fn clear(&self) -> io::Result<()> {
        self.set_len(0)
    }
}

const MAGIC: u64 = u64::from_le_bytes(*b"sm-rate1");
const HEAD: u64 = 64;
/// `magic`, boot, room, window, next, recorded_in, unrecorded
const WORDS: usize = 7;

impl<'f, S: Store> Ring<'f, S> {
    fn of(store: &'f S, size: u32, window: Duration) -> io::Result<Self> {
        let (boot, room) = (boot(), size);
        let fresh =
            Self { store, size, room, window, boot, next: 0, recorded_in: 0, unrecorded: 0 };
        let mut head = [0; WORDS * 8];
        let count = store.read_at(&mut head, 0)?;
        if count == 0 {
            return Ok(fresh);
        }
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&head[at * 8..at * 8 + 8]);
            u64::from_le_bytes(word)
        };
        if count < head.len() || word(0) != MAGIC {
            return Err(io::Error::other("it is not a ring of moments"));
        }
        // Moments of another boot are of another clock.
        if word(1) != boot {
            store.clear()?;
            return Ok(fresh);
        }
        let (old_room, next) = (word(2), word(4));
        if next >= old_room || old_room > u64::from(u32::MAX) {
            return Err(io::Error::other("its place is beyond its end"));
        }
        let ring = Self { recorded_in: word(5), unrecorded: word(6), ..fresh };
        if u64::from(size) <= old_room {
            return Ok(Self { next: next as u32, room: old_room as u32, ..ring });
        }
        // The policy has a larger rate than before: what was spent stays spent.
        ring.enlarged(old_room, next)
    }

    fn entry(&self, at: u64) -> io::Result<Duration> {
        let mut bytes = [0; 8];
        let count = self.store.read_at(&mut bytes, HEAD + at * 8)?;
        // Behind the end of the file are entries that were never spent.
        Ok(Duration::from_nanos(if count == 8 { u64::from_le_bytes(bytes) } else { 0 }))
    }

    fn set_entry(&self, at: u64, moment: Duration) -> io::Result<()> {
        self.store.write_at(&(moment.as_nanos() as u64).to_le_bytes(), HEAD + at * 8)
    }

    fn set_head(&self) -> io::Result<()> {
        let (room, next) = (u64::from(self.room), u64::from(self.next));
        let words = [
            MAGIC,
            self.boot,
            room,
            self.window.as_secs(),
            next,
            self.recorded_in,
            self.unrecorded,
        ];
        self.store.write_at(&words.map(u64::to_le_bytes).concat(), 0)
    }

    fn enlarged(mut self, old_room: u64, old_next: u64) -> io::Result<Self> {
        let mut spent = Vec::new();
        for step in 0..old_room {
            let moment = self.entry((old_next + step) % old_room)?;
            if !moment.is_zero() {
                spent.push(moment);
            }
        }
        self.store.clear()?;
        for (at, moment) in spent.iter().enumerate() {
            self.set_entry(at as u64, *moment)?;
        }
        self.next = (spent.len() as u32) % self.room;
        self.set_head()?;
        Ok(self)
    }

    fn spend(&mut self, now: Duration) -> io::Result<Spent> {
        // As many spendings ago as there are units in the budget.
        let place = u64::from(self.next) + u64::from(self.room - self.size);
        let oldest = self.entry(place % u64::from(self.room))?;
        if oldest > now {
            return Err(io::Error::other("a moment in it is still to come"));
        }
        if oldest.is_zero() || now - oldest >= self.window {
            self.set_entry(self.next.into(), now)?;
            self.next = (self.next + 1) % self.room;
            let unrecorded = std::mem::take(&mut self.unrecorded);
            self.set_head()?;
            return Ok(Spent::Paid { unrecorded });
        }
        self.unrecorded += 1;
        let record = (self.recorded_in != now.as_secs()).then_some(self.unrecorded);
        if record.is_some() {
            self.recorded_in = now.as_secs();
            self.unrecorded = 0;
        }
        self.set_head()?;
        Ok(Spent::UsedUp { wait: oldest + self.window - now, record })
    }
}

/// A number that is another one after each boot (`random(4)`).
fn boot() -> u64 {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::RefCell;

    #[derive(Default)]
    struct Memory(RefCell<Vec<u8>>);

    impl Store for Memory {
        fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
            let held = self.0.borrow();
            let rest = held.get(at as usize..).unwrap_or_default();
            let count = rest.len().min(bytes.len());
            bytes[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
        fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
            let mut held = self.0.borrow_mut();
            let end = at as usize + bytes.len();
            if held.len() < end {
                held.resize(end, 0);
            }
            held[at as usize..end].copy_from_slice(bytes);
            Ok(())
        }
        fn clear(&self) -> io::Result<()> {
            self.0.borrow_mut().clear();
            Ok(())
        }
    }

    fn ask(memory: &Memory, size: u32, window: u64, millis: u64) -> Spent {
        let mut ring = Ring::of(memory, size, Duration::from_secs(window)).unwrap();
        ring.spend(Duration::from_millis(millis)).unwrap()
    }

    fn is_paid(spent: &Spent) -> bool {
        matches!(spent, Spent::Paid { .. })
    }

    #[test]
    fn all_at_once_then_none_until_the_window_has_passed() {
        let memory = Memory::default();
        assert!((0..30).all(|at| is_paid(&ask(&memory, 30, 60, 1000 + at))));
        let Spent::UsedUp { wait, record } = ask(&memory, 30, 60, 21_000) else { panic!("paid") };
        assert_eq!((wait, record), (Duration::from_secs(40), Some(1)));
        assert!(!is_paid(&ask(&memory, 30, 60, 60_999)));
        assert!(is_paid(&ask(&memory, 30, 60, 61_000)));
    }

    #[test]
    fn a_flood_is_recorded_once_a_second_with_its_count() {
        let memory = Memory::default();
        assert!(is_paid(&ask(&memory, 1, 60, 1000)));
        let records: Vec<Option<u64>> = (0..30)
            .map(|at| match ask(&memory, 1, 60, 2000 + at * 100) {
                Spent::UsedUp { record, .. } => record,
                Spent::Paid { .. } => panic!("paid"),
            })
            .collect();
        assert_eq!(records.iter().flatten().collect::<Vec<_>>(), [&1, &10, &10]);
        assert_eq!(ask(&memory, 1, 60, 61_000), Spent::Paid { unrecorded: 9 });
    }

    #[test]
    fn another_rate_does_not_give_back_what_was_spent() {
        let memory = Memory::default();
        assert!((0..5).all(|at| is_paid(&ask(&memory, 5, 60, 1000 + at))));
        assert!(is_paid(&ask(&memory, 6, 60, 2000)));
        assert!(!is_paid(&ask(&memory, 6, 60, 2001)));
        assert!(!is_paid(&ask(&memory, 2, 60, 2002)));
        // Nor does a smaller one in between.
        assert!(!is_paid(&ask(&memory, 6, 60, 2003)));
    }

    #[test]
    fn what_is_no_ring_is_refused() {
        for bytes in [vec![1; 200], vec![0; 56], b"sm-rate1".to_vec()] {
            let memory = Memory(RefCell::new(bytes));
            assert!(Ring::of(&memory, 5, Duration::from_secs(60)).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_the_budget(
            steps in proptest::collection::vec(0_u64..4000, 1..300),
            size in 1_u32..12,
        ) {
            let memory = Memory::default();
            let mut now = 1;
            let mut paid: Vec<u64> = Vec::new();
            for step in steps {
                now += step;
                match ask(&memory, size, 10, now) {
                    Spent::Paid { .. } => paid.push(now),
                    // And never less: the wait is exact.
                    Spent::UsedUp { wait, .. } => {
                        let oldest = paid[paid.len() - size as usize];
                        prop_assert_eq!(wait, Duration::from_millis(oldest + 10_000 - now));
                    }
                }
            }
            for window in paid.windows(size as usize + 1) {
                prop_assert!(window[size as usize] - window[0] >= 10_000);
            }
        }
    }
}
