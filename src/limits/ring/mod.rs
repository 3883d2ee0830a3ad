//! The moments at which a budget was spent, in a file.
//!
//! Two heads, then the entries. A head is written whole, instead of the older of the two, and
//! is the last thing that is written: whatever is killed in between, or torn, what was there before
//! counts. The newest moment is in the head itself and becomes an entry with the next one, so that
//! one write spends.
//!
//! There is room for as many moments as counted at once so far, not for the whole budget. If it
//! is full of such as count, they are written once more to a larger place, and the next head says
//! where that is.

#[cfg(test)]
pub mod tests;

use nix::fcntl::{FallocateFlags, fallocate};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// Where a ring is kept.
pub trait Store {
    /// Reads what there is, at most as much as fits.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;
    /// Writes all of it.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Nothing from `from` to `to` is needed any more.
    fn release(&self, from: u64, to: u64);
}

impl Store for File {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        FileExt::read_at(self, bytes, at)
    }
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }
    fn release(&self, from: u64, to: u64) {
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        if let (Ok(from), Ok(length)) = (from.try_into(), to.saturating_sub(from).try_into()) {
            // If it cannot be given back, it is used again.
            let _ = fallocate(self, flags, from, length);
        }
    }
}

const MAGIC: u64 = u64::from_le_bytes(*b"sm-rate2");
/// How a ring of the version before this one begins.
const OLDER: &[u8] = b"sm-rate1";
/// What each head may take, in bytes.
const HEAD: usize = 128;
/// How many words a head has.
const WORDS: usize = 11;
/// Where the entries may begin.
const START: u64 = 2 * HEAD as u64;
/// How many moments a new ring has room for.
const FIRST: u32 = 8;

/// What a head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    /// Which of all heads it is.
    serial: u64,
    /// Of which boot the moments are.
    boot: u64,
    /// Where the entries begin, and how many there is room for.
    base: u64,
    room: u32,
    /// How many moments there are, the newest included, and where the next one goes.
    used: u32,
    next: u32,
    /// The newest moment, in nanoseconds since the boot.
    newest: u64,
    /// The minute in which a refusal was recorded last, from 1, and how many were not since.
    recorded_in: u64,
    unrecorded: u64,
}

impl Head {
    fn empty(boot: u64) -> Self {
        Self {
            serial: 0,
            boot,
            base: START,
            room: FIRST,
            used: 0,
            next: 0,
            newest: 0,
            recorded_in: 0,
            unrecorded: 0,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut words = [
            MAGIC,
            self.serial,
            self.boot,
            self.base,
            self.room.into(),
            self.used.into(),
            self.next.into(),
            self.newest,
            self.recorded_in,
            self.unrecorded,
            0,
        ];
        words[WORDS - 1] = sum(&words[..WORDS - 1]);
        words.map(u64::to_le_bytes).concat()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(bytes.try_into().ok()?);
        }
        let [magic, serial, boot, base, room, used, next, newest, recorded_in, unrecorded, check] =
            words;
        let (room, used, next) =
            (room.try_into().ok()?, used.try_into().ok()?, next.try_into().ok()?);
        let is_whole =
            bytes.len() >= WORDS * 8 && magic == MAGIC && check == sum(&words[..WORDS - 1]);
        let is_sound = next < room && used <= room && base >= START;
        (is_whole && is_sound).then_some(Self {
            serial,
            boot,
            base,
            room,
            used,
            next,
            newest,
            recorded_in,
            unrecorded,
        })
    }
}

/// Tells a torn head from a whole one (FNV-1a, a word at a time).
pub fn sum(words: &[u64]) -> u64 {
    words.iter().fold(0xcbf2_9ce4_8422_2325, |sum, word| {
        (sum ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
    })
}

/// What came of spending.
#[derive(Debug, PartialEq, Eq)]
pub enum Acquired {
    /// It was there.
    Granted {
        /// How many refusals a record should stand for now.
        unrecorded: u64,
    },
    /// It was not.
    Exhausted {
        /// Until there is one again.
        wait: Duration,
        /// How many refusals a record should stand for now.
        record: Option<u64>,
    },
}

/// The moments at which a budget was spent.
pub struct Ring<'f, S> {
    store: &'f S,
    /// Whether there was nothing yet.
    is_new: bool,
    head: Head,
}

impl<'f, S: Store> Ring<'f, S> {
    /// The ring in this store; an empty one if there is nothing, or only something of another boot.
    ///
    /// # Errors
    /// If what is there is none.
    pub fn of(store: &'f S, boot: u64) -> io::Result<Self> {
        let mut heads = [0; 2 * HEAD];
        let count = store.read_at(&mut heads, 0)?;
        if count == 0 {
            return Ok(Self { store, is_new: true, head: Head::empty(boot) });
        }
        let (first, second) = heads[..count].split_at(count.min(HEAD));
        let newest =
            [first, second].into_iter().filter_map(Head::parse).max_by_key(|head| head.serial);
        let Some(head) = newest else {
            // One of the version before this one: it begins again, as after a boot.
            if heads.starts_with(OLDER) {
                return Ok(Self { store, is_new: true, head: Head::empty(boot) });
            }
            return Err(io::Error::other("it is not a ring of moments"));
        };
        // Moments of another boot are of another clock.
        let head = if head.boot == boot {
            head
        } else {
            Head { serial: head.serial, ..Head::empty(boot) }
        };
        Ok(Self { store, is_new: false, head })
    }

    /// Whether it was made just now.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// How many refusals for the rate were not recorded yet.
    pub fn unrecorded(&self) -> u64 {
        self.head.unrecorded
    }

    /// Whether no moment in it counts any more.
    pub fn is_over(&self, now: Duration, window: Duration) -> bool {
        self.head.used == 0 || has_passed(self.head.newest, now, window)
    }

    /// Until there is one of `size` in a window again, where none is left.
    ///
    /// # Errors
    /// If moments are missing in it.
    pub fn exhausted(
        &self,
        now: Duration,
        size: u32,
        window: Duration,
    ) -> io::Result<Option<Duration>> {
        // As many spendings ago as there are units in the budget.
        if size > self.head.used {
            return Ok(None);
        }
        let oldest = self.ago(size)?;
        let is_left = has_passed(oldest, now, window);
        Ok((!is_left).then(|| Duration::from_nanos(oldest) + window - now))
    }

    /// Spends one of `size` in a window.
    ///
    /// # Errors
    /// If it cannot be written, or is not what it should be.
    pub fn acquire(&mut self, now: Duration, size: u32, window: Duration) -> io::Result<Acquired> {
        let moment = now.as_nanos() as u64;
        if self.head.used > 0 && self.head.newest > moment {
            return Err(io::Error::other("a moment in it is still to come"));
        }
        if let Some(wait) = self.exhausted(now, size, window)? {
            return self.used_up(now, wait);
        }
        let before = self.head;
        if self.is_over(now, window) {
            self.head = Head { base: START, room: FIRST, used: 0, next: 0, ..self.head };
        } else if self.head.used == self.head.room
            && !has_passed(self.ago(self.head.room)?, now, window)
        {
            self.enlarge()?;
        } else {
            let place = (self.head.next + self.head.room - 1) % self.head.room;
            let entry = self.head.base + u64::from(place) * 8;
            self.store.write_at(&self.head.newest.to_le_bytes(), entry)?;
        }
        self.head.newest = moment;
        self.head.next = (self.head.next + 1) % self.head.room;
        self.head.used = (self.head.used + 1).min(self.head.room);
        let unrecorded = self.unrecorded_until(now);
        self.write()?;
        self.release(&before);
        Ok(Acquired::Granted { unrecorded })
    }

    fn used_up(&mut self, now: Duration, wait: Duration) -> io::Result<Acquired> {
        self.head.unrecorded += 1;
        let record = Some(self.unrecorded_until(now)).filter(|count| *count > 0);
        self.write()?;
        Ok(Acquired::Exhausted { wait, record })
    }

    /// How many refusals a record should stand for now: none if there was one within this
    /// minute.
    fn unrecorded_until(&mut self, now: Duration) -> u64 {
        let minute = now.as_secs() / 60 + 1;
        if self.head.unrecorded == 0 || self.head.recorded_in == minute {
            return 0;
        }
        self.head.recorded_in = minute;
        std::mem::take(&mut self.head.unrecorded)
    }

    /// The moment so many spendings ago: 1 is the newest.
    fn ago(&self, count: u32) -> io::Result<u64> {
        if count == 1 {
            return Ok(self.head.newest);
        }
        let place = (u64::from(self.head.next) + u64::from(self.head.room - count))
            % u64::from(self.head.room);
        let mut bytes = [0; 8];
        match self.store.read_at(&mut bytes, self.head.base + place * 8)? {
            8 => Ok(u64::from_le_bytes(bytes)),
            _ => Err(io::Error::other("moments are missing in it")),
        }
    }

    /// Writes all moments once more, in their order, if there is room for twice as many.
    fn enlarge(&mut self) -> io::Result<()> {
        let Head { base, room, next, .. } = self.head;
        let mut entries = vec![0; room as usize * 8];
        // The newest is in the head: behind all others its entry may not be there yet.
        if self.store.read_at(&mut entries, base)? + 8 < entries.len() {
            return Err(io::Error::other("moments are missing in it"));
        }
        let newest = (next as usize + room as usize - 1) % room as usize * 8;
        entries[newest..newest + 8].copy_from_slice(&self.head.newest.to_le_bytes());
        entries.rotate_left(next as usize * 8);
        let larger = room.saturating_mul(2);
        let is_free = START + u64::from(larger) * 8 <= base;
        self.head.base = if is_free { START } else { base + u64::from(room) * 8 };
        self.store.write_at(&entries, self.head.base)?;
        (self.head.room, self.head.next) = (larger, room);
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        self.head.serial += 1;
        let place = if self.head.serial % 2 == 1 { 0 } else { HEAD as u64 };
        self.store.write_at(&self.head.bytes(), place)
    }

    /// Gives back the place that the entries had before, once the head says where they are now.
    fn release(&self, before: &Head) {
        let end = |head: &Head| head.base + u64::from(head.room) * 8;
        if before.base < self.head.base {
            self.store.release(START, self.head.base);
        } else if end(before) > end(&self.head) {
            self.store.release(end(&self.head), end(before));
        }
    }
}

fn has_passed(moment: u64, now: Duration, window: Duration) -> bool {
    now.checked_sub(Duration::from_nanos(moment)).is_some_and(|since| since >= window)
}
