//! No window ever holds more than the budget, whatever is killed in the middle of a write.

use crate::limits::ring::*;
use proptest::prelude::*;
use std::cell::{Cell, RefCell};

/// A file, of which a write can be the last one of a process, in whole or in part.
#[derive(Default)]
pub struct Memory {
    held: RefCell<Vec<u8>>,
    /// After so many writes, and how much of the next one, of a hundred parts, is done.
    cut: Cell<Option<(u32, usize)>>,
}

impl Memory {
    pub fn of(held: Vec<u8>) -> Self {
        Self { held: RefCell::new(held), ..Self::default() }
    }
    pub fn size(&self) -> usize {
        self.held.borrow().len()
    }
}

impl Store for Memory {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let held = self.held.borrow();
        let rest = held.get(at as usize..).unwrap_or_default();
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let (written, is_last) = match self.cut.get() {
            Some((0, parts)) => (&bytes[..bytes.len() * parts / 100], true),
            Some((left, parts)) => {
                self.cut.set(Some((left - 1, parts)));
                (bytes, false)
            }
            None => (bytes, false),
        };
        let mut held = self.held.borrow_mut();
        let end = at as usize + written.len();
        if held.len() < end && !written.is_empty() {
            held.resize(end, 0);
        }
        if !written.is_empty() {
            held[at as usize..end].copy_from_slice(written);
        }
        if is_last { Err(io::Error::other("killed")) } else { Ok(()) }
    }
    fn release(&self, from: u64, to: u64) {
        let mut held = self.held.borrow_mut();
        let to = (to as usize).min(held.len());
        if let Some(free) = held.get_mut(from as usize..to) {
            free.fill(0xff);
        }
    }
}

const BOOT: u64 = 7;

fn try_ask(memory: &Memory, size: u32, window: u64, millis: u64) -> io::Result<Acquired> {
    let window = Duration::from_secs(window);
    Ring::of(memory, BOOT)?.acquire(Duration::from_millis(millis), size, window)
}

fn ask(memory: &Memory, size: u32, window: u64, millis: u64) -> Acquired {
    try_ask(memory, size, window, millis).unwrap()
}

fn is_paid(spent: &Acquired) -> bool {
    matches!(spent, Acquired::Granted { .. })
}

#[test]
fn all_at_once_then_none_until_the_window_has_passed() {
    let memory = Memory::default();
    assert!((0..30).all(|at| is_paid(&ask(&memory, 30, 60, 1000 + at))));
    let Acquired::Exhausted { wait, record } = ask(&memory, 30, 60, 21_000) else { panic!("paid") };
    assert_eq!((wait, record), (Duration::from_secs(40), Some(1)));
    assert!(!is_paid(&ask(&memory, 30, 60, 60_999)));
    assert!(is_paid(&ask(&memory, 30, 60, 61_000)));
}

#[test]
fn a_flood_is_recorded_once_a_minute_with_its_count() {
    let memory = Memory::default();
    assert!(is_paid(&ask(&memory, 1, 600, 1000)));
    let records: Vec<Option<u64>> = (0..30)
        .map(|at| match ask(&memory, 1, 600, 60_000 + at * 6000) {
            Acquired::Exhausted { record, .. } => record,
            Acquired::Granted { .. } => panic!("paid"),
        })
        .collect();
    assert_eq!(records.iter().flatten().collect::<Vec<_>>(), [&1, &10, &10]);
    // The next one that is paid for brings the rest, in another minute.
    assert_eq!(ask(&memory, 2, 600, 239_000), Acquired::Granted { unrecorded: 0 });
    assert_eq!(ask(&memory, 3, 600, 240_000), Acquired::Granted { unrecorded: 9 });
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
    for bytes in [vec![1; 200], vec![0; 56], vec![0; 600], b"sm-rate2".to_vec()] {
        let memory = Memory::of(bytes);
        assert!(Ring::of(&memory, BOOT).is_err());
    }
    let memory = Memory::default();
    ask(&memory, 5, 60, 9000);
    assert!(try_ask(&memory, 5, 60, 8000).is_err(), "a moment to come");
}

#[test]
fn it_is_as_large_as_what_counts_in_it() {
    let memory = Memory::default();
    // A large budget, of which little is used, for a long time.
    assert!((0..5000).all(|at| is_paid(&ask(&memory, 1 << 20, 60, at * 4000))));
    let size = memory.held.borrow().len();
    assert!(size <= 256 + 8 * 64, "{size} bytes");
    // And one of which much is used.
    let now = 30_000_000;
    assert!((0..5000).all(|at| is_paid(&ask(&memory, 1 << 20, 60, now + at))));
    let size = memory.held.borrow().len();
    assert!(size <= 256 + 8 * 4 * 5000, "{size} bytes");
    assert!(is_paid(&ask(&memory, 1 << 20, 60, now + 100_000)));
    assert_eq!(Ring::of(&memory, BOOT).unwrap().head.room, FIRST);
}

#[test]
fn another_boot_begins_anew() {
    let memory = Memory::default();
    assert!(is_paid(&ask(&memory, 1, 60, 9000)));
    let window = Duration::from_secs(60);
    let mut other = Ring::of(&memory, BOOT + 1).unwrap();
    assert!(is_paid(&other.acquire(Duration::from_secs(1), 1, window).unwrap()));
    let mut other = Ring::of(&memory, BOOT + 1).unwrap();
    assert!(!is_paid(&other.acquire(Duration::from_secs(2), 1, window).unwrap()));
}

proptest! {
    // The first head of all is not torn in these: the kernel writes within one page whole or not
    // at all, and of a file with nothing but half a head nobody knows what it was.
    #[test]
    fn no_window_ever_holds_more_than_the_budget(
        steps in proptest::collection::vec((0_u64..4000, prop::option::weighted(0.3, (0_u32..4, 0_usize..101))), 1..400),
        size in 1_u32..150,
        hurry in 1_u64..40,
    ) {
        let memory = Memory::default();
        let mut now = 1;
        // What was paid for; and what may have been, if a process was killed at its very end.
        let mut paid: Vec<u64> = Vec::new();
        let mut perhaps = 0;
        for (step, cut) in steps {
            now += step / hurry;
            let is_first = memory.held.borrow().is_empty();
            memory.cut.set(cut.filter(|(writes, parts)| !is_first || (*writes > 0 || *parts == 0)));
            let asked = try_ask(&memory, size, 10, now);
            let was_killed = asked.is_err();
            memory.cut.set(None);
            match asked {
                Ok(Acquired::Granted { .. }) => paid.push(now),
                // And never less, but for what was spent by somebody who was killed.
                Ok(Acquired::Exhausted { wait, .. }) => {
                    let count = paid.iter().filter(|at| now - **at < 10_000).count();
                    prop_assert!(count + perhaps >= size as usize);
                    prop_assert!(wait <= Duration::from_secs(10));
                    if perhaps == 0 {
                        let oldest = paid[paid.len() - size as usize];
                        prop_assert_eq!(wait, Duration::from_millis(oldest + 10_000 - now));
                    }
                }
                Err(error) => prop_assert_eq!(error.to_string(), "killed"),
            }
            perhaps += usize::from(was_killed);
            // Whatever was killed, what is there is a ring.
            prop_assert!(Ring::of(&memory, BOOT).is_ok());
        }
        for window in paid.windows(size as usize + 1) {
            prop_assert!(window[size as usize] - window[0] >= 10_000);
        }
    }
}
